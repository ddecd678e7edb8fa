/* One line an event on standard error: time, level, event, key=value. */
#ifndef WHILST_NET_LOG_H
#define WHILST_NET_LOG_H

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Lines above this level are dropped. */
void log_set_level(enum log_level level);

/* `format` gives the fields after the event, as key=value; it must not bring strings that a
   peer wrote. */
__attribute__((format(printf, 3, 4))) void
log_event(enum log_level level, const char *event, const char *format, ...);

#endif
