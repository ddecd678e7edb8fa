/* Sessions, the table of events, rates, and the end of a hub. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

TEST(a_place_that_is_used_again_has_another_name)
{
    struct world *world = world_new(NULL);
    session_id seen[50];
    for (int i = 0; i < 50; i++) {
        struct client *client = arrive(world, "a");
        seen[i] = client->id;
        assert_true(client->id != 0);
        assert_int_equal(client->id & UINT32_MAX, seen[0] & UINT32_MAX);
        for (int j = 0; j < i; j++)
            assert_true(seen[j] != client->id);
        drop(client);
    }
    world_free(world);
}

TEST(places_that_were_left_are_taken_before_new_ones)
{
    struct world *world = world_new(NULL);
    struct client *clients[200];
    for (int i = 0; i < 200; i++)
        clients[i] = arrive(world, "a");
    for (int i = 0; i < 200; i += 2)
        drop(clients[i]);
    for (int i = 0; i < 100; i++)
        assert_true((arrive(world, "b")->id & UINT32_MAX) < 200);
    assert_true((arrive(world, "c")->id & UINT32_MAX) >= 200);
    assert_int_equal(metrics_of(world)->sessions, 201);
    assert_int_equal(metrics_of(world)->sessions_total, 301);
    world_free(world);
}

TEST(what_is_said_for_a_session_that_is_gone_is_ignored)
{
    struct world *world = world_new(NULL);
    struct client *old = arrive(world, "old");
    session_id gone = old->id;
    drop(old);
    struct client *next = arrive(world, "next");
    assert_int_equal(next->id & UINT32_MAX, gone & UINT32_MAX);
    const session_id strangers[] = {0, gone, gone + (UINT64_C(5) << 32), 77, UINT64_MAX};
    struct hub_part part = {MESSAGE_TEXT, "rubbish", 7, true, true};
    for (size_t i = 0; i < sizeof strangers / sizeof strangers[0]; i++) {
        hub_receive(world->hub, strangers[i], &part, world->now_ms);
        hub_disconnect(world->hub, strangers[i], world->now_ms);
        settle(world);
    }
    expect_nothing(next);
    assert_int_equal(metrics_of(world)->sessions, 1);
    assert_int_equal(metrics_of(world)->messages_received_total, 0);
    world_free(world);
}

TEST(a_connection_too_many_is_refused_with_its_reason)
{
    struct hub_config config = hub_config_default();
    config.connections_max = 3;
    config.connections_per_address_max = 2;
    struct world *world = world_new(&config);
    arrive_from(world, "a", 1);
    struct client *b = arrive_from(world, "b", 1);
    struct client *c = arrive_from(world, "c", 1);
    assert_true(c->id == 0 && c->reason == REASON_ADDRESS_CONNECTIONS);
    arrive_from(world, "d", 2);
    struct client *e = arrive(world, "e");
    assert_true(e->id == 0 && e->reason == REASON_CONNECTIONS);
    assert_int_equal(refusals(world, REASON_ADDRESS_CONNECTIONS), 1);
    assert_int_equal(refusals(world, REASON_CONNECTIONS), 1);
    drop(b);
    assert_true(arrive_from(world, "f", 1)->id != 0);
    world_free(world);
}

TEST(a_heartbeat_is_answered_and_one_without_ref_is_not)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    say(a, "[null,'7','phoenix','heartbeat',{}]");
    expect(a, "[null,'7','phoenix','phx_reply',{'status':'ok','response':{}}]");
    say(a, "[null,null,'phoenix','heartbeat',{}]");
    expect_nothing(a);
    assert_int_equal(metrics_of(world)->messages_received_total, 2);
    assert_int_equal(metrics_of(world)->messages_sent_total, 1);
    world_free(world);
}

/* ---- the table of events ---- */

enum outcome { OK, NO_REPLY, UNMATCHED, UNKNOWN, NOT_ASKED };

