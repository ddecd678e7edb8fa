/* The JSON scanner. */
#include "json.h"

#include "unit.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const valid[] = {
    "null",
    "true",
    "false",
    "\"\"",
    "\"a\"",
    "[]",
    "{}",
    "[ ]",
    "{ }",
    "[1]",
    "[1,2]",
    " \t\r\n[ \t\r\n1 \t\r\n, \t\r\n2 \t\r\n]",
    "{\"a\":1}",
    "{\"a\":1,\"b\":[true,{}]}",
    "{\"\":\"\"}",
    "{ \"a\" : null , \"b\" : false }",
    "[[[[]]],{}]",
    "[\"\\\"\\\\\\/\"]",
    "[\"\\b\\f\\n\\r\\t\"]",
    "[\"\\u0000\\u001f\\u00e9\\uABCD\\uabcd\"]",
    "[\"\\ud83d\\ude00\\uDBFF\\uDFFF\"]",
    "[\"\\ud7ff\\ue000\"]",
    "[\"\x7f\xc3\xa9\"]",
    "[0,-0,1,-1,10,1234567890]",
    "[0.5,-0.5,10.25,1.0]",
    "[1e5,1E5,1e+5,1e-5,1.5e10,0e0]",
    "[true,false,null]",
    "{\"a\":{\"b\":{\"c\":[1,[2,[3]]]}}}",
};

static const char *const invalid[] = {
    ",",
    "]",
    "}",
    ":",
    "a",
    "nul1",
    "nulL",
    "True",
    "truE",
    "fals_",
    "+1",
    ".5",
    "-a",
    "--1",
    "1.a",
    "1.e5",
    "1ea",
    "1e+a",
    "'a'",
    "[,",
    "[1,]",
    "[1,,",
    "[1 2",
    "[1:",
    "[}",
    "{]",
    "{,",
    "{1",
    "{a",
    "{\"a\",",
    "{\"a\"1",
    "{\"a\":,",
    "{\"a\":}",
    "{\"a\":1,}",
    "{\"a\":1,,",
    "{\"a\":1:",
    "{\"a\":1]",
    "[\"a\":",
    "\"\n",
    "\"\t",
    "\"\x01",
    "\"\x1f",
    "\"\\a",
    "\"\\x",
    "\"\\'",
    "\"\\u123g",
    "\"\\u12 ",
    "\"\\ug",
    "\"\\ud800\"",
    "\"\\ud800x",
    "\"\\ud800\\n",
    "\"\\ud800\\ud800",
    "\"\\udc00",
    "\"\\ud800\\u0041",
    "\"\\ude00\\ud83d",
    "/**/",
    "//",
};

/* What taking one value and then the end gives. */
static enum json_result scan(const char *text, size_t size, struct slice *raw)
{
    struct json_cursor cursor = {text, text + size};
    enum json_result result = json_take_value(&cursor, raw);
    return result == JSON_OK ? json_take_end(&cursor) : result;
}

TEST(every_valid_text_is_taken_whole)
{
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++) {
        struct slice raw;
        const char *begin = valid[i] + strspn(valid[i], " \t\r\n");
        if (scan(valid[i], strlen(valid[i]), &raw) != JSON_OK) fail_msg("%s", valid[i]);
        assert_ptr_equal(raw.data, begin);
        assert_int_equal(raw.size, strlen(begin));
    }
}

TEST(every_part_of_a_valid_text_asks_for_more)
{
    for (size_t i = 0; i < sizeof valid / sizeof valid[0]; i++)
        for (size_t size = 0; size < strlen(valid[i]); size++) {
            char *copy = malloc(size + 1); /* so that reading on is noticed */
            struct slice raw;
            memcpy(copy, valid[i], size);
            if (scan(copy, size, &raw) != JSON_MORE) fail_msg("%.*s", (int)size, copy);
            free(copy);
        }
}

TEST(every_invalid_text_is_bad_whatever_follows)
{
    for (size_t i = 0; i < sizeof invalid / sizeof invalid[0]; i++) {
        struct slice raw;
        char longer[64];
        snprintf(longer, sizeof longer, "%s\"]} 00", invalid[i]);
        if (scan(invalid[i], strlen(invalid[i]), &raw) != JSON_BAD)
            fail_msg("%s", invalid[i]);
        if (scan(longer, strlen(longer), &raw) != JSON_BAD) fail_msg("%s", longer);
    }
}

TEST(what_follows_a_value_is_not_taken)
{
    static const char *const tails[] = {"01",   "1x",  "null1", "\"\"\"",
                                        "{}{}", "[]]", "-01"};
    for (size_t i = 0; i < sizeof tails / sizeof tails[0]; i++) {
        struct slice raw;
        assert_int_equal(scan(tails[i], strlen(tails[i]), &raw), JSON_BAD);
    }
}

TEST(a_nul_is_no_white_space)
{
    struct slice raw;
    assert_int_equal(scan("\0", 1, &raw), JSON_BAD);
    assert_int_equal(scan("[\0]", 3, &raw), JSON_BAD);
    assert_int_equal(scan("1\0", 2, &raw), JSON_BAD);
    assert_int_equal(scan("\"\0\"", 3, &raw), JSON_BAD);
}

