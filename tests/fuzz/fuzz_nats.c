/* The NATS protocol, with any bytes from the server; and credentials, with any file.

   Input: two bytes that say where to cut, and the stream. Whole, and in three pieces, it
   must bring the same; what was read must be bounded, and what it names must be writable. */
#include "must.h"
#include "whilst/nats.h"
#include "whilst/nkey.h"

#include <string.h>

#define EVENTS_MAX 2048
#define PAYLOAD_MAX 200

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* One event, and all its bytes in one run. */
struct seen {
    enum nats_kind kind;
    uint64_t subscription;
    unsigned status;
    size_t sizes[5];
    char *bytes;
    size_t size;
};

struct log {
    struct seen events[EVENTS_MAX];
    size_t count;
};

static void check_info(struct slice text)
{
    struct nats_info info;
    struct slice url;
    size_t urls = 0;
    if (!nats_read_info(text, &info)) return;
    for (; nats_next_url(&info.connect_urls, &url); urls++)
        MUST(url.data >= text.data && url.data + url.size <= text.data + text.size);
    MUST(urls <= text.size);
}

/* What came as a subject can be written as one, if it is valid. */
static void check_subject(struct slice subject)
{
    char out[NATS_COMMAND_MAX];
    if (!nats_is_subject(subject, false)) return;
    size_t size = nats_write_publish(subject, subject, 0, 1, out);
    MUST(size > 2 * subject.size && memcmp(out + 4, subject.data, subject.size) == 0);
    MUST(memchr(out, '\n', size) == out + size - 1);
}

static void add(struct log *log, enum nats_kind kind, const struct nats_event *event)
{
    const struct slice parts[5] = {event->text,
                                   event->subject,
                                   event->reply,
                                   event->headers,
                                   {(const char *)event->payload, event->size}};
    struct seen *seen = &log->events[log->count++];
    *seen = (struct seen){kind, event->subscription, event->status, {0}, NULL, 0};
    for (size_t i = 0; i < 5; i++) {
        bool has_bytes = parts[i].data != NULL;
        seen->sizes[i] = parts[i].size;
        if (has_bytes) seen->size += parts[i].size;
    }
    seen->bytes = malloc(seen->size + 1);
    char *at = seen->bytes;
    for (size_t i = 0; i < 5; i++)
        if (parts[i].data != NULL && parts[i].size > 0) {
            memcpy(at, parts[i].data, parts[i].size);
            at += parts[i].size;
        }
}

static bool read_piece(struct nats *nats, const uint8_t *bytes, size_t size,
                       struct log *log)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(copy, bytes, size);
    const uint8_t *at = copy;
    struct nats_event event;
    enum nats_kind kind;
    while ((kind = nats_next(nats, &at, copy + size, &event)) != NATS_MORE) {
        MUST(at <= copy + size && log->count < EVENTS_MAX);
        if (kind == NATS_MESSAGE)
            MUST(event.size + event.headers.size <= PAYLOAD_MAX && event.status < 1000);
        if (kind == NATS_TOO_LARGE) MUST(event.size > PAYLOAD_MAX);
        if (kind == NATS_INFO) check_info(event.text);
        if (kind == NATS_MESSAGE) check_subject(event.subject);
        if (kind == NATS_BROKEN) /* what else was read of the item differs with the cuts */
            event = (struct nats_event){.text = event.text};
        add(log, kind, &event);
        if (kind == NATS_BROKEN) break;
    }
    MUST(kind == NATS_BROKEN || at == copy + size);
    if (nats->kept != NULL) MUST(nats->kept->size < NATS_INFO_MAX);
    free(copy);
    return kind != NATS_BROKEN;
}

static void read_cut(const uint8_t *bytes, const size_t cuts[3], struct log *log)
{
    struct nats nats = {.payload_bytes_max = PAYLOAD_MAX};
    size_t done = 0;
    log->count = 0;
    for (size_t i = 0; i < 3; i++) {
        if (!read_piece(&nats, bytes + done, cuts[i] - done, log)) break;
        done = cuts[i];
    }
    nats_clear(&nats);
}

static void check_stream(const uint8_t *bytes, const size_t cuts[3])
{
    static struct log whole, pieces;
    const size_t none[3] = {cuts[2], cuts[2], cuts[2]};
    read_cut(bytes, none, &whole);
    read_cut(bytes, cuts, &pieces);
    MUST(whole.count == pieces.count);
    for (size_t i = 0; i < whole.count; i++) {
        struct seen *a = &whole.events[i], *b = &pieces.events[i];
        MUST(a->kind == b->kind && a->subscription == b->subscription);
        MUST(a->status == b->status && a->size == b->size);
        MUST(memcmp(a->sizes, b->sizes, sizeof a->sizes) == 0);
        MUST(memcmp(a->bytes, b->bytes, a->size) == 0);
        free(a->bytes);
        free(b->bytes);
    }
}

static void check_credentials(const uint8_t *data, size_t size)
{
    char *copy = malloc(size + 1);
    struct slice jwt;
    struct nkey key;
    if (size > 0) memcpy(copy, data, size);
    if (nkey_read_credentials((struct slice){copy, size}, &jwt, &key))
        MUST(strlen(key.public_key) == NKEY_PUBLIC && key.public_key[0] == 'U');
    free(copy);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t length = size - 2, first = length * data[0] / 255;
    size_t second = first + (length - first) * data[1] / 255;
    const size_t cuts[3] = {first, second, length};
    check_stream(data + 2, cuts);
    check_credentials(data + 2, length);
    return 0;
}