/* What comes of an event in a topic that is not joined, and in one that is. */
static const struct {
    const char *topic, *event;
    enum outcome apart, joined;
} table[] = {
    {"phoenix", "heartbeat", OK, OK},
    {"phoenix", "phx_join", UNMATCHED, UNMATCHED},
    {"phoenix", "phx_leave", UNMATCHED, UNMATCHED},
    {"phoenix", "content", UNMATCHED, UNMATCHED},
    {"phoenix", "", UNMATCHED, UNMATCHED},
    {"all", "heartbeat", UNMATCHED, UNKNOWN},
    {"all", "phx_leave", OK, OK},
    {"all", "content", UNMATCHED, UNKNOWN},
    {"all", "content_request", UNMATCHED, UNKNOWN},
    {"all", "phx_reply", UNMATCHED, UNKNOWN},
    {"have:" HELLO, "heartbeat", UNMATCHED, UNKNOWN},
    {"have:" HELLO, "phx_leave", OK, OK},
    {"have:" HELLO, "content", UNMATCHED, NOT_ASKED},
    {"have:" HELLO, "content_request", UNMATCHED, UNKNOWN},
    {"have:" HELLO, "visitors_count", UNMATCHED, UNKNOWN},
    {"want:" HELLO, "phx_leave", OK, OK},
    {"want:" HELLO, "content", UNMATCHED, UNKNOWN},
    {"want:" HELLO, "content_request", UNMATCHED, NO_REPLY},
    {"want:" HELLO, "status", UNMATCHED, UNKNOWN},
    {"want:" HELLO, "phx_joi", UNMATCHED, UNKNOWN},
    {"nothing", "phx_join", UNMATCHED, UNMATCHED},
    {"have:", "phx_join", UNMATCHED, UNMATCHED},
    {"have:" HELLO "0", "phx_join", UNMATCHED, UNMATCHED},
    {"hold:" HELLO, "phx_join", UNMATCHED, UNMATCHED},
    {"want:g" HELLO, "phx_join", UNMATCHED, UNMATCHED},
};

static void expect_outcome(struct client *client, const char *topic, enum outcome outcome)
{
    static const char *const reasons[] = {NULL, NULL, "unmatched topic", NULL, "not_asked"};
    const char *reason = reasons[outcome];
    if (outcome == OK) {
        expect(client, "['1','2','%s','phx_reply',{'status':'ok','response':{}}]", topic);
    } else if (outcome == UNKNOWN) {
        expect(client, "['1','1','%s','phx_error',{'reason':'unknown_event'}]", topic);
    } else if (reason != NULL) {
        expect(client,
               "[%s,'2','%s','phx_reply',{'status':'error','response':{'reason':'%s'}}]",
               outcome == UNMATCHED ? "null" : "'1'", topic, reason);
    }
}

TEST(every_event_of_the_table_has_its_outcome_and_no_other_has_one)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++)
        for (int joined = 0; joined < 2; joined++) {
            const char *topic = table[i].topic;
            const char *event = table[i].event[0] != '\0' ? table[i].event : "x";
            enum outcome outcome = joined ? table[i].joined : table[i].apart;
            struct world *world = world_new(NULL);
            struct client *a = arrive(world, "a");
            if (joined) say(a, "['1','1','%s','phx_join',{}]", topic);
            ignore_inbox(a);
            memset(metrics_of(world)->refusals, 0, sizeof metrics_of(world)->refusals);
            say(a, "['1','2','%s','%s',{'hash':'" HELLO "','content':'x'}]", topic, event);
            expect_outcome(a, topic, outcome);
            if (outcome == OK && joined && strcmp(event, "phx_leave") == 0)
                expect(a, "['1','1','%s','phx_close',{}]", topic);
            expect_nothing(a);
            assert_int_equal(refusals(world, REASON_UNKNOWN_EVENT), outcome == UNKNOWN);
            assert_int_equal(refusals(world, REASON_UNMATCHED_TOPIC), outcome == UNMATCHED);
            assert_int_equal(refusals(world, REASON_NOT_ASKED), outcome == NOT_ASKED);
            world_free(world);
        }
}

/* ---- faults that cost the connection ---- */

