/* The codec: what it writes it reads, and no more. */
#include "whilst/wire.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

/* Text with ' for ", in memory of its exact size, so that reading on is noticed. */
struct exact {
    char *text;
    size_t size;
};

static struct exact exact_new(const char *text, size_t size)
{
    struct exact exact = {malloc(size > 0 ? size : 1), size};
    for (size_t i = 0; i < size; i++)
        exact.text[i] = text[i] == '\'' ? '"' : text[i];
    return exact;
}

static enum wire_result decode(enum wire_sender from, const char *text, struct frame *frame)
{
    static struct exact kept; /* the frame points into it until the next call */
    free(kept.text);
    kept = exact_new(text, strlen(text));
    return wire_decode(from, MESSAGE_TEXT, kept.text, kept.size, frame);
}

static void assert_slice(struct slice slice, const char *text)
{
    assert_int_equal(slice.size, strlen(text));
    if (slice.size > 0) assert_memory_equal(slice.data, text, slice.size);
}

TEST(a_push_is_read_into_its_parts)
{
    struct frame frame;
    assert_int_equal(decode(WIRE_CLIENT, "['3',7,'all','phx_join',{'a':[1]}]", &frame),
                     WIRE_OK);
    assert_int_equal(frame.kind, FRAME_PUSH);
    assert_int_equal(frame.form, MESSAGE_TEXT);
    assert_int_equal(frame.join_ref.kind, REF_STRING);
    assert_slice(frame.join_ref.text, "3");
    assert_int_equal(frame.ref.kind, REF_INTEGER);
    assert_slice(frame.ref.text, "7");
    assert_slice(frame.topic, "all");
    assert_slice(frame.event, "phx_join");
    assert_slice(frame.payload, "{\"a\":[1]}");
    assert_slice(frame.status, "");
}

TEST(references_may_be_null_integers_or_plain_strings)
{
    static const struct {
        const char *text;
        enum ref_kind kind;
        const char *value;
    } refs[] = {{"null", REF_NULL, ""},
                {"0", REF_INTEGER, "0"},
                {"-0", REF_INTEGER, "-0"},
                {"-12", REF_INTEGER, "-12"},
                {"''", REF_STRING, ""},
                {"'a b'", REF_STRING, "a b"},
                {"'\xc3\xa9'", REF_STRING, "\xc3\xa9"}};
    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        char text[100];
        struct frame frame;
        snprintf(text, sizeof text, "[%s,%s,'all','x',{}]", refs[i].text, refs[i].text);
        assert_int_equal(decode(WIRE_CLIENT, text, &frame), WIRE_OK);
        assert_int_equal(frame.join_ref.kind, refs[i].kind);
        assert_slice(frame.join_ref.text, refs[i].value);
        assert_int_equal(frame.ref.kind, refs[i].kind);
        assert_slice(frame.ref.text, refs[i].value);
    }
}

TEST(names_lose_their_escapes)
{
    struct frame frame;
    assert_int_equal(
        decode(WIRE_CLIENT, "[1,2,'a\\u006Cl\\n','\\ud83d\\ude00\\'',{}]", &frame),
        WIRE_OK);
    assert_slice(frame.topic, "all\n");
    assert_slice(frame.event, "\xf0\x9f\x98\x80\"");
}

/* A frame with a topic of n characters, each written as `unit`. */
static enum wire_result decode_name(const char *unit, int n)
{
    static char text[8000];
    struct frame frame;
    strcpy(text, "[1,2,'");
    for (int i = 0; i < n; i++)
        strcat(text, unit);
    strcat(text, "','x',{}]");
    return decode(WIRE_CLIENT, text, &frame);
}

TEST(names_have_from_1_to_255_bytes)
{
    assert_int_equal(decode_name("a", 0), WIRE_BAD);
    assert_int_equal(decode_name("a", 1), WIRE_OK);
    assert_int_equal(decode_name("a", 255), WIRE_OK);
    assert_int_equal(decode_name("a", 256), WIRE_BAD);
    assert_int_equal(decode_name("\\u0041", 255), WIRE_OK);
    assert_int_equal(decode_name("\\u0041", 256), WIRE_BAD);
    assert_int_equal(decode_name("\\u20ac", 85), WIRE_OK);
    assert_int_equal(decode_name("\\u20ac", 86), WIRE_BAD);
    assert_int_equal(decode_name("\\n", 900), WIRE_BAD);
    assert_int_equal(decode_name("\xff", 1), WIRE_BAD);
}

