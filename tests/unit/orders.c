/* Pages that other nodes want of this one. */
#include "cluster.h"

#include <string.h>

static void order(uint64_t request, uint32_t page_max)
{
    struct bus_message message = {
        .subject = {.kind = BUS_WANT, .hash = hello()},
        .reply = {.kind = BUS_INBOX, .node = bus_node_of("hand"), .request = request}};
    struct bus_record record = {
        .kind = BUS_ORDER, .page_max = page_max, .limit = 4, .hash = hello()};
    uint8_t head[BUS_HEAD_MAX];
    message.bytes = head;
    message.size = bus_record_write(&record, head);
    hand(0, &message);
    exchange();
}

TEST(orders_are_limited_in_number_and_rate)
{
    struct hub_config config = config_of(0);
    config.bus_orders_max = 2;
    config.bus_want_rate = 1;
    config.bus_want_burst = 4;
    begin(1, &config);
    play("hand", 0);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    order(1, 100);
    order(1, 100); /* the same again */
    order(2, 100);
    assert_int_equal(count_heard(BUS_SIGN), 2);
    assert_int_equal(count_heard(BUS_NO), 0);
    order(3, 100);
    assert_int_equal(refused(0, REASON_BUSY), 1);
    order(4, 100);
    order(5, 100);
    assert_int_equal(refused(0, REASON_BUS_RATE), 1);
    assert_int_equal(last_heard(BUS_NO)->record.reason, BUS_NO_ROOM);
    assert_int_equal(count_heard(BUS_NO), 3);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    assert_int_equal(count_heard(BUS_CHUNK), 2);
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders, 0);
    ignore_inbox(holder);
    end();
}

TEST(a_page_too_large_for_its_asker_is_not_sent)
{
    begin(1, NULL);
    play("hand", 0);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    order(1, 4);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    assert_int_equal(count_heard(BUS_CHUNK), 0);
    assert_int_equal(last_heard(BUS_NO)->record.reason, BUS_NO_HOLDER);
    ignore_inbox(holder);
    end();
}

TEST(an_order_for_what_nobody_holds_is_refused_at_once)
{
    begin(1, NULL);
    play("hand", 0);
    order(1, 100);
    assert_int_equal(last_heard(BUS_NO)->record.reason, BUS_NO_HOLDER);
    assert_int_equal(last_heard(BUS_NO)->subject.request, 1);
    end();
}

TEST(orders_whose_pages_nobody_takes_are_dropped)
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
    seek_quietly(seeker, hex);
    exchange();
    net.holds_chunks = true;
    answer_binary(holder, hex, page, SIZE);
    exchange();
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders_bytes, SIZE);
    set_up(1, false);
    pass_all(10100);
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders_bytes, 0);
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders, 0);
    ignore_inbox(holder);
    ignore_inbox(seeker);
    end();
}

TEST(an_order_does_not_wait_whilst_only_another_node_is_asked)
{
    struct hub_config config = config_of(0);
    config.in_flight_bytes_max = 3;
    begin(1, &config);
    play("hand", 1);
    struct client *holder = arrive(net.nodes[0], "holder"),
                  *seeker = arrive(net.nodes[0], "seeker");
    hold_quietly(holder, HELLO);
    seek_quietly(seeker, HELLO);
    exchange();
    pass_all(config.hedge_ms);
    assert_int_equal(count_heard(BUS_ORDER), 1);
    order(1, 100);
    assert_int_equal(count_heard(BUS_NO), 0);
    answer_binary(holder, HELLO, "hello", 5); /* for which there is no memory */
    exchange();
    assert_int_equal(metrics_of(net.nodes[0])->postponed_total, 1);
    assert_int_equal(metrics_of(net.nodes[0])->bus_wants, 1);
    assert_int_equal(last_heard(BUS_NO)->record.reason, BUS_NO_ROOM);
    assert_int_equal(metrics_of(net.nodes[0])->bus_orders, 0);
    ignore_inbox(holder);
    ignore_inbox(seeker);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(orders_are_limited_in_number_and_rate),
        cmocka_unit_test(a_page_too_large_for_its_asker_is_not_sent),
        cmocka_unit_test(an_order_for_what_nobody_holds_is_refused_at_once),
        cmocka_unit_test(orders_whose_pages_nobody_takes_are_dropped),
        cmocka_unit_test(an_order_does_not_wait_whilst_only_another_node_is_asked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
