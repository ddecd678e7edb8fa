/* What others wrote, in a line of the log. */
#include "log.h"

#include "unit.h"

#include <string.h>

static void expect(const char *text, const char *escaped)
{
    assert_string_equal(log_escape(text, strlen(text)).text, escaped);
}

TEST(plain_text_stays)
{
    expect("", "");
    expect("lws_adopt: it's 100 % plain, (so far)",
           "lws_adopt: it's 100 % plain, (so far)");
}

TEST(what_ends_a_line_a_field_or_moves_a_cursor_does_not)
{
    expect("a\r\nb", "a\\x0d\\x0ab");
    expect("\x1b[2J\a\x7f", "\\x1b[2J\\x07\\x7f");
    expect("\" by=\"me", "\\x22 by=\\x22me");
    expect("\\x0a", "\\x5cx0a");
    expect("\xc2\x85", "\\xc2\\x85");
    assert_string_equal(log_escape("a\0b", 3).text, "a\\x00b");
}

TEST(long_text_is_cut)
{
    char text[3000];
    memset(text, '\n', sizeof text);
    struct log_text escaped = log_escape(text, sizeof text);
    size_t size = strlen(escaped.text);
    assert_true(size < sizeof escaped.text && size > sizeof escaped.text - 10);
    assert_int_equal(size % 4, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(plain_text_stays),
        cmocka_unit_test(what_ends_a_line_a_field_or_moves_a_cursor_does_not),
        cmocka_unit_test(long_text_is_cut),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
