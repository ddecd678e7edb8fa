/* Who is at a page, in all nodes; and who the nodes are. */
#include "cluster.h"

#include <stdlib.h>
#include <string.h>

#define COUNT(n) "[null,null,'have:" HELLO "','visitors_count',{'count':" n "}]"

/* The last count that the client was told; empties its inbox. */
static void expect_last_count(struct client *client, const char *count)
{
    while (client->count > 1)
        message_unref(take(client));
    expect(client, "%s", count);
}

TEST(counts_are_sums_of_all_nodes)
{
    begin(3, NULL);
    struct client *holders[3];
    for (int i = 0; i < 3; i++) {
        holders[i] = arrive(net.nodes[i], "holder");
        hold(holders[i], HELLO, "{}");
        exchange();
    }
    pass_all(1000);
    for (int i = 0; i < 3; i++)
        expect_last_count(holders[i], COUNT("3"));
    drop(holders[2]);
    exchange();
    pass_all(1000);
    expect_last_count(holders[0], COUNT("2"));
    expect_last_count(holders[1], COUNT("2"));
    end();
}

TEST(those_away_are_counted_everywhere)
{
    begin(2, NULL);
    struct client *watcher = arrive(net.nodes[0], "watcher"),
                  *leaver = arrive(net.nodes[1], "leaver");
    hold(watcher, HELLO, "{'away':true}");
    hold(leaver, HELLO, "{'token':'tokentoken'}");
    exchange();
    pass_all(1000);
    expect_last_count(watcher, COUNT("2"));
    drop(leaver);
    exchange();
    pass_all(1000);
    expect(watcher, "[null,null,'have:" HELLO "','visitors_count',{'count':2,'away':1}]");
    pass_all(11000);
    expect_last_count(watcher, COUNT("1"));
    end();
}

TEST(whoever_comes_later_learns_what_was_said_before)
{
    begin(2, NULL);
    struct client *first = arrive(net.nodes[0], "first");
    hold_quietly(first, HELLO);
    exchange();
    pass_all(5000);
    struct client *second = arrive(net.nodes[1], "second");
    seek_quietly(second, HELLO);
    exchange();
    pass_all(100);
    struct page_hash hash = hello();
    assert_int_equal(hub_holders(net.nodes[1]->hub, &hash), 1);
    drop(second);
    second = arrive(net.nodes[1], "second");
    hold(second, HELLO, "{}");
    exchange();
    pass_all(1000);
    expect_last_count(second, COUNT("2"));
    expect_last_count(first, COUNT("2"));
    end();
}

TEST(a_node_that_is_silent_is_forgotten)
{
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    play("hand", 7);
    pass_all(1000);
    expect_last_count(holder, COUNT("8"));
    pass_all(3400);
    assert_int_equal(metrics_of(net.nodes[0])->bus_nodes, 1);
    pass_all(200);
    expect(holder, COUNT("1"));
    assert_int_equal(metrics_of(net.nodes[0])->bus_nodes, 0);
    assert_int_equal(metrics_of(net.nodes[0])->bus_cells, 0);
    end();
}

TEST(a_node_that_says_goodbye_is_forgotten_at_once)
{
    begin(2, NULL);
    struct client *here = arrive(net.nodes[0], "here"),
                  *there = arrive(net.nodes[1], "there");
    hold_quietly(here, HELLO);
    hold_quietly(there, HELLO);
    exchange();
    pass_all(1000);
    expect_last_count(here, COUNT("2"));
    hub_bus_leave(net.nodes[1]->hub, net.nodes[1]->now_ms);
    exchange();
    assert_int_equal(metrics_of(net.nodes[0])->bus_nodes, 0);
    pass_all(300);
    expect(here, COUNT("1"));
    ignore_inbox(there);
    end();
}

/* Whether a node's seekers of what nobody holds are told to wait. */
static bool awaits(int node)
{
    return hub_awaits(net.nodes[node]->hub);
}

TEST(the_holders_of_a_node_that_goes_are_awaited)
{
    begin(2, NULL);
    assert_false(awaits(0));
    hub_bus_go(net.nodes[1]->hub, net.nodes[1]->now_ms);
    exchange();
    assert_true(awaits(0) && awaits(1));
    assert_int_equal(metrics_of(net.nodes[0])->bus_nodes, 1); /* it can still be asked */
    pass_all(60000);
    assert_true(awaits(0)); /* it says so again and again */
    hub_bus_leave(net.nodes[1]->hub, net.nodes[1]->now_ms);
    exchange();
    set_up(1, false);
    pass_all(9000);
    assert_true(awaits(0));
    pass_all(1000);
    assert_false(awaits(0));
    end();
}

