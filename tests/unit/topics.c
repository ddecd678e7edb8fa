/* Joining and leaving. */
#include "topic.h"
#include "world.h"

#include <string.h>

#define TOKEN "{'token':'tab-0001'}"

static uint32_t holders_of(struct world *world, const char *hash)
{
    struct page_hash page;
    hash_from_hex(hash, HASH_HEX, &page, NULL);
    return hub_holders(world->hub, &page);
}

static void expect_count(struct client *client, const char *hash, int count)
{
    expect(client, "[null,null,'have:%s','visitors_count',{'count':%d}]", hash, count);
}

static void expect_close(struct client *client, const char *topic, const char *hash)
{
    expect(client, "['1','1','%s:%s','phx_close',{}]", topic, hash);
}

/* ---- names ---- */

TEST(topics_are_what_they_are_called)
{
    static const struct {
        const char *text;
        enum topic_kind kind;
    } names[] = {
        {"all", TOPIC_ALL},
        {"phoenix", TOPIC_PHOENIX},
        {"have:" HELLO, TOPIC_HAVE},
        {"want:" HELLO, TOPIC_WANT},
        {"", TOPIC_NONE},
        {"ALL", TOPIC_NONE},
        {"all ", TOPIC_NONE},
        {"have:", TOPIC_NONE},
        {"Have:" HELLO, TOPIC_NONE},
        {"have-" HELLO, TOPIC_NONE},
        {"want:" HELLO " ", TOPIC_NONE},
    };
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        assert_int_equal(topic_parse(slice_of(names[i].text)).kind, names[i].kind);
}

TEST(a_topic_is_printed_in_the_letters_in_which_it_was_read)
{
    const char *text =
        "want:2CF24dba5fB0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b982F";
    char printed[TOPIC_TEXT_MAX];
    struct topic topic = topic_parse(slice_of(text));
    assert_int_equal(topic.kind, TOPIC_WANT);
    assert_true(slice_is(topic_print(topic.kind, &topic.hash, topic.upper, printed), text));
}

/* ---- joining ---- */

TEST(a_join_is_answered_before_its_count)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    say(a, "['1','1','have:" HELLO "','phx_join',{}]");
    expect_reply(a, "have", HELLO, "1", NULL);
    expect_count(a, HELLO, 1);
    expect_nothing(a);
    assert_int_equal(metrics_of(world)->joins_total, 1);
    assert_int_equal(metrics_of(world)->holders, 1);
    assert_int_equal(metrics_of(world)->pages, 1);
    world_free(world);
}

TEST(all_tells_its_limits_to_those_who_ask)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    say(a, "['1','1','all','phx_join',{'limits':true}]");
    expect(a, "['1','1','all','phx_reply',{'status':'ok',"
              "'response':{'page_bytes_max':1048576}}]");
    say(a, "['2','2','all','phx_join',{'limits':false}]");
    expect(a, "['2','2','all','phx_reply',{'status':'ok','response':{}}]");
    expect(a, "['1','1','all','phx_close',{}]");
    assert_int_equal(metrics_of(world)->pages, 0);
    world_free(world);
}

TEST(what_a_join_says_is_checked)
{
    static const struct {
        const char *payload, *reason;
    } joins[] = {
        {"{}", NULL},
        {" { } ", NULL},
        {"{'x':[1,{'y':null}]}", NULL},
        {"{'binary':true,'status':false,'limits':true}", NULL},
        {TOKEN, NULL},
        {"{'token':'ABCXYZabcxyz019_-'}", NULL},
        {"[]", "bad_payload"},
        {"null", "bad_payload"},
        {"'{}'", "bad_payload"},
        {"{'binary':1}", "bad_payload"},
        {"{'status':'true'}", "bad_payload"},
        {"{'limits':null}", "bad_payload"},
        {"{'token':12345678}", "bad_payload"},
        {"{'token':null}", "bad_payload"},
        {"{'x':1,'x':2}", "bad_payload"},
        {"{'token':''}", "bad_token"},
        {"{'token':'1234567'}", "bad_token"},
        {"{'token':'1234567 '}", "bad_token"},
        {"{'token':'12345678.'}", "bad_token"},
        {"{'token':'1234567\xc3\xa9'}", "bad_token"},
    };
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    for (size_t i = 0; i < sizeof joins / sizeof joins[0]; i++) {
        say(a, "['1','1','have:" HELLO "','phx_join',%s]", joins[i].payload);
        expect_reply(a, "have", HELLO, "1", joins[i].reason);
        if (joins[i].reason == NULL) say(a, "['1','2','have:" HELLO "','phx_leave',{}]");
        ignore_inbox(a);
        assert_int_equal(metrics_of(world)->holders, 0);
    }
    assert_int_equal(refusals(world, REASON_BAD_PAYLOAD), 9);
    assert_int_equal(refusals(world, REASON_BAD_TOKEN), 5);
    world_free(world);
}

TEST(a_token_has_from_8_to_64_characters)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    for (int size = 7; size <= 65; size++) {
        pass(world, 1000);
        say(a, "['1','1','have:" HELLO "','phx_join',{'token':'%0*d'}]", size, 0);
        expect_reply(a, "have", HELLO, "1", size < 8 || size > 64 ? "bad_token" : NULL);
        say(a, "['1','2','have:" HELLO "','phx_leave',{}]");
        ignore_inbox(a);
    }
    world_free(world);
}

