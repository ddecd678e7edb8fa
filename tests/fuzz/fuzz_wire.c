/* The codec and the scanner under it, with any bytes.

   Input: one byte of choices, one that says where to cut, and the message. */
#include "json.h"
#include "must.h"
#include "whilst/wire.h"

#include <jansson.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_be_same_ref(const struct ref *a, const struct ref *b)
{
    MUST(a->kind == b->kind);
    MUST(slice_equal(a->text, b->text));
}

static void must_be_same_frame(const struct frame *a, const struct frame *b)
{
    MUST(a->kind == b->kind && a->form == b->form);
    must_be_same_ref(&a->join_ref, &b->join_ref);
    must_be_same_ref(&a->ref, &b->ref);
    MUST(slice_equal(a->topic, b->topic) && slice_equal(a->event, b->event));
    MUST(slice_equal(a->status, b->status) && slice_equal(a->payload, b->payload));
}

/* What was decoded is encoded and decoded to the same, and then encoded to the same
   bytes. */
static void check_round_trip(enum wire_sender from, const struct frame *frame)
{
    struct frame again;
    struct message *first = wire_encode_new(from, frame);
    MUST(wire_decode(from, first->form, message_bytes(first), first->size, &again) ==
         WIRE_OK);
    must_be_same_frame(frame, &again);
    struct message *second = wire_encode_new(from, &again);
    MUST(first->size == second->size);
    MUST(memcmp(message_bytes(first), message_bytes(second), first->size) == 0);
    message_unref(first);
    message_unref(second);
}

static void check_names(const struct frame *frame)
{
    struct slice name = frame->kind == FRAME_REPLY ? frame->status : frame->event;
    MUST(frame->topic.size >= 1 && frame->topic.size <= WIRE_NAME_MAX);
    MUST(name.size >= 1);
    MUST(json_is_utf8((const uint8_t *)frame->topic.data, frame->topic.size));
    MUST(frame->join_ref.text.size <= WIRE_REF_MAX && frame->ref.text.size <= WIRE_REF_MAX);
}

/* A text that we take is JSON for others too, but for numbers that they find too large and
   for a NUL in a key, which their strings cannot hold. */
static void check_with_parser(const char *text, size_t size)
{
    json_error_t error;
    json_t *tree = json_loadb(text, size, JSON_ALLOW_NUL, &error);
    if (tree == NULL && json_is_utf8((const uint8_t *)text, size))
        MUST(json_error_code(&error) == json_error_numeric_overflow ||
             json_error_code(&error) == json_error_null_byte_in_key);
    json_decref(tree);
}

static void check_decoding(enum wire_sender from, enum message_form form, const char *bytes,
                           size_t size, size_t cut)
{
    struct frame whole, head, part;
    enum wire_result result = wire_decode(from, form, bytes, size, &whole);
    enum wire_result head_result = wire_decode_head(from, form, bytes, size, &head);
    enum wire_result part_result = wire_decode_head(from, form, bytes, cut, &part);
    MUST(result != WIRE_MORE);
    if (part_result == WIRE_BAD) MUST(head_result == WIRE_BAD);
    if (part_result == WIRE_OK) {
        MUST(head_result == WIRE_OK);
        MUST(slice_equal(part.topic, head.topic) && slice_equal(part.event, head.event));
    }
    if (result != WIRE_OK) return;
    MUST(head_result == WIRE_OK && slice_equal(head.topic, whole.topic));
    check_names(&whole);
    check_round_trip(from, &whole);
    if (form == MESSAGE_TEXT) check_with_parser(bytes, size);
}

/* Unescapes in parts that end at `cuts`; what was written is in `out`. */
static enum json_result unescape(const char *bytes, const size_t cuts[3], uint8_t *out,
                                 size_t *total, size_t *used)
{
    struct json_unescaper unescaper = {0};
    enum json_result result = JSON_MORE;
    *total = *used = 0;
    for (int i = 0; i < 3 && result == JSON_MORE; i++) {
        size_t part = cuts[i] - *used, taken = 0, written = 0;
        uint8_t *room = malloc(part + 3);
        result = json_unescape(&unescaper, bytes + *used, part, &taken, room, &written);
        if (result != JSON_BAD) {
            MUST(written <= part + 3 && taken <= part);
            memcpy(out + *total, room, written);
            *total += written;
            *used += taken;
        }
        free(room);
    }
    return result;
}

static void check_unescaping(const char *bytes, size_t size, size_t cut)
{
    size_t whole[3] = {size, size, size}, parts[3] = {cut, cut + (size - cut) / 2, size};
    uint8_t *a = malloc(size + 3), *b = malloc(size + 9);
    size_t a_size, b_size, a_used, b_used;
    enum json_result a_result = unescape(bytes, whole, a, &a_size, &a_used);
    enum json_result b_result = unescape(bytes, parts, b, &b_size, &b_used);
    MUST(a_result == b_result);
    if (a_result != JSON_BAD)
        MUST(a_size == b_size && a_used == b_used && memcmp(a, b, a_size) == 0);
    if (a_result != JSON_BAD && json_is_utf8((const uint8_t *)bytes, a_used))
        MUST(json_is_utf8(a, a_size));
    free(a);
    free(b);
}

static void check_utf8(const char *bytes, size_t size, size_t cut)
{
    struct json_utf8 utf8 = {0};
    bool whole = json_is_utf8((const uint8_t *)bytes, size);
    bool parts = json_feed_utf8(&utf8, (const uint8_t *)bytes, cut) &&
                 json_feed_utf8(&utf8, (const uint8_t *)bytes + cut, size - cut) &&
                 utf8.wanted == 0;
    MUST(whole == parts);
}

static void check_escaping(const char *bytes, size_t size)
{
    size_t escaped_size = json_escaped_size((const uint8_t *)bytes, size), total, used;
    uint8_t *escaped = malloc(escaped_size + 1), *back = malloc(escaped_size + 9);
    uint8_t *end = json_escape((const uint8_t *)bytes, size, escaped);
    MUST((size_t)(end - escaped) == escaped_size);
    *end = '"';
    const size_t cuts[3] = {escaped_size + 1, escaped_size + 1, escaped_size + 1};
    MUST(unescape((const char *)escaped, cuts, back, &total, &used) == JSON_OK);
    MUST(total == size && memcmp(back, bytes, size) == 0);
    free(escaped);
    free(back);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 2) return 0;
    enum wire_sender from = data[0] & 1 ? WIRE_SERVER : WIRE_CLIENT;
    enum message_form form = data[0] & 2 ? MESSAGE_BINARY : MESSAGE_TEXT;
    size_t length = size - 2, cut = length * data[1] / 255;
    char *bytes = malloc(length + 1); /* the exact size would be NULL for nothing */
    memcpy(bytes, data + 2, length);
    char *exact = realloc(bytes, length > 0 ? length : 1);
    check_decoding(from, form, exact, length, cut);
    check_unescaping(exact, length, cut);
    check_utf8(exact, length, cut);
    check_escaping(exact, length);
    free(exact);
    return 0;
}
