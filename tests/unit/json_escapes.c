/* The two ways of JSON escapes, and UTF-8. */
#include "json.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* ---- taking escapes out ---- */

/* Feeds `text` in parts of at most `step` bytes; -1 if it is bad, else what was written. */
static long unescape(const char *text, size_t size, size_t step, uint8_t *out,
                     enum json_result *result, size_t *used)
{
    struct json_unescaper unescaper = {0};
    size_t total = 0;
    *used = 0;
    *result = JSON_MORE;
    while (*used < size && *result == JSON_MORE) {
        size_t part = size - *used < step ? size - *used : step, taken = 0, written = 0;
        uint8_t *room = malloc(part + 3); /* exactly what is promised to be enough */
        *result = json_unescape(&unescaper, text + *used, part, &taken, room, &written);
        if (*result != JSON_BAD) {
            assert_true(written <= part + 3);
            memcpy(out + total, room, written);
            total += written;
            *used += taken;
        }
        free(room);
    }
    return *result == JSON_BAD ? -1 : (long)total;
}

static const struct {
    const char *text, *meaning;
    size_t size;
} escapes[] = {
    {"\"", "", 0},
    {"abc\"", "abc", 3},
    {"\\\"\\\\\\/\\b\\f\\n\\r\\t\"", "\"\\/\b\f\n\r\t", 8},
    {"\\u0041\\u00e9\\u20AC\"", "A\xc3\xa9\xe2\x82\xac", 6},
    {"x\\ud83d\\ude00y\\uDBFF\\uDFFF\"", "x\xf0\x9f\x98\x80y\xf4\x8f\xbf\xbf", 10},
    {"\\u0000\\u007f\\u0080\\u07ff\\u0800\\uffff\"",
     "\0\x7f\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf", 12},
    {"\\ud7ff\\ue000\"", "\xed\x9f\xbf\xee\x80\x80", 6},
    {"\xe4\xb8\xad\\\\u0041\"", "\xe4\xb8\xad\\u0041", 9},
};

TEST(escapes_mean_the_same_in_parts_of_every_size)
{
    for (size_t i = 0; i < sizeof escapes / sizeof escapes[0]; i++)
        for (size_t step = 1; step <= strlen(escapes[i].text); step++) {
            uint8_t out[64];
            enum json_result result;
            size_t used;
            const char *text = escapes[i].text;
            long size = unescape(text, strlen(text), step, out, &result, &used);
            assert_int_equal(result, JSON_OK);
            assert_int_equal(size, escapes[i].size);
            assert_memory_equal(out, escapes[i].meaning, escapes[i].size);
            assert_int_equal(used, strlen(text));
        }
}

TEST(escapes_mean_the_same_cut_at_any_two_places)
{
    const char *text = "a\\ud83d\\ude00\\n\\\\\\u00e9z\"";
    size_t size = strlen(text);
    for (size_t a = 0; a <= size; a++)
        for (size_t b = a; b <= size; b++) {
            struct json_unescaper unescaper = {0};
            uint8_t out[64];
            size_t ends[] = {a, b, size}, at = 0, total = 0;
            for (int i = 0; i < 3; i++) {
                size_t used, written;
                enum json_result result = json_unescape(&unescaper, text + at, ends[i] - at,
                                                        &used, out + total, &written);
                assert_int_equal(result, unescaper.done ? JSON_OK : JSON_MORE);
                total += written;
                at += used;
                if (unescaper.done) break;
            }
            assert_int_equal(at, size);
            assert_int_equal(total, 10);
            assert_memory_equal(out, "a\xf0\x9f\x98\x80\n\\\xc3\xa9z", 10);
        }
}

TEST(reading_stops_behind_the_closing_quote)
{
    uint8_t out[16];
    enum json_result result;
    size_t used;
    assert_int_equal(unescape("ab\",\"hash\"", 10, 100, out, &result, &used), 2);
    assert_int_equal(used, 3);
    assert_int_equal(result, JSON_OK);
}

TEST(bad_escapes_are_bad_in_parts_of_every_size)
{
    static const char *const bad[] = {
        "\\x\"",
        "\\u12g4\"",
        "\\u\"",
        "a\nb\"",
        "\x01\"",
        "\\ud800\"",
        "\\ud800a\"",
        "\\ud800\\n\"",
        "\\ud800\\u0041\"",
        "\\ud800\\ud800\"",
        "\\udc00\"",
        "\\ude00\\ud83d\"",
        "\\ud800\n",
        "\\ud83d\xc3\xa9\"",
    };
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        for (size_t step = 1; step <= strlen(bad[i]); step++) {
            uint8_t out[64];
            enum json_result result;
            size_t used;
            if (unescape(bad[i], strlen(bad[i]), step, out, &result, &used) != -1)
                fail_msg("%s in parts of %zu", bad[i], step);
        }
}

