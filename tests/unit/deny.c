/* The deny list: its lines, and what becomes of those who are at a page that is refused. */
#include "world.h"

#include "whilst/deny.h"

#include <string.h>

/* printf %s 2cf2…9824 | sha256sum */
#define HELLO_HIDDEN "d7914fe546b684688bb95f4f888a92dfc680603a75f23eb823658031fff766d9"

static struct deny_list *parse(const char *text)
{
    size_t line;
    struct deny_list *list = deny_parse_new(text, strlen(text), &line);
    assert_non_null(list);
    return list;
}

static bool has(const char *text, const char *hash)
{
    struct page_hash page;
    struct deny_list *list = parse(text);
    assert_true(hash_from_hex(hash, HASH_HEX, &page, NULL));
    bool found = deny_has(list, &page);
    deny_free(list);
    return found;
}

static void expect_wrong(const char *text, size_t expected)
{
    size_t line = 99;
    assert_null(deny_parse_new(text, strlen(text), &line));
    assert_int_equal(line, expected);
}

TEST(a_page_is_found_by_its_hash_or_by_the_hash_of_that)
{
    assert_true(has(HELLO, HELLO));
    assert_true(has(HELLO_HIDDEN "\n", HELLO));
    assert_false(has(HELLO, WORLD));
    assert_false(has(HELLO_HIDDEN, WORLD));
    assert_true(has(WORLD "\n" HELLO "\n" WORLD "\n", HELLO));
}

TEST(space_comments_and_either_case_are_allowed)
{
    assert_true(has("# refused\r\n\r\n \t" HELLO " # hello\r\n", HELLO));
    assert_true(
        has("2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824", HELLO));
    assert_false(has("", HELLO));
    assert_false(has("#" HELLO, HELLO));
}

TEST(a_wrong_line_is_named)
{
    expect_wrong("nonsense", 1);
    expect_wrong(HELLO "\n\n" HELLO "0\n", 3);
    expect_wrong("\n" HELLO " " WORLD "\n", 2);
    expect_wrong(HELLO "\n2cf2\n" WORLD, 2);
}

static void deny(struct world *world, const char *text)
{
    hub_take_deny_list(world->hub, text == NULL ? NULL : parse(text), world->now_ms);
    settle(world);
}

TEST(joins_of_a_refused_page_are_refused_and_counted)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    deny(world, HELLO_HIDDEN);
    assert_int_equal(metrics_of(world)->denied, 1);
    say(a, "['1','1','have:" HELLO "','phx_join',{}]");
    expect_reply(a, "have", HELLO, "1", "blocked");
    say(a, "['1','2','want:" HELLO "','phx_join',{}]");
    expect_reply(a, "want", HELLO, "2", "blocked");
    expect_nothing(a);
    assert_int_equal(refusals(world, REASON_BLOCKED), 2);
    hold_quietly(a, WORLD);
    deny(world, NULL);
    hold_quietly(a, HELLO);
    world_free(world);
}

TEST(those_at_a_page_that_is_refused_are_told_and_dropped)
{
    struct world *world = world_new(NULL);
    struct client *holder = arrive(world, "holder"), *away = arrive(world, "away");
    struct client *seeker = arrive(world, "seeker"), *other = arrive(world, "other");
    hold(away, HELLO, "{'token':'tab-0001'}");
    drop(away);
    hold_quietly(holder, HELLO);
    hold_quietly(other, WORLD);
    seek(seeker, HELLO, "{}");
    expect_asked(holder, HELLO);
    deny(world, HELLO);
    expect(holder, "['1','1','have:" HELLO "','phx_error',{'reason':'blocked'}]");
    expect(seeker, "['1','1','want:" HELLO "','phx_error',{'reason':'blocked'}]");
    expect_nothing(holder);
    expect_nothing(seeker);
    expect_nothing(other);
    assert_int_equal(metrics_of(world)->pages, 1);
    assert_int_equal(metrics_of(world)->away, 0);
    assert_int_equal(metrics_of(world)->fetches, 0);
    deny(world, NULL);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_found_by_its_hash_or_by_the_hash_of_that),
        cmocka_unit_test(space_comments_and_either_case_are_allowed),
        cmocka_unit_test(a_wrong_line_is_named),
        cmocka_unit_test(joins_of_a_refused_page_are_refused_and_counted),
        cmocka_unit_test(those_at_a_page_that_is_refused_are_told_and_dropped),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
