/* Fetches: who is asked, and when the next one is. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT "[null,null,'want:" HELLO "','content',{'content':'hello'}]"

static void leave(struct client *client, const char *kind)
{
    say(client, "['1',null,'%s:" HELLO "','phx_leave',{}]", kind);
}

static void ask_again(struct client *client)
{
    say(client, "['1','3','want:" HELLO "','content_request',{'hash':'" HELLO "'}]");
}

/* ---- who is asked ---- */

TEST(joining_is_asking)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek(s, HELLO, "{}");
    expect_asked(a, HELLO);
    ask_again(s);
    expect_nothing(a);
    pass(world, 7);
    answer(a, HELLO, "hello");
    expect_nothing(a);
    expect(s, CONTENT);
    const struct metrics *metrics = metrics_of(world);
    assert_true(metrics->content_seconds.sum == 7 && metrics->page_bytes.sum == 5);
    assert_true(buckets_total(&metrics->content_seconds) == metrics->contents_total);
    assert_true(metrics->fetches == 0 && metrics->fetches_total == 1);
    assert_true(metrics->asks_total == 1 && metrics->hedges_total == 0);
    assert_true(metrics->contents_total == 1 && metrics->content_bytes_total == 5);
    assert_true(metrics->served_total == 1 && metrics->served_bytes_total == 5);
    assert_true(metrics->in_flight_bytes == 0);
    world_free(world);
}

TEST(a_seeker_that_waits_is_served_when_a_holder_appears)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    seek(s, HELLO, "{}");
    pass(world, 3600000);
    expect_nothing(s);
    hold(a, HELLO, "{}");
    expect(a, "[null,null,'have:" HELLO "','visitors_count',{'count':1}]");
    expect_asked(a, HELLO);
    answer(a, HELLO, "hello");
    expect(s, CONTENT);
    world_free(world);
}

TEST(a_session_may_be_served_by_itself)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    hold_quietly(a, HELLO);
    seek(a, HELLO, "{}");
    expect_asked(a, HELLO);
    answer(a, HELLO, "hello");
    expect(a, CONTENT);
    world_free(world);
}

TEST(the_holder_with_the_fewest_requests_is_asked)
{
    for (int round = 0; round < 10; round++) {
        struct world *world = world_new(NULL);
        struct client *busy = arrive(world, "busy"), *idle = arrive(world, "idle");
        hold_quietly(busy, WORLD);
        hold_quietly(busy, HELLO);
        seek_quietly(arrive(world, "s"), WORLD);
        expect_asked(busy, WORLD);
        for (int i = 0; i < round; i++) /* so that chance has another answer */
            hold_quietly(arrive(world, "other"), WORLD);
        hold_quietly(idle, HELLO);
        pass(world, 300);
        ignore_inbox(busy);
        ignore_inbox(idle);
        seek_quietly(arrive(world, "t"), HELLO);
        expect_asked(idle, HELLO);
        expect_nothing(busy);
        world_free(world);
    }
}

TEST(who_has_answered_is_as_free_as_before)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    size_t asked = 0;
    hold_quietly(a, WORLD);
    for (int i = 0; i < 50; i++) {
        seek_quietly(arrive(world, "s"), WORLD);
        expect_asked(a, WORLD);
        answer(a, WORLD, "world");
        pass(world, 20);
    }
    hold_quietly(a, HELLO);
    hold_quietly(b, HELLO);
    for (int i = 0; i < 20; i++) {
        pass(world, 300);
        struct client *both[] = {a, b};
        count_asked(both, 2);
        seek_quietly(arrive(world, "t"), HELLO);
        struct client *one = who_is_asked(both, 2);
        asked += one == a ? 1 : 0;
        answer(one, HELLO, "hello");
    }
    assert_in_range(asked, 2, 18);
    world_free(world);
}

