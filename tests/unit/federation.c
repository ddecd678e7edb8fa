/* Organisations that find each other's pages, and their claims of how many are there. */
#include "cluster.h"

#include <string.h>

#define EMPTY "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

static const char *const two[] = {"alpha", "beta"};
static const char *const of_beta[] = {"alpha", "beta", "beta"};
static const char *const three[] = {"alpha", "beta", "gamma"};

static struct hub_config both_ways(void)
{
    struct hub_config config = config_of(0);
    config.partners_have = config.partners_want = true;
    return config;
}

static void begin_both(int count, const char *const *organisations)
{
    struct hub_config config = both_ways();
    begin_organisations(count, organisations, &config);
}

static void mode(int node, bool have, bool want)
{
    struct hub_config config = *hub_settings(net.nodes[node]->hub);
    config.partners_have = have;
    config.partners_want = want;
    hub_take_config(net.nodes[node]->hub, &config, net.nodes[node]->now_ms);
    set_up(node, false);
    set_up(node, true);
}

static struct metrics *of(int node)
{
    return metrics_of(net.nodes[node]);
}

static struct client *holder_at(int node, const char *hash)
{
    struct client *holder = arrive(net.nodes[node], "holder");
    hold_quietly(holder, hash);
    exchange();
    return holder;
}

static struct client *seeker_at(int node, const char *hash)
{
    struct client *seeker = arrive(net.nodes[node], "seeker");
    seek(seeker, hash, "{'binary':true}");
    exchange();
    return seeker;
}

TEST(a_page_is_fetched_from_a_partner)
{
    begin_both(2, two);
    struct client *holder = holder_at(1, HELLO), *seekers[3];
    for (int i = 0; i < 3; i++)
        seekers[i] = seeker_at(0, HELLO);
    expect_nothing(holder); /* home is asked twice first */
    pass_all(100);
    expect_asked(holder, HELLO);
    expect_nothing(holder);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    for (int i = 0; i < 3; i++)
        expect_binary(seekers[i], HELLO, "hello", 5);
    assert_int_equal(partner_number(0, "wants_total"), 1);
    assert_int_equal(partner_number(0, "contents_total"), 1);
    assert_int_equal(partner_number(0, "content_bytes_total"), 5);
    assert_int_equal(partner_number(1, "served_total"), 1);
    assert_int_equal(partner_number(1, "served_bytes_total"), 5);
    assert_int_equal(partner_number(0, "asked") + partner_number(1, "orders"), 0);
    assert_int_equal(of(1)->bus_served_total + of(1)->bus_nodes, 0);
    end();
}

TEST(a_large_page_crosses_in_chunks_that_are_granted)
{
    enum { SIZE = 1 << 20 };
    static uint8_t page[SIZE];
    char hex[HASH_HEX + 1];
    fill(page, SIZE, hex);
    begin_both(2, two);
    struct client *holder = holder_at(1, hex), *seeker = seeker_at(0, hex);
    pass_all(100);
    expect_asked(holder, hex);
    answer_binary(holder, hex, page, SIZE);
    exchange();
    expect_binary(seeker, hex, page, SIZE);
    end();
}

TEST(what_may_cross_is_decided_by_each)
{
    static const struct {
        bool have, want, crosses;
    } cases[] = {{true, false, true}, {false, true, false}, {false, false, false}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        begin_both(2, two);
        mode(0, false, true);
        mode(1, cases[i].have, cases[i].want);
        struct client *holder = holder_at(1, HELLO), *back = holder_at(0, EMPTY);
        seeker_at(0, HELLO);
        seeker_at(1, EMPTY);
        pass_all(100);
        assert_int_equal(count_events(holder, "content_request"), cases[i].crosses);
        assert_int_equal(count_events(back, "content_request"), 0);
        ignore_inbox(holder);
        ignore_inbox(back);
        end();
    }
}

TEST(home_is_asked_first)
{
    static const char *const of_alpha[] = {"alpha", "alpha", "beta"};
    begin_both(3, of_alpha);
    struct client *near = holder_at(1, HELLO), *far = holder_at(2, HELLO);
    struct client *seeker = seeker_at(0, HELLO);
    pass_all(2000);
    expect_asked(near, HELLO);
    expect_nothing(far);
    answer_binary(near, HELLO, "hello", 5);
    exchange();
    expect_binary(seeker, HELLO, "hello", 5);
    assert_int_equal(partner_number(0, "wants_total"), 0);
    end();
}

