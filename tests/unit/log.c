/* Lines of the log: their forms, and what others wrote in them. */
#include "log.h"

#include "unit.h"

#include <jansson.h>
#include <string.h>

#define MOMENT_MS UINT64_C(1700000000123) /* 2023-11-14T22:13:20.123Z */

static const struct log_style as_text = {.config.format = LOG_FORMAT_TEXT};
static const struct log_style as_json = {.config.format = LOG_FORMAT_JSON};

static const char *print_line(const struct log_style *style, enum log_event event,
                              const struct log_field *fields)
{
    static char line[LOG_LINE_MAX + 1];
    size_t size = log_print(line, style, MOMENT_MS, event, fields);
    assert_true(size <= LOG_LINE_MAX);
    assert_ptr_equal(memchr(line, '\n', size), line + size - 1);
    line[size] = '\0';
    return line;
}

#define LINE(style, event, ...)                                                            \
    print_line(style, event, (const struct log_field[]){__VA_ARGS__, {.key = NULL}})

TEST(a_line_has_time_level_event_and_fields)
{
    assert_string_equal(LINE(&as_text, LOG_STOPPING, LOG_NUMBER("signal", 15),
                             LOG_NUMBER("sessions", UINT64_MAX)),
                        "2023-11-14T22:13:20.123Z info stopping signal=15 "
                        "sessions=18446744073709551615\n");
    assert_string_equal(LINE(&as_text, LOG_LIBRARY, LOG_TEXT("message", "two words"),
                             LOG_TEXT("one", "word"), LOG_TEXT("empty", "")),
                        "2023-11-14T22:13:20.123Z debug library message=\"two words\" "
                        "one=word empty=\"\"\n");
}

TEST(or_is_an_object)
{
    assert_string_equal(
        LINE(&as_json, LOG_DENY_LIST_REFUSED, LOG_NUMBER("line", 7),
             LOG_TEXT("reason", "a \"b\\")),
        "{\"time\":\"2023-11-14T22:13:20.123Z\",\"level\":\"warn\","
        "\"event\":\"deny_list_refused\",\"line\":7,\"reason\":\"a \\u0022b\\u005c\"}\n");
}

TEST(the_journal_gets_priorities_and_keeps_the_time_itself)
{
    struct log_style style = {.journal = true};
    assert_string_equal(LINE(&style, LOG_STOPPING, LOG_NUMBER("signal", 2)),
                        "<6>info stopping signal=2\n");
    assert_string_equal(LINE(&style, LOG_DENY_LIST_REFUSED, LOG_NUMBER("line", 2)),
                        "<4>warn deny_list_refused line=2\n");
    assert_string_equal(LINE(&style, LOG_LIBRARY, LOG_NUMBER("x", 2)),
                        "<7>debug library x=2\n");
    style.config.format = LOG_FORMAT_JSON;
    assert_memory_equal(LINE(&style, LOG_LIBRARY, LOG_NUMBER("x", 2)), "<7>{\"time\":", 11);
}

TEST(addresses_are_left_out_unless_asked_for)
{
    struct log_style style = {.config.addresses = true};
    struct address local = {{0}}, four = {{0}}, six = {{0xfd, [15] = 1}};
    memcpy(four.bytes + 10, "\xff\xff\xc0\x00\x02\x01", 6);
    assert_string_equal(LINE(&as_text, LOG_SESSION_OPENED, LOG_NUMBER("session", 1),
                             LOG_ADDRESS("address", &four)),
                        "2023-11-14T22:13:20.123Z debug session_opened session=1\n");
    assert_string_equal(LINE(&style, LOG_SESSION_OPENED, LOG_ADDRESS("a", &local),
                             LOG_ADDRESS("b", &four), LOG_ADDRESS("c", &six)),
                        "2023-11-14T22:13:20.123Z debug session_opened a=local b=192.0.2.1 "
                        "c=fd00::1\n");
}

static void expect(const char *text, size_t size, const char *escaped)
{
    char whole[1000];
    snprintf(whole, sizeof whole, "2023-11-14T22:13:20.123Z debug library message=%s\n",
             escaped);
    assert_string_equal(LINE(&as_text, LOG_LIBRARY, LOG_BYTES("message", text, size)),
                        whole);
}

TEST(what_ends_a_line_a_field_or_moves_a_cursor_is_escaped)
{
    expect("it's", 4, "it's");
    expect("a=b", 3, "\"a=b\"");
    expect("a\r\nb", 4, "\"a\\x0d\\x0ab\"");
    expect("\x1b[2J\a\x7f", 6, "\"\\x1b[2J\\x07\\x7f\"");
    expect("\" by=\"me", 8, "\"\\x22 by=\\x22me\"");
    expect("\\x0a", 4, "\"\\x5cx0a\"");
    expect("\xc2\x85", 2, "\"\\xc2\\x85\"");
    expect("a\0b", 3, "\"a\\x00b\"");
}

/* All bytes there are, in one line of each form. */
TEST(every_byte_can_stand_in_a_text)
{
    for (int first = 0; first < 256; first += 32) {
        char bytes[32];
        for (int i = 0; i < 32; i++)
            bytes[i] = (char)(first + i);
        LINE(&as_text, LOG_LIBRARY, LOG_BYTES("message", bytes, sizeof bytes));
        const char *line =
            LINE(&as_json, LOG_LIBRARY, LOG_BYTES("message", bytes, sizeof bytes));
        json_t *object = json_loads(line, JSON_ALLOW_NUL, NULL);
        assert_true(json_is_object(object));
        json_decref(object);
    }
}

TEST(long_texts_are_cut_and_fields_without_room_left_out)
{
    char text[3000];
    memset(text, '\n', sizeof text);
    const struct log_style *const styles[] = {&as_text, &as_json};
    for (size_t i = 0; i < 2; i++) {
        const char *line =
            LINE(styles[i], LOG_LIBRARY, LOG_BYTES("a", text, sizeof text),
                 LOG_BYTES("b", text, sizeof text), LOG_BYTES("c", text, sizeof text),
                 LOG_BYTES("d", text, sizeof text), LOG_BYTES("e", text, sizeof text),
                 LOG_BYTES("f", text, sizeof text));
        assert_non_null(strstr(line, i == 0 ? " d=\"" : ",\"d\":\""));
        assert_null(strstr(line, i == 0 ? " f=" : "\"f\""));
        size_t size = strlen(line);
        assert_int_equal(line[size - 2], i == 0 ? '"' : '}');
    }
    json_t *object =
        json_loads(LINE(&as_json, LOG_LIBRARY, LOG_BYTES("a", text, 3000)), 0, NULL);
    assert_int_equal(json_string_length(json_object_get(object, "a")), 66);
    json_decref(object);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_line_has_time_level_event_and_fields),
        cmocka_unit_test(or_is_an_object),
        cmocka_unit_test(the_journal_gets_priorities_and_keeps_the_time_itself),
        cmocka_unit_test(addresses_are_left_out_unless_asked_for),
        cmocka_unit_test(what_ends_a_line_a_field_or_moves_a_cursor_is_escaped),
        cmocka_unit_test(every_byte_can_stand_in_a_text),
        cmocka_unit_test(long_texts_are_cut_and_fields_without_room_left_out),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