TEST(a_reference_has_at_most_64_characters)
{
    static const int sizes[] = {64, 65};
    for (int i = 0; i < 2; i++) {
        char text[200];
        struct frame frame;
        snprintf(text, sizeof text, "['%0*d',%.*s,'all','x',{}]", sizes[i], 0, sizes[i],
                 "1111111111111111111111111111111111111111111111111111111111111111111111");
        assert_int_equal(decode(WIRE_CLIENT, text, &frame), i == 0 ? WIRE_OK : WIRE_BAD);
    }
}

static const char *const wrong_texts[] = {
    "",
    " ",
    "null",
    "7",
    "'a'",
    "{}",
    "[]",
    "[1]",
    "[1,2,'t','e']",
    "[1,2,'t','e',]",
    "[1,2,'t','e',{}",
    "[1,2,'t','e',{}]]",
    "[1,2,'t','e',{}] x",
    "[1,2,'t','e',{},]",
    "[1,2,'t','e',{} 5]",
    "[1.5,2,'t','e',{}]",
    "[1e5,2,'t','e',{}]",
    "[1,true,'t','e',{}]",
    "[[],2,'t','e',{}]",
    "[{},2,'t','e',{}]",
    "['a\\n',2,'t','e',{}]",
    "[1,2,3,'e',{}]",
    "[1,2,null,'e',{}]",
    "[1,2,'t',null,{}]",
    "[1,2,'t',['e'],{}]",
    "[1,2,'','e',{}]",
    "[1,2,'t','',{}]",
    "[01,2,'t','e',{}]",
    "[-,2,'t','e',{}]",
    "[nul,2,'t','e',{}]",
    "[1,2,'t','e',nul]",
    "[1,2,'t\\x','e',{}]",
    "[1;2,'t','e',{}]",
    "['\xff',2,'t','e',{}]",
    "[1,2,'t','\xc3','e',{}]",
    "[1,2,'\\ud800','e',{}]",
    "\xef\xbb\xbf[1,2,'t','e',{}]",
};

TEST(anything_else_is_bad)
{
    for (size_t i = 0; i < sizeof wrong_texts / sizeof wrong_texts[0]; i++) {
        struct frame frame;
        if (decode(WIRE_CLIENT, wrong_texts[i], &frame) != WIRE_BAD)
            fail_msg("%s", wrong_texts[i]);
    }
}

TEST(elements_after_the_fifth_are_ignored)
{
    struct frame frame;
    assert_int_equal(decode(WIRE_CLIENT, "[1,2,'t','e',{},6, {'a':[]} ]\n", &frame),
                     WIRE_OK);
    assert_slice(frame.payload, "{}");
}

TEST(the_servers_replies_and_broadcasts_are_told_from_its_pushes)
{
    struct frame frame;
    const char *reply = "['1','2','all','phx_reply',{'response':{'a':1},'status':'ok'}]";
    assert_int_equal(decode(WIRE_SERVER, reply, &frame), WIRE_OK);
    assert_int_equal(frame.kind, FRAME_REPLY);
    assert_slice(frame.status, "ok");
    assert_slice(frame.payload, "{\"a\":1}");
    assert_slice(frame.event, "");
    assert_int_equal(decode(WIRE_SERVER, "[null,null,'t','e',{}]", &frame), WIRE_OK);
    assert_int_equal(frame.kind, FRAME_BROADCAST);
    assert_int_equal(decode(WIRE_SERVER, "['1',null,'t','e',{}]", &frame), WIRE_OK);
    assert_int_equal(frame.kind, FRAME_PUSH);
    assert_int_equal(decode(WIRE_CLIENT, reply, &frame), WIRE_OK);
    assert_int_equal(frame.kind, FRAME_PUSH);
    assert_slice(frame.event, "phx_reply");
}

