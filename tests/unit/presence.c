/* Counts: soon, not too often, and right in the end. */
#include "world.h"

#include <jansson.h>
#include <stdlib.h>
#include <string.h>

static void expect_count(struct client *client, int count)
{
    expect(client, "[null,null,'have:" HELLO "','visitors_count',{'count':%d}]", count);
}

static void leave(struct client *client)
{
    say(client, "['1',null,'have:" HELLO "','phx_leave',{}]");
}

/* Reads every count in the inbox, in order; asserts that none repeats the one before, and
   returns the last (or `last`, what was told before). */
static json_int_t read_counts(struct client *client, json_int_t last)
{
    while (client->count > 0) {
        struct message *message = take(client);
        json_t *frame = json_loadb((char *)message_bytes(message), message->size, 0, NULL);
        if (strcmp(json_string_value(json_array_get(frame, 3)), "visitors_count") == 0) {
            json_int_t count =
                json_integer_value(json_object_get(json_array_get(frame, 4), "count"));
            assert_true(count != last);
            last = count;
        }
        json_decref(frame);
        message_unref(message);
    }
    return last;
}

TEST(the_first_change_is_told_at_once)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, "{}");
    expect_count(a, 1);
    pass(world, 250);
    hold(b, HELLO, "{}");
    expect_count(a, 2);
    expect_count(b, 2);
    pass(world, 250);
    leave(b);
    expect_count(a, 1);
    assert_int_equal(metrics_of(world)->counts_total, 4);
    world_free(world);
}

TEST(changes_within_an_interval_are_told_once_at_its_end)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *others[5];
    hold(a, HELLO, "{}");
    expect_count(a, 1);
    for (int i = 0; i < 5; i++) {
        pass(world, 40);
        others[i] = arrive(world, "other");
        hold(others[i], HELLO, "{}");
        expect_count(others[i], i + 2); /* who joins a small page need not wait */
        expect_nothing(a);
    }
    pass(world, 49);
    expect_nothing(a);
    pass(world, 1);
    expect_count(a, 6);
    for (int i = 0; i < 4; i++)
        expect_count(others[i], 6);
    expect_nothing(others[4]);
    world_free(world);
}

TEST(the_last_value_always_arrives)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *c = arrive(world, "c");
    hold(a, HELLO, "{}");
    hold(b, HELLO, "{}");
    hold(c, HELLO, "{}");
    pass(world, 250);
    leave(b);
    leave(c);
    pass(world, 250);
    assert_int_equal(read_counts(a, 0), 1);
    pass(world, 60000);
    expect_nothing(a);
    world_free(world);
}

TEST(a_change_that_is_undone_is_not_told)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, "{}");
    expect_count(a, 1);
    hold(b, HELLO, "{}");
    leave(b);
    pass(world, 1000);
    expect_nothing(a);
    world_free(world);
}

TEST(a_newcomer_for_one_who_left_learns_the_right_count)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *c = arrive(world, "c");
    hold(a, HELLO, "{}");
    hold(b, HELLO, "{}");
    pass(world, 1000);
    ignore_inbox(a);
    hold(c, HELLO, "{}"); /* three, told at once */
    leave(b);             /* two again, as long ago */
    pass(world, 1000);
    assert_int_equal(read_counts(a, 2), 2);
    assert_int_equal(read_counts(c, 0), 2);
    world_free(world);
}

TEST(everybody_may_leave_and_come_back)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    seek(s, HELLO, "{}");
    for (int i = 0; i < 5; i++) {
        hold(a, HELLO, "{}");
        expect_count(a, 1);
        expect_asked(a, HELLO);
        leave(a);
        ignore_inbox(a);
        pass(world, i % 2 == 0 ? 10 : 1000);
    }
    world_free(world);
}

TEST(those_away_are_counted_but_not_told)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold(a, HELLO, "{'token':'tab-0001'}");
    drop(a);
    hold(b, HELLO, "{}");
    expect_count(b, 2);
    pass(world, 9000);
    expect_nothing(b);
    pass(world, 1000);
    expect_count(b, 1);
    world_free(world);
}