/* Whilst a partner looks for the page, somebody at home comes to hold it. */
TEST(who_comes_to_hold_it_at_home_is_asked_at_once)
{
    begin_both(2, two);
    struct client *far = holder_at(1, HELLO), *seeker = seeker_at(0, HELLO);
    pass_all(100);
    expect_asked(far, HELLO);
    struct client *near = holder_at(0, HELLO);
    answer_binary(near, HELLO, "hello", 5);
    exchange();
    expect_binary(seeker, HELLO, "hello", 5);
    assert_int_equal(partner_number(0, "asked"), 0);
    assert_int_equal(partner_number(1, "orders"), 0);
    ignore_inbox(near);
    end();
}

TEST(all_nodes_of_a_partner_are_asked_by_one)
{
    begin_both(3, of_beta);
    struct client *holder = holder_at(2, HELLO), *seeker = seeker_at(0, HELLO);
    pass_all(100);
    expect_asked(holder, HELLO);
    assert_int_equal(of(1)->pages, 1); /* the first of the group has it looked for */
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    expect_binary(seeker, HELLO, "hello", 5);
    pass_all(10);
    assert_int_equal(of(1)->pages, 0);
    assert_int_equal(of(1)->bus_contents_total, 1);
    end();
}

TEST(nobody_anywhere_is_said_soon)
{
    begin_both(3, of_beta);
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek(seeker, HELLO, "{'status':true}");
    exchange();
    ignore_inbox(seeker);
    pass_all(300);
    expect(seeker, "[null,null,'want:" HELLO "','status',"
                   "{'state':'nobody','holders':0,'asked':0,'reason':'no_holder'}]");
    expect_nothing(seeker);
    assert_int_equal(of(1)->pages + of(1)->bus_interests, 0);
    end();
}

/* And is found when it is there, without anybody asking again. */
TEST(who_waits_is_served_when_a_partner_has_it)
{
    begin_both(2, two);
    struct client *seeker = seeker_at(0, HELLO);
    pass_all(1000);
    struct client *holder = holder_at(1, HELLO);
    pass_all(4000);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    expect_binary(seeker, HELLO, "hello", 5);
    ignore_inbox(holder);
    end();
}

TEST(nothing_is_passed_through)
{
    struct hub_config config = both_ways();
    begin_organisations(3, three, &config);
    /* alpha and gamma do not know each other */
    for (int i = 0; i < SUBSCRIPTIONS; i++)
        if (net.subscriptions[i].taken && net.subscriptions[i].node != 1 &&
            net.subscriptions[i].subject.side == BUS_FROM &&
            strcmp(net.subscriptions[i].subject.partner, "beta") != 0)
            net.subscriptions[i].taken = false;
    struct client *holder = holder_at(2, HELLO), *seeker = seeker_at(0, HELLO);
    pass_all(20000);
    expect_nothing(holder);
    expect_nothing(seeker);
    assert_int_equal(of(1)->contents_total, 0);
    end();
}

TEST(a_partner_that_does_not_answer_rests)
{
    begin_both(2, two);
    struct client *seeker = arrive(net.nodes[0], "seeker");
    seek(seeker, HELLO, "{'status':true}");
    set_up(1, false);
    exchange();
    pass_all(3000);
    ignore_inbox(seeker);
    pass_all(300);
    assert_int_equal(count_events(seeker, "status"), 1);
    assert_int_equal(partner_number(0, "rests"), 1);
    pass_all(60000);
    uint64_t asked = partner_number(0, "wants_total");
    assert_in_range(asked, 2, 6);
    set_up(1, true);
    struct client *holder = holder_at(1, HELLO);
    pass_all(62000);
    answer_binary(holder, HELLO, "hello", 5);
    exchange();
    assert_int_equal(count_events(seeker, "content"), 1);
    assert_int_equal(partner_number(0, "rests"), 0);
    ignore_inbox(seeker);
    ignore_inbox(holder);
    end();
}