TEST(a_reply_without_a_status_or_a_response_is_bad)
{
    static const char *const payloads[] = {
        "{}",
        "5",
        "[]",
        "{'status':'ok'}",
        "{'response':{}}",
        "{'status':5,'response':{}}",
        "{'status':'','response':{}}",
        "{'status':'o\\u006b','response':{}}",
    };
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        char text[100];
        struct frame frame;
        snprintf(text, sizeof text, "['1','2','all','phx_reply',%s]", payloads[i]);
        if (decode(WIRE_SERVER, text, &frame) != WIRE_BAD) fail_msg("%s", payloads[i]);
    }
}

TEST(no_part_of_a_text_message_is_a_message)
{
    static const char *const texts[] = {"[null,\"1\",\"phoenix\",\"heartbeat\",{}]",
                                        "[\"1\",2,\"all\",\"phx_join\",{\"a\":1}]",
                                        "[1,2,\"a\\u006cl\",\"e\",{\"b\":[1,\"\\\"\"]},7]"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        for (size_t size = 0; size < strlen(texts[i]); size++) {
            struct exact part = exact_new(texts[i], size);
            struct frame frame;
            assert_int_equal(
                wire_decode(WIRE_CLIENT, MESSAGE_TEXT, part.text, size, &frame), WIRE_BAD);
            free(part.text);
        }
}

TEST(a_head_asks_for_more_until_its_last_comma)
{
    const char *text = "[ \"1\" , 12 ,\"a\\u006cl\", \"content\" , {\"content\":\"x\"}]";
    size_t head = (size_t)(strchr(text, '{') - text) - 1;
    for (size_t size = 0; size <= strlen(text); size++) {
        struct exact part = exact_new(text, size);
        struct frame frame;
        enum wire_result result =
            wire_decode_head(WIRE_CLIENT, MESSAGE_TEXT, part.text, size, &frame);
        assert_int_equal(result, size < head ? WIRE_MORE : WIRE_OK);
        if (result == WIRE_OK) {
            assert_slice(frame.topic, "all");
            assert_int_equal(frame.payload.size, size - head);
        }
        free(part.text);
    }
}

TEST(a_wrong_head_is_bad_as_soon_as_it_can_be_seen)
{
    static const char *const heads[] = {"{",         "[x",    "[1,2,3",
                                        "[1,2,\"\"", "[1.5,", "[1,2,\"t\",\"e\"}",
                                        "[\"a\\",    "[1,,",  "[1,2,\"\\u12x"};
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        struct frame frame;
        size_t size = strlen(heads[i]);
        enum wire_result last =
            wire_decode_head(WIRE_CLIENT, MESSAGE_TEXT, heads[i], size, &frame);
        bool later = heads[i][size - 1] == '\\';
        if (last != (later ? WIRE_MORE : WIRE_BAD)) fail_msg("%s", heads[i]);
        assert_int_equal(
            wire_decode_head(WIRE_CLIENT, MESSAGE_TEXT, heads[i], size - 1, &frame),
            WIRE_MORE);
    }
}

/* ---- binary ---- */

static struct slice binary_of(struct message *message)
{
    return (struct slice){(char *)message_bytes(message), message->size};
}

static void assert_same_frame(const struct frame *a, const struct frame *b)
{
    assert_int_equal(a->kind, b->kind);
    assert_int_equal(a->join_ref.kind, b->join_ref.kind);
    assert_true(slice_equal(a->join_ref.text, b->join_ref.text));
    assert_int_equal(a->ref.kind, b->ref.kind);
    assert_true(slice_equal(a->ref.text, b->ref.text));
    assert_true(slice_equal(a->topic, b->topic));
    assert_true(slice_equal(a->event, b->event));
    assert_true(slice_equal(a->status, b->status));
    assert_true(slice_equal(a->payload, b->payload));
}

static struct slice random_text(uint64_t *random, char *store, size_t least, size_t most)
{
    static const char letters[] = "abcXYZ019:_- ";
    size_t size = least + random_below(random, (uint32_t)(most - least + 1));
    for (size_t i = 0; i < size; i++)
        store[i] = letters[random_below(random, sizeof letters - 1)];
    return (struct slice){size > 0 ? store : NULL, size};
}

