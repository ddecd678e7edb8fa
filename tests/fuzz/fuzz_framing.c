/* A client's framing and handshake, with any bytes from the server.

   Input: two bytes that say where to cut, and the stream. Whole, and in three pieces, it
   must bring the same; what was read must be sealable and come out the same again. */
#include "must.h"
#include "whilst/framing.h"
#include "whilst/handshake.h"

#include <stdint.h>
#include <string.h>

#define EVENTS_MAX 4096
#define KEY "dGhlIHNhbXBsZSBub25jZQ=="

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct seen {
    enum framing_kind kind;
    enum message_form form;
    uint16_t code;
    uint8_t *bytes;
    size_t size;
};

struct log {
    struct seen events[EVENTS_MAX];
    size_t count;
};

static uint8_t *copy_exactly(const uint8_t *bytes, size_t size)
{
    uint8_t *copy = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(copy, bytes, size);
    return copy;
}

static bool read_piece(struct framing *framing, const uint8_t *bytes, size_t size,
                       struct log *log)
{
    uint8_t *copy = copy_exactly(bytes, size);
    const uint8_t *at = copy;
    struct framing_event event;
    enum framing_kind kind;
    while ((kind = framing_next(framing, &at, copy + size, &event)) != FRAMING_MORE) {
        MUST(at <= copy + size && event.size <= framing->message_bytes_max + 125);
        if (kind == FRAMING_BROKEN) event.size = 0;
        if (log->count < EVENTS_MAX)
            log->events[log->count++] =
                (struct seen){kind, event.form, event.code,
                              copy_exactly(event.bytes, event.size), event.size};
        if (kind == FRAMING_BROKEN) break;
    }
    free(copy);
    return kind != FRAMING_BROKEN;
}

static void read_cut(const uint8_t *bytes, const size_t cuts[3], struct log *log)
{
    struct framing framing = {.message_bytes_max = 1000};
    size_t done = 0;
    log->count = 0;
    for (int i = 0; i < 3; i++) {
        if (!read_piece(&framing, bytes + done, cuts[i] - done, log)) break;
        done = cuts[i];
    }
    framing_clear(&framing);
}

/* A message that a server sent, sealed by a client, is the same without its mask. */
static void check_seal(const struct seen *seen)
{
    const uint8_t mask[4] = {1, 2, 3, 4};
    struct message *message = message_new(seen->form, 0, seen->size);
    message_append(message, seen->bytes, seen->size);
    struct slice sealed = framing_seal(message, mask);
    const uint8_t *frame = (const uint8_t *)sealed.data;
    size_t head = sealed.size - seen->size;
    MUST(frame[1] & 0x80 && memcmp(frame + head - 4, mask, 4) == 0);
    for (size_t i = 0; i < seen->size; i++)
        MUST((frame[head + i] ^ mask[i & 3]) == seen->bytes[i]);
    message_unref(message);
}

static void clear(struct log *log)
{
    for (size_t i = 0; i < log->count; i++)
        free(log->events[i].bytes);
}

static void check_framing(const uint8_t *bytes, const size_t cuts[3])
{
    static struct log whole, pieces;
    const size_t none[3] = {cuts[2], cuts[2], cuts[2]};
    read_cut(bytes, none, &whole);
    read_cut(bytes, cuts, &pieces);
    MUST(whole.count == pieces.count);
    for (size_t i = 0; i < whole.count; i++) {
        const struct seen *a = &whole.events[i], *b = &pieces.events[i];
        MUST(a->kind == b->kind && a->form == b->form && a->code == b->code);
        MUST(a->size == b->size && memcmp(a->bytes, b->bytes, a->size) == 0);
        if (a->kind == FRAMING_MESSAGE) check_seal(a);
    }
    clear(&whole);
    clear(&pieces);
}

/* What was right or wrong of a part does not change with what follows. */
static void check_handshake(const uint8_t *bytes, size_t size, size_t cut)
{
    size_t used, part_used;
    unsigned status, part_status;
    char *part = (char *)copy_exactly(bytes, cut),
         *whole = (char *)copy_exactly(bytes, size);
    enum handshake_result first = handshake_read(KEY, part, cut, &part_used, &part_status);
    enum handshake_result last = handshake_read(KEY, whole, size, &used, &status);
    if (first != HANDSHAKE_MORE) MUST(first == last);
    if (first == HANDSHAKE_OK) MUST(used == part_used && used <= cut);
    if (first == HANDSHAKE_REFUSED) MUST(status == part_status && status < 1000);
    free(part);
    free(whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    size_t length = size - 2, first = length * data[0] / 255;
    size_t second = first + (length - first) * data[1] / 255;
    const size_t cuts[3] = {first, second, length};
    check_framing(data + 2, cuts);
    check_handshake(data + 2, length, first);
    return 0;
}
