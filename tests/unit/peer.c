/* The client's brain, with a server that is played by the test. Text has ' for ". */
#include "whilst/peer.h"

#include "unit.h"
#include "whilst/wire.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define HAVE "have:" HELLO
#define WANT "want:" HELLO

static uint64_t now_ms;
static struct page_hash hello;

static struct peer *start(bool as_text, const char *token)
{
    struct peer_config config = peer_config_default();
    config.as_text = as_text;
    snprintf(config.token, sizeof config.token, "%s", token);
    now_ms = 1000;
    hello = hash_of("hello", 5);
    return peer_new(&config);
}

static struct message *page_new(const char *text)
{
    struct message *page = message_new(MESSAGE_BINARY, 0, strlen(text));
    message_append(page, text, strlen(text));
    return page;
}

static void hold(struct peer *peer)
{
    struct message *page = page_new("hello");
    peer_hold(peer, &hello, page);
    message_unref(page);
}

static void pass(struct peer *peer, uint64_t ms)
{
    now_ms += ms;
    peer_tick(peer, now_ms);
}

/* What the server says. */
static void hear(struct peer *peer, const char *text)
{
    char quoted[600];
    size_t size = strlen(text);
    for (size_t i = 0; i < size; i++)
        quoted[i] = text[i] == '\'' ? '"' : text[i];
    peer_receive(peer, MESSAGE_TEXT, quoted, size, now_ms);
}

static void hear_ok(struct peer *peer, const char *topic, int ref)
{
    char text[300];
    snprintf(text, sizeof text,
             "['%d','%d','%s','phx_reply',{'status':'ok','response':{}}]", ref, ref, topic);
    hear(peer, text);
}

/* What the peer says next. */
static void expect(struct peer *peer, const char *text)
{
    struct message *message = peer_next_message(peer);
    if (message == NULL) fail_msg("nothing was said, not %s", text);
    char *said = calloc(1, message->size + 1);
    memcpy(said, message_bytes(message), message->size);
    for (size_t i = 0; i < message->size; i++)
        if (said[i] == '"') said[i] = '\'';
    assert_string_equal(said, text);
    free(said);
    message_unref(message);
}

static void expect_silence(struct peer *peer)
{
    struct message *message = peer_next_message(peer);
    if (message != NULL) fail_msg("said %.*s", (int)message->size, message_bytes(message));
}

static void expect_event(struct peer *peer, enum peer_event_kind kind, const char *reason)
{
    struct peer_event event;
    assert_true(peer_next_event(peer, &event));
    assert_int_equal(event.kind, kind);
    assert_string_equal(event.reason, reason);
    if (kind == PEER_FOUND) assert_memory_equal(message_bytes(event.page), "hello", 5);
    message_unref(event.page);
}

static void expect_no_event(struct peer *peer)
{
    struct peer_event event;
    assert_false(peer_next_event(peer, &event));
}

/* ---- joining ---- */

TEST(wishes_are_joined_when_the_connection_opens)
{
    struct peer *peer = start(false, "tab-0001");
    peer_visit(peer);
    expect_silence(peer);
    assert_true(peer_next_deadline(peer) == UINT64_MAX);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','all','phx_join',{}]");
    hold(peer);
    expect(peer, "['2','2','" HAVE "','phx_join',{'token':'tab-0001'}]");
    peer_seek(peer, &hello, false);
    expect(peer, "['3','3','" WANT "','phx_join',{'binary':true,'status':true}]");
    peer_visit(peer);
    peer_seek(peer, &hello, true);
    expect_silence(peer);
    hear_ok(peer, HAVE, 2);
    expect_event(peer, PEER_HOLDING, "");
    expect_no_event(peer);
    peer_free(peer);
}

TEST(a_join_without_a_reply_is_tried_again)
{
    struct peer *peer = start(true, "");
    peer_seek(peer, &hello, false);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" WANT "','phx_join',{}]");
    assert_true(peer_next_deadline(peer) == now_ms + 10000);
    pass(peer, 9999);
    expect_silence(peer);
    pass(peer, 1);
    expect(peer, "['2','2','" WANT "','phx_join',{}]");
    hear_ok(peer, WANT, 1); /* the answer to the first one, which is over */
    pass(peer, 10000);
    expect(peer, "['3','3','" WANT "','phx_join',{}]");
    peer_free(peer);
}