/* Any frame that `from` may write in this form; the stores hold its strings. */
static void random_frame(uint64_t *random, enum wire_sender from, enum message_form form,
                         char stores[5][256], struct frame *frame)
{
    *frame = (struct frame){.form = form};
    if (from == WIRE_SERVER) frame->kind = (enum frame_kind)random_below(random, 3);
    bool refs = frame->kind != FRAME_BROADCAST;
    frame->join_ref.text = random_text(random, stores[0], 0, refs ? WIRE_REF_MAX : 0);
    bool ref = frame->kind == FRAME_REPLY || from == WIRE_CLIENT;
    frame->ref.text = random_text(random, stores[1], ref ? 1 : 0, ref ? WIRE_REF_MAX : 0);
    frame->topic = random_text(random, stores[2], 1, WIRE_NAME_MAX);
    *(frame->kind == FRAME_REPLY ? &frame->status : &frame->event) =
        random_text(random, stores[3], 1, WIRE_NAME_MAX);
    frame->payload = form == MESSAGE_TEXT ? slice_of("{\"a\":[null,\"b\"]}")
                                          : random_text(random, stores[4], 0, 255);
    frame->join_ref.kind = frame->join_ref.text.size > 0 ? REF_STRING : REF_NULL;
    frame->ref.kind = frame->ref.text.size > 0 ? REF_STRING : REF_NULL;
    if (form == MESSAGE_TEXT && from == WIRE_SERVER && frame->kind == FRAME_PUSH) {
        frame->join_ref = (struct ref){REF_STRING, slice_of("3")};
    }
}

TEST(any_frame_is_read_as_it_was_written)
{
    uint64_t random = 3;
    for (int round = 0; round < 4000; round++) {
        enum wire_sender from = round % 2 == 0 ? WIRE_CLIENT : WIRE_SERVER;
        enum message_form form = round % 4 < 2 ? MESSAGE_TEXT : MESSAGE_BINARY;
        char stores[5][256];
        struct frame frame, same;
        random_frame(&random, from, form, stores, &frame);
        struct message *message = wire_encode_new(from, &frame);
        struct slice bytes = binary_of(message);
        assert_int_equal(message->form, form);
        assert_int_equal(wire_decode(from, form, bytes.data, bytes.size, &same), WIRE_OK);
        assert_same_frame(&frame, &same);
        message_unref(message);
    }
}

TEST(no_part_of_a_binary_head_is_a_message)
{
    uint64_t random = 17;
    for (int round = 0; round < 200; round++) {
        enum wire_sender from = round % 2 == 0 ? WIRE_CLIENT : WIRE_SERVER;
        char stores[5][256];
        struct frame frame, part;
        random_frame(&random, from, MESSAGE_BINARY, stores, &frame);
        struct message *message = wire_encode_new(from, &frame);
        struct slice bytes = binary_of(message);
        size_t head = bytes.size - frame.payload.size;
        for (size_t size = 0; size < head; size++) {
            assert_int_equal(
                wire_decode_head(from, MESSAGE_BINARY, bytes.data, size, &part), WIRE_MORE);
            assert_int_equal(wire_decode(from, MESSAGE_BINARY, bytes.data, size, &part),
                             WIRE_BAD);
        }
        message_unref(message);
    }
}

static enum wire_result decode_bytes(enum wire_sender from, const char *bytes, size_t size)
{
    struct frame frame;
    return wire_decode(from, MESSAGE_BINARY, bytes, size, &frame);
}

TEST(binary_messages_that_nobody_may_write_are_bad)
{
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\0\0\1\1te", 7), WIRE_OK);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\1\0\0\1\1te", 7), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\2\1\1te", 5), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\3\0\0\1\1te", 7), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_SERVER, "\3\0\0\1\1te", 7), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_SERVER, "\377\0\0\1\1te", 7), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\0\0\0\1e", 6), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\0\0\1\0t", 6), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\1\0\1\1\"te", 8), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\1\0\1\1\\te", 8), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\0\1\1\1\nte", 8), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\0\1\1\1\377te", 8), WIRE_BAD);
    assert_int_equal(decode_bytes(WIRE_CLIENT, "\0\0\0\1\1\377e", 7), WIRE_BAD);
}