TEST(each_is_told_in_the_letters_of_its_join)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    const char *upper = "2CF24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";
    hold(a, HELLO, "{}");
    ignore_inbox(a);
    pass(world, 250);
    hold(b, upper, "{}");
    expect_count(a, 2);
    expect(b, "[null,null,'have:%s','visitors_count',{'count':2}]", upper);
    world_free(world);
}

/* ---- crowds ---- */

static struct world *quick_world(void)
{
    struct hub_config config = hub_config_default();
    config.connections_max = UINT32_MAX;
    return world_new(&config);
}

TEST(on_a_page_with_up_to_500_holders_a_joiner_is_told_at_once)
{
    struct world *world = quick_world();
    for (int i = 1; i <= 510; i++) {
        struct client *client = arrive(world, "one");
        hold(client, HELLO, "{}");
        if (i <= 500) expect_count(client, i);
        if (i > 500) expect_nothing(client);
    }
    world_free(world);
}

/* Joins `many`, ten or so every millisecond; the caller frees the array. */
static struct client **crowd_new(struct world *world, uint32_t many, uint32_t each_ms)
{
    struct client **crowd = calloc(many, sizeof *crowd);
    for (uint32_t i = 0; i < many; i++) {
        crowd[i] = arrive(world, "one of many");
        say(crowd[i], "['1',null,'have:" HELLO "','phx_join',{}]");
        if ((i + 1) % each_ms == 0) pass(world, 1);
    }
    return crowd;
}

TEST(a_crowd_of_10000_within_a_second_costs_at_most_two_counts_each)
{
    enum { MANY = 10000 };
    struct world *world = quick_world();
    struct client **crowd = crowd_new(world, MANY, 10);
    pass(world, 10000);
    assert_true(metrics_of(world)->counts_total <= 2 * MANY);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(read_counts(crowd[i], 0), MANY);
    free(crowd);
    world_free(world);
}

/* 10,000 sessions from one customer's network, in a page that one other holds. */
TEST(one_network_cannot_raise_a_count_above_its_cap)
{
    struct world *world = world_new(NULL);
    struct client *other = arrive_from(world, "other", 1);
    hold_quietly(other, HELLO);
    for (int i = 0; i < 10000; i++) {
        struct address from = {{0x20, 0x01, 0x0d, 0xb8}};
        from.bytes[14] = (uint8_t)(i >> 8);
        from.bytes[15] = (uint8_t)i;
        struct client *client = arrive_as(world, "many", &from);
        if (client->id == 0) continue;
        say(client, "['1','1','have:" HELLO "','phx_join',{'token':'token-%05d'}]", i);
        ignore_inbox(client);
        if (i % 3 == 0) drop(client); /* away ones count too, and are capped as well */
    }
    pass(world, 5000);
    struct page_hash hash;
    assert_true(hash_from_hex(HELLO, HASH_HEX, &hash, NULL));
    assert_in_range(hub_holders(world->hub, &hash), 2, 1 + 200 + 200);
    assert_in_range(read_counts(other, 0), 2, 1 + 200 + 200);
    assert_true(refusals(world, REASON_ADDRESS_CONNECTIONS) > 9000);
    world_free(world);
}

TEST(a_crowd_that_leaves_within_a_second_costs_no_more)
{
    enum { MANY = 4000 };
    struct world *world = quick_world();
    struct client **crowd = crowd_new(world, MANY, MANY);
    pass(world, 10000);
    uint64_t before = metrics_of(world)->counts_total;
    for (int i = 1; i < MANY; i++) {
        leave(crowd[i]);
        if (i % 4 == 0) pass(world, 1);
    }
    pass(world, 10000);
    assert_true(metrics_of(world)->counts_total - before <= 2 * MANY);
    assert_int_equal(read_counts(crowd[0], 0), 1);
    free(crowd);
    world_free(world);
}

