#include "answers.h"

#include "must.h"
#include "said.h"
#include "whilst/slice.h"
#include "whilst/wire.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* ---- HTTP ---- */

struct answer {
    unsigned status, lines;
    bool has_length;
    size_t length;
    unsigned nosniff, policy, referrer, robots, cached, upgraded,
        connection; /* how often */
};

/* Whether a line is the header `name`, with this value or, if it is NULL, any. */
static bool is_header(struct slice line, const char *name, const char *value)
{
    size_t size = strlen(name);
    if (line.size < size + 2 || strncasecmp(line.data, name, size) != 0 ||
        memcmp(line.data + size, ": ", 2) != 0)
        return false;
    struct slice rest = {line.data + size + 2, line.size - size - 2};
    return value == NULL || slice_is(rest, value);
}

static void read_line(struct answer *answer, struct slice line)
{
    const char *colon = memchr(line.data, ':', line.size);
    answer->lines++;
    MUST(colon != NULL && colon > line.data);
    for (const char *c = line.data; c < colon; c++)
        MUST(isalnum((unsigned char)*c) || *c == '-');
    for (const char *c = colon; c < line.data + line.size; c++)
        MUST(*c >= 0x20 && *c < 0x7f);
    answer->nosniff += is_header(line, "X-Content-Type-Options", "nosniff");
    answer->referrer += is_header(line, "Referrer-Policy", "no-referrer");
    answer->robots += is_header(line, "X-Robots-Tag", "noindex, nofollow");
    answer->policy += is_header(line, "Content-Security-Policy", NULL);
    answer->policy += is_header(line, "Cross-Origin-Resource-Policy", NULL);
    answer->cached += is_header(line, "Cache-Control", NULL);
    answer->connection += is_header(line, "Connection", NULL);
    answer->upgraded += is_header(line, "Upgrade", "WebSocket");
    if (!is_header(line, "Content-Length", NULL)) return;
    MUST(!answer->has_length);
    answer->has_length = true;
    answer->length = strtoul(colon + 2, NULL, 10);
}

static void read_status(struct answer *answer, struct slice line)
{
    static const unsigned known[] = {100, 101, 200, 201, 304, 308, 400, 403, 404, 405,
                                     408, 411, 413, 422, 426, 429, 451, 502, 503, 504};
    size_t i = 0, count = sizeof known / sizeof known[0];
    MUST(line.size > 13 && memcmp(line.data, "HTTP/1.", 7) == 0);
    answer->status = (unsigned)strtoul(line.data + 9, NULL, 10);
    while (i < count && answer->status != known[i])
        i++;
    MUST(i < count);
}

static void check_head(const struct answer *answer)
{
    if (answer->status == 101) {
        MUST(answer->upgraded == 1);
        return;
    }
    MUST(answer->upgraded == 0);
    if (answer->status == 100) {
        MUST(answer->lines == 0);
        return;
    }
    MUST(answer->nosniff == 1 && answer->referrer == 1 && answer->robots == 1);
    MUST(answer->policy >= 1 && answer->cached == 1 && answer->connection <= 1);
    MUST(answer->status == 304 ? !answer->has_length : true);
}

/* The size of a head with its empty line, or 0 if it is not complete. */
static size_t read_head(struct answer *answer, const char *bytes, size_t size)
{
    size_t at = 0;
    for (bool first = true;; first = false) {
        const char *end = memmem(bytes + at, size - at, "\r\n", 2);
        if (end == NULL) return 0;
        struct slice line = {bytes + at, (size_t)(end - bytes) - at};
        at += line.size + 2;
        if (line.size == 0) return at;
        if (first)
            read_status(answer, line);
        else
            read_line(answer, line);
    }
}

