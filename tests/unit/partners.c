/* A partner that floods, lies, says nothing or anything: it hurts nobody at home. It is
   played by hand, as mallory, beside two nodes that are one organisation. */
#include "cluster.h"

#include <string.h>

static const struct bus_subject wants = {.kind = BUS_WANT}, claims = {.kind = BUS_CLAIMS};
static const char *const home[] = {"home", "home"};

static struct hub_config config_with_mallory(void)
{
    struct hub_config config = config_of(0);
    strcpy(config.partners[0], "mallory");
    config.partners_have = config.partners_want = true;
    return config;
}

static void begin_with(const struct hub_config *config)
{
    begin_organisations(2, home, config);
    net.partner_by_hand = "mallory";
}

static void begin_with_mallory(void)
{
    struct hub_config config = config_with_mallory();
    begin_with(&config);
}

static struct metrics *metrics(void)
{
    return metrics_of(net.nodes[0]);
}

static struct bus_record order_of(const char *page, uint64_t request)
{
    return (struct bus_record){.kind = BUS_FAR_ORDER,
                               .node = 77,
                               .request = request,
                               .page_max = 1 << 20,
                               .limit = 4,
                               .hash = hash_of(page, strlen(page))};
}

static void order(const char *page, uint64_t request)
{
    struct bus_record record = order_of(page, request);
    say_far(&wants, &record, NULL, 0);
}

static void answer_far(const struct bus_record *record, const void *body, size_t size)
{
    const struct bus_record *asked = &last_heard(BUS_FAR_ORDER)->record;
    struct bus_subject inbox = {
        .kind = BUS_INBOX, .node = asked->node, .request = asked->request};
    say_far(&inbox, record, body, size);
}

static void send_chunk(uint32_t index, uint32_t total, const void *body, size_t size)
{
    struct bus_record chunk = {
        .kind = BUS_CHUNK, .node = 77, .index = index, .total = total};
    answer_far(&chunk, body, size);
}

static struct client *seek_here(const char *hash)
{
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek_quietly(seeker, hash);
    exchange();
    pass_all(100);
    return seeker;
}

/* Whether a page goes from the one node at home to the other, at once. */
static void assert_home_works(void)
{
    static int number;
    char text[40], hex[HASH_HEX + 1];
    snprintf(text, sizeof text, "home %d", number++);
    struct page_hash hash = hash_of(text, strlen(text));
    hash_to_hex(&hash, 0, hex);
    struct client *holder = arrive(net.nodes[1], "at home"),
                  *seeker = arrive(net.nodes[0], "at home");
    hold_quietly(holder, hex);
    exchange();
    seek_quietly(seeker, hex);
    exchange();
    answer_binary(holder, hex, text, strlen(text));
    exchange();
    assert_int_equal(count_events(seeker, "content"), 1);
    ignore_inbox(holder);
    ignore_inbox(seeker);
    drop(holder);
    drop(seeker);
}

static void listen_again(void)
{
    net.heard_count = 0;
}

TEST(a_flood_of_wants_is_refused_and_then_not_heard)
{
    begin_with_mallory();
    for (uint64_t i = 0; i < 100000; i++) {
        char page[40];
        snprintf(page, sizeof page, "none %d", (int)i);
        listen_again();
        order(page, i);
        if (i % 1000 == 0) pass_all(10);
        assert_true(metrics()->pages <= 33 && metrics()->bus_interests <= 33);
        if (i % 20000 == 0) assert_home_works();
    }
    assert_true(refused(0, REASON_PARTNER_ORDERS) > 0);
    assert_int_equal(refused(0, REASON_PARTNER_DEAF), 1);
    assert_in_range(partner_number(0, "received_total"), 100, 400);
    assert_false(is_subscribed(0, BUS_CLAIMS));
    assert_int_equal(partner_number(0, "deaf"), 1);
    pass_all(1100);
    assert_true(is_subscribed(0, BUS_CLAIMS));
    assert_int_equal(partner_number(0, "deaf"), 0);
    listen_again();
    order("none", 1);
    assert_int_equal(count_heard(BUS_SIGN), 1);
    pass_all(200);
    assert_int_equal(metrics()->pages, 0);
    end();
}

