/* The log. It knows levels and lines, nothing else.

   Standard error is written to without waiting. Where it is a pipe or a terminal it is opened
   once more for that, because the flag that says so belongs to everybody who has the same open
   file; a socket is told with every line; files do not make anybody wait. */
#include "log.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#define TEXT_MAX 400    /* of a text, as it is written */
#define WINDOW_MS 10000 /* in which an event may have so many lines */
#define LINES_MAX 10
#define LINES_MAX_DEBUG 1000

/* How often an event came lately. */
struct flood {
    uint64_t began_ms;
    uint32_t lines, held;
};

static struct {
    struct log_style style;
    bool configured, socket, cut; /* the last line was not written to its end */
    int descriptor;
    uint64_t dropped, dropped_told;
    struct flood floods[LOG_EVENTS_COUNT];
} the_log = {.style.config.level = LOG_LEVEL_INFO, .descriptor = STDERR_FILENO};

static const struct row {
    const char *name;
    enum log_level level;
} rows[] = {
#define X(id, name, level, meaning) {name, LOG_LEVEL_##level},
    LOG_EVENTS(X)
#undef X
};

static const char *const levels[] = {"error", "warn", "info", "debug"};

/* ---- lines ---- */

struct line {
    char *bytes;
    size_t size;
    bool json, full; /* the last thing did not fit, and was left out */
};

static void put(struct line *line, const char *text)
{
    size_t size = strlen(text);
    if (line->full || size > LOG_LINE_MAX - 3 - line->size) {
        line->full = true;
        return;
    }
    memcpy(line->bytes + line->size, text, size);
    line->size += size;
}

static bool is_plain(unsigned char c)
{
    return c >= ' ' && c < 127 && c != '"' && c != '\\';
}

/* Escapes a text to at most TEXT_MAX characters; whether it can stand without quotes. */
static bool escape(char escaped[TEXT_MAX], const char *text, size_t size, bool json)
{
    bool bare = size > 0;
    size_t length = 0, most = json ? 6 : 4;
    for (size_t i = 0; i < size && length + most < TEXT_MAX; i++) {
        unsigned char c = (unsigned char)text[i];
        if (!is_plain(c) || c == ' ' || c == '=') bare = false;
        if (is_plain(c))
            escaped[length++] = (char)c;
        else
            length += (size_t)snprintf(escaped + length, most + 1,
                                       json ? "\\u%04x" : "\\x%02x", c);
    }
    escaped[length] = '\0';
    return bare;
}

static void put_text(struct line *line, const char *text, size_t size)
{
    char escaped[TEXT_MAX];
    bool bare = escape(escaped, text, size, line->json) && !line->json;
    if (!bare) put(line, "\"");
    put(line, escaped);
    if (!bare) put(line, "\"");
}

static void put_address(struct line *line, const struct address *address)
{
    static const uint8_t nowhere[16], mapped[12] = {[10] = 0xff, [11] = 0xff};
    char text[INET6_ADDRSTRLEN] = "local";
    if (memcmp(address->bytes, mapped, sizeof mapped) == 0)
        inet_ntop(AF_INET, address->bytes + sizeof mapped, text, sizeof text);
    else if (memcmp(address->bytes, nowhere, sizeof nowhere) != 0)
        inet_ntop(AF_INET6, address->bytes, text, sizeof text);
    put_text(line, text, strlen(text));
}

static void put_key(struct line *line, const char *key)
{
    put(line, line->json ? ",\"" : " ");
    put(line, key);
    put(line, line->json ? "\":" : "=");
}

/* A field, or nothing of it when there is no room. */
static void put_field(struct line *line, const struct log_field *field)
{
    size_t before = line->size;
    char number[24];
    put_key(line, field->key);
    switch (field->kind) {
    case LOG_IS_NUMBER:
        snprintf(number, sizeof number, "%llu", (unsigned long long)field->number);
        put(line, number);
        break;
    case LOG_IS_TEXT:
        put_text(line, field->value,
                 field->number == SIZE_MAX ? strlen(field->value) : field->number);
        break;
    case LOG_IS_ADDRESS: put_address(line, field->value); break;
    }
    if (line->full) line->size = before;
}

