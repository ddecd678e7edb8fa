/* The log. It knows levels and lines, nothing else; what a peer does never goes above
 * debug. */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

static enum log_level most = LOG_LEVEL_INFO;

void log_set_level(enum log_level level)
{
    most = level;
}

enum log_level log_level(void)
{
    return most;
}

static const char *const names[] = {"error", "warn", "info", "debug"};

const char *log_level_name(enum log_level level)
{
    return names[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (strcmp(name, names[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

struct log_text log_escape(const char *text, size_t size)
{
    struct log_text escaped;
    size_t length = 0;
    for (size_t i = 0; i < size && length + 5 < sizeof escaped.text; i++) {
        unsigned char c = (unsigned char)text[i];
        if (c >= ' ' && c < 127 && c != '"' && c != '\\')
            escaped.text[length++] = (char)c;
        else
            length += (size_t)snprintf(escaped.text + length, 5, "\\x%02x", c);
    }
    escaped.text[length] = '\0';
    return escaped;
}

void log_event(enum log_level level, const char *event, const char *format, ...)
{
    char line[1024], when[32];
    struct timespec now;
    struct tm utc;
    va_list arguments;
    if (level > most) return;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(when, sizeof when, "%Y-%m-%dT%H:%M:%S", &utc);
    va_start(arguments, format);
    vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    fprintf(stderr, "%s.%03ldZ %s %s%s%s\n", when, now.tv_nsec / 1000000, names[level],
            event, line[0] == '\0' ? "" : " ", line);
}