/* ---- UTF-8 and putting escapes in ---- */

/* RFC 3629 by its table, one character at a time: slow and plain. */
static bool is_utf8_by_the_table(const uint8_t *text, size_t size)
{
    for (size_t i = 0; i < size;) {
        uint32_t c = text[i], point;
        size_t more = c < 0x80   ? 0
                      : c < 0xc0 ? 9
                      : c < 0xe0 ? 1
                      : c < 0xf0 ? 2
                      : c < 0xf8 ? 3
                                 : 9;
        static const uint32_t least[] = {0, 0x80, 0x800, 0x10000};
        if (more == 9 || size - i <= more) return false;
        point = more == 0 ? c : c & (0x3fu >> more);
        for (size_t k = 1; k <= more; k++) {
            if ((text[i + k] & 0xc0) != 0x80) return false;
            point = point << 6 | (text[i + k] & 0x3fu);
        }
        if (point < least[more] || point > 0x10ffff || (point >= 0xd800 && point < 0xe000))
            return false;
        i += more + 1;
    }
    return true;
}

TEST(utf8_agrees_with_the_table_on_all_that_matters)
{
    static const uint8_t bytes[] = {0x00, 0x41, 0x7f, 0x80, 0x8f, 0x90, 0x9f, 0xa0,
                                    0xbf, 0xc0, 0xc1, 0xc2, 0xdf, 0xe0, 0xe1, 0xec,
                                    0xed, 0xee, 0xef, 0xf0, 0xf1, 0xf3, 0xf4, 0xf5,
                                    0xf7, 0xf8, 0xfc, 0xfe, 0xff};
    enum { N = sizeof bytes };
    for (size_t i = 0; i < N * N * N * 4; i++) {
        static const uint8_t lasts[] = {0x41, 0x80, 0xbf, 0xc2};
        uint8_t text[4] = {bytes[i % N], bytes[i / N % N], bytes[i / N / N % N],
                           lasts[i / N / N / N]};
        for (size_t size = 1; size <= 4; size++)
            assert_true(json_is_utf8(text, size) == is_utf8_by_the_table(text, size));
    }
}

TEST(utf8_is_checked_at_every_place_of_long_text)
{
    for (size_t size = 1; size < 40; size++)
        for (size_t at = 0; at < size; at++) {
            uint8_t *text = malloc(size);
            memset(text, 'a', size);
            text[at] = 0xff;
            assert_false(json_is_utf8(text, size));
            text[at] = 0xc3;
            assert_false(json_is_utf8(text, size));
            if (at + 1 < size) {
                text[at + 1] = 0xa9;
                assert_true(json_is_utf8(text, size));
            }
            free(text);
        }
    assert_true(json_is_utf8((const uint8_t *)"", 0));
}

TEST(what_is_escaped_unescapes_to_the_same)
{
    uint64_t random = 11;
    for (int round = 0; round < 500; round++) {
        uint8_t text[40], written[6 * 40 + 1], back[6 * 40];
        size_t size = random_below(&random, sizeof text), used;
        enum json_result result;
        for (size_t i = 0; i < size; i++)
            text[i] = (uint8_t)random_below(&random, 128);
        uint8_t *end = json_escape(text, size, written);
        assert_int_equal(end - written, json_escaped_size(text, size));
        *end++ = '"';
        assert_int_equal(
            unescape((char *)written, (size_t)(end - written), 5, back, &result, &used),
            size);
        assert_memory_equal(back, text, size);
    }
}

TEST(escapes_are_as_short_as_can_be)
{
    const char *text = "\"\\/\b\f\n\r\t\x01\x1f\x7f\xc3\xa9";
    const char *expected = "\\\"\\\\/\\b\\f\\n\\r\\t\\u0001\\u001f\x7f\xc3\xa9";
    uint8_t out[100];
    uint8_t *end = json_escape((const uint8_t *)text, strlen(text), out);
    assert_int_equal(end - out, strlen(expected));
    assert_memory_equal(out, expected, strlen(expected));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(escapes_mean_the_same_in_parts_of_every_size),
        cmocka_unit_test(escapes_mean_the_same_cut_at_any_two_places),
        cmocka_unit_test(reading_stops_behind_the_closing_quote),
        cmocka_unit_test(bad_escapes_are_bad_in_parts_of_every_size),
        cmocka_unit_test(utf8_agrees_with_the_table_on_all_that_matters),
        cmocka_unit_test(utf8_is_checked_at_every_place_of_long_text),
        cmocka_unit_test(what_is_escaped_unescapes_to_the_same),
        cmocka_unit_test(escapes_are_as_short_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
