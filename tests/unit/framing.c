/* WebSocket frames as a client reads and writes them; bytes are written as hexadecimal. */
#include "whilst/framing.h"

#include "hex.h"
#include "unit.h"

#include <stdio.h>
#include <stdlib.h>

static size_t unhex(const char *hex, uint8_t *out)
{
    size_t size = 0;
    for (; *hex != '\0'; hex++) {
        if (*hex == ' ') continue;
        out[size++] = (uint8_t)(hex_value(hex[0]) << 4 | hex_value(hex[1]));
        hex++;
    }
    return size;
}

/* One line for everything that was read: kind, code or form, and the bytes as text. */
static void describe(char *log, enum framing_kind kind, const struct framing_event *event)
{
    static const char *const kinds[] = {"more", "", "ping", "pong", "close", "broken"};
    char line[400];
    const char *form = event->form == MESSAGE_TEXT ? "text" : "binary";
    if (kind == FRAMING_CLOSE || kind == FRAMING_BROKEN)
        snprintf(line, sizeof line, "%s %u", kinds[kind], event->code);
    else
        snprintf(line, sizeof line, "%s", kind == FRAMING_MESSAGE ? form : kinds[kind]);
    strcat(log, line);
    if (kind != FRAMING_BROKEN && event->size > 0) {
        snprintf(line, sizeof line, " %.*s", (int)event->size, (const char *)event->bytes);
        strcat(log, line);
    }
    strcat(log, ";");
}

/* Feeds bytes in pieces of one size, each in memory of its own. */
static void read_in_pieces(const uint8_t *bytes, size_t size, size_t piece, char *log)
{
    struct framing framing = {.message_bytes_max = 300};
    enum framing_kind kind = FRAMING_MORE;
    log[0] = '\0';
    for (size_t done = 0; done < size && kind != FRAMING_BROKEN; done += piece) {
        size_t part = size - done < piece ? size - done : piece;
        uint8_t *copy = malloc(part);
        const uint8_t *at = memcpy(copy, bytes + done, part);
        struct framing_event event;
        while ((kind = framing_next(&framing, &at, copy + part, &event)) != FRAMING_MORE) {
            describe(log, kind, &event);
            if (kind == FRAMING_BROKEN) break;
        }
        free(copy);
    }
    framing_clear(&framing);
}

static void expect(const char *hex, const char *log)
{
    uint8_t bytes[1000];
    char said[1000];
    size_t size = unhex(hex, bytes);
    for (size_t piece = 1; piece <= size; piece++) {
        read_in_pieces(bytes, size, piece, said);
        assert_string_equal(said, log);
    }
}

/* The examples of RFC 6455, section 5.7, that a server sends. */
TEST(the_examples_of_the_rfc)
{
    expect("81 05 48656c6c6f", "text Hello;");
    expect("01 03 48656c 80 02 6c6f", "text Hello;");
    expect("89 05 48656c6c6f", "ping Hello;");
    expect("8a 05 48656c6c6f", "pong Hello;");
}

TEST(messages_follow_one_another)
{
    expect("81 01 61 82 01 62 81 00 82 01 63", "text a;binary b;text;binary c;");
}

TEST(control_frames_pass_between_the_parts_of_a_message)
{
    expect("02 01 61 89 01 70 00 01 62 8a 00 80 01 63 81 01 64",
           "ping p;pong;binary abc;text d;");
    expect("01 00 00 00 80 00", "text;");
    expect("01 00 00 01 61 80 00", "text a;");
}

TEST(lengths_of_two_and_of_eight_bytes)
{
    char hex[600] = "82 7e 00c8", log[300] = "binary ";
    for (int i = 0; i < 200; i++) {
        strcat(hex, "78");
        strcat(log, "x");
    }
    strcat(log, ";");
    expect(hex, log);
    expect("82 7e 007d", "broken 1002;");
    expect("82 7f 000000000000ffff", "broken 1002;");
    expect("82 7f 8000000000010000", "broken 1002;");
}

TEST(a_message_may_be_as_long_as_allowed_and_no_longer)
{
    expect("82 7e 012d", "broken 1009;");
    expect("82 7f 7fffffffffffffff", "broken 1009;");
    expect("02 03 616263 80 7e 012a", "broken 1009;");
}

TEST(what_the_rfc_forbids_a_server)
{
    expect("81 85 37fa213d7f9f4d5158", "broken 1002;");
    for (int bit = 0x10; bit < 0x80; bit <<= 1) {
        char hex[16];
        snprintf(hex, sizeof hex, "%02x 00", 0x81 | bit);
        expect(hex, "broken 1002;");
    }
    for (int opcode = 3; opcode < 16; opcode++) {
        char hex[16];
        if (opcode >= 8 && opcode <= 10) continue;
        snprintf(hex, sizeof hex, "%02x 00", 0x80 | opcode);
        expect(hex, "broken 1002;");
    }
    expect("80 00", "broken 1002;");
    expect("00 00", "broken 1002;");
    expect("01 01 61 81 01 62", "broken 1002;");
    expect("09 00", "broken 1002;");
    expect("89 7e 0080", "broken 1002;");
}