TEST(who_floods_again_is_not_heard_for_longer)
{
    static const uint8_t garbage[] = {0x77};
    struct bus_subject subject = {
        .kind = BUS_CLAIMS, .side = BUS_FROM, .partner = "mallory"};
    uint64_t waits[9];
    begin_with_mallory();
    for (int round = 0; round < 9; round++) {
        uint64_t begun = net.nodes[0]->now_ms;
        for (int i = 0; i < 300; i++)
            say_bytes_to(0, &subject, garbage, sizeof garbage);
        assert_int_equal(refused(0, REASON_PARTNER_DEAF), (uint64_t)round + 1);
        while (!is_subscribed(0, BUS_CLAIMS))
            pass_all(100);
        waits[round] = net.nodes[0]->now_ms - begun;
        if (round == 7) pass_all(61000);
    }
    assert_in_range(waits[0], 1000, 1100);
    assert_in_range(waits[1], 2000, 2100);
    assert_in_range(waits[7], 60000, 60100);
    assert_in_range(waits[8], 1000, 1100); /* it was good for a minute */
    assert_true(refused(0, REASON_PARTNER_MESSAGE) < 9 * 110);
    end();
}

TEST(wants_have_a_rate_and_so_have_their_bytes)
{
    struct hub_config config = config_with_mallory();
    config.partner_want_rate = 2;
    config.partner_bytes_rate = 8;
    begin_with(&config);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    order("hello", 1);
    order("hello", 2);
    order("hello", 3);
    assert_int_equal(refused(0, REASON_PARTNER_RATE), 1);
    assert_int_equal(last_heard(BUS_NO)->record.reason, BUS_NO_ROOM);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    assert_int_equal(count_heard(BUS_CHUNK), 2); /* the second one is on credit */
    config.partner_want_rate = 0;
    hub_take_config(net.nodes[0]->hub, &config, net.nodes[0]->now_ms);
    order("hello", 4);
    assert_int_equal(refused(0, REASON_PARTNER_RATE), 2); /* it owes bytes */
    pass_all(300);
    order("hello", 5);
    assert_int_equal(refused(0, REASON_PARTNER_RATE), 2);
    ignore_inbox(holder);
    end();
}

TEST(pages_that_a_partner_does_not_take_are_few)
{
    enum { SIZE = 1 << 20, WANTS = 20 };
    static uint8_t page[SIZE];
    char hex[HASH_HEX + 1];
    struct bus_record record = order_of("", 0);
    fill(page, SIZE, hex);
    record.hash = hash_of(page, SIZE);
    begin_with_mallory();
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, hex);
    exchange();
    for (record.request = 1; record.request <= WANTS; record.request++)
        say_far(&wants, &record, NULL, 0);
    answer_binary(holder, hex, page, SIZE);
    exchange();
    assert_int_equal(partner_number(0, "orders"), 8); /* a second's worth, 8 MiB */
    assert_int_equal(refused(0, REASON_PARTNER_RATE), WANTS - 8);
    assert_int_equal(metrics()->bus_orders + metrics()->bus_orders_bytes, 0);
    assert_home_works();
    pass_all(10100);
    assert_int_equal(partner_number(0, "orders"), 0);
    ignore_inbox(holder);
    end();
}

TEST(a_partner_that_grants_again_what_it_granted_is_given_up)
{
    enum { SIZE = 1 << 20 };
    static uint8_t page[SIZE];
    char hex[HASH_HEX + 1];
    struct bus_record record = order_of("", 1);
    struct bus_subject node = {.kind = BUS_NODE, .node = bus_node_of("a")};
    struct bus_record credit = {.kind = BUS_CREDIT, .node = 77, .request = 1, .limit = 4};
    fill(page, SIZE, hex);
    record.hash = hash_of(page, SIZE);
    begin_with_mallory();
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, hex);
    exchange();
    say_far(&wants, &record, NULL, 0);
    answer_binary(holder, hex, page, SIZE);
    exchange();
    assert_int_equal(partner_number(0, "orders"), 1);
    for (int second = 0; second < 11; second++) {
        say_far(&node, &credit, NULL, 0);
        pass_all(1000);
    }
    assert_int_equal(partner_number(0, "orders"), 0);
    ignore_inbox(holder);
    end();
}