/* Of what follows a head: nothing behind it, or the next answer, is the answer to HEAD. */
static size_t body_size(const struct answer *answer, const char *rest, size_t left,
                        bool cut)
{
    static const char next[] = "HTTP/1.";
    size_t known = left < sizeof next - 1 ? left : sizeof next - 1;
    if (answer->status == 304 || !answer->has_length || memcmp(rest, next, known) == 0)
        return 0;
    MUST(cut || left >= answer->length);
    return left < answer->length ? left : answer->length;
}

size_t answers_check(const uint8_t *bytes, size_t size, bool cut)
{
    const char *text = (const char *)bytes;
    size_t at = 0;
    while (at < size) {
        struct answer answer = {0};
        size_t head = read_head(&answer, text + at, size - at);
        MUST(head > 0 || cut);
        if (head == 0) return size;
        check_head(&answer);
        at += head;
        if (answer.status == 101) return at;
        at += body_size(&answer, text + at, size - at, cut);
    }
    return at;
}

/* ---- WebSocket ---- */

struct reader {
    uint8_t *message; /* the fragments so far */
    size_t size;
    unsigned opcode; /* of the message that is open; 0: none */
    bool closed;
};

struct head {
    unsigned opcode;
    bool fin;
    size_t length, size; /* of the payload; of the head, 0 if it is not complete */
};

static struct head read_frame_head(const uint8_t *bytes, size_t size)
{
    struct head head = {0};
    if (size < 2) return head;
    head.opcode = bytes[0] & 15;
    head.fin = bytes[0] >> 7;
    MUST((bytes[0] & 0x70) == 0 && (bytes[1] & 0x80) == 0);
    MUST(head.opcode <= 2 || (head.opcode >= 8 && head.opcode <= 10));
    MUST(head.opcode < 8 || (head.fin && bytes[1] < 126));
    size_t more = bytes[1] == 126 ? 2 : bytes[1] == 127 ? 8 : 0;
    if (size < 2 + more) return head;
    head.length = more == 0 ? bytes[1] : 0;
    for (size_t i = 0; i < more; i++)
        head.length = head.length << 8 | bytes[2 + i];
    MUST(more != 2 || head.length > 125);
    MUST(more != 8 || head.length > UINT16_MAX);
    head.size = 2 + more;
    return head;
}

static void check_close(const uint8_t *payload, size_t size)
{
    MUST(size != 1);
    if (size == 0) return;
    unsigned code = (unsigned)payload[0] << 8 | payload[1];
    MUST((code >= 1000 && code <= 1013 && (code < 1004 || code > 1006)) ||
         (code >= 3000 && code <= 4999));
    MUST(wire_is_text(payload + 2, size - 2));
}

static void take_frame(struct reader *reader, const struct head *head,
                       const uint8_t *payload)
{
    /* The library does not know of the close frames that we write: it goes on with its own
       control frames until the client answers. */
    MUST(!reader->closed || head->opcode >= 8);
    if (head->opcode == 8) {
        check_close(payload, head->length);
        reader->closed = true;
    }
    if (head->opcode >= 8) return;
    MUST((head->opcode == 0) == (reader->opcode != 0));
    if (head->opcode != 0) reader->opcode = head->opcode;
    reader->message = realloc(reader->message, reader->size + head->length + 1);
    memcpy(reader->message + reader->size, payload, head->length);
    reader->size += head->length;
    if (!head->fin) return;
    said_check(reader->opcode == 1 ? MESSAGE_TEXT : MESSAGE_BINARY, reader->message,
               reader->size);
    reader->opcode = 0;
    reader->size = 0;
}

void answers_check_frames(const uint8_t *bytes, size_t size, bool cut)
{
    struct reader reader = {0};
    size_t at = 0;
    while (at < size) {
        struct head head = read_frame_head(bytes + at, size - at);
        bool complete = head.size > 0 && size - at - head.size >= head.length;
        MUST(complete || cut);
        if (!complete) break;
        take_frame(&reader, &head, bytes + at + head.size);
        at += head.size + head.length;
    }
    free(reader.message);
}