TEST(a_fault_of_the_connection_closes_it_and_no_other)
{
    static const struct {
        enum message_form form;
        const char *bytes;
        size_t size;
        uint16_t code;
        enum reason reason;
    } faults[] = {
        {MESSAGE_TEXT, "", 0, 1007, REASON_BAD_JSON},
        {MESSAGE_TEXT, "[1,2,3,4,5]", 11, 1007, REASON_BAD_JSON},
        {MESSAGE_TEXT, "[1,2,\"t\",\"e\"]", 13, 1007, REASON_BAD_JSON},
        {MESSAGE_TEXT, "[1,2,\"t\",\"\xff\",{}]", 16, 1007, REASON_BAD_UTF8},
        {MESSAGE_TEXT, "[1,2,\"t\",\"e\",{\"\xc3", 17, 1007, REASON_BAD_UTF8},
        {MESSAGE_BINARY, "", 0, 1003, REASON_BAD_BINARY},
        {MESSAGE_BINARY, "\1\0\0\1\1te", 7, 1003, REASON_BAD_BINARY},
        {MESSAGE_BINARY, "\0\0\0\5\5te", 7, 1003, REASON_BAD_BINARY},
    };
    struct world *world = world_new(NULL);
    struct client *witness = arrive(world, "witness");
    uint64_t closes = 0;
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++) {
        struct client *a = arrive(world, "a");
        uint64_t before = refusals(world, faults[i].reason);
        say_bytes(a, faults[i].form, faults[i].bytes, faults[i].size);
        expect_closed(a, faults[i].code, faults[i].reason);
        assert_int_equal(refusals(world, faults[i].reason), before + 1);
        closes++;
        assert_int_equal(metrics_of(world)->sessions, 1);
    }
    assert_int_equal(metrics_of(world)->sessions_total, closes + 1);
    expect_nothing(witness);
    world_free(world);
}

TEST(nothing_is_sent_to_a_session_after_its_end)
{
    for (int closed = 0; closed < 2; closed++)
        for (int order = 0; order < 2; order++) {
            struct world *world = world_new(NULL);
            struct client *a = arrive(world, "a"), *b = arrive(world, "b");
            if (order == 0) seek(a, HELLO, "{'status':true}");
            ignore_inbox(a);
            hold(a, HELLO, "{}");
            ignore_inbox(a);
            if (order == 1) seek(a, HELLO, "{'status':true}");
            seek(b, HELLO, "{'status':true}");
            ignore_inbox(a);
            ignore_inbox(b);
            if (closed)
                say(a, "rubbish"); /* the world fails if anything follows the close */
            else
                drop(a);
            expect(b, "[null,null,'want:" HELLO "','status',{'state':'nobody','holders':0,"
                      "'asked':0,'reason':'no_holder'}]");
            expect_nothing(b);
            world_free(world);
        }
}

/* ---- rates ---- */

static void beat(struct client *client, int times)
{
    for (int i = 0; i < times; i++)
        say(client, "[null,null,'phoenix','heartbeat',{}]");
}

TEST(more_than_200_messages_at_once_close_the_connection)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    beat(a, 200);
    beat(b, 200);
    expect_nothing(a);
    beat(a, 1);
    expect_closed(a, 1008, REASON_MESSAGE_RATE);
    expect_nothing(b);
    assert_int_equal(refusals(world, REASON_MESSAGE_RATE), 1);
    world_free(world);
}

TEST(fifty_messages_a_second_are_never_too_many)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    beat(a, 200);
    for (int i = 0; i < 500; i++) {
        pass(world, 20);
        beat(a, 1);
    }
    expect_nothing(a);
    pass(world, 10);
    beat(a, 1);
    expect_closed(a, 1008, REASON_MESSAGE_RATE);
    world_free(world);
}

