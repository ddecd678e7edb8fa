/* Holders whose connection dropped: topics.c, the part about tokens. */
#include "world.h"

#include <stdio.h>

#define TOKEN "{'token':'tab-0001'}"

static uint32_t holders_of(struct world *world, const char *hash)
{
    struct page_hash page;
    hash_from_hex(hash, HASH_HEX, &page, NULL);
    return hub_holders(world->hub, &page);
}

static void expect_count(struct client *client, const char *hash, int count)
{
    expect(client, "[null,null,'have:%s','visitors_count',{'count':%d}]", hash, count);
}

static void expect_close(struct client *client, const char *topic, const char *hash)
{
    expect(client, "['1','1','%s:%s','phx_close',{}]", topic, hash);
}

TEST(a_dropped_holder_with_a_token_is_counted_for_the_grace_time)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, TOKEN);
    hold(b, HELLO, "{}");
    pass(world, 1000);
    ignore_inbox(b);
    drop(a);
    assert_int_equal(holders_of(world, HELLO), 2);
    assert_int_equal(metrics_of(world)->away, 1);
    assert_int_equal(metrics_of(world)->holders, 1);
    pass(world, 9999);
    expect_nothing(b);
    pass(world, 1);
    expect_count(b, HELLO, 1);
    assert_int_equal(metrics_of(world)->away, 0);
    world_free(world);
}

TEST(a_dropped_holder_without_a_token_is_gone_at_once)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold_quietly(a, HELLO);
    hold_quietly(b, HELLO);
    pass(world, 1000);
    ignore_inbox(b);
    drop(a);
    expect_count(b, HELLO, 1);
    assert_int_equal(metrics_of(world)->away, 0);
    world_free(world);
}

TEST(leaving_is_not_being_away)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    hold(a, HELLO, TOKEN);
    say(a, "['1','2','have:" HELLO "','phx_leave',{}]");
    drop(a);
    assert_int_equal(metrics_of(world)->away, 0);
    assert_int_equal(holders_of(world, HELLO), 0);
    world_free(world);
}

TEST(a_connection_closed_for_a_fault_leaves_its_holders_away)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    hold(a, HELLO, TOKEN);
    ignore_inbox(a);
    say(a, "rubbish");
    expect_closed(a, 1007, REASON_BAD_JSON);
    assert_int_equal(metrics_of(world)->away, 1);
    world_free(world);
}

TEST(the_token_takes_the_place_of_who_is_away)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *c = arrive(world, "c");
    hold_quietly(b, HELLO);
    hold(a, HELLO, TOKEN);
    pass(world, 1000);
    ignore_inbox(b);
    drop(a);
    pass(world, 5000);
    hold(c, HELLO, TOKEN);
    expect_count(c, HELLO, 2);
    pass(world, 30000);
    expect_nothing(b);
    expect_nothing(c);
    assert_int_equal(holders_of(world, HELLO), 2);
    assert_int_equal(metrics_of(world)->away, 0);
    assert_int_equal(metrics_of(world)->take_overs_total, 1);
    world_free(world);
}

TEST(the_token_takes_the_place_of_who_is_still_there)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, TOKEN);
    ignore_inbox(a);
    hold(b, HELLO, TOKEN);
    expect_close(a, "have", HELLO);
    expect_nothing(a);
    expect_count(b, HELLO, 1);
    drop(a);
    assert_int_equal(holders_of(world, HELLO), 1);
    assert_int_equal(metrics_of(world)->away, 0);
    drop(b);
    assert_int_equal(metrics_of(world)->away, 1);
    world_free(world);
}

/* A holder that wants to know hears of those who are away, and of nothing else more than
   others do. */
TEST(who_wants_to_know_is_told_how_many_are_away)
{
    struct world *world = world_new(NULL);
    struct client *watcher = arrive(world, "watcher"), *other = arrive(world, "other");
    struct client *dropped = arrive(world, "dropped"), *back;
    hold(watcher, HELLO, "{'away':true}");
    hold(other, HELLO, "{}");
    hold(dropped, HELLO, "{'token':'12345678'}");
    pass(world, 1000);
    ignore_inbox(watcher);
    ignore_inbox(other);
    drop(dropped);
    expect(watcher, "[null,null,'have:" HELLO "','visitors_count',{'count':3,'away':1}]");
    pass(world, 1000);
    back = arrive(world, "back");
    hold(back, HELLO, "{'token':'12345678','away':true}");
    expect(watcher, "[null,null,'have:" HELLO "','visitors_count',{'count':3}]");
    expect(back, "[null,null,'have:" HELLO "','visitors_count',{'count':3}]");
    pass(world, 1000);
    drop(back);
    expect(watcher, "[null,null,'have:" HELLO "','visitors_count',{'count':3,'away':1}]");
    expect_nothing(other);
    pass(world, 10000);
    expect(watcher, "[null,null,'have:" HELLO "','visitors_count',{'count':2}]");
    expect(other, "[null,null,'have:" HELLO "','visitors_count',{'count':2}]");
    expect_nothing(watcher);
    world_free(world);
}