TEST(requests_are_spread_over_the_holders)
{
    enum { MANY = 10 };
    struct world *world = world_new(NULL);
    struct client *holders[MANY];
    size_t asked[MANY] = {0};
    hold_all(world, HELLO, holders, MANY);
    for (int i = 0; i < 200; i++) {
        seek_quietly(arrive(world, "s"), HELLO);
        for (size_t k = 0; k < MANY; k++)
            if (holders[k]->count > 0) {
                asked[k]++;
                expect_asked(holders[k], HELLO);
                pass(world, 20);
                answer(holders[k], HELLO, "hello");
            }
    }
    for (size_t k = 0; k < MANY; k++)
        assert_in_range(asked[k], 5, 50);
    world_free(world);
}

TEST(ten_thousand_seekers_share_one_fetch_and_one_message)
{
    enum { MANY = 10000 };
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"),
                  **seekers = calloc(MANY, sizeof(struct client *));
    hold_quietly(a, HELLO);
    for (int i = 0; i < MANY; i++) {
        seekers[i] = arrive(world, "seeker");
        say(seekers[i], "['1',null,'want:" HELLO "','phx_join',{}]");
    }
    expect_asked(a, HELLO);
    answer(a, HELLO, "hello");
    expect_nothing(a);
    struct message *first = seekers[0]->inbox[seekers[0]->first];
    for (int i = 0; i < MANY; i++) {
        assert_int_equal(seekers[i]->count, 1);
        assert_ptr_equal(seekers[i]->inbox[seekers[i]->first], first);
    }
    expect(seekers[MANY - 1], CONTENT);
    assert_int_equal(metrics_of(world)->fetches_total, 1);
    assert_int_equal(metrics_of(world)->served_total, MANY);
    free(seekers);
    world_free(world);
}

TEST(of_ten_thousand_holders_one_is_asked)
{
    enum { MANY = 10000 };
    struct world *world = world_new(NULL);
    struct client **holders = calloc(MANY, sizeof(struct client *)),
                  *s = arrive(world, "s");
    for (int i = 0; i < MANY; i++) {
        holders[i] = arrive(world, "holder");
        say(holders[i], "['1',null,'have:" HELLO "','phx_join',{}]");
    }
    pass(world, 20000);
    seek(s, HELLO, "{}");
    assert_int_equal(count_asked(holders, MANY), 1);
    pass(world, 999);
    assert_int_equal(count_asked(holders, MANY), 0);
    free(holders);
    world_free(world);
}

/* ---- when the next one is asked ---- */

TEST(a_slow_holder_is_joined_by_others_after_one_and_two_seconds)
{
    enum { MANY = 8 };
    struct world *world = world_new(NULL);
    struct client *holders[MANY], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, MANY);
    seek_quietly(s, HELLO);
    assert_int_equal(count_asked(holders, MANY), 1);
    pass(world, 999);
    assert_int_equal(count_asked(holders, MANY), 0);
    pass(world, 1);
    assert_int_equal(count_asked(holders, MANY), 1);
    pass(world, 999);
    assert_int_equal(count_asked(holders, MANY), 0);
    pass(world, 1);
    assert_int_equal(count_asked(holders, MANY), 1);
    world_free(world);
}

/* 1, 2, 3, 6, 12, 24, 48, 96 and 192 at the same time. */
TEST(one_honest_holder_among_99_silent_ones_is_found_in_less_than_ten_seconds)
{
    enum { MANY = 100 };
    for (int honest = 0; honest < MANY; honest += 11) {
        struct world *world = world_new(NULL);
        struct client *holders[MANY], *s = arrive(world, "s");
        int seconds = 0;
        hold_all(world, HELLO, holders, MANY);
        seek_quietly(s, HELLO);
        while (count_asked(&holders[honest], 1) == 0) {
            assert_in_range(++seconds, 1, 8);
            pass(world, 1000);
        }
        answer(holders[honest], HELLO, "hello");
        assert_int_equal(count_events(s, "content"), 1);
        assert_int_equal(metrics_of(world)->fetches, 0);
        world_free(world);
    }
}

