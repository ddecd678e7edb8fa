/* Holders of an earlier process that are on their way. */
#include "world.h"

#include <stdio.h>

#define GRACE_MS 10000
#define CROWD 3000

static void expect_status(struct client *client, const char *state, int holders, int asked,
                          const char *reason)
{
    expect(client,
           "[null,null,'want:" HELLO "','status',"
           "{'state':'%s','holders':%d,'asked':%d,'reason':%s}]",
           state, holders, asked, reason);
}

static struct world *awaiting(uint64_t for_ms)
{
    struct world *world = world_new(NULL);
    hub_await(world->hub, for_ms == UINT64_MAX ? for_ms : world->now_ms + for_ms,
              world->now_ms);
    settle(world);
    return world;
}

TEST(a_seeker_is_told_of_a_search_until_the_time_is_over_and_then_the_truth)
{
    struct world *world = awaiting(GRACE_MS);
    struct client *s = arrive(world, "s");
    seek(s, HELLO, "{'status':true}");
    expect_status(s, "searching", 0, 0, "null");
    pass(world, GRACE_MS - 1);
    expect_nothing(s);
    assert_true(hub_awaits(world->hub));
    pass(world, 1);
    expect_status(s, "nobody", 0, 0, "'no_holder'");
    assert_false(hub_awaits(world->hub));
    struct client *late = arrive(world, "late");
    seek(late, HELLO, "{'status':true}");
    expect_status(late, "nobody", 0, 0, "'no_holder'");
    world_free(world);
}

TEST(a_holder_that_comes_is_asked_at_once_and_nobody_is_told_anything_else)
{
    struct world *world = awaiting(GRACE_MS);
    struct client *s = arrive(world, "s"), *served = arrive(world, "served");
    seek(s, HELLO, "{'status':true}");
    ignore_inbox(s);
    seek_quietly(served, HELLO);
    struct client *h = arrive(world, "h");
    hold(h, HELLO, "{}");
    expect(h, "[null,null,'have:" HELLO "','visitors_count',{'count':1}]");
    expect_asked(h, HELLO);
    expect_status(s, "searching", 1, 1, "null");
    answer(h, HELLO, "hello");
    expect(s, "[null,null,'want:" HELLO "','content',{'content':'hello'}]");
    pass(world, GRACE_MS);
    expect_nothing(s);
    world_free(world);
}

TEST(holders_that_are_there_and_fail_are_told_of_at_once)
{
    struct world *world = awaiting(GRACE_MS);
    struct client *h = arrive(world, "h"), *s = arrive(world, "s");
    hold_quietly(h, HELLO);
    seek(s, HELLO, "{'status':true}");
    expect_status(s, "searching", 1, 1, "null");
    answer(h, HELLO, "something else");
    expect_status(s, "nobody", 0, 0, "'wrong_bytes'");
    pass(world, GRACE_MS);
    expect_nothing(s);
    world_free(world);
}

TEST(a_holder_that_goes_again_leaves_a_search_behind)
{
    struct world *world = awaiting(GRACE_MS);
    struct client *h = arrive(world, "h"), *s = arrive(world, "s");
    hold_quietly(h, HELLO);
    seek_quietly(s, HELLO);
    struct client *t = arrive(world, "t");
    seek(t, HELLO, "{'status':true}");
    ignore_inbox(t);
    drop(h);
    expect_status(t, "searching", 0, 0, "null");
    pass(world, GRACE_MS);
    expect_status(t, "nobody", 0, 0, "'no_holder'");
    world_free(world);
}

TEST(without_a_time_they_are_awaited_until_one_is_said)
{
    struct world *world = awaiting(UINT64_MAX);
    struct client *s = arrive(world, "s");
    seek(s, HELLO, "{'status':true}");
    ignore_inbox(s);
    pass(world, 100 * GRACE_MS);
    expect_nothing(s);
    hub_await(world->hub, world->now_ms + 5, world->now_ms);
    pass(world, 4);
    expect_nothing(s);
    pass(world, 1);
    expect_status(s, "nobody", 0, 0, "'no_holder'");
    world_free(world);
}

static size_t count_told(struct client *const seekers[CROWD])
{
    size_t told = 0;
    for (size_t i = 0; i < CROWD; i++)
        told += count_events(seekers[i], "status");
    return told;
}

TEST(of_very_many_pages_some_are_told_at_a_time)
{
    struct hub_config config = hub_config_default();
    struct client *seekers[CROWD];
    struct world *world = world_new(&config);
    hub_await(world->hub, world->now_ms + GRACE_MS, world->now_ms);
    for (size_t i = 0; i < CROWD; i++) {
        char hash[HASH_HEX + 1];
        snprintf(hash, sizeof hash, "%064zx", i);
        seekers[i] = arrive(world, "one of many");
        seek(seekers[i], hash, "{'status':true}");
        ignore_inbox(seekers[i]);
    }
    size_t told = 0, most = 0;
    pass(world, GRACE_MS - 1);
    for (int step = 0; step < 100 && told < CROWD; step++) {
        size_t before = told;
        pass(world, 1);
        told = count_told(seekers);
        if (told - before > most) most = told - before;
    }
    assert_int_equal(told, CROWD);
    assert_true(most < CROWD / 2);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_seeker_is_told_of_a_search_until_the_time_is_over_and_then_the_truth),
        cmocka_unit_test(
            a_holder_that_comes_is_asked_at_once_and_nobody_is_told_anything_else),
        cmocka_unit_test(holders_that_are_there_and_fail_are_told_of_at_once),
        cmocka_unit_test(a_holder_that_goes_again_leaves_a_search_behind),
        cmocka_unit_test(without_a_time_they_are_awaited_until_one_is_said),
        cmocka_unit_test(of_very_many_pages_some_are_told_at_a_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