TEST(the_interval_grows_with_the_audience_up_to_its_largest)
{
    struct hub_config config = hub_config_default();
    config.count_per_second = 10;
    config.count_interval_max_ms = 3000;
    struct world *world = world_new(&config);
    struct client **crowd = crowd_new(world, 20, 1000);
    pass(world, 10000);
    ignore_inbox(crowd[0]);
    hold_quietly(arrive(world, "a"), HELLO); /* the 21st, and it was quiet: at once */
    expect_count(crowd[0], 21);
    hold_quietly(arrive(world, "b"), HELLO); /* the 22nd: after 22 tenths of a second */
    pass(world, 2199);
    expect_nothing(crowd[0]);
    pass(world, 1);
    expect_count(crowd[0], 22);
    for (int i = 0; i < 30; i++)
        hold_quietly(arrive(world, "c"), HELLO);
    pass(world, 10000);
    expect_count(crowd[0], 52);
    hold_quietly(arrive(world, "d"), HELLO);
    expect_count(crowd[0], 53);
    hold_quietly(arrive(world, "e"), HELLO); /* 5.4 seconds would be too long */
    pass(world, 2999);
    expect_nothing(crowd[0]);
    pass(world, 1);
    expect_count(crowd[0], 54);
    free(crowd);
    world_free(world);
}

TEST(who_joins_a_large_page_again_is_told_with_the_next_count)
{
    struct hub_config config = hub_config_default();
    config.count_per_second = 10;
    struct world *world = world_new(&config);
    struct client **crowd = crowd_new(world, 20, 1000);
    pass(world, 10000);
    ignore_inbox(crowd[3]);
    say(crowd[3], "['2',null,'have:" HELLO "','phx_join',{}]");
    expect(crowd[3], "['1','1','have:" HELLO "','phx_close',{}]");
    pass(world, 0); /* the page was quiet for long, so that is now */
    expect_count(crowd[3], 20);
    assert_int_equal(read_counts(crowd[4], 0), 20);
    expect_nothing(crowd[4]);
    free(crowd);
    world_free(world);
}

/* Whoever came and went: after a quiet time all know, and nobody was told twice the
   same. */
TEST(any_coming_and_going_ends_in_the_right_count)
{
    enum { MANY = 40 };
    uint64_t random = 77;
    for (int round = 0; round < 20; round++) {
        struct world *world = world_new(NULL);
        struct client *clients[MANY];
        json_int_t told[MANY] = {0};
        bool in[MANY] = {false};
        int count = 0;
        for (int i = 0; i < MANY; i++)
            clients[i] = arrive(world, "one");
        for (int step = 0; step < 200; step++) {
            int i = (int)random_below(&random, MANY);
            if (in[i])
                leave(clients[i]);
            else
                say(clients[i], "['1',null,'have:" HELLO "','phx_join',{}]");
            if (in[i]) ignore_inbox(clients[i]);
            told[i] = in[i] ? 0 : read_counts(clients[i], 0);
            in[i] = !in[i];
            count += in[i] ? 1 : -1;
            pass(world, random_below(&random, 60));
            for (int k = 0; k < MANY; k++)
                told[k] = read_counts(clients[k], told[k]);
        }
        pass(world, 1000);
        for (int i = 0; i < MANY; i++)
            if (in[i]) assert_int_equal(read_counts(clients[i], told[i]), count);
        world_free(world);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_change_is_told_at_once),
        cmocka_unit_test(changes_within_an_interval_are_told_once_at_its_end),
        cmocka_unit_test(the_last_value_always_arrives),
        cmocka_unit_test(a_change_that_is_undone_is_not_told),
        cmocka_unit_test(a_newcomer_for_one_who_left_learns_the_right_count),
        cmocka_unit_test(everybody_may_leave_and_come_back),
        cmocka_unit_test(those_away_are_counted_but_not_told),
        cmocka_unit_test(each_is_told_in_the_letters_of_its_join),
        cmocka_unit_test(on_a_page_with_up_to_500_holders_a_joiner_is_told_at_once),
        cmocka_unit_test(a_crowd_of_10000_within_a_second_costs_at_most_two_counts_each),
        cmocka_unit_test(one_network_cannot_raise_a_count_above_its_cap),
        cmocka_unit_test(a_crowd_that_leaves_within_a_second_costs_no_more),
        cmocka_unit_test(the_interval_grows_with_the_audience_up_to_its_largest),
        cmocka_unit_test(who_joins_a_large_page_again_is_told_with_the_next_count),
        cmocka_unit_test(any_coming_and_going_ends_in_the_right_count),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