TEST(a_binary_join_is_refused)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    say_bytes(a, MESSAGE_BINARY,
              "\0\1\1\3\10"
              "11allphx_join{}",
              20);
    expect(a, "['1','1','all','phx_reply',{'status':'error',"
              "'response':{'reason':'bad_payload'}}]");
    world_free(world);
}

TEST(a_session_has_so_many_topics_and_leaving_one_makes_room)
{
    struct hub_config config = hub_config_default();
    config.topics_max = 3;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    say(a, "['1','1','all','phx_join',{}]");
    ignore_inbox(a);
    hold_quietly(a, HELLO);
    seek_quietly(a, WORLD);
    say(a, "['1','1','want:" HELLO "','phx_join',{}]");
    expect_reply(a, "want", HELLO, "1", "too_many_topics");
    say(a, "['1','1','all','phx_join',{}]"); /* but it may join again what it has */
    expect(a, "['1','1','all','phx_reply',{'status':'ok','response':{}}]");
    say(a, "['1','1','all','phx_leave',{}]");
    ignore_inbox(a);
    seek_quietly(a, HELLO);
    assert_int_equal(refusals(world, REASON_TOO_MANY_TOPICS), 1);
    world_free(world);
}

TEST(joining_again_closes_the_old_membership_after_the_reply)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    hold_quietly(b, HELLO);
    pass(world, 1000);
    hold_quietly(a, HELLO);
    pass(world, 1000);
    ignore_inbox(b);
    ignore_inbox(a);
    say(a, "['2','2','have:" HELLO "','phx_join',{}]");
    expect(a, "['2','2','have:" HELLO "','phx_reply',{'status':'ok','response':{}}]");
    expect_close(a, "have", HELLO);
    expect_count(a, HELLO, 2);
    pass(world, 1000);
    expect_nothing(a);
    expect_nothing(b);
    assert_int_equal(metrics_of(world)->holders, 2);
    world_free(world);
}

TEST(references_come_back_as_they_were_sent)
{
    static const char *const refs[] = {"null",  "5",          "-1", "'5'",
                                       "'a b'", "'\xc3\xa9'", "''"};
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    for (size_t i = 0; i < sizeof refs / sizeof refs[0]; i++) {
        const char *ref = refs[i];
        say(a, "[%s,%s,'have:" HELLO "','phx_join',{}]", ref, ref);
        if (strcmp(ref, "null") != 0)
            expect(a, "[%s,%s,'have:" HELLO "','phx_reply',{'status':'ok','response':{}}]",
                   ref, ref);
        expect_count(a, HELLO, 1);
        seek_quietly(s, HELLO);
        expect(a, "[%s,null,'have:" HELLO "','content_request',{}]", ref);
        say(a, "[%s,null,'have:" HELLO "','phx_leave',{}]", ref);
        expect(a, "[%s,%s,'have:" HELLO "','phx_close',{}]", ref, ref);
        say(s, "['1','9','want:" HELLO "','phx_leave',{}]");
        ignore_inbox(s);
    }
    world_free(world);
}

/* ---- leaving ---- */

TEST(a_leave_is_answered_then_closed)
{
    static const char *const topics[] = {"all", "have:" HELLO, "want:" HELLO};
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    for (int i = 0; i < 3; i++) {
        say(a, "['1','1','%s','phx_join',{}]", topics[i]);
        ignore_inbox(a);
        say(a, "['1','2','%s','phx_leave',{}]", topics[i]);
        expect(a, "['1','2','%s','phx_reply',{'status':'ok','response':{}}]", topics[i]);
        expect(a, "['1','1','%s','phx_close',{}]", topics[i]);
        say(a, "['1','3','%s','phx_leave',{}]", topics[i]);
        expect(a, "['1','3','%s','phx_reply',{'status':'ok','response':{}}]", topics[i]);
        expect_nothing(a);
    }
    assert_int_equal(metrics_of(world)->pages, 0);
    world_free(world);
}

TEST(a_leave_that_names_an_older_join_leaves_nothing)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    hold_quietly(a, HELLO);
    say(a, "['0','2','have:" HELLO "','phx_leave',{}]");
    expect(a, "['0','2','have:" HELLO "','phx_reply',{'status':'ok','response':{}}]");
    expect_nothing(a);
    assert_int_equal(holders_of(world, HELLO), 1);
    say(a, "[null,'3','have:" HELLO "','phx_leave',{}]");
    expect(a, "[null,'3','have:" HELLO "','phx_reply',{'status':'ok','response':{}}]");
    expect_close(a, "have", HELLO);
    assert_int_equal(holders_of(world, HELLO), 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(topics_are_what_they_are_called),
        cmocka_unit_test(a_topic_is_printed_in_the_letters_in_which_it_was_read),
        cmocka_unit_test(a_join_is_answered_before_its_count),
        cmocka_unit_test(all_tells_its_limits_to_those_who_ask),
        cmocka_unit_test(what_a_join_says_is_checked),
        cmocka_unit_test(a_token_has_from_8_to_64_characters),
        cmocka_unit_test(a_binary_join_is_refused),
        cmocka_unit_test(a_session_has_so_many_topics_and_leaving_one_makes_room),
        cmocka_unit_test(joining_again_closes_the_old_membership_after_the_reply),
        cmocka_unit_test(references_come_back_as_they_were_sent),
        cmocka_unit_test(a_leave_is_answered_then_closed),
        cmocka_unit_test(a_leave_that_names_an_older_join_leaves_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
