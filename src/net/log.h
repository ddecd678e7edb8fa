/* One line an event on standard error: time, level, event, key=value. */
#ifndef WHILST_NET_LOG_H
#define WHILST_NET_LOG_H

#include <stdbool.h>
#include <stddef.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above this level are dropped. */
void log_set_level(enum log_level level);
enum log_level log_level(void);

/* "error", "warn", "info" or "debug"; false: it is none of these. */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);

/* Text that somebody else wrote, for a field between quotes: on one line, without quotes or
   bytes that a terminal would obey, cut if it is long. */
struct log_text {
    char text[400];
};
struct log_text log_escape(const char *text, size_t size);

/* `format` gives the fields after the event, as key=value; strings that are not
   our own go through log_escape. */
__attribute__((format(printf, 3, 4))) void
log_event(enum log_level level, const char *event, const char *format, ...);

#endif
