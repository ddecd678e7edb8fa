/* The log: one line an event, on standard error. As text: time, level, event, key=value; or as
   an object of JSON. In the journal of systemd a line has its priority in front, and no time.

   Nothing here waits: a line that standard error cannot take at once is dropped and counted. An
   event that comes too often is held back, and becomes one line with a count (log_limited). */
#ifndef WHILST_NET_LOG_H
#define WHILST_NET_LOG_H

#include "log_events.h"
#include "whilst/hub.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARN, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };
enum log_format { LOG_FORMAT_TEXT, LOG_FORMAT_JSON };

struct log_config {
    enum log_level level; /* lines of lower levels are not written */
    enum log_format format;
    bool addresses; /* fields with clients' addresses are written */
};

/* Finds out what standard error is, and how lines go there. To be called again when the
   configuration changes; before, the log is text from `info` on. */
void log_configure(const struct log_config *config);
void log_set_level(enum log_level level);
const struct log_config *log_settings(void);

/* "error", "warn", "info" or "debug"; false: it is none of these. */
const char *log_level_name(enum log_level level);
bool log_level_parse(const char *name, enum log_level *level);

enum log_event {
#define X(id, name, level, meaning) LOG_##id,
    LOG_EVENTS(X)
#undef X
        LOG_EVENTS_COUNT
};

/* A field of an event. Texts may be anybody's: what ends a line or a field, or what a terminal
   would obey, is escaped, and long ones are cut. */
struct log_field {
    const char *key; /* NULL: no more fields */
    enum { LOG_IS_NUMBER, LOG_IS_TEXT, LOG_IS_ADDRESS } kind;
    uint64_t number; /* or the text's size */
    const void *value;
};

#define LOG_NUMBER(key, value)                                                             \
    {                                                                                      \
        key, LOG_IS_NUMBER, (uint64_t)(value), NULL                                        \
    }
#define LOG_BYTES(key, text, size)                                                         \
    {                                                                                      \
        key, LOG_IS_TEXT, size, text                                                       \
    }
#define LOG_TEXT(key, text)                                                                \
    {                                                                                      \
        key, LOG_IS_TEXT, SIZE_MAX, text                                                   \
    }
/* A struct address; written only if addresses are asked for. */
#define LOG_ADDRESS(key, address)                                                          \
    {                                                                                      \
        key, LOG_IS_ADDRESS, 0, address                                                    \
    }

/* log_event(LOG_STOPPING, LOG_NUMBER("signal", 15), …): with at least one field. */
#define log_event(event, ...)                                                              \
    log_write(event, (const struct log_field[]){__VA_ARGS__, {.key = NULL}})
void log_write(enum log_event event, const struct log_field *fields);

/* A line that is no event, for who started the program. */
void log_say(const char *line);

/* Writes what was held back for long enough; to be called every second or so. */
void log_tick(void);

/* Lines that standard error did not take. */
uint64_t log_dropped(void);

/* One line as it is written, with its newline; the line's size. For tests. */
#define LOG_LINE_MAX 2048
struct log_style {
    struct log_config config;
    bool journal;
};
size_t log_print(char line[LOG_LINE_MAX], const struct log_style *style,
                 uint64_t unix_time_ms, enum log_event event,
                 const struct log_field *fields);

#endif
