/* Text that is built up by snprintf's rules: what has no room is counted, not written. */
#ifndef WHILST_PRINT_H
#define WHILST_PRINT_H

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Zeroed memory only counts. `length` is what all of the text has, without its
   terminator. */
struct print {
    char *out;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) static inline void print(struct print *to,
                                                               const char *format, ...)
{
    bool room = to->length < to->size;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(room ? to->out + to->length : NULL,
                            room ? to->size - to->length : 0, format, arguments);
    va_end(arguments);
    to->length += (size_t)written;
}

#endif