TEST(whoever_comes_is_told_of_those_who_are_away_already)
{
    struct world *world = world_new(NULL);
    struct client *dropped = arrive(world, "dropped"), *late = arrive(world, "late");
    hold(dropped, HELLO, "{'token':'12345678'}");
    drop(dropped);
    hold(late, HELLO, "{'away':true}");
    pass(world, 1000);
    expect(late, "[null,null,'have:" HELLO "','visitors_count',{'count':2,'away':1}]");
    expect_nothing(late);
    say(late, "['2','2','have:" WORLD "','phx_join',{'away':1}]");
    expect(late, "['2','2','have:" WORLD "','phx_reply',"
                 "{'status':'error','response':{'reason':'bad_payload'}}]");
    world_free(world);
}

TEST(another_token_and_another_page_are_other_places)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, TOKEN);
    drop(a);
    hold(b, HELLO, "{'token':'tab-0002'}");
    ignore_inbox(b);
    hold(b, WORLD, TOKEN);
    assert_int_equal(holders_of(world, HELLO), 2);
    assert_int_equal(holders_of(world, WORLD), 1);
    assert_int_equal(metrics_of(world)->away, 1);
    world_free(world);
}

TEST(a_token_that_is_the_beginning_of_another_is_another)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, "{'token':'tab-00012'}");
    hold(b, HELLO, TOKEN);
    assert_int_equal(holders_of(world, HELLO), 2);
    assert_int_equal(metrics_of(world)->take_overs_total, 0);
    world_free(world);
}

TEST(joining_again_may_keep_change_or_drop_the_token)
{
    static const char *const payloads[] = {TOKEN, TOKEN, "{'token':'tab-0002'}", "{}",
                                           TOKEN};
    static const uint64_t away[] = {1, 1, 1, 0, 1};
    for (size_t last = 0; last < sizeof payloads / sizeof payloads[0]; last++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a");
        for (size_t i = 0; i <= last; i++) {
            hold(a, HELLO, payloads[i]);
            ignore_inbox(a);
            assert_int_equal(holders_of(world, HELLO), 1);
        }
        drop(a);
        assert_int_equal(metrics_of(world)->away, away[last]);
        world_free(world);
    }
}

TEST(a_session_may_change_to_the_token_of_another)
{
    for (int there = 0; there < 2; there++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a"), *b = arrive(world, "b");
        hold(a, HELLO, TOKEN);
        hold(b, HELLO, "{'token':'tab-0002'}");
        if (!there) drop(a);
        ignore_inbox(b);
        ignore_inbox(a);
        hold(b, HELLO, TOKEN);
        if (there) expect_close(a, "have", HELLO);
        expect_close(b, "have", HELLO);
        pass(world, 5000);
        assert_int_equal(holders_of(world, HELLO), 1);
        assert_int_equal(metrics_of(world)->away, 0);
        assert_int_equal(metrics_of(world)->holders, 1);
        world_free(world);
    }
}

TEST(one_address_has_so_many_away)
{
    struct hub_config config = hub_config_default();
    config.away_per_address_max = 2;
    struct world *world = world_new(&config);
    for (int i = 0; i < 4; i++) {
        char token[40];
        struct client *a = arrive_from(world, "a", i < 3 ? 1 : 2);
        snprintf(token, sizeof token, "{'token':'tab-000%d'}", i);
        hold(a, HELLO, token);
        drop(a);
    }
    assert_int_equal(metrics_of(world)->away, 3);
    struct client *b = arrive_from(world, "b", 1);
    hold(b, HELLO, "{'token':'tab-0000'}");
    assert_int_equal(metrics_of(world)->away, 2);
    drop(b);
    assert_int_equal(metrics_of(world)->away, 3);
    world_free(world);
}

TEST(without_grace_nobody_is_away)
{
    struct hub_config config = hub_config_default();
    config.grace_ms = 0;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    hold(a, HELLO, TOKEN);
    drop(a);
    assert_int_equal(holders_of(world, HELLO), 0);
    world_free(world);
}

TEST(a_holder_that_is_away_is_not_asked_until_it_is_back)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *s = arrive(world, "s");
    hold(a, HELLO, TOKEN);
    drop(a);
    seek(s, HELLO, "{}");
    pass(world, 9000);
    expect_nothing(s);
    hold(b, HELLO, TOKEN);
    expect_count(b, HELLO, 1);
    expect_asked(b, HELLO);
    answer(b, HELLO, "hello");
    expect(s, "[null,null,'want:" HELLO "','content',{'content':'hello'}]");
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_dropped_holder_with_a_token_is_counted_for_the_grace_time),
        cmocka_unit_test(a_dropped_holder_without_a_token_is_gone_at_once),
        cmocka_unit_test(leaving_is_not_being_away),
        cmocka_unit_test(a_connection_closed_for_a_fault_leaves_its_holders_away),
        cmocka_unit_test(the_token_takes_the_place_of_who_is_away),
        cmocka_unit_test(the_token_takes_the_place_of_who_is_still_there),
        cmocka_unit_test(who_wants_to_know_is_told_how_many_are_away),
        cmocka_unit_test(whoever_comes_is_told_of_those_who_are_away_already),
        cmocka_unit_test(another_token_and_another_page_are_other_places),
        cmocka_unit_test(a_token_that_is_the_beginning_of_another_is_another),
        cmocka_unit_test(joining_again_may_keep_change_or_drop_the_token),
        cmocka_unit_test(a_session_may_change_to_the_token_of_another),
        cmocka_unit_test(one_address_has_so_many_away),
        cmocka_unit_test(without_grace_nobody_is_away),
        cmocka_unit_test(a_holder_that_is_away_is_not_asked_until_it_is_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