TEST(a_partner_that_lies_is_asked_once)
{
    begin_with_mallory();
    struct client *seeker = seek_here(HELLO);
    send_chunk(0, 5, "hella", 5);
    assert_int_equal(refused(0, REASON_PARTNER_BYTES), 1);
    assert_int_equal(metrics()->in_flight_bytes, 0);
    pass_all(60000);
    assert_int_equal(count_heard(BUS_FAR_ORDER), 1);
    assert_int_equal(count_events(seeker, "content"), 0);
    assert_home_works();
    ignore_inbox(seeker);
    end();
}

TEST(a_partner_that_only_promises_is_given_up)
{
    struct bus_record sign = {.kind = BUS_SIGN, .node = 77};
    begin_with_mallory();
    struct client *seeker = seek_here(HELLO);
    for (int i = 0; i < 59; i++) {
        answer_far(&sign, NULL, 0);
        pass_all(1000);
        if (i == 20) assert_home_works();
    }
    assert_int_equal(partner_number(0, "asked"), 1);
    pass_all(2000);
    assert_int_equal(count_heard(BUS_CANCEL), 1);
    ignore_inbox(seeker);
    end();
}

/* Memory is kept for it only as long as more comes. */
TEST(a_partner_that_stops_in_the_middle_is_given_up)
{
    enum { SIZE = 1 << 20 };
    static uint8_t page[SIZE];
    char hex[HASH_HEX + 1];
    struct bus_record sign = {.kind = BUS_SIGN, .node = 77};
    fill(page, SIZE, hex);
    begin_with_mallory();
    struct client *seeker = seek_here(hex);
    send_chunk(0, SIZE, page, BUS_CHUNK_BYTES);
    assert_int_equal(metrics()->in_flight_bytes, SIZE);
    for (int i = 0; i < 4; i++) {
        pass_all(800);
        answer_far(&sign, NULL, 0);
    }
    assert_int_equal(metrics()->in_flight_bytes, 0);
    assert_int_equal(count_heard(BUS_CANCEL), 1);
    assert_int_equal(partner_number(0, "rests"), 1);
    ignore_inbox(seeker);
    end();
}

TEST(pages_from_partners_leave_memory_for_home)
{
    enum { SEEKERS = 6 };
    static uint8_t chunk[BUS_CHUNK_BYTES];
    struct hub_config config = config_with_mallory();
    struct client *seekers[SEEKERS];
    config.page_bytes_max = 200000;
    config.in_flight_bytes_max = 800000; /* of which partners may use a quarter */
    begin_with(&config);
    for (int i = 0; i < SEEKERS; i++) {
        char text[20], hex[HASH_HEX + 1];
        snprintf(text, sizeof text, "wanted %d", i);
        struct page_hash hash = hash_of(text, strlen(text));
        hash_to_hex(&hash, 0, hex);
        seekers[i] = seek_here(hex);
        send_chunk(0, 99999, chunk, sizeof chunk);
        assert_true(metrics()->in_flight_bytes <= 200000);
    }
    assert_int_equal(metrics()->in_flight_bytes, 2 * 99999);
    assert_home_works();
    for (int i = 0; i < SEEKERS; i++)
        ignore_inbox(seekers[i]);
    end();
}

TEST(chunks_that_do_not_fit_are_refused)
{
    static uint8_t chunk[BUS_CHUNK_BYTES];
    static const struct {
        uint32_t index, total;
        size_t size;
    } wrong[] = {
        {1, 100000, 34464}, {0, 100000, 10}, {0, 2000000, BUS_CHUNK_BYTES}, {0, 5, 4}};
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        begin_with_mallory();
        struct client *seeker = seek_here(HELLO);
        send_chunk(wrong[i].index, wrong[i].total, chunk, wrong[i].size);
        assert_int_equal(refused(0, REASON_PARTNER_MESSAGE), 1);
        assert_int_equal(partner_number(0, "asked"), 0);
        assert_int_equal(metrics()->in_flight_bytes, 0);
        send_chunk(0, 5, "hello", 5); /* too late */
        assert_int_equal(refused(0, REASON_PARTNER_MESSAGE), 2);
        assert_int_equal(count_events(seeker, "content"), 0);
        ignore_inbox(seeker);
        end();
    }
}

