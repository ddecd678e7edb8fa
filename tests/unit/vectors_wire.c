/* Every file of tests/vectors/wire: the bytes, and the frame that they are or the
   refusal. */
#include "vectors.h"

#include "whilst/wire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const kinds[] = {"push", "reply", "broadcast"};

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) fail_msg("%s: not so: %s", vectors_name, #condition);            \
    } while (0)

static void check_ref(const struct ref *ref, const json_t *expected)
{
    char integer[32];
    if (json_is_null(expected)) {
        CHECK(ref->kind == REF_NULL);
    } else if (json_is_integer(expected)) {
        snprintf(integer, sizeof integer, "%" JSON_INTEGER_FORMAT,
                 json_integer_value(expected));
        CHECK(ref->kind == REF_INTEGER && slice_is(ref->text, integer));
    } else {
        CHECK(json_is_string(expected) && ref->kind == REF_STRING);
        CHECK(slice_is(ref->text, json_string_value(expected)));
    }
}

static void check_payload(struct slice payload, const json_t *frame)
{
    const json_t *expected = json_object_get(frame, "payload");
    if (expected == NULL) {
        json_t *holder = json_pack("{sO}", "hex", json_object_get(frame, "payload_hex"));
        struct vector_bytes bytes = vectors_bytes(holder);
        CHECK(slice_equal(payload, (struct slice){bytes.data, bytes.size}));
        free(bytes.data);
        json_decref(holder);
        return;
    }
    json_t *actual =
        json_loadb(payload.data, payload.size, JSON_DECODE_ANY | JSON_ALLOW_NUL, NULL);
    CHECK(json_equal(actual, expected));
    json_decref(actual);
}

static bool is_name(struct slice name, const json_t *expected)
{
    if (expected == NULL) return name.size == 0;
    return slice_equal(
        name, (struct slice){json_string_value(expected), json_string_length(expected)});
}

static void check_frame(const struct frame *frame, const json_t *expected)
{
    CHECK(strcmp(kinds[frame->kind], vectors_string(expected, "kind")) == 0);
    check_ref(&frame->join_ref, json_object_get(expected, "join_ref"));
    check_ref(&frame->ref, json_object_get(expected, "ref"));
    CHECK(is_name(frame->topic, json_object_get(expected, "topic")));
    if (frame->kind ==
        FRAME_REPLY) /* in text its event is always phx_reply, and not kept */
        CHECK(frame->event.size == 0);
    else
        CHECK(is_name(frame->event, json_object_get(expected, "event")));
    CHECK(is_name(frame->status, json_object_get(expected, "status")));
    check_payload(frame->payload, expected);
}

/* Heads of parts of a right message are never bad; parts of text are never whole. */
static void check_parts(enum wire_sender from, const struct vector_bytes *bytes)
{
    enum message_form form = bytes->binary ? MESSAGE_BINARY : MESSAGE_TEXT;
    for (size_t size = 0; size < bytes->size; size++) {
        struct frame frame;
        CHECK(wire_decode_head(from, form, bytes->data, size, &frame) != WIRE_BAD);
        if (form == MESSAGE_TEXT && strchr("]\n\t\r ", bytes->data[size]) == NULL)
            CHECK(wire_decode(from, form, bytes->data, size, &frame) == WIRE_BAD);
    }
}

static void check_encoding(enum wire_sender from, const struct frame *frame,
                           const struct vector_bytes *bytes)
{
    struct message *message = wire_encode_new(from, frame);
    CHECK(message->size == bytes->size);
    CHECK(memcmp(message_bytes(message), bytes->data, bytes->size) == 0);
    message_unref(message);
}

static void run(const json_t *vector)
{
    struct frame frame;
    struct vector_bytes bytes = vectors_bytes(vector);
    enum message_form form = bytes.binary ? MESSAGE_BINARY : MESSAGE_TEXT;
    const char *sender = vectors_string(vector, "from");
    const json_t *expected = json_object_get(vector, "frame");
    CHECK(vectors_string(vector, "about") != NULL && sender != NULL);
    CHECK(strcmp(sender, "client") == 0 || strcmp(sender, "server") == 0);
    enum wire_sender from = strcmp(sender, "client") == 0 ? WIRE_CLIENT : WIRE_SERVER;
    enum wire_result result = wire_decode(from, form, bytes.data, bytes.size, &frame);
    if (expected == NULL) {
        const char *refusal = vectors_string(vector, "refusal");
        CHECK(refusal != NULL && result == WIRE_BAD);
        CHECK(strcmp(refusal, bytes.binary ? "bad_binary" : "bad_json") == 0);
    } else {
        CHECK(result == WIRE_OK);
        check_frame(&frame, expected);
        check_parts(from, &bytes);
        if (json_is_true(json_object_get(vector, "canonical")))
            check_encoding(from, &frame, &bytes);
    }
    free(bytes.data);
}

TEST(every_vector_of_the_wire_holds)
{
    vectors_run("wire", run);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector_of_the_wire_holds),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
