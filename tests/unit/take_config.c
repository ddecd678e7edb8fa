/* Other limits whilst there are sessions: what is new is under them, and nobody is closed. */
#include "world.h"

#include <stdio.h>
#include <string.h>

#define ANSWER "[\"1\",\"2\",\"have:" HELLO "\",\"content\",{\"content\":\"hello\"}]"
#define HEARTBEAT "[null,'1','phoenix','heartbeat',{}]"

static void take_config(struct world *world, const struct hub_config *config)
{
    hub_take_config(world->hub, config, world->now_ms);
    settle(world);
}

TEST(a_page_that_has_begun_to_come_ends_under_the_older_limits)
{
    struct hub_config config = hub_config_default();
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    say_part(a, MESSAGE_TEXT, ANSWER, 100, true, false);
    config.page_bytes_max = 4;
    config.message_bytes_max = 20;
    config.fragments_max = 1;
    take_config(world, &config);
    say_part(a, MESSAGE_TEXT, ANSWER + 100, strlen(ANSWER) - 100, true, true);
    assert_int_equal(count_events(s, "content"), 1);
    assert_int_not_equal(a->id, 0);
    world_free(world);
}

TEST(a_page_that_was_held_when_pages_could_be_larger_is_refused_and_its_holder_stays)
{
    struct hub_config config = hub_config_default();
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    static char page[200000], hex[HASH_HEX + 1];
    memset(page, 'x', sizeof page);
    struct page_hash hash = hash_of(page, sizeof page);
    hash_to_hex(&hash, 0, hex);
    hold_quietly(a, hex);
    config.page_bytes_max = 100;
    take_config(world, &config);
    seek_quietly(s, hex);
    ignore_inbox(a);
    answer_binary(a, hex, page, sizeof page);
    expect(a, "['1','1','have:%s','phx_error',{'reason':'page_size'}]", hex);
    assert_int_not_equal(a->id, 0);
    assert_int_equal(refusals(world, REASON_MESSAGE_SIZE), 0);
    world_free(world);
}

TEST(what_was_said_under_other_rates_is_not_held_against_anybody)
{
    struct hub_config config = hub_config_default();
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    for (uint32_t i = 0; i < config.message_burst; i++)
        say(a, HEARTBEAT);
    config.message_rate = 1;
    config.message_burst = 3;
    take_config(world, &config);
    for (uint32_t i = 0; i < 3; i++)
        say(a, HEARTBEAT);
    assert_int_not_equal(a->id, 0);
    say(a, HEARTBEAT);
    ignore_inbox(a);
    expect_closed(a, 1008, REASON_MESSAGE_RATE);
    world_free(world);
}

TEST(sessions_and_topics_above_new_limits_stay_and_no_more_come)
{
    struct hub_config config = hub_config_default();
    struct world *world = world_new(&config);
    struct client *a = arrive_from(world, "a", 1), *b = arrive_from(world, "b", 1);
    hold_quietly(a, HELLO);
    hold_quietly(a, WORLD);
    config.connections_per_address_max = 1;
    config.topics_max = 1;
    take_config(world, &config);
    assert_true(a->id != 0 && b->id != 0);
    assert_int_equal(metrics_of(world)->holders, 2);
    struct client *c = arrive_from(world, "c", 1);
    assert_int_equal(c->id, 0);
    assert_int_equal(c->reason, REASON_ADDRESS_CONNECTIONS);
    say(a, "['2','2','all','phx_join',{}]");
    expect(a, "['2','2','all','phx_reply',{'status':'error','response':{'reason':"
              "'too_many_topics'}}]");
    world_free(world);
}

TEST(whoever_waits_for_room_that_there_is_now_comes_in)
{
    struct hub_config config = hub_config_default();
    config.page_bytes_max = 100000;
    config.window_bytes = 100000;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    hold_quietly(a, WORLD);
    seek_quietly(s, HELLO);
    seek_quietly(s, WORLD);
    assert_int_equal(metrics_of(world)->seekers_waiting, 1);
    config.window_bytes = 200000;
    take_config(world, &config);
    assert_int_equal(metrics_of(world)->seekers_waiting, 0);
    assert_int_equal(count_events(a, "content_request"), 2);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_that_has_begun_to_come_ends_under_the_older_limits),
        cmocka_unit_test(
            a_page_that_was_held_when_pages_could_be_larger_is_refused_and_its_holder_stays),
        cmocka_unit_test(what_was_said_under_other_rates_is_not_held_against_anybody),
        cmocka_unit_test(sessions_and_topics_above_new_limits_stay_and_no_more_come),
        cmocka_unit_test(whoever_waits_for_room_that_there_is_now_comes_in),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