TEST(the_holders_of_a_node_that_is_silent_are_awaited)
{
    begin(1, NULL);
    play("hand", 7);
    pass_all(4400);
    assert_false(awaits(0));
    pass_all(200);
    assert_true(awaits(0));
    pass_all(10000);
    assert_false(awaits(0));
    end();
}

TEST(a_page_is_not_missing_before_all_nodes_were_found_alive)
{
    begin(1, NULL);
    play("hand", 0);
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek_quietly(seeker, HELLO);
    exchange();
    pass_all(1000);
    assert_false(awaits(0));
    drop(seeker);
    net.by_hand = 0; /* it died a moment ago */
    seeker = arrive(net.nodes[0], "seeker");
    seek(seeker, HELLO, "{'status':true}");
    exchange();
    pass_all(100);
    assert_true(awaits(0));
    expect(seeker, "[null,null,'want:" HELLO "','status',"
                   "{'state':'searching','holders':0,'asked':0,'reason':null}]");
    ignore_inbox(seeker);
    end();
}

static void say_cell(uint64_t incarnation, uint64_t seq, uint32_t visitors)
{
    struct bus_subject subject = {.kind = BUS_PRESENCE, .hash = hello()};
    struct bus_record cell = {.kind = BUS_CELL,
                              .node = net.by_hand,
                              .incarnation = incarnation,
                              .seq = seq,
                              .tally = {visitors, 0, visitors}};
    say_to(0, &subject, &cell, NULL, 0);
}

TEST(the_larger_incarnation_and_seq_hold)
{
    struct page_hash hash = hello();
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    play("hand", 0);
    say_cell(7, 10, 5);
    say_cell(7, 9, 3); /* late */
    say_cell(7, 10, 4);
    say_cell(6, 99, 2); /* of a life that is over */
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 6);
    say_cell(8, 1, 1); /* started again */
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 2);
    say_cell(7, 11, 5);
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 2);
    say_cell(8, 2, 0);
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 1);
    ignore_inbox(holder);
    end();
}

/* What its node told before it was started again goes, though nobody says so. */
TEST(a_new_life_ends_what_the_old_one_said)
{
    struct page_hash hash = hello();
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    play("hand", 5);
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 6);
    struct bus_subject hb = {.kind = BUS_HEARTBEAT};
    struct bus_record alive = {
        .kind = BUS_ALIVE, .node = net.by_hand, .incarnation = 8, .seq = 1};
    say_to(0, &hb, &alive, NULL, 0);
    pass_all(10);
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 1);
    ignore_inbox(holder);
    end();
}

/* It was lost that they left: they do not answer when they are asked, and are forgotten. */
TEST(a_cell_that_is_not_told_again_is_dropped_within_seconds)
{
    struct page_hash hash = hello();
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    play("hand", 5);
    struct bus_subject hb = {.kind = BUS_HEARTBEAT};
    struct bus_record alive = {
        .kind = BUS_ALIVE, .node = net.by_hand, .incarnation = 7, .seq = 2};
    for (int i = 0; i < 8; i++) {
        pass_all(1000);
        say_to(0, &hb, &alive, NULL, 0);
        alive.seq++;
    }
    assert_int_equal(metrics_of(net.nodes[0])->bus_nodes, 1);
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 1);
    ignore_inbox(holder);
    end();
}

TEST(a_crowd_costs_few_messages)
{
    enum { CROWD = 10000 };
    struct hub_config config = config_of(0);
    config.count_per_second = 1000000;
    begin(1, &config);
    uint64_t before = metrics_of(net.nodes[0])->bus_published_total;
    for (int i = 0; i < CROWD; i++) {
        hold_quietly(arrive(net.nodes[0], "one of many"), HELLO);
        if (i % 100 == 99) pass_all(10);
    }
    pass_all(1000);
    uint64_t published = metrics_of(net.nodes[0])->bus_published_total - before;
    assert_true(published < 20);
    for (size_t i = 0; i < net.nodes[0]->count; i++)
        ignore_inbox(net.nodes[0]->clients[i]);
    end();
}

TEST(a_page_lingers_when_all_have_gone)
{
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    assert_true(is_subscribed(0, BUS_PRESENCE) && is_subscribed(0, BUS_WANT));
    drop(holder);
    exchange();
    assert_true(is_subscribed(0, BUS_PRESENCE) && !is_subscribed(0, BUS_WANT));
    pass_all(29000);
    assert_true(is_subscribed(0, BUS_PRESENCE));
    pass_all(2000);
    assert_false(is_subscribed(0, BUS_PRESENCE));
    assert_int_equal(metrics_of(net.nodes[0])->bus_interests, 0);
    end();
}