/* Whoever answered once, or was handed the page here, is asked second at the latest. */
TEST(silent_crowds_cannot_hide_those_who_are_known_to_have_the_page)
{
    enum { MANY = 300 };
    struct world *world = world_new(NULL);
    struct client *first = arrive(world, "first"), *known[8], *holders[MANY];
    hold_quietly(first, HELLO);
    for (int i = 0; i < 8; i++) {
        known[i] = arrive(world, "known");
        seek_quietly(known[i], HELLO);
    }
    answer(first, HELLO, "hello");
    for (int i = 0; i < 8; i++) {
        say(known[i], "['1','2','want:" HELLO "','phx_leave',{}]");
        ignore_inbox(known[i]);
        hold_quietly(known[i], HELLO);
    }
    drop(first);
    hold_all(world, HELLO, holders, MANY);
    for (int i = 0; i < 8; i++)
        ignore_inbox(known[i]);
    seek_quietly(arrive(world, "s"), HELLO);
    pass(world, 1000);
    assert_true(count_asked(known, 8) > 0);
    assert_int_equal(metrics_of(world)->asks_total, 1 + 2);
    world_free(world);
}

TEST(no_more_are_asked_at_the_same_time_than_the_operator_allows)
{
    enum { MANY = 30 };
    struct hub_config config = hub_config_default();
    config.holders_max = 5;
    struct world *world = world_new(&config);
    struct client *holders[MANY], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, MANY);
    seek_quietly(s, HELLO);
    pass(world, 9999);
    assert_int_equal(count_asked(holders, MANY), 5);
    assert_int_equal(metrics_of(world)->given_up_total, 0);
    world_free(world);
}

/* What the holders of a page are sent because of one who seeks it. */
TEST(a_request_costs_the_holders_little_more_bytes_than_it_brought)
{
    enum { MANY = 1000 };
    struct world *world = world_new(NULL);
    struct client *holders[MANY], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, MANY);
    const char *join = "['1','1','want:" HELLO "','phx_join',{}]";
    size_t bytes = 0;
    say(s, "%s", join);
    pass(world, 2999); /* three were asked */
    for (int i = 0; i < MANY; i++)
        for (size_t j = 0; j < holders[i]->count; j++)
            bytes += holders[i]->inbox[holders[i]->first + j]->size;
    assert_in_range(10 * bytes, 1, 35 * strlen(join));
    world_free(world);
}

TEST(each_is_given_up_after_ten_seconds_without_a_byte)
{
    enum { MANY = 8 };
    struct hub_config config = hub_config_default();
    config.holders_max = 3;
    struct world *world = world_new(&config);
    struct client *holders[MANY], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, MANY);
    seek_quietly(s, HELLO);
    pass(world, 9999);
    assert_int_equal(count_asked(holders, MANY), 3);
    for (int i = 0; i < 3; i++) {
        pass(world, i == 0 ? 1 : 1000);
        assert_int_equal(metrics_of(world)->given_up_total, i + 1);
        assert_int_equal(count_asked(holders, MANY), 1);
        assert_int_equal(metrics_of(world)->asks_total, 4 + i);
    }
    pass(world, 60000);
    assert_int_equal(metrics_of(world)->given_up_total, MANY);
    assert_int_equal(metrics_of(world)->asks_total, MANY);
    assert_int_equal(metrics_of(world)->fetches, 0);
    expect_nothing(s);
    world_free(world);
}

TEST(a_holder_that_sends_is_not_given_up_until_a_minute_has_passed)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    static const char head[] =
        "[\"1\",\"2\",\"have:" HELLO "\",\"content\",{\"content\":\"";
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    ignore_inbox(a);
    say_part(a, MESSAGE_TEXT, head, sizeof head - 1, true, false);
    for (int second = 5; second < 60; second += 5) {
        pass(world, 5000);
        say_part(a, MESSAGE_TEXT, "x", 1, false, false);
    }
    pass(world, 4999);
    assert_int_equal(metrics_of(world)->given_up_total, 0);
    pass(world, 1);
    assert_int_equal(metrics_of(world)->given_up_total, 1);
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    say_part(a, MESSAGE_TEXT, "\"}]", 3, false, true);
    expect_reply(a, "have", HELLO, "2", "not_asked");
    world_free(world);
}