/* Home's words mean nothing on a partner's subjects, and a partner's nothing at home. */
TEST(a_partner_cannot_speak_as_a_node)
{
    struct bus_subject node = {.kind = BUS_NODE}, inbox = {.kind = BUS_INBOX},
                       cells = {.kind = BUS_PRESENCE, .hash = hello()};
    begin_with_mallory();
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    uint64_t nodes = metrics()->bus_nodes;
    node.node = inbox.node = bus_node_of("a");
    const struct bus_subject *const subjects[] = {&wants, &claims, &node, &inbox, &cells};
    uint64_t sent = 0;
    for (size_t i = 0; i < 5; i++) {
        for (enum bus_kind kind = BUS_CELL; kind <= BUS_BYE; kind++) {
            struct bus_record record = {.kind = kind,
                                        .node = bus_node_of("b"),
                                        .incarnation = UINT64_MAX,
                                        .seq = UINT64_MAX,
                                        .tally = {1000, 0, 1000},
                                        .hash = hello()};
            say_far(subjects[i], &record, NULL, 0);
            sent++;
        }
        pass_all(1000);
    }
    assert_int_equal(refused(0, REASON_PARTNER_MESSAGE), sent);
    assert_int_equal(metrics()->bus_nodes, nodes);
    struct page_hash hash = hello();
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 1);
    struct bus_record order = order_of("hello", 1);
    struct bus_subject at_home = {.kind = BUS_WANT, .hash = hello()};
    uint64_t before = refused(0, REASON_BUS_MESSAGE);
    say_to(0, &at_home, &order, NULL, 0);
    assert_int_equal(refused(0, REASON_BUS_MESSAGE), before + 1);
    ignore_inbox(holder);
    end();
}

TEST(claims_are_bounded_and_touch_no_count)
{
    struct bus_record claim = {.kind = BUS_CLAIM, .hash = hello()};
    begin_with_mallory();
    struct client *holder = arrive(net.nodes[0], "holder");
    hold(holder, HELLO, "{'claims':true}");
    exchange();
    ignore_inbox(holder);
    for (uint32_t i = 1; i <= 1000; i++) {
        claim.tally.visitors = i;
        say_far(&claims, &claim, NULL, 0);
        if (i % 10 == 0) pass_all(100);
    }
    assert_true(refused(0, REASON_PARTNER_RATE) > 0);
    size_t told = count_events(holder, "visitors_claimed");
    assert_in_range(told, 1, 7); /* 10 s */
    assert_int_equal(count_events(holder, "visitors_count"), 0);
    struct page_hash hash = hello();
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 1);
    ignore_inbox(holder);
    claim.tally.visitors = 1 << 25; /* no such count */
    uint64_t before = refused(0, REASON_PARTNER_MESSAGE);
    pass_all(61000);
    say_far(&claims, &claim, NULL, 0);
    assert_int_equal(refused(0, REASON_PARTNER_MESSAGE), before + 1);
    ignore_inbox(holder);
    end();
}

/* What it may say to us is all that we say to it: we would not be listened to. */
TEST(a_partner_is_told_as_much_as_it_may_tell)
{
    enum { PAGES = 9 };
    struct hub_config config = config_with_mallory();
    config.partner_claim_rate = 4; /* of two nodes */
    begin_with(&config);
    struct client *holder = arrive(net.nodes[0], "holder");
    for (int i = 0; i < PAGES; i++) {
        char text[20], hex[HASH_HEX + 1];
        snprintf(text, sizeof text, "page %d", i);
        struct bus_record ask = {.kind = BUS_CLAIM_ASK,
                                 .hash = hash_of(text, strlen(text))};
        hash_to_hex(&ask.hash, 0, hex);
        hold_quietly(holder, hex);
        say_far(&claims, &ask, NULL, 0);
        if (i % 3 == 2) pass_all(1000);
        assert_in_range(count_heard(BUS_CLAIM), 1, 2 + 2 * (size_t)(i + 1) / 3);
    }
    assert_true(count_heard(BUS_CLAIM) < PAGES);
    pass_all(3000);
    assert_int_equal(count_heard(BUS_CLAIM), PAGES);
    assert_int_equal(refused(0, REASON_PARTNER_RATE), 0);
    ignore_inbox(holder);
    end();
}