TEST(denied_pages_do_not_cross)
{
    begin_both(3, of_beta);
    struct page_hash hash = hello();
    struct client *holder = holder_at(2, HELLO); /* whose node relays it */
    assert_true(hub_deny_page(net.nodes[1]->hub, &hash, net.nodes[1]->now_ms));
    seeker_at(0, HELLO);
    pass_all(1000);
    expect_nothing(holder);
    assert_int_equal(refused(1, REASON_BLOCKED), 1);
    hub_take_deny_list(net.nodes[1]->hub, NULL, net.nodes[1]->now_ms);
    end();
}

/* It is denied whilst a partner waits for it, or has a part of it. */
TEST(pages_that_are_denied_stop_crossing)
{
    enum { SIZE = 1 << 20 };
    static uint8_t page[SIZE];
    char hex[HASH_HEX + 1];
    fill(page, SIZE, hex);
    for (int sent = 0; sent < 2; sent++) {
        struct page_hash hash = hash_of(page, SIZE);
        begin_both(3, of_beta);
        struct client *holder = holder_at(2, hex), *seeker = seeker_at(0, hex);
        pass_all(100);
        net.holds_chunks = sent;
        if (sent) {
            answer_binary(holder, hex, page, SIZE);
            exchange();
            while (partner_number(1, "served_bytes_total") == 0)
                pass_chunk(2);
        }
        assert_true(hub_deny_page(net.nodes[1]->hub, &hash, net.nodes[1]->now_ms));
        exchange();
        assert_int_equal(partner_number(1, "orders"), 0);
        assert_int_equal(of(1)->pages, 0);
        assert_int_equal(partner_number(0, "asked"), 0);
        assert_int_equal(count_events(seeker, "content"), 0);
        ignore_inbox(holder);
        hub_take_deny_list(net.nodes[1]->hub, NULL, net.nodes[1]->now_ms);
        end();
    }
}

/* ---- claims ---- */

static struct client *curious_at(int node, const char *hash)
{
    struct client *holder = arrive(net.nodes[node], "curious");
    hold(holder, hash, "{'claims':true}");
    exchange();
    return holder;
}

/* A page went from beta to alpha, where somebody holds it now and wants to know. */
static struct client *share_hello(struct client **first)
{
    *first = holder_at(1, HELLO);
    struct client *seeker = seeker_at(0, HELLO);
    struct client *holder =
        curious_at(0, EMPTY); /* of another page, which is none of theirs */
    pass_all(100);
    answer_binary(*first, HELLO, "hello", 5);
    exchange();
    ignore_inbox(*first);
    ignore_inbox(holder);
    ignore_inbox(seeker);
    hold(seeker, HELLO, "{'claims':true}");
    ignore_inbox(seeker);
    exchange();
    pass_all(100);
    return seeker;
}

TEST(claims_are_told_beside_the_count)
{
    struct client *first;
    begin_both(2, two);
    struct client *holder = share_hello(&first);
    expect(holder, "[null,null,'have:" HELLO "','visitors_claimed',"
                   "{'claims':[{'by':'beta','count':1}]}]");
    expect_nothing(holder);
    holder_at(1, HELLO);
    pass_all(2100);
    expect(holder, "[null,null,'have:" HELLO "','visitors_claimed',"
                   "{'claims':[{'by':'beta','count':2}]}]");
    struct page_hash hash = hello();
    assert_int_equal(hub_holders(net.nodes[0]->hub, &hash), 1);
    assert_int_equal(count_events(first, "visitors_claimed"), 0); /* did not ask */
    struct client *late = curious_at(0, HELLO);
    assert_int_equal(count_events(late, "visitors_claimed"), 1);
    ignore_inbox(late);
    ignore_inbox(first);
    assert_int_equal(count_events(holder, "visitors_claimed"), 0);
    ignore_inbox(holder);
    end();
}

