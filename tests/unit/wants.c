/* Pages that come from other nodes. */
#include "cluster.h"

#include <string.h>

/* Sends a chunk to whoever asked last. */
static void send_chunk(uint32_t index, uint32_t total, const void *bytes, size_t size)
{
    struct bus_subject inbox = last_heard(BUS_ORDER)->reply;
    struct bus_record chunk = {
        .kind = BUS_CHUNK, .node = net.by_hand, .index = index, .total = total};
    say_to(0, &inbox, &chunk, bytes, size);
}

/* A node played by hand holds HELLO, and a client of node a seeks it. */
static struct client *seek_by_hand(void)
{
    begin(1, NULL);
    play("hand", 0);
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek_quietly(seeker, HELLO);
    exchange();
    assert_int_equal(last_heard(BUS_ORDER)->subject.kind, BUS_WANT);
    return seeker;
}

TEST(a_page_is_fetched_from_another_node)
{
    begin(2, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"), *seekers[10];
    hold_quietly(holder, HELLO);
    exchange();
    for (int i = 0; i < 10; i++) {
        seekers[i] = arrive(net.nodes[1], "seeker");
        seek(seekers[i], HELLO, "{'binary':true}");
        exchange();
    }
    expect_asked(holder, HELLO);
    expect_nothing(holder);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    for (int i = 0; i < 10; i++)
        expect_binary(seekers[i], HELLO, "hello", 5);
    assert_int_equal(metrics_of(net.nodes[1])->bus_wants_total, 1);
    assert_int_equal(metrics_of(net.nodes[0])->asks_total, 1);
    assert_int_equal(metrics_of(net.nodes[0])->bus_served_total, 1);
    end();
}

TEST(seekers_of_all_nodes_share_a_fetch)
{
    begin(3, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"), *seekers[3];
    hold_quietly(holder, HELLO);
    exchange();
    for (int i = 0; i < 3; i++) {
        seekers[i] = arrive(net.nodes[i], "seeker");
        seek(seekers[i], HELLO, "{'binary':true}");
        exchange();
    }
    expect_asked(holder, HELLO);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    for (int i = 0; i < 3; i++)
        expect_binary(seekers[i], HELLO, "hello", 5);
    assert_int_equal(metrics_of(net.nodes[0])->asks_total, 1);
    end();
}

TEST(the_empty_page_travels_too)
{
    static const char empty[] =
        "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    begin(2, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"),
                  *seeker = arrive(net.nodes[1], "seeker");
    hold_quietly(holder, empty);
    exchange();
    seek(seeker, empty, "{'binary':true}");
    exchange();
    answer_binary(holder, empty, "", 0);
    exchange();
    expect_asked(holder, empty);
    expect_binary(seeker, empty, "", 0);
    end();
}

TEST(nobody_is_said_after_the_second_time)
{
    begin(2, NULL);
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek(seeker, HELLO, "{'status':true}");
    exchange();
    expect(seeker, "[null,null,'want:" HELLO "','status',"
                   "{'state':'searching','holders':0,'asked':0,'reason':null}]");
    expect_nothing(seeker);
    pass_all(100);
    expect(seeker, "[null,null,'want:" HELLO "','status',"
                   "{'state':'nobody','holders':0,'asked':0,'reason':'no_holder'}]");
    expect_nothing(seeker);
    struct client *holder = arrive(net.nodes[1], "holder"); /* it is served all the same */
    hold_quietly(holder, HELLO);
    exchange();
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    assert_int_equal(count_events(seeker, "content"), 1);
    ignore_inbox(seeker);
    ignore_inbox(holder);
    end();
}

TEST(a_large_page_comes_in_chunks_that_are_granted)
{
    enum { SIZE = 1 << 20 };
    static uint8_t page[SIZE];
    char hex[HASH_HEX + 1];
    fill(page, SIZE, hex);
    begin(2, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"),
                  *seeker = arrive(net.nodes[1], "seeker");
    hold_quietly(holder, hex);
    exchange();
    seek(seeker, hex, "{'binary':true}");
    exchange();
    net.holds_chunks = true;
    answer_binary(holder, hex, page, SIZE);
    exchange();
    size_t chunks = 0;
    while (net.kept_count > 0) {
        assert_true(net.kept_count <= 4);
        pass_chunk(0);
        chunks++;
    }
    assert_int_equal(chunks, 16);
    expect_binary(seeker, hex, page, SIZE);
    ignore_inbox(holder);
    end();
}

TEST(a_holder_that_lies_costs_the_asker_nothing)
{
    begin(3, NULL);
    struct client *liar = arrive(net.nodes[0], "liar"),
                  *honest = arrive(net.nodes[1], "honest"),
                  *seeker = arrive(net.nodes[2], "seeker");
    hold_quietly(liar, HELLO);
    exchange();
    hold_quietly(honest, HELLO);
    exchange();
    pass_all(1000);
    ignore_inbox(liar);
    ignore_inbox(honest);
    seek(seeker, HELLO, "{'binary':true}");
    exchange();
    expect_asked(liar, HELLO); /* the bus chose its node */
    pass_all(100);             /* cells come */
    answer_binary(liar, HELLO, "jello", 5);
    exchange();
    assert_int_equal(count_events(honest, "content_request"), 1); /* asked by name */
    answer_binary(honest, HELLO, "hello", 5);
    exchange();
    expect_binary(seeker, HELLO, "hello", 5);
    ignore_inbox(liar);
    ignore_inbox(honest);
    end();
}

TEST(wants_do_not_go_in_circles)
{
    begin(2, NULL);
    struct client *silent[2], *seekers[2];
    for (int i = 0; i < 2; i++) {
        silent[i] = arrive(net.nodes[i], "silent");
        hold_quietly(silent[i], HELLO);
        exchange();
    }
    for (int i = 0; i < 2; i++) {
        seekers[i] = arrive(net.nodes[i], "seeker");
        seek_quietly(seekers[i], HELLO);
        exchange();
    }
    pass_all(30000);
    for (int i = 0; i < 2; i++) {
        assert_true(metrics_of(net.nodes[i])->bus_wants_total < 20);
        ignore_inbox(silent[i]);
        ignore_inbox(seekers[i]);
    }
    end();
}

TEST(who_goes_is_not_waited_for)
{
    begin(2, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"),
                  *seeker = arrive(net.nodes[1], "seeker");
    hold_quietly(holder, HELLO);
    exchange();
    seek_quietly(seeker, HELLO);
    exchange();
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders, 1);
    assert_int_equal(metrics_of(net.nodes[0])->fetches, 1);
    drop(seeker);
    exchange();
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders, 0);
    assert_int_equal(metrics_of(net.nodes[0])->fetches, 0);
    ignore_inbox(holder);
    end();
}

TEST(an_order_ends_with_the_last_holder)
{
    begin(2, NULL);
    struct client *holder = arrive(net.nodes[0], "holder"),
                  *seeker = arrive(net.nodes[1], "seeker");
    hold_quietly(holder, HELLO);
    exchange();
    seek(seeker, HELLO, "{'status':true}");
    exchange();
    ignore_inbox(seeker);
    ignore_inbox(holder);
    drop(holder);
    exchange();
    pass_all(200);
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders, 0);
    expect(seeker, "[null,null,'want:" HELLO "','status',"
                   "{'state':'nobody','holders':0,'asked':0,'reason':'no_holder'}]");
    ignore_inbox(seeker);
    end();
}