TEST(pages_of_which_counts_are_shared_are_bounded)
{
    struct hub_config config = config_with_mallory();
    config.partner_pages_max = 2;
    begin_with(&config);
    struct client *holder = arrive(net.nodes[0], "holder");
    for (int i = 0; i < 5; i++) {
        char text[20], hex[HASH_HEX + 1];
        snprintf(text, sizeof text, "page %d", i);
        struct bus_record ask = {.kind = BUS_CLAIM_ASK,
                                 .hash = hash_of(text, strlen(text))};
        hash_to_hex(&ask.hash, 0, hex);
        hold_quietly(holder, hex);
        say_far(&claims, &ask, NULL, 0);
    }
    assert_int_equal(partner_number(0, "pages"), 2);
    assert_int_equal(count_heard(BUS_CLAIM), 2);
    ignore_inbox(holder);
    end();
}

TEST(what_is_not_allowed_to_cross_is_not_heard)
{
    struct hub_config config = config_with_mallory();
    struct bus_record ask = {.kind = BUS_CLAIM_ASK, .hash = hello()};
    config.partners_have = false;
    begin_with(&config);
    struct client *holder = arrive(net.nodes[0], "holder");
    hold_quietly(holder, HELLO);
    exchange();
    for (int i = 0; i < SUBSCRIPTIONS; i++)
        if (net.subscriptions[i].taken && net.subscriptions[i].subject.side == BUS_FROM)
            assert_true(net.subscriptions[i].subject.kind == BUS_INBOX ||
                        net.subscriptions[i].subject.kind == BUS_CLAIMS);
    order("hello", 1);
    say_far(&claims, &ask, NULL, 0);
    assert_int_equal(refused(0, REASON_PARTNER_MESSAGE), 2);
    assert_int_equal(net.heard_count, 0);
    expect_nothing(holder);
    end();
}

TEST(strangers_are_no_partners)
{
    struct bus_subject subject = {.kind = BUS_WANT, .side = BUS_FROM, .partner = "eve"};
    struct bus_record record = order_of("hello", 1);
    begin_with_mallory();
    say_to(0, &subject, &record, NULL, 0);
    assert_int_equal(refused(0, REASON_BUS_MESSAGE), 1);
    assert_int_equal(refused(0, REASON_PARTNER_MESSAGE), 0);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_flood_of_wants_is_refused_and_then_not_heard),
        cmocka_unit_test(who_floods_again_is_not_heard_for_longer),
        cmocka_unit_test(wants_have_a_rate_and_so_have_their_bytes),
        cmocka_unit_test(pages_that_a_partner_does_not_take_are_few),
        cmocka_unit_test(a_partner_that_grants_again_what_it_granted_is_given_up),
        cmocka_unit_test(a_partner_that_lies_is_asked_once),
        cmocka_unit_test(a_partner_that_only_promises_is_given_up),
        cmocka_unit_test(a_partner_that_stops_in_the_middle_is_given_up),
        cmocka_unit_test(pages_from_partners_leave_memory_for_home),
        cmocka_unit_test(chunks_that_do_not_fit_are_refused),
        cmocka_unit_test(a_partner_cannot_speak_as_a_node),
        cmocka_unit_test(claims_are_bounded_and_touch_no_count),
        cmocka_unit_test(a_partner_is_told_as_much_as_it_may_tell),
        cmocka_unit_test(pages_of_which_counts_are_shared_are_bounded),
        cmocka_unit_test(what_is_not_allowed_to_cross_is_not_heard),
        cmocka_unit_test(strangers_are_no_partners),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