TEST(ten_seconds_count_from_the_last_byte)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    static const char head[] =
        "[\"1\",\"2\",\"have:" HELLO "\",\"content\",{\"content\":\"h";
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    pass(world, 9999);
    say_part(a, MESSAGE_TEXT, head, sizeof head - 1, true, false);
    pass(world, 9999);
    assert_int_equal(metrics_of(world)->given_up_total, 0);
    say_part(a, MESSAGE_TEXT, "el", 2, false, false);
    pass(world, 10000);
    assert_int_equal(metrics_of(world)->given_up_total, 1);
    world_free(world);
}

TEST(a_holder_that_leaves_drops_or_lies_is_followed_at_once)
{
    enum { WAYS = 4 };
    for (int way = 0; way < WAYS; way++) {
        struct world *world = world_new(NULL);
        struct client *holders[2], *s = arrive(world, "s");
        hold_all(world, HELLO, holders, 2);
        seek_quietly(s, HELLO);
        struct client *first = who_is_asked(holders, 2);
        struct client *second = first == holders[0] ? holders[1] : holders[0];
        if (way == 0) leave(first, "have");
        if (way == 1) drop(first);
        if (way == 2) answer(first, HELLO, "HELLO");
        if (way == 3) say(first, "rubbish");
        assert_int_equal(count_events(second, "content_request"), 1);
        ignore_inbox(second);
        answer(second, HELLO, "hello");
        expect(s, CONTENT);
        assert_int_equal(metrics_of(world)->hedges_total, 0);
        world_free(world);
    }
}

TEST(a_holder_that_goes_away_is_followed_at_once)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *s = arrive(world, "s");
    hold(a, HELLO, "{'token':'tab-0001'}");
    seek_quietly(s, HELLO);
    hold_quietly(b, HELLO);
    drop(a);
    expect_asked(b, HELLO);
    answer(b, HELLO, "hello");
    expect(s, CONTENT);
    world_free(world);
}

TEST(a_holder_that_comes_late_to_a_slow_fetch_is_asked_at_once)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    pass(world, 5000);
    hold_quietly(b, HELLO);
    pass(world, 0);
    expect_asked(b, HELLO);
    world_free(world);
}

TEST(a_holder_that_joins_again_is_asked_again)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    ignore_inbox(a);
    say(a, "['5','5','have:" HELLO "','phx_join',{}]");
    assert_int_equal(count_events(a, "content_request"), 1);
    ignore_inbox(a);
    answer(a, HELLO, "hello");
    expect(s, CONTENT);
    assert_int_equal(metrics_of(world)->fetches_total, 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(joining_is_asking),
        cmocka_unit_test(a_seeker_that_waits_is_served_when_a_holder_appears),
        cmocka_unit_test(a_session_may_be_served_by_itself),
        cmocka_unit_test(the_holder_with_the_fewest_requests_is_asked),
        cmocka_unit_test(who_has_answered_is_as_free_as_before),
        cmocka_unit_test(requests_are_spread_over_the_holders),
        cmocka_unit_test(ten_thousand_seekers_share_one_fetch_and_one_message),
        cmocka_unit_test(of_ten_thousand_holders_one_is_asked),
        cmocka_unit_test(a_slow_holder_is_joined_by_others_after_one_and_two_seconds),
        cmocka_unit_test(
            one_honest_holder_among_99_silent_ones_is_found_in_less_than_ten_seconds),
        cmocka_unit_test(silent_crowds_cannot_hide_those_who_are_known_to_have_the_page),
        cmocka_unit_test(no_more_are_asked_at_the_same_time_than_the_operator_allows),
        cmocka_unit_test(a_request_costs_the_holders_little_more_bytes_than_it_brought),
        cmocka_unit_test(each_is_given_up_after_ten_seconds_without_a_byte),
        cmocka_unit_test(a_holder_that_sends_is_not_given_up_until_a_minute_has_passed),
        cmocka_unit_test(ten_seconds_count_from_the_last_byte),
        cmocka_unit_test(a_holder_that_leaves_drops_or_lies_is_followed_at_once),
        cmocka_unit_test(a_holder_that_goes_away_is_followed_at_once),
        cmocka_unit_test(a_holder_that_comes_late_to_a_slow_fetch_is_asked_at_once),
        cmocka_unit_test(a_holder_that_joins_again_is_asked_again),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