TEST(text_is_utf8)
{
    expect("81 02 c3a4", "text \xc3\xa4;");
    expect("01 01 c3 80 01 a4", "text \xc3\xa4;");
    expect("81 02 c328", "broken 1007;");
    expect("81 01 c3", "broken 1007;");
    expect("82 01 c3", "binary \xc3;");
}

TEST(closing)
{
    expect("88 00", "close 1005;");
    expect("88 02 03e8", "close 1000;");
    expect("88 06 03f4 62757379", "close 1012 busy;");
    expect("88 02 0bb8", "close 3000;");
    expect("88 01 03", "broken 1002;");
    expect("88 02 03ed", "broken 1002;"); /* 1005 */
    expect("88 02 03ee", "broken 1002;");
    expect("88 02 03f7", "broken 1002;");
    expect("88 02 0000", "broken 1002;");
    expect("88 02 1388", "broken 1002;"); /* 5000 */
    expect("88 03 03e8 ff", "broken 1007;");
}

TEST(what_arrives_can_be_watched)
{
    struct framing framing = {.message_bytes_max = 300};
    struct framing_event event;
    uint8_t bytes[] = {0x02, 3, 'a', 'b', 'c', 0x00, 9, 'd'};
    const uint8_t *at = bytes;
    assert_int_equal(framing_received(&framing), 0);
    assert_int_equal(framing_next(&framing, &at, bytes + sizeof bytes, &event),
                     FRAMING_MORE);
    assert_int_equal(framing_received(&framing), 4);
    framing_clear(&framing);
    assert_int_equal(framing_received(&framing), 0);
}

/* ---- writing ---- */

static void assert_sealed(size_t size, size_t head)
{
    const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    struct message *message = message_new(MESSAGE_BINARY, 0, size);
    memset(message_bytes(message), 'w', size);
    message->size = size;
    struct slice sealed = framing_seal(message, mask);
    const uint8_t *bytes = (const uint8_t *)sealed.data;
    assert_int_equal(sealed.size, head + 4 + size);
    assert_int_equal(bytes[0], 0x82);
    assert_memory_equal(bytes + head, mask, 4);
    for (size_t i = 0; i < size; i++)
        assert_int_equal(bytes[head + 4 + i] ^ mask[i & 3], 'w');
    message_unref(message);
}

TEST(a_sealed_message_is_one_masked_frame)
{
    const size_t sizes[] = {0, 1, 7, 8, 9, 125};
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++)
        assert_sealed(sizes[i], 2);
    assert_sealed(126, 4);
    assert_sealed(65535, 4);
    assert_sealed(65536, 10);
}

TEST(the_masked_example_of_the_rfc)
{
    const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    const uint8_t wanted[] = {0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                              0x7f, 0x9f, 0x4d, 0x51, 0x58};
    struct message *message = message_new(MESSAGE_TEXT, 0, 5);
    message_append(message, "Hello", 5);
    struct slice sealed = framing_seal(message, mask);
    assert_int_equal(sealed.size, sizeof wanted);
    assert_memory_equal(sealed.data, wanted, sizeof wanted);
    message_unref(message);
}

TEST(control_frames_are_masked_too)
{
    const uint8_t mask[4] = {0x37, 0xfa, 0x21, 0x3d};
    const uint8_t pong[] = {0x8a, 0x85, 0x37, 0xfa, 0x21, 0x3d,
                            0x7f, 0x9f, 0x4d, 0x51, 0x58};
    const uint8_t close[] = {0x88, 0x82, 0x37, 0xfa, 0x21, 0x3d, 0x03 ^ 0x37, 0xe8 ^ 0xfa};
    uint8_t out[FRAMING_CONTROL_SIZE], full[FRAMING_CONTROL_MAX] = {0};
    assert_int_equal(framing_control(FRAMING_PONG, (const uint8_t *)"Hello", 5, mask, out),
                     sizeof pong);
    assert_memory_equal(out, pong, sizeof pong);
    assert_int_equal(framing_close(1000, mask, out), sizeof close);
    assert_memory_equal(out, close, sizeof close);
    assert_int_equal(framing_control(FRAMING_PING, full, sizeof full, mask, out),
                     FRAMING_CONTROL_SIZE);
    assert_int_equal(out[0], 0x89);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_examples_of_the_rfc),
        cmocka_unit_test(messages_follow_one_another),
        cmocka_unit_test(control_frames_pass_between_the_parts_of_a_message),
        cmocka_unit_test(lengths_of_two_and_of_eight_bytes),
        cmocka_unit_test(a_message_may_be_as_long_as_allowed_and_no_longer),
        cmocka_unit_test(what_the_rfc_forbids_a_server),
        cmocka_unit_test(text_is_utf8),
        cmocka_unit_test(closing),
        cmocka_unit_test(what_arrives_can_be_watched),
        cmocka_unit_test(a_sealed_message_is_one_masked_frame),
        cmocka_unit_test(the_masked_example_of_the_rfc),
        cmocka_unit_test(control_frames_are_masked_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