TEST(a_refused_join_is_tried_again_after_pauses_that_grow)
{
    static const uint64_t pauses[] = {1000, 2000, 5000, 10000, 10000};
    struct peer *peer = start(true, "");
    char text[300];
    peer_seek(peer, &hello, false);
    peer_opened(peer, now_ms);
    for (int i = 0; i < 5; i++) {
        snprintf(text, sizeof text, "['%d','%d','" WANT "','phx_join',{}]", i + 1, i + 1);
        expect(peer, text);
        snprintf(text, sizeof text,
                 "['%d','%d','" WANT "','phx_reply',"
                 "{'status':'error','response':{'reason':'join_rate'}}]",
                 i + 1, i + 1);
        hear(peer, text);
        expect_event(peer, PEER_REFUSED, "join_rate");
        pass(peer, pauses[i] - 1);
        expect_silence(peer);
        pass(peer, 1);
    }
    peer_free(peer);
}

TEST(a_topic_that_ended_is_joined_again_unless_it_was_an_older_join)
{
    struct peer *peer = start(true, "");
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    hear_ok(peer, HAVE, 1);
    hear(peer, "['0','0','" HAVE "','phx_error',{'reason':'wrong_bytes'}]");
    pass(peer, 1000);
    expect_silence(peer);
    /* A join that went well makes the pause short again. */
    for (int ref = 1; ref < 4; ref++) {
        char text[200];
        snprintf(text, sizeof text, "['%d','%d','" HAVE "','phx_error',{}]", ref, ref);
        hear(peer, text);
        pass(peer, 999);
        expect_silence(peer);
        pass(peer, 1);
        snprintf(text, sizeof text, "['%d','%d','" HAVE "','phx_join',{}]", ref + 1,
                 ref + 1);
        expect(peer, text);
        hear_ok(peer, HAVE, ref + 1);
    }
    peer_free(peer);
}

TEST(a_topic_that_the_server_closed_is_given_up)
{
    struct peer *peer = start(true, "");
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    hear_ok(peer, HAVE, 1);
    expect_event(peer, PEER_HOLDING, "");
    hear(peer, "['0','0','" HAVE "','phx_close',{}]");
    expect_no_event(peer);
    hear(peer, "['1','1','" HAVE "','phx_close',{}]");
    expect_event(peer, PEER_OVER, "");
    hear(peer, "['1',null,'" HAVE "','content_request',{}]");
    pass(peer, 20000);
    expect_silence(peer);
    peer_free(peer);
}