TEST(joins_have_a_rate_of_their_own)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    for (int i = 0; i < 128; i++)
        say(a, "['1','1','all','phx_join',{}]");
    ignore_inbox(a);
    say(a, "['2','2','all','phx_join',{}]");
    expect(a, "['2','2','all','phx_reply',{'status':'error',"
              "'response':{'reason':'join_rate'}}]");
    assert_int_equal(refusals(world, REASON_JOIN_RATE), 1);
    pass(world, 100);
    say(a, "['3','3','all','phx_join',{}]");
    expect(a, "['3','3','all','phx_reply',{'status':'ok','response':{}}]");
    world_free(world);
}

TEST(requests_have_a_rate_of_their_own)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    const char *ask = "['1','%d','want:" HELLO "','content_request',{'hash':'" HELLO "'}]";
    seek(a, HELLO, "{}");
    for (int i = 0; i < 20; i++)
        say(a, ask, i);
    expect_nothing(a);
    say(a, ask, 20);
    expect_reply(a, "want", HELLO, "20", "ask_rate");
    pass(world, 50);
    say(a, ask, 21);
    expect_nothing(a);
    assert_int_equal(refusals(world, REASON_ASK_RATE), 1);
    world_free(world);
}

TEST(rates_of_zero_are_no_limits)
{
    struct hub_config config = hub_config_default();
    config.message_rate = config.join_rate = config.ask_rate = 0;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    for (int i = 0; i < 1000; i++) {
        say(a, "['1',null,'want:" HELLO "','phx_join',{}]");
        say(a, "['1',null,'want:" HELLO "','content_request',{'hash':'" HELLO "'}]");
    }
    assert_true(a->id != 0);
    assert_int_equal(count_events(a, "phx_close"), 999);
    assert_int_equal(count_events(a, "phx_error"), 0);
    world_free(world);
}

/* ---- the request of a seeker ---- */

TEST(a_request_without_the_right_hash_ends_the_topic)
{
    static const struct {
        const char *payload;
        enum reason reason;
    } wrong[] = {
        {"{}", REASON_BAD_PAYLOAD},
        {"[]", REASON_BAD_PAYLOAD},
        {"null", REASON_BAD_PAYLOAD},
        {"{'hash':5}", REASON_BAD_PAYLOAD},
        {"{'hash':null}", REASON_BAD_PAYLOAD},
        {"{'hash':'" HELLO "','hash':'" HELLO "'}", REASON_BAD_PAYLOAD},
        {"{'hash':''}", REASON_WRONG_HASH},
        {"{'hash':'" WORLD "'}", REASON_WRONG_HASH},
        {"{'hash':'" HELLO "0'}", REASON_WRONG_HASH},
    };
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        seek(a, HELLO, "{}");
        say(a, "['1','2','want:" HELLO "','content_request',%s]", wrong[i].payload);
        expect(a, "['1','1','want:" HELLO "','phx_error',{'reason':'%s'}]",
               reason_word(wrong[i].reason));
        expect_nothing(a);
    }
    seek(a, HELLO, "{}");
    say(a, "['1','2','want:" HELLO "','content_request',{'hash':'" HELLO "','x':'%0*d'}]",
        16384, 0);
    expect(a, "['1','1','want:" HELLO "','phx_error',{'reason':'bad_payload'}]");
    world_free(world);
}

/* ---- time and the end ---- */

TEST(a_tick_at_any_time_is_harmless)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    expect_asked(a, HELLO);
    for (int i = 0; i < 100; i++) {
        hub_tick(world->hub, world->now_ms + (uint64_t)i);
        settle(world);
    }
    world->now_ms += 99;
    expect_nothing(a);
    expect_nothing(s);
    world_free(world);
}