/* ---- answers by hand ---- */

TEST(wrong_bytes_of_a_node_are_given_to_nobody)
{
    struct client *seeker = seek_by_hand();
    pass_all(100);
    play("hand", 1);
    send_chunk(0, 5, "jello", 5);
    assert_int_equal(refused(0, REASON_BUS_BYTES), 1);
    expect_nothing(seeker);
    assert_int_equal(count_heard(BUS_ORDER), 1); /* it is not asked again */
    pass_all(4000);
    end();
}

TEST(chunks_that_were_not_to_come_end_the_answer)
{
    static const struct {
        uint32_t index, total;
        size_t size;
    } chunks[] = {
        {1, 70000, 4464},          /* out of order */
        {0, 5, 4},                 /* too short */
        {0, 5, 6},                 /* too long */
        {0, 70000, 65535},         /* short, and not the last */
        {0, (1 << 20) + 1, 65536}, /* a page too large */
        {UINT32_MAX, 5, 5},
    };
    static const uint8_t zeros[BUS_CHUNK_BYTES];
    for (size_t i = 0; i < sizeof chunks / sizeof chunks[0]; i++) {
        struct client *seeker = seek_by_hand();
        send_chunk(chunks[i].index, chunks[i].total, zeros, chunks[i].size);
        assert_int_equal(refused(0, REASON_BUS_CHUNK), 1);
        assert_int_equal(last_heard(BUS_CANCEL)->subject.node, net.by_hand);
        assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 0);
        assert_int_equal(metrics_of(net.nodes[0])->in_flight_bytes, 0);
        expect_nothing(seeker);
        end();
    }
}