TEST(a_new_connection_takes_up_all_wishes)
{
    struct peer *peer = start(true, "");
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    hear_ok(peer, HAVE, 1);
    peer_seek(peer, &hello, false); /* said into a connection that is lost */
    peer_closed(peer);
    expect_silence(peer);
    pass(peer, 20000);
    expect_silence(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['3','3','" HAVE "','phx_join',{}]");
    expect(peer, "['4','4','" WANT "','phx_join',{}]");
    expect_silence(peer);
    peer_free(peer);
}

TEST(leaving_is_said_once_if_it_was_joined)
{
    struct peer *peer = start(true, "");
    hold(peer);
    peer_leave(peer, &hello); /* before there is a connection */
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    peer_leave(peer, &hello);
    expect(peer, "['1','2','" HAVE "','phx_leave',{}]");
    peer_leave(peer, &hello);
    expect_silence(peer);
    hear(peer, "['1',null,'" HAVE "','content_request',{}]");
    expect_silence(peer);
    peer_free(peer);
}

/* ---- holding and seeking ---- */

TEST(a_holder_answers_and_hears_the_count)
{
    for (int as_text = 0; as_text < 2; as_text++) {
        struct peer *peer = start(as_text, "");
        struct peer_event event;
        hold(peer);
        peer_opened(peer, now_ms);
        expect(peer, "['1','1','" HAVE "','phx_join',{}]");
        hear(peer, "['1',null,'" HAVE "','content_request',{}]");
        if (as_text) {
            expect(peer,
                   "['1','2','" HAVE "','content',{'content':'hello','hash':'" HELLO "'}]");
        } else {
            struct message *message = peer_next_message(peer);
            static const char answer[] = "\0\1\1\105\7"
                                         "12" HAVE "contenthello";
            assert_int_equal(message->size, sizeof answer - 1);
            assert_memory_equal(message_bytes(message), answer, sizeof answer - 1);
            message_unref(message);
        }
        expect_event(peer, PEER_ASKED, "");
        hear(peer, "[null,null,'" HAVE "','visitors_count',{'count':10234}]");
        assert_true(peer_next_event(peer, &event));
        assert_int_equal(event.kind, PEER_COUNT);
        assert_int_equal(event.count, 10234);
        peer_free(peer);
    }
}

TEST(a_seeker_finds_its_page_and_may_go_on_as_a_holder)
{
    static const char found[] = "\2\105\7" WANT "contenthello";
    for (int binary = 0; binary < 2; binary++)
        for (int then_hold = 0; then_hold < 2; then_hold++) {
            struct peer *peer = start(true, "");
            peer_seek(peer, &hello, then_hold);
            peer_opened(peer, now_ms);
            expect(peer, "['1','1','" WANT "','phx_join',{}]");
            if (binary)
                peer_receive(peer, MESSAGE_BINARY, found, sizeof found - 1, now_ms);
            else
                hear(peer, "[null,null,'" WANT "','content',{'content':'h\\u0065llo'}]");
            expect(peer, "['1','2','" WANT "','phx_leave',{}]");
            expect_event(peer, PEER_FOUND, "");
            if (then_hold) expect(peer, "['3','3','" HAVE "','phx_join',{}]");
            expect_silence(peer);
            peer_free(peer);
        }
}

TEST(bytes_with_another_hash_are_dropped)
{
    static const char *const payloads[] = {"{'content':'HELLO'}", "{'content':''}", "{}",
                                           "[]", "{'content':5}"};
    struct peer *peer = start(true, "");
    peer_seek(peer, &hello, true);
    peer_opened(peer, now_ms);
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        char text[300];
        snprintf(text, sizeof text, "[null,null,'" WANT "','content',%s]", payloads[i]);
        hear(peer, text);
        expect_event(peer, PEER_WRONG, "");
        expect_no_event(peer);
    }
    peer_free(peer);
}

TEST(a_seeker_hears_why_nobody_can_be_asked)
{
    struct peer *peer = start(true, "");
    peer_seek(peer, &hello, false);
    peer_opened(peer, now_ms);
    hear(peer, "[null,null,'" WANT "','status',"
               "{'state':'searching','holders':1,'asked':1,'reason':null}]");
    expect_no_event(peer);
    hear(peer, "[null,null,'" WANT "','status',"
               "{'state':'nobody','holders':0,'asked':0,'reason':'silent'}]");
    expect_event(peer, PEER_NOBODY, "silent");
    hear(peer, "[null,null,'" WANT "','error',{'reason':'not_text'}]");
    expect_event(peer, PEER_REFUSED, "not_text");
    hear(peer,
         "[null,null,'" WANT "','error',{'reason':'a word that is longer than any'}]");
    expect_event(peer, PEER_REFUSED, "a word that is longer than any");
    hear(peer,
         "[null,null,'" WANT "','error',{'reason':'a word that is longer than any is'}]");
    expect_event(peer, PEER_REFUSED, "");
    peer_free(peer);
}

/* ---- the connection ---- */

TEST(a_heartbeat_is_said_every_so_often)
{
    struct peer *peer = start(true, "");
    peer_opened(peer, now_ms);
    assert_true(peer_next_deadline(peer) == now_ms + 30000);
    pass(peer, 30000);
    expect(peer, "[null,'1','phoenix','heartbeat',{}]");
    hear(peer, "[null,'1','phoenix','phx_reply',{'status':'ok','response':{}}]");
    pass(peer, 29999);
    expect_silence(peer);
    expect_no_event(peer);
    peer_free(peer);
}