static void put_time(struct line *line, uint64_t unix_time_ms)
{
    char text[40];
    time_t seconds = (time_t)(unix_time_ms / 1000);
    struct tm utc;
    gmtime_r(&seconds, &utc);
    size_t size = strftime(text, sizeof text, "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(text + size, sizeof text - size, ".%03uZ", (unsigned)(unix_time_ms % 1000));
    put(line, text);
}

/* What stands before the fields. */
static void put_head(struct line *line, const struct log_style *style,
                     uint64_t unix_time_ms, const struct row *row)
{
    static const char *const priorities[] = {"<3>", "<4>", "<6>", "<7>"}; /* sd-daemon(3) */
    if (style->journal) put(line, priorities[row->level]);
    if (line->json) put(line, "{\"time\":\"");
    if (line->json || !style->journal) put_time(line, unix_time_ms);
    if (line->json) put(line, "\",\"level\":\"");
    if (!line->json && !style->journal) put(line, " ");
    put(line, levels[row->level]);
    put(line, line->json ? "\",\"event\":\"" : " ");
    put(line, row->name);
    if (line->json) put(line, "\"");
}

size_t log_print(char line[LOG_LINE_MAX], const struct log_style *style,
                 uint64_t unix_time_ms, enum log_event event,
                 const struct log_field *fields)
{
    struct line out = {.bytes = line, .json = style->config.format == LOG_FORMAT_JSON};
    put_head(&out, style, unix_time_ms, &rows[event]);
    for (const struct log_field *field = fields; field->key != NULL && !out.full; field++)
        if (field->kind != LOG_IS_ADDRESS || style->config.addresses)
            put_field(&out, field);
    if (out.json) line[out.size++] = '}';
    line[out.size++] = '\n';
    return out.size;
}

/* ---- standard error ---- */

static bool can_take(void)
{
    struct pollfd ready = {.fd = the_log.descriptor, .events = POLLOUT};
    return poll(&ready, 1, 0) == 1 && (ready.revents & POLLOUT) != 0;
}

static bool put_out(const char *bytes, size_t size)
{
    ssize_t written = -1;
    if (the_log.socket)
        written = send(the_log.descriptor, bytes, size, MSG_DONTWAIT | MSG_NOSIGNAL);
    else if (can_take())
        written = write(the_log.descriptor, bytes, size);
    if (written < 0) return false;
    the_log.cut = (size_t)written < size;
    return true;
}

static bool write_line(const char *line, size_t size)
{
    if ((the_log.cut && !put_out("\n", 1)) || !put_out(line, size)) {
        the_log.dropped++;
        return false;
    }
    return true;
}

static uint64_t now_ms(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

static bool write_event(enum log_event event, const struct log_field *fields)
{
    char line[LOG_LINE_MAX];
    size_t size = log_print(line, &the_log.style, now_ms(CLOCK_REALTIME), event, fields);
    return write_line(line, size);
}

/* ---- floods ---- */

/* Says how much was held back, once the window is over. */
static void end_flood(enum log_event event, uint64_t now)
{
    struct flood *flood = &the_log.floods[event];
    if (now - flood->began_ms < WINDOW_MS) return;
    if (flood->held > 0)
        write_event(LOG_LIMITED,
                    (const struct log_field[]){LOG_TEXT("event", rows[event].name),
                                               LOG_NUMBER("lines", flood->held),
                                               {.key = NULL}});
    *flood = (struct flood){.began_ms = now};
}

static bool is_flood(enum log_event event)
{
    uint64_t now = now_ms(CLOCK_MONOTONIC);
    struct flood *flood = &the_log.floods[event];
    uint32_t most = rows[event].level == LOG_LEVEL_DEBUG ? LINES_MAX_DEBUG : LINES_MAX;
    end_flood(event, now);
    if (flood->lines++ < most) return false;
    flood->held++;
    return true;
}

static void tell_dropped(void)
{
    uint64_t lines = the_log.dropped - the_log.dropped_told, before = the_log.dropped;
    if (lines == 0) return;
    const struct log_field fields[] = {LOG_NUMBER("lines", lines), {.key = NULL}};
    if (write_event(LOG_DROPPED, fields))
        the_log.dropped_told = before;
    else
        the_log.dropped = before; /* this line was none that anybody misses */
}

void log_tick(void)
{
    uint64_t now = now_ms(CLOCK_MONOTONIC);
    tell_dropped();
    for (int event = 0; event < LOG_EVENTS_COUNT; event++)
        if (the_log.floods[event].held > 0) end_flood((enum log_event)event, now);
}

/* ---- what others call ---- */

void log_write(enum log_event event, const struct log_field *fields)
{
    if (rows[event].level > the_log.style.config.level || is_flood(event)) return;
    tell_dropped();
    write_event(event, fields);
}

void log_say(const char *text)
{
    char line[LOG_LINE_MAX];
    int size = snprintf(line, sizeof line - 1, "%s", text);
    if (size < 0 || (size_t)size >= sizeof line - 1) return;
    line[size] = '\n';
    write_line(line, (size_t)size + 1);
}

uint64_t log_dropped(void)
{
    return the_log.dropped;
}

void log_set_level(enum log_level level)
{
    the_log.style.config.level = level;
}

const char *log_level_name(enum log_level level)
{
    return levels[level];
}

bool log_level_parse(const char *name, enum log_level *level)
{
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++)
        if (strcmp(name, levels[i]) == 0) {
            *level = (enum log_level)i;
            return true;
        }
    return false;
}

const struct log_config *log_settings(void)
{
    return &the_log.style.config;
}

/* The journal says which stream is its own: systemd.exec(5), JOURNAL_STREAM. */
static bool is_journal(const struct stat *status)
{
    unsigned long long device, inode;
    const char *stream = getenv("JOURNAL_STREAM");
    return stream != NULL && sscanf(stream, "%llu:%llu", &device, &inode) == 2 &&
           device == (unsigned long long)status->st_dev &&
           inode == (unsigned long long)status->st_ino;
}

static void find_standard_error(void)
{
    struct stat status;
    if (fstat(STDERR_FILENO, &status) != 0) return;
    the_log.style.journal = is_journal(&status);
    the_log.socket = S_ISSOCK(status.st_mode);
    if (!S_ISFIFO(status.st_mode) && !S_ISCHR(status.st_mode)) return;
    int own = open("/proc/self/fd/2", O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    if (own >= 0) the_log.descriptor = own;
}

void log_configure(const struct log_config *config)
{
    if (!the_log.configured) find_standard_error();
    the_log.configured = true;
    the_log.style.config = *config;
}