TEST(depth_is_limited)
{
    static const char *const open[] = {"[", "{\"a\":"}, *const shut[] = {"]", "}"};
    for (int kind = 0; kind < 2; kind++)
        for (int depth = JSON_DEPTH_MAX; depth <= JSON_DEPTH_MAX + 1; depth++) {
            char text[400] = "";
            struct slice raw;
            for (int i = 0; i < depth; i++)
                strcat(text, open[kind]);
            enum json_result opened = scan(text, strlen(text), &raw);
            assert_int_equal(opened, depth > JSON_DEPTH_MAX ? JSON_BAD : JSON_MORE);
            if (kind == 1) strcat(text, "0");
            for (int i = 0; i < depth; i++)
                strcat(text, shut[kind]);
            enum json_result closed = scan(text, strlen(text), &raw);
            assert_int_equal(closed, depth > JSON_DEPTH_MAX ? JSON_BAD : JSON_OK);
        }
}

TEST(a_million_brackets_are_refused_at_once)
{
    static char bomb[1 << 20];
    struct slice raw;
    memset(bomb, '[', sizeof bomb);
    assert_int_equal(scan(bomb, sizeof bomb, &raw), JSON_BAD);
}

/* Text that is often JSON, of at most `room` characters. */
static size_t scribble(uint64_t *random, char *out, size_t room)
{
    static const char *const words[] = {"[",
                                        "]",
                                        "{",
                                        "}",
                                        ",",
                                        ":",
                                        "\"",
                                        "\"a\"",
                                        "\"b\":",
                                        "null",
                                        "true",
                                        "1",
                                        "-",
                                        "0",
                                        ".5",
                                        "e7",
                                        " ",
                                        "\\n",
                                        "\\u0041",
                                        "\\ud83d\\ude00",
                                        "[1,{\"c\":[]}]"};
    size_t size = 0;
    for (uint32_t i = 1 + random_below(random, 12); i > 0; i--) {
        const char *word = words[random_below(random, sizeof words / sizeof words[0])];
        size_t more = strlen(word);
        if (size + more > room) break;
        memcpy(out + size, word, more);
        size += more;
    }
    return size;
}

TEST(the_scanner_agrees_with_a_parser)
{
    uint64_t random = 2024;
    int right = 0;
    for (int round = 0; round < 60000; round++) {
        char text[200];
        struct slice raw;
        size_t size = scribble(&random, text, sizeof text);
        bool ok = scan(text, size, &raw) == JSON_OK;
        json_t *tree = json_loadb(text, size, JSON_DECODE_ANY, NULL);
        if (ok != (tree != NULL)) fail_msg("%.*s", (int)size, text);
        right += ok ? 1 : 0;
        json_decref(tree);
    }
    assert_true(right > 500);
}

TEST(strings_tell_whether_they_have_escapes)
{
    struct json_cursor cursor = {"\"plain\" \"es\\tc\"", NULL};
    struct slice raw;
    bool escaped;
    cursor.end = cursor.at + strlen(cursor.at);
    assert_int_equal(json_take_string(&cursor, &raw, &escaped), JSON_OK);
    assert_true(slice_is(raw, "plain"));
    assert_false(escaped);
    assert_int_equal(json_take_string(&cursor, &raw, &escaped), JSON_OK);
    assert_true(slice_is(raw, "es\\tc"));
    assert_true(escaped);
    assert_int_equal(json_take_string(&cursor, &raw, &escaped), JSON_MORE);
    assert_int_equal(json_take_end(&cursor), JSON_OK);
}

TEST(peeking_takes_only_white_space)
{
    struct json_cursor cursor = {" \n]", NULL};
    cursor.end = cursor.at + 3;
    assert_int_equal(json_peek(&cursor), ']');
    assert_int_equal(json_peek(&cursor), ']');
    assert_int_equal(json_take(&cursor, '['), JSON_BAD);
    assert_int_equal(json_take(&cursor, ']'), JSON_OK);
    assert_int_equal(json_take(&cursor, ']'), JSON_MORE);
    assert_int_equal(json_peek(&cursor), 0);
}

TEST(members_are_found_by_name)
{
    struct slice object = slice_of("{ \"a\" : 1, \"b\":{\"c\":2} , \"d\":\"x\"}");
    assert_true(slice_is(json_member(object, "a"), "1"));
    assert_true(slice_is(json_member(object, "b"), "{\"c\":2}"));
    assert_true(slice_is(json_member(object, "d"), "\"x\""));
    assert_int_equal(json_member(object, "c").size, 0);
    assert_int_equal(json_member(slice_of("{}"), "a").size, 0);
    assert_int_equal(json_member(slice_of("[1]"), "a").size, 0);
    assert_int_equal(json_member(slice_of(""), "a").size, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_valid_text_is_taken_whole),
        cmocka_unit_test(every_part_of_a_valid_text_asks_for_more),
        cmocka_unit_test(every_invalid_text_is_bad_whatever_follows),
        cmocka_unit_test(what_follows_a_value_is_not_taken),
        cmocka_unit_test(a_nul_is_no_white_space),
        cmocka_unit_test(depth_is_limited),
        cmocka_unit_test(a_million_brackets_are_refused_at_once),
        cmocka_unit_test(the_scanner_agrees_with_a_parser),
        cmocka_unit_test(strings_tell_whether_they_have_escapes),
        cmocka_unit_test(peeking_takes_only_white_space),
        cmocka_unit_test(members_are_found_by_name),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