TEST(what_is_no_frame_or_of_no_concern_does_no_harm)
{
    struct peer *peer = start(true, "");
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    hear(peer, "rubbish");
    expect_event(peer, PEER_GARBLED, "");
    peer_receive(peer, MESSAGE_BINARY, "\7", 1, now_ms);
    expect_event(peer, PEER_GARBLED, "");
    hear(peer, "[null,null,'nothing','content',{'content':'hello'}]");
    hear(peer, "[null,null,'" WANT "','content',{'content':'hello'}]");
    hear(peer, "[null,null,'" HAVE "','content',{'content':'hello'}]");
    hear(peer, "[null,null,'" HAVE "','signal',{}]");
    hear(peer, "['1','9','" HAVE "','phx_reply',{'status':'ok','response':{}}]");
    expect_no_event(peer);
    expect_silence(peer);
    hear(peer, "['1','9','" HAVE "','phx_reply',"
               "{'status':'error','response':{'reason':'not_asked'}}]");
    expect_event(peer, PEER_REFUSED, "not_asked");
    peer_free(peer); /* with a message and an event that nobody took */
}

TEST(the_limits_are_told_to_who_asks)
{
    struct peer_config config = peer_config_default();
    struct peer_event event;
    config.limits = true;
    struct peer *peer = peer_new(&config);
    peer_visit(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','all','phx_join',{'limits':true}]");
    hear(peer,
         "['1','1','all','phx_reply',{'status':'ok','response':{'page_bytes_max':4711}}]");
    assert_true(peer_next_event(peer, &event));
    assert_int_equal(event.kind, PEER_LIMITS);
    assert_int_equal(event.count, 4711);
    peer_free(peer);
}

TEST(a_fault_of_a_topic_is_told_and_it_is_joined_again)
{
    struct peer *peer = start(false, "");
    struct peer_event event;
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    hear_ok(peer, HAVE, 1);
    assert_true(peer_next_event(peer, &event));
    hear(peer, "['1','1','" HAVE "','phx_error',{'reason':'page_size'}]");
    assert_true(peer_next_event(peer, &event));
    assert_int_equal(event.kind, PEER_REFUSED);
    assert_string_equal(event.reason, "page_size");
    expect_silence(peer);
    pass(peer, 1000);
    expect(peer, "['2','2','" HAVE "','phx_join',{}]");
    peer_free(peer);
}

TEST(a_count_that_is_no_number_is_none)
{
    struct peer *peer = start(false, "");
    struct peer_event event;
    hold(peer);
    peer_opened(peer, now_ms);
    expect(peer, "['1','1','" HAVE "','phx_join',{}]");
    hear_ok(peer, HAVE, 1);
    assert_true(peer_next_event(peer, &event));
    hear(peer, "[null,null,'" HAVE "','visitors_count',{'count':'12'}]");
    assert_true(peer_next_event(peer, &event));
    assert_int_equal(event.kind, PEER_COUNT);
    assert_int_equal(event.count, 0);
    peer_free(peer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_limits_are_told_to_who_asks),
        cmocka_unit_test(a_fault_of_a_topic_is_told_and_it_is_joined_again),
        cmocka_unit_test(a_count_that_is_no_number_is_none),
        cmocka_unit_test(wishes_are_joined_when_the_connection_opens),
        cmocka_unit_test(a_join_without_a_reply_is_tried_again),
        cmocka_unit_test(a_refused_join_is_tried_again_after_pauses_that_grow),
        cmocka_unit_test(a_topic_that_ended_is_joined_again_unless_it_was_an_older_join),
        cmocka_unit_test(a_topic_that_the_server_closed_is_given_up),
        cmocka_unit_test(a_new_connection_takes_up_all_wishes),
        cmocka_unit_test(leaving_is_said_once_if_it_was_joined),
        cmocka_unit_test(a_holder_answers_and_hears_the_count),
        cmocka_unit_test(a_seeker_finds_its_page_and_may_go_on_as_a_holder),
        cmocka_unit_test(bytes_with_another_hash_are_dropped),
        cmocka_unit_test(a_seeker_hears_why_nobody_can_be_asked),
        cmocka_unit_test(a_heartbeat_is_said_every_so_often),
        cmocka_unit_test(what_is_no_frame_or_of_no_concern_does_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