TEST(who_holds_a_page_elsewhere_is_asked_for)
{
    struct page_hash hash = hello();
    begin(2, NULL);
    struct client *holder = arrive(net.nodes[1], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    struct hub *hub = net.nodes[0]->hub;
    assert_int_equal(hub_holders(hub, &hash), 0);
    assert_int_equal(hub_ask_holders(hub, &hash, net.nodes[0]->now_ms),
                     config_of(0).bus_again_ms);
    exchange();
    assert_int_equal(hub_holders(hub, &hash), 1);
    assert_int_equal(metrics_of(net.nodes[1])->asks_total, 0);
    pass_all(1000);
    assert_int_equal(hub_ask_holders(hub, &hash, net.nodes[0]->now_ms), 0);
    drop(holder);
    pass_all(config_of(0).count_interval_ms);
    assert_int_equal(hub_holders(hub, &hash), 0);
    pass_all(60000);
    assert_int_equal(metrics_of(net.nodes[0])->bus_interests, 0);
    set_up(0, false);
    assert_int_equal(hub_ask_holders(hub, &hash, net.nodes[0]->now_ms), 0);
    ignore_inbox(holder);
    end();
}

TEST(a_page_that_is_only_sought_for_a_moment_is_not_subscribed_to)
{
    begin(1, NULL);
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek_quietly(seeker, HELLO);
    exchange();
    drop(seeker);
    exchange();
    assert_false(is_subscribed(0, BUS_PRESENCE));
    assert_int_equal(metrics_of(net.nodes[0])->bus_interests, 0);
    end();
}

TEST(who_is_away_is_not_offered)
{
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold(holder, HELLO, "{'token':'tokentoken'}");
    exchange();
    assert_true(is_subscribed(0, BUS_WANT));
    drop(holder);
    exchange();
    assert_false(is_subscribed(0, BUS_WANT));
    ignore_inbox(holder);
    end();
}

TEST(all_is_said_again_when_the_bus_is_back)
{
    begin(2, NULL);
    struct client *here = arrive(net.nodes[0], "here"),
                  *there = arrive(net.nodes[1], "there");
    set_up(1, false);
    pass_all(6000);
    hold_quietly(here, HELLO);
    hold_quietly(there, HELLO);
    exchange();
    pass_all(1000);
    expect_nothing(here);
    expect_nothing(there);
    set_up(1, true);
    pass_all(1000);
    expect_last_count(here, COUNT("2"));
    expect_last_count(there, COUNT("2"));
    end();
}

TEST(a_name_used_twice_is_noticed)
{
    begin(1, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"),
                  *seeker = arrive(net.nodes[0], "seeker");
    struct bus_subject hb = {.kind = BUS_HEARTBEAT};
    struct bus_record alive = {
        .kind = BUS_ALIVE, .node = bus_node_of("a"), .incarnation = 999, .seq = 1};
    say_to(0, &hb, &alive, NULL, 0); /* the other one is older: it goes */
    assert_int_equal(refused(0, REASON_BUS_NAME), 1);
    assert_int_equal(hub_bus_state(net.nodes[0]->hub), BUS_UP);
    alive.incarnation = 1000; /* that are our own words */
    say_to(0, &hb, &alive, NULL, 0);
    assert_int_equal(refused(0, REASON_BUS_NAME), 1);
    alive.incarnation = 1001;
    say_to(0, &hb, &alive, NULL, 0);
    assert_int_equal(refused(0, REASON_BUS_NAME), 2);
    assert_int_equal(hub_bus_state(net.nodes[0]->hub), BUS_NAME_TAKEN);
    set_up(0, false);
    set_up(0, true); /* that changes nothing: it is alone now, and serves */
    assert_int_equal(hub_bus_state(net.nodes[0]->hub), BUS_NAME_TAKEN);
    hold_quietly(holder, HELLO);
    seek(seeker, HELLO, "{'binary':true}");
    answer_binary(holder, HELLO, "hello", 5);
    expect_binary(seeker, HELLO, "hello", 5);
    ignore_inbox(holder);
    end();
}

TEST(more_nodes_than_allowed_are_not_heeded)
{
    struct hub_config config = config_of(0);
    config.bus_nodes_max = 2;
    begin(1, &config);
    play("one", 0);
    play("two", 0);
    play("three", 0);
    assert_int_equal(metrics_of(net.nodes[0])->bus_nodes, 2);
    assert_int_equal(refused(0, REASON_BUS_NODES), 1);
    end();
}

TEST(what_does_not_belong_on_a_subject_is_dropped)
{
    struct bus_subject hb = {.kind = BUS_HEARTBEAT}, none = {.kind = BUS_NOTHING},
                       inbox = {.kind = BUS_INBOX, .node = bus_node_of("a"), .request = 1},
                       other = {.kind = BUS_INBOX, .node = 1, .request = 1},
                       node = {.kind = BUS_NODE, .node = bus_node_of("a")},
                       want = {.kind = BUS_WANT, .hash = hello()},
                       cells = {.kind = BUS_PRESENCE, .hash = hello()};
    const struct {
        const struct bus_subject *subject;
        enum bus_kind kind;
    } rows[] = {
        {&hb, BUS_CELL},     {&hb, BUS_CHUNK},   {&cells, BUS_ALIVE}, {&cells, BUS_ORDER},
        {&want, BUS_CELL},   {&want, BUS_ORDER}, {&inbox, BUS_ORDER}, {&inbox, BUS_CANCEL},
        {&node, BUS_ALIVE},  {&node, BUS_CELL},  {&node, BUS_CHUNK},  {&node, BUS_ORDER},
        {&other, BUS_CHUNK}, {&none, BUS_ALIVE}, {&none, BUS_CELL},
    };
    uint64_t expected = 0;
    begin(1, NULL);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct bus_record record = {.kind = rows[i].kind, .node = 5, .hash = hello()};
        say_to(0, rows[i].subject, &record, NULL, 0); /* orders: without a reply */
        assert_int_equal(refused(0, REASON_BUS_MESSAGE), ++expected);
    }
    say_bytes_to(0, &hb, "", 0);
    say_bytes_to(0, &hb, "\x99", 1);
    say_bytes_to(0, &cells, "hello", 5);
    assert_int_equal(refused(0, REASON_BUS_MESSAGE), expected + 3);
    end();
}

TEST(a_hub_without_a_name_is_alone)
{
    struct bus_message message = {.subject = {.kind = BUS_HEARTBEAT}};
    struct bus_effect effect;
    struct world *world = world_new(NULL);
    hub_bus_up(world->hub, true, world->now_ms);
    hub_bus(world->hub, &message, world->now_ms);
    hub_bus_leave(world->hub, world->now_ms);
    assert_int_equal(hub_bus_state(world->hub), BUS_NONE);
    assert_false(hub_next_bus_effect(world->hub, &effect));
    struct client *holder = arrive(world, "holder");
    hold_quietly(holder, HELLO);
    assert_false(hub_next_bus_effect(world->hub, &effect));
    assert_int_equal(metrics_of(world)->bus_interests, 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(counts_are_sums_of_all_nodes),
        cmocka_unit_test(those_away_are_counted_everywhere),
        cmocka_unit_test(whoever_comes_later_learns_what_was_said_before),
        cmocka_unit_test(a_node_that_is_silent_is_forgotten),
        cmocka_unit_test(a_node_that_says_goodbye_is_forgotten_at_once),
        cmocka_unit_test(a_page_is_not_missing_before_all_nodes_were_found_alive),
        cmocka_unit_test(the_holders_of_a_node_that_is_silent_are_awaited),
        cmocka_unit_test(the_holders_of_a_node_that_goes_are_awaited),
        cmocka_unit_test(the_larger_incarnation_and_seq_hold),
        cmocka_unit_test(a_new_life_ends_what_the_old_one_said),
        cmocka_unit_test(a_cell_that_is_not_told_again_is_dropped_within_seconds),
        cmocka_unit_test(a_crowd_costs_few_messages),
        cmocka_unit_test(a_page_lingers_when_all_have_gone),
        cmocka_unit_test(who_holds_a_page_elsewhere_is_asked_for),
        cmocka_unit_test(a_page_that_is_only_sought_for_a_moment_is_not_subscribed_to),
        cmocka_unit_test(who_is_away_is_not_offered),
        cmocka_unit_test(all_is_said_again_when_the_bus_is_back),
        cmocka_unit_test(a_name_used_twice_is_noticed),
        cmocka_unit_test(more_nodes_than_allowed_are_not_heeded),
        cmocka_unit_test(what_does_not_belong_on_a_subject_is_dropped),
        cmocka_unit_test(a_hub_without_a_name_is_alone),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