TEST(a_hub_may_be_freed_at_any_moment)
{
    static const uint64_t seed[2] = {1, 2};
    struct hub_config config = hub_config_default();
    struct hub *hub = hub_new(&config, seed);
    struct address from = {{0x20, 1}};
    enum reason reason;
    static const char *const said[] = {
        "[\"1\",\"1\",\"all\",\"phx_join\",{}]",
        "[\"1\",\"1\",\"have:" HELLO "\",\"phx_join\",{\"token\":\"abcdefgh\"}]",
        "[\"1\",\"1\",\"want:" HELLO "\",\"phx_join\",{\"status\":true}]",
        "[\"1\",\"1\",\"want:" WORLD "\",\"phx_join\",{}]",
    };
    for (int i = 0; i < 5; i++) {
        session_id session = hub_connect(hub, &from, 1, &reason);
        for (size_t k = 0; k < sizeof said / sizeof said[0]; k++) {
            struct hub_part part = {MESSAGE_TEXT, said[k], strlen(said[k]), true, true};
            hub_receive(hub, session, &part, 1);
        }
        static const char head[] = "[\"1\",\"2\",\"have:" HELLO "\",\"content\",";
        struct hub_part begun = {MESSAGE_TEXT, head, sizeof head - 1, true, false};
        hub_receive(hub, session, &begun, 2);
        struct hub_part more = {MESSAGE_TEXT, "{\"content\":\"hel", 15, false, false};
        hub_receive(hub, session, &more, 2);
        if (i == 2) hub_disconnect(hub, session, 3);
    }
    assert_true(hub_metrics(hub)->fetches == 1);
    assert_true(hub_metrics(hub)->in_flight_bytes > 0);
    hub_free(hub); /* the leak sanitizer looks at what is left */
    hub_free(hub_new(&config, seed));
}

/* Plays a random conversation and returns the hash of all that was sent. */
static struct page_hash play(uint64_t seed)
{
    struct world *world = world_new(NULL);
    struct client *clients[8];
    struct hash_stream *stream = hash_stream_new();
    uint64_t random = seed;
    for (int i = 0; i < 8; i++)
        clients[i] = arrive(world, "a");
    for (int step = 0; step < 150; step++) {
        struct client *client = clients[random_below(&random, 8)];
        const char *kind = random_below(&random, 2) ? "have" : "want";
        const char *hash = random_below(&random, 2) ? HELLO : WORLD;
        const char *event = random_below(&random, 4) ? "phx_join" : "phx_leave";
        say(client, "['%d','%d','%s:%s','%s',{'status':true}]", step, step, kind, hash,
            event);
        pass(world, random_below(&random, 700));
        for (int i = 0; i < 8; i++)
            while (clients[i]->count > 0) {
                struct message *message = take(clients[i]);
                hash_stream_update(stream, message_bytes(message), message->size);
                message_unref(message);
            }
    }
    struct page_hash hash = hash_stream_finish(stream);
    hash_stream_free(stream);
    world_free(world);
    return hash;
}

TEST(the_same_inputs_bring_the_same_effects)
{
    for (uint64_t seed = 1; seed < 6; seed++) {
        struct page_hash first = play(seed), second = play(seed);
        assert_true(hash_equal(&first, &second));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_place_that_is_used_again_has_another_name),
        cmocka_unit_test(places_that_were_left_are_taken_before_new_ones),
        cmocka_unit_test(what_is_said_for_a_session_that_is_gone_is_ignored),
        cmocka_unit_test(a_connection_too_many_is_refused_with_its_reason),
        cmocka_unit_test(a_heartbeat_is_answered_and_one_without_ref_is_not),
        cmocka_unit_test(every_event_of_the_table_has_its_outcome_and_no_other_has_one),
        cmocka_unit_test(a_fault_of_the_connection_closes_it_and_no_other),
        cmocka_unit_test(nothing_is_sent_to_a_session_after_its_end),
        cmocka_unit_test(more_than_200_messages_at_once_close_the_connection),
        cmocka_unit_test(fifty_messages_a_second_are_never_too_many),
        cmocka_unit_test(joins_have_a_rate_of_their_own),
        cmocka_unit_test(requests_have_a_rate_of_their_own),
        cmocka_unit_test(rates_of_zero_are_no_limits),
        cmocka_unit_test(a_request_without_the_right_hash_ends_the_topic),
        cmocka_unit_test(a_tick_at_any_time_is_harmless),
        cmocka_unit_test(a_hub_may_be_freed_at_any_moment),
        cmocka_unit_test(the_same_inputs_bring_the_same_effects),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