/* Its visitor comes to hold the page after we asked how many are there. */
TEST(a_partner_that_knows_nothing_yet_is_asked_again_soon)
{
    begin_both(2, two);
    struct client *first = curious_at(1, HELLO);
    struct client *seeker = seeker_at(0, HELLO);
    pass_all(100);
    answer_binary(first, HELLO, "hello", 5);
    exchange();
    pass_all(1500);
    ignore_inbox(first);
    ignore_inbox(seeker);
    hold(seeker, HELLO, "{}");
    pass_all(2500);
    assert_int_equal(count_events(first, "visitors_claimed"), 1);
    pass_all(4000); /* one question more was decided upon by then */
    uint64_t before = of(0)->bus_received_total;
    pass_all(25000);
    assert_int_equal(of(0)->bus_received_total, before);
    ignore_inbox(first);
    ignore_inbox(seeker);
    end();
}

/* Nobody is asked about a page that it may not know. */
TEST(no_question_gives_a_name_away)
{
    begin_both(2, two);
    struct client *holder = curious_at(0, HELLO);
    uint64_t before = of(1)->bus_received_total;
    pass_all(60000);
    assert_int_equal(of(1)->bus_received_total, before);
    ignore_inbox(holder);
    end();
}

TEST(claims_are_told_only_as_far_as_pages_are)
{
    struct client *first;
    begin_both(2, two);
    mode(0, false, true);
    mode(1, true, false);
    struct client *holder = share_hello(&first);
    assert_int_equal(count_events(holder, "visitors_claimed"), 1);
    struct client *there = curious_at(1, HELLO);
    pass_all(70000);
    assert_int_equal(count_events(there, "visitors_claimed"), 0);
    ignore_inbox(holder);
    ignore_inbox(first);
    ignore_inbox(there);
    end();
}

TEST(claims_are_those_of_all_nodes_and_end_with_silence)
{
    struct client *first;
    begin_both(3, of_beta);
    struct client *holder = share_hello(&first);
    holder_at(2, HELLO);
    pass_all(35000);
    ignore_inbox(first);
    assert_true(count_events(holder, "visitors_claimed") >= 1);
    ignore_inbox(holder);
    set_up(1, false);
    set_up(2, false);
    pass_all(95000);
    expect(holder, "[null,null,'have:" HELLO "','visitors_claimed',{'claims':[]}]");
    expect_nothing(holder);
    ignore_inbox(first);
    end();
}

/* It was there for a partner alone, which does not want it any more. */
TEST(a_node_may_end_before_such_a_page_goes)
{
    static const char *const of_alpha[] = {"alpha", "alpha", "beta"};
    begin_both(3, of_alpha);
    struct client *holder = holder_at(1, HELLO), *seeker = seeker_at(2, HELLO);
    struct world *between = net.nodes[0];
    pass_all(100);
    expect_asked(holder, HELLO);
    drop(seeker);
    exchange();
    assert_int_equal(of(0)->pages, 1);
    struct hub_config config = *hub_settings(between->hub);
    hub_free(between->hub);
    between->hub = hub_new(&config, (uint64_t[]){1, 2});
    assert_non_null(between->hub);
    end();
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_fetched_from_a_partner),
        cmocka_unit_test(a_large_page_crosses_in_chunks_that_are_granted),
        cmocka_unit_test(what_may_cross_is_decided_by_each),
        cmocka_unit_test(home_is_asked_first),
        cmocka_unit_test(who_comes_to_hold_it_at_home_is_asked_at_once),
        cmocka_unit_test(all_nodes_of_a_partner_are_asked_by_one),
        cmocka_unit_test(nobody_anywhere_is_said_soon),
        cmocka_unit_test(who_waits_is_served_when_a_partner_has_it),
        cmocka_unit_test(nothing_is_passed_through),
        cmocka_unit_test(a_partner_that_does_not_answer_rests),
        cmocka_unit_test(denied_pages_do_not_cross),
        cmocka_unit_test(pages_that_are_denied_stop_crossing),
        cmocka_unit_test(claims_are_told_beside_the_count),
        cmocka_unit_test(a_partner_that_knows_nothing_yet_is_asked_again_soon),
        cmocka_unit_test(no_question_gives_a_name_away),
        cmocka_unit_test(claims_are_told_only_as_far_as_pages_are),
        cmocka_unit_test(claims_are_those_of_all_nodes_and_end_with_silence),
        cmocka_unit_test(a_node_may_end_before_such_a_page_goes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