TEST(content_is_put_behind_a_head)
{
    char topic[] = "want:" HELLO;
    struct message *message = message_new(MESSAGE_BINARY, WIRE_CONTENT_FRONT, 5);
    struct frame frame;
    message_append(message, "he\0lo", 5);
    wire_prepend_content(message, slice_of(topic));
    struct slice bytes = binary_of(message);
    assert_int_equal(
        wire_decode(WIRE_SERVER, MESSAGE_BINARY, bytes.data, bytes.size, &frame), WIRE_OK);
    assert_int_equal(frame.kind, FRAME_BROADCAST);
    assert_slice(frame.topic, topic);
    assert_slice(frame.event, "content");
    assert_int_equal(frame.payload.size, 5);
    assert_memory_equal(frame.payload.data, "he\0lo", 5);
    message_unref(message);
}

TEST(content_is_written_as_json_with_and_without_its_hash)
{
    struct page_hash hash;
    struct frame frame = {.topic = slice_of("want:x"), .event = slice_of("content")};
    const uint8_t *text = (const uint8_t *)"a\"\n\x01\xc3\xa9";
    hash_from_hex(HELLO, HASH_HEX, &hash, NULL);
    struct message *plain = wire_content_new(&frame, text, 6, NULL);
    assert_slice(binary_of(plain), "[null,null,\"want:x\",\"content\","
                                   "{\"content\":\"a\\\"\\n\\u0001\xc3\xa9\"}]");
    frame.join_ref = frame.ref = (struct ref){REF_INTEGER, slice_of("5")};
    struct message *named = wire_content_new(&frame, text, 1, &hash);
    assert_slice(binary_of(named), "[5,5,\"want:x\",\"content\","
                                   "{\"content\":\"a\",\"hash\":\"" HELLO "\"}]");
    message_unref(plain);
    message_unref(named);
}

TEST(a_program_may_read_a_payload_without_a_parser_of_its_own)
{
    assert_slice(wire_member(slice_of("{\"a\":[1],\"b\":\"x\"}"), "b"), "\"x\"");
    assert_slice(wire_member(slice_of("{\"a\":[1]}"), "b"), "");
    assert_true(wire_is_text((const uint8_t *)"\xc3\xa9", 2));
    assert_false(wire_is_text((const uint8_t *)"\xc3\xa9", 1));
}

TEST(nothing_at_all_may_be_handed_over_as_null)
{
    struct frame frame;
    assert_int_equal(wire_decode(WIRE_CLIENT, MESSAGE_TEXT, NULL, 0, &frame), WIRE_BAD);
    assert_int_equal(wire_decode(WIRE_CLIENT, MESSAGE_BINARY, NULL, 0, &frame), WIRE_BAD);
    assert_int_equal(wire_decode_head(WIRE_CLIENT, MESSAGE_TEXT, NULL, 0, &frame),
                     WIRE_MORE);
    assert_int_equal(wire_decode_head(WIRE_CLIENT, MESSAGE_BINARY, NULL, 0, &frame),
                     WIRE_MORE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_push_is_read_into_its_parts),
        cmocka_unit_test(references_may_be_null_integers_or_plain_strings),
        cmocka_unit_test(names_lose_their_escapes),
        cmocka_unit_test(names_have_from_1_to_255_bytes),
        cmocka_unit_test(a_reference_has_at_most_64_characters),
        cmocka_unit_test(anything_else_is_bad),
        cmocka_unit_test(elements_after_the_fifth_are_ignored),
        cmocka_unit_test(the_servers_replies_and_broadcasts_are_told_from_its_pushes),
        cmocka_unit_test(a_reply_without_a_status_or_a_response_is_bad),
        cmocka_unit_test(no_part_of_a_text_message_is_a_message),
        cmocka_unit_test(a_head_asks_for_more_until_its_last_comma),
        cmocka_unit_test(a_wrong_head_is_bad_as_soon_as_it_can_be_seen),
        cmocka_unit_test(any_frame_is_read_as_it_was_written),
        cmocka_unit_test(no_part_of_a_binary_head_is_a_message),
        cmocka_unit_test(binary_messages_that_nobody_may_write_are_bad),
        cmocka_unit_test(content_is_put_behind_a_head),
        cmocka_unit_test(content_is_written_as_json_with_and_without_its_hash),
        cmocka_unit_test(a_program_may_read_a_payload_without_a_parser_of_its_own),
        cmocka_unit_test(nothing_at_all_may_be_handed_over_as_null),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
