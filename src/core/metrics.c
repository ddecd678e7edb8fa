/* The hub's counters as text, and the words of its refusals; both walk the rows of a
   table. */
#include "whilst/metrics.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>

const char *reason_word(enum reason reason)
{
    static const char *const words[] = {"",
#define X(name, label, word) word,
                                        REASONS(X)
#undef X
    };
    return words[reason];
}

/* Appends to out[*length…]; counts on when there is no room. */
__attribute__((format(printf, 4, 5))) static void
print(char *out, size_t size, size_t *length, const char *format, ...)
{
    bool room = *length < size;
    va_list arguments;
    va_start(arguments, format);
    int written = vsnprintf(room ? out + *length : NULL, room ? size - *length : 0, format,
                            arguments);
    va_end(arguments);
    *length += (size_t)written;
}

size_t metrics_print_row(const char *name, const char *type, const char *help,
                         uint64_t value, char *out, size_t size)
{
    size_t length = 0;
    print(out, size, &length, "# HELP %s %s\n# TYPE %s %s\n%s %" PRIu64 "\n", name, help,
          name, type, name, value);
    return length;
}

size_t metrics_print(const struct metrics *metrics, char *out, size_t size)
{
    static const char *const labels[] = {"",
#define X(name, label, word) label,
                                         REASONS(X)
#undef X
    };
    size_t length = 0;
#define X(type, field, help)                                                               \
    length += metrics_print_row("whilst_" #field, #type, help, metrics->field,             \
                                length < size ? out + length : NULL,                       \
                                length < size ? size - length : 0);
    METRICS(X)
#undef X
    print(out, size, &length,
          "# HELP whilst_refusals_total What was refused, by reason\n"
          "# TYPE whilst_refusals_total counter\n");
    for (int reason = 1; reason < REASONS_END; reason++)
        print(out, size, &length, "whilst_refusals_total{reason=\"%s\"} %" PRIu64 "\n",
              labels[reason], metrics->refusals[reason]);
    return length;
}