TEST(more_chunks_than_were_granted_end_the_answer)
{
    static const uint8_t zeros[BUS_CHUNK_BYTES];
    struct client *seeker = seek_by_hand();
    const uint32_t total = 16 * (uint32_t)BUS_CHUNK_BYTES;
    for (uint32_t i = 0; i < 3; i++)
        send_chunk(i, total, zeros, sizeof zeros);
    assert_int_equal(last_heard(BUS_CREDIT)->record.limit, 6);
    send_chunk(1, total, zeros, sizeof zeros); /* it came before */
    assert_int_equal(refused(0, REASON_BUS_CHUNK), 1);
    assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 1);
    send_chunk(3, total + 1, zeros, sizeof zeros);
    assert_int_equal(refused(0, REASON_BUS_CHUNK), 2);
    assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 0);
    expect_nothing(seeker);
    end();
}

TEST(a_node_that_is_silent_is_given_up)
{
    struct client *seeker = seek_by_hand();
    pass_all(3100);
    assert_int_equal(metrics_of(net.nodes[0])->given_up_total, 1);
    assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 0);
    send_chunk(0, 5, "hello", 5); /* too late: it is told so */
    assert_int_equal(count_heard(BUS_CANCEL), 1);
    expect_nothing(seeker);
    end();
}

/* The order is lost with a connection: it is said once more to the same node. */
TEST(an_order_that_may_be_lost_is_said_again)
{
    struct client *seeker = seek_by_hand();
    size_t before = count_heard(BUS_ORDER);
    struct heard first = *last_heard(BUS_ORDER);
    pass_all(1400);
    assert_int_equal(count_heard(BUS_ORDER), before);
    pass_all(200);
    assert_int_equal(count_heard(BUS_ORDER), before + 1);
    assert_int_equal(last_heard(BUS_ORDER)->reply.request, first.reply.request);
    pass_all(1000);
    assert_int_equal(count_heard(BUS_ORDER), before + 1);
    send_chunk(0, 5, "hello", 5);
    assert_int_equal(metrics_of(net.nodes[0])->bus_contents_total, 1);
    assert_int_equal(count_events(seeker, "content"), 1);
    ignore_inbox(seeker);
    end();
}

TEST(a_sign_keeps_a_node_alive)
{
    seek_by_hand();
    struct bus_record sign = {.kind = BUS_SIGN, .node = net.by_hand};
    for (int i = 0; i < 10; i++) {
        pass_all(1000);
        struct bus_subject inbox = last_heard(BUS_ORDER)->reply;
        say_to(0, &inbox, &sign, NULL, 0);
    }
    assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 1);
    pass_all(52000); /* but not for ever */
    assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_fetched_from_another_node),
        cmocka_unit_test(seekers_of_all_nodes_share_a_fetch),
        cmocka_unit_test(the_empty_page_travels_too),
        cmocka_unit_test(nobody_is_said_after_the_second_time),
        cmocka_unit_test(a_large_page_comes_in_chunks_that_are_granted),
        cmocka_unit_test(a_holder_that_lies_costs_the_asker_nothing),
        cmocka_unit_test(wants_do_not_go_in_circles),
        cmocka_unit_test(who_goes_is_not_waited_for),
        cmocka_unit_test(an_order_ends_with_the_last_holder),
        cmocka_unit_test(wrong_bytes_of_a_node_are_given_to_nobody),
        cmocka_unit_test(chunks_that_were_not_to_come_end_the_answer),
        cmocka_unit_test(more_chunks_than_were_granted_end_the_answer),
        cmocka_unit_test(a_node_that_is_silent_is_given_up),
        cmocka_unit_test(an_order_that_may_be_lost_is_said_again),
        cmocka_unit_test(a_sign_keeps_a_node_alive),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
