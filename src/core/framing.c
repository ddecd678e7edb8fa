/* WebSocket frames as a client reads and writes them.

   Reading: a frame that is whole in the input and a message by itself is handed out where
   it lies; anything else is collected in `kept`, up to message_bytes_max. Control frames
   may stand between the frames of a message and have a place of their own. Whatever section
   5 of the RFC forbids the server is BROKEN: reserved bits and opcodes, a mask, lengths not
   in their shortest form, control frames that are long or in parts, a continuation of
   nothing, a new message within another, text that is not UTF-8, and codes of closing that
   may not travel. */
#include "whilst/framing.h"

#include "json.h"

#include <assert.h>

enum opcode {
    OPCODE_CONTINUATION,
    OPCODE_TEXT,
    OPCODE_BINARY,
    OPCODE_CLOSE = 8,
    OPCODE_PING,
    OPCODE_PONG,
};

#define FINAL 0x80
#define RESERVED 0x70
#define MASKED 0x80
#define CONTROL 0x08

/* ---- reading ---- */

static enum framing_kind broken(struct framing_event *event, uint16_t code)
{
    event->code = code;
    return FRAMING_BROKEN;
}

/* How long the head is that begins with these two bytes. */
static size_t head_size_of(const uint8_t *head)
{
    unsigned length = head[1] & 0x7f;
    return length < 126 ? 2 : length == 126 ? 4 : 10;
}

static bool read_length(const uint8_t *head, uint64_t *length)
{
    size_t size = head_size_of(head);
    *length = head[1] & 0x7f;
    if (size == 2) return true;
    *length = 0;
    for (size_t i = 2; i < size; i++)
        *length = *length << 8 | head[i];
    return *length >= (size == 4 ? 126 : 65536) && *length >> 63 == 0;
}

/* The head is complete: may such a frame come now? 0, or the code to close with. */
static uint16_t begin_frame(struct framing *framing, const uint8_t *head)
{
    uint64_t length;
    uint8_t opcode = head[0] & 0x0f;
    bool control = opcode >= CONTROL, final = head[0] & FINAL;
    if ((head[0] & RESERVED) || (head[1] & MASKED) || !read_length(head, &length))
        return 1002;
    if (opcode > OPCODE_PONG || (opcode > OPCODE_BINARY && opcode < OPCODE_CLOSE))
        return 1002;
    if (control && (!final || length > FRAMING_CONTROL_MAX)) return 1002;
    if (!control && (opcode == OPCODE_CONTINUATION) != framing->begun) return 1002;
    if (!control && length > framing->message_bytes_max - framing_received(framing))
        return 1009;
    framing->in_frame = true;
    framing->final = final;
    framing->opcode = opcode;
    framing->frame_left = length;
    framing->control_size = 0;
    if (!control && opcode != OPCODE_CONTINUATION) {
        framing->begun = true;
        framing->form = opcode == OPCODE_TEXT ? MESSAGE_TEXT : MESSAGE_BINARY;
    }
    return 0;
}

/* Collects the head of a frame, which may come byte by byte. 0, or the code to close
   with. */
static uint16_t take_head(struct framing *framing, const uint8_t **at, const uint8_t *end)
{
    while (*at < end) {
        framing->head[framing->head_size++] = *(*at)++;
        if (framing->head_size < 2 || framing->head_size < head_size_of(framing->head))
            continue;
        framing->head_size = 0;
        return begin_frame(framing, framing->head);
    }
    return 0;
}

static enum framing_kind finish_message(struct framing *framing, const uint8_t *bytes,
                                        size_t size, struct framing_event *event)
{
    framing->begun = false;
    *event = (struct framing_event){.form = framing->form, .bytes = bytes, .size = size};
    if (framing->form == MESSAGE_TEXT && !json_is_utf8(bytes, size))
        return broken(event, 1007);
    return FRAMING_MESSAGE;
}

/* Codes that a server may send: section 7.4, and the registry that it founded. */
static bool is_code(uint16_t code)
{
    return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
           (code >= 3000 && code <= 4999);
}

static enum framing_kind finish_control(struct framing *framing,
                                        struct framing_event *event)
{
    const uint8_t *bytes = framing->control;
    size_t size = framing->control_size;
    *event = (struct framing_event){.bytes = bytes, .size = size};
    if (framing->opcode == OPCODE_PING) return FRAMING_PING;
    if (framing->opcode == OPCODE_PONG) return FRAMING_PONG;
    event->code = 1005;
    if (size == 0) return FRAMING_CLOSE;
    if (size == 1) return broken(event, 1002);
    event->code = (uint16_t)(bytes[0] << 8 | bytes[1]);
    event->bytes += 2;
    event->size -= 2;
    if (!is_code(event->code)) return broken(event, 1002);
    if (!json_is_utf8(event->bytes, event->size)) return broken(event, 1007);
    return FRAMING_CLOSE;
}

/* Puts what has come of the frame to what is kept; false if there is no memory. */
static bool keep(struct framing *framing, const uint8_t *bytes, size_t size)
{
    if (framing->opcode >= CONTROL) {
        memcpy(framing->control + framing->control_size, bytes, size);
        framing->control_size = (uint8_t)(framing->control_size + size);
        return true;
    }
    if (framing->kept == NULL) framing->kept = message_new(framing->form, 0, size);
    if (framing->kept == NULL || !message_reserve(&framing->kept, size)) return false;
    message_append(framing->kept, bytes, size);
    return true;
}

static enum framing_kind finish_frame(struct framing *framing, struct framing_event *event)
{
    framing->in_frame = false;
    if (framing->opcode >= CONTROL) return finish_control(framing, event);
    if (!framing->final) return FRAMING_MORE;
    framing->given = true;
    return finish_message(framing, message_bytes(framing->kept), framing->kept->size,
                          event);
}

static void drop_given(struct framing *framing)
{
    if (!framing->given) return;
    framing->given = false;
    message_unref(framing->kept);
    framing->kept = NULL;
}

enum framing_kind framing_next(struct framing *framing, const uint8_t **at,
                               const uint8_t *end, struct framing_event *event)
{
    *event = (struct framing_event){0};
    drop_given(framing);
    for (;;) {
        if (!framing->in_frame) {
            uint16_t code = take_head(framing, at, end);
            if (code != 0) return broken(event, code);
            if (!framing->in_frame) return FRAMING_MORE;
        }
        size_t left = (size_t)(end - *at);
        size_t size = framing->frame_left < left ? (size_t)framing->frame_left : left;
        const uint8_t *bytes = *at;
        if (size == 0 && framing->frame_left > 0) return FRAMING_MORE;
        *at += size;
        framing->frame_left -= size;
        if (framing->frame_left == 0 && framing->final && framing->kept == NULL &&
            framing->opcode < CONTROL) {
            framing->in_frame = false;
            return finish_message(framing, bytes, size, event);
        }
        if (!keep(framing, bytes, size)) return broken(event, 1009);
        if (framing->frame_left > 0) return FRAMING_MORE;
        enum framing_kind kind = finish_frame(framing, event);
        if (kind != FRAMING_MORE) return kind;
    }
}

size_t framing_received(const struct framing *framing)
{
    return framing->begun && framing->kept != NULL ? framing->kept->size : 0;
}

void framing_clear(struct framing *framing)
{
    message_unref(framing->kept);
    *framing = (struct framing){.message_bytes_max = framing->message_bytes_max};
}

/* ---- writing ---- */

static void apply_mask(uint8_t *bytes, size_t size, const uint8_t mask[4])
{
    uint64_t wide, word;
    memcpy(&wide, mask, 4);
    memcpy((uint8_t *)&wide + 4, mask, 4);
    for (; size >= 8; bytes += 8, size -= 8) {
        memcpy(&word, bytes, 8);
        word ^= wide;
        memcpy(bytes, &word, 8);
    }
    for (size_t i = 0; i < size; i++)
        bytes[i] ^= mask[i & 3];
}

/* Writes head and mask; returns their size. */
static size_t put_head(uint8_t *out, uint8_t opcode, size_t size, const uint8_t mask[4])
{
    size_t wide = size < 126 ? 0 : size < 65536 ? 2 : 8, at = 2;
    out[0] = FINAL | opcode;
    out[1] = MASKED | (uint8_t)(wide == 0 ? size : wide == 2 ? 126 : 127);
    for (size_t i = wide; i-- > 0;)
        out[at++] = (uint8_t)(size >> 8 * i);
    memcpy(out + at, mask, 4);
    return at + 4;
}

struct slice framing_seal(struct message *message, const uint8_t mask[4])
{
    uint8_t head[14], *bytes = message_bytes(message);
    uint8_t opcode = message->form == MESSAGE_TEXT ? OPCODE_TEXT : OPCODE_BINARY;
    size_t size = put_head(head, opcode, message->size, mask);
    assert(message->refs == 1 && size <= MESSAGE_HEADROOM);
    apply_mask(bytes, message->size, mask);
    memcpy(bytes - size, head, size);
    return (struct slice){(const char *)bytes - size, size + message->size};
}

size_t framing_control(enum framing_kind kind, const uint8_t *bytes, size_t size,
                       const uint8_t mask[4], uint8_t out[FRAMING_CONTROL_SIZE])
{
    uint8_t opcode = kind == FRAMING_PING   ? OPCODE_PING
                     : kind == FRAMING_PONG ? OPCODE_PONG
                                            : OPCODE_CLOSE;
    assert(size <= FRAMING_CONTROL_MAX);
    size_t head = put_head(out, opcode, size, mask);
    if (size > 0) memcpy(out + head, bytes, size);
    apply_mask(out + head, size, mask);
    return head + size;
}

size_t framing_close(uint16_t code, const uint8_t mask[4],
                     uint8_t out[FRAMING_CONTROL_SIZE])
{
    uint8_t bytes[2] = {(uint8_t)(code >> 8), (uint8_t)code};
    return framing_control(FRAMING_CLOSE, bytes, 2, mask, out);
}
