/* Messages as they arrive: in parts of any size, and with any fault. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT "[null,null,'want:" HELLO "','content',{'content':'hello'}]"
#define HEAD "[\"1\",\"2\",\"have:" HELLO "\",\"content\","

/* A holder that has been asked, and who waits for it. */
struct asked {
    struct world *world;
    struct client *holder, *seeker;
};

static struct asked asked_new(const struct hub_config *config)
{
    struct asked asked = {world_new(config), NULL, NULL};
    asked.holder = arrive(asked.world, "holder");
    asked.seeker = arrive(asked.world, "seeker");
    hold_quietly(asked.holder, HELLO);
    seek_quietly(asked.seeker, HELLO);
    expect_asked(asked.holder, HELLO);
    return asked;
}

/* Says a text (with ' for ") in parts of `step` bytes. */
static void say_text(struct client *client, const char *text, size_t step)
{
    char *quoted = malloc(strlen(text) + 1);
    strcpy(quoted, text);
    for (char *at = quoted; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    say_in_parts(client, MESSAGE_TEXT, quoted, strlen(quoted), step);
    free(quoted);
}

/* ---- parts ---- */

TEST(an_answer_may_come_in_parts_of_any_size)
{
    static const char *const payloads[] = {
        "{\"content\":\"hello\",\"hash\":\"" HELLO "\"}]",
        "{\"content\":\"hello\"}]",
        "{\"hash\":\"" HELLO "\",\"content\":\"hello\"}]",
        " { \"x\" : [1,{\"content\":\"no\"}] , \"content\" : \"hello\" , \"y\" : null } , "
        "6 ] ",
        "{\"content\":\"\\u0068e\\u006cl\\u006F\"}]",
    };
    for (size_t i = 0; i < sizeof payloads / sizeof payloads[0]; i++) {
        char text[400];
        snprintf(text, sizeof text, HEAD "%s", payloads[i]);
        for (size_t step = 1; step <= strlen(text); step++) {
            struct asked asked = asked_new(NULL);
            say_in_parts(asked.holder, MESSAGE_TEXT, text, strlen(text), step);
            expect(asked.seeker, CONTENT);
            expect_nothing(asked.holder);
            world_free(asked.world);
        }
    }
}

TEST(a_binary_answer_may_come_in_parts_of_any_size)
{
    static const char bytes[] = "\0\1\1\105\7"
                                "12have:" HELLO "contenthello";
    for (size_t step = 1; step < sizeof bytes; step++) {
        struct asked asked = asked_new(NULL);
        say_in_parts(asked.holder, MESSAGE_BINARY, bytes, sizeof bytes - 1, step);
        expect(asked.seeker, CONTENT);
        expect_nothing(asked.holder);
        world_free(asked.world);
    }
}

TEST(other_messages_may_come_in_parts_of_any_size)
{
    static const char text[] = "[\"1\",\"1\",\"all\",\"phx_join\",{\"limits\":true}]";
    struct world *world = world_new(NULL);
    for (size_t step = 1; step < sizeof text; step++) {
        struct client *a = arrive(world, "a");
        say_in_parts(a, MESSAGE_TEXT, text, sizeof text - 1, step);
        expect(a, "['1','1','all','phx_reply',{'status':'ok',"
                  "'response':{'page_bytes_max':1048576}}]");
        drop(a);
    }
    world_free(world);
}

TEST(empty_parts_are_parts)
{
    static const char text[] = HEAD "{\"content\":\"hello\"}]";
    for (size_t cut = 0; cut < sizeof text; cut++) {
        struct asked asked = asked_new(NULL);
        say_part(asked.holder, MESSAGE_TEXT, "", 0, true, false);
        say_part(asked.holder, MESSAGE_TEXT, text, cut, true, false);
        say_part(asked.holder, MESSAGE_TEXT, "", 0, true, false);
        say_part(asked.holder, MESSAGE_TEXT, text + cut, sizeof text - 1 - cut, true,
                 false);
        say_part(asked.holder, MESSAGE_TEXT, "", 0, true, true);
        expect(asked.seeker, CONTENT);
        world_free(asked.world);
    }
}

TEST(an_empty_part_may_have_no_address)
{
    static const char *const begun[] = {"", HEAD, HEAD "{\"content\":\"hello",
                                        HEAD "{\"content\":\"hello\"",
                                        "[\"1\",\"2\",\"have:" WORLD "\",\"content\",{"};
    for (size_t i = 0; i < sizeof begun / sizeof begun[0]; i++)
        for (int form = 0; form < 2; form++) {
            struct asked asked = asked_new(NULL);
            struct hub_part nothing = {form ? MESSAGE_BINARY : MESSAGE_TEXT, NULL, 0, true,
                                       false};
            enum message_form same = nothing.form;
            say_part(asked.holder, same, begun[i], strlen(begun[i]), true, false);
            hub_receive(asked.world->hub, asked.holder->id, &nothing, asked.world->now_ms);
            nothing.final = true;
            hub_receive(asked.world->hub, asked.holder->id, &nothing, asked.world->now_ms);
            settle(asked.world);
            world_free(asked.world);
        }
}

TEST(messages_follow_one_another)
{
    static const char text[] = HEAD "{\"content\":\"hello\"}]";
    struct asked asked = asked_new(NULL);
    say_in_parts(asked.holder, MESSAGE_TEXT, text, sizeof text - 1, 9);
    for (int i = 0; i < 3; i++) {
        say_text(asked.holder, "[null,'5','phoenix','heartbeat',{}]", 4);
        expect(asked.holder,
               "[null,'5','phoenix','phx_reply',{'status':'ok','response':{}}]");
        say_in_parts(asked.holder, MESSAGE_TEXT, text, sizeof text - 1, 11);
        expect_reply(asked.holder, "have", HELLO, "2", "not_asked");
    }
    expect(asked.seeker, CONTENT);
    expect_nothing(asked.seeker);
    world_free(asked.world);
}

TEST(two_may_send_at_the_same_time)
{
    struct asked asked = asked_new(NULL);
    struct client *b = arrive(asked.world, "b"), *t = arrive(asked.world, "t");
    static const char first[] = HEAD "{\"content\":\"hello\"}]";
    static const char second[] =
        "[1,2,\"have:" WORLD "\",\"content\",{\"content\":\"world\"}]";
    hold_quietly(b, WORLD);
    seek_quietly(t, WORLD);
    ignore_inbox(b);
    for (size_t i = 0; i < sizeof second - 1; i++) {
        bool last = i == sizeof second - 2;
        if (i < sizeof first - 1)
            say_part(asked.holder, MESSAGE_TEXT, first + i, 1, i == 0,
                     i == sizeof first - 2);
        say_part(b, MESSAGE_TEXT, second + i, 1, i == 0, last);
    }
    for (size_t i = sizeof second - 1; i < sizeof first - 1; i++)
        say_part(asked.holder, MESSAGE_TEXT, first + i, 1, false, i == sizeof first - 2);
    expect(asked.seeker, CONTENT);
    assert_int_equal(count_events(t, "content"), 1);
    world_free(asked.world);
}

/* ---- faults of an answer ---- */

TEST(a_wrong_answer_ends_the_topic_for_good)
{
    static const struct {
        const char *payload;
        enum reason reason;
    } wrong[] = {
        {"{'content':'HELLO','hash':'" HELLO "'}]", REASON_WRONG_BYTES},
        {"{'content':'hello '}]", REASON_WRONG_BYTES},
        {"{'content':''}]", REASON_WRONG_BYTES},
        {"{'content':'hello','hash':'" WORLD "'}]", REASON_WRONG_HASH},
        {"{'hash':'" WORLD "','content':'hello'}]", REASON_WRONG_HASH},
        {"{'content':'hello','hash':'hello'}]", REASON_WRONG_HASH},
        {"{}]", REASON_BAD_PAYLOAD},
        {"[]]", REASON_BAD_PAYLOAD},
        {"null]", REASON_BAD_PAYLOAD},
        {"5]", REASON_BAD_PAYLOAD},
        {"'hello']", REASON_BAD_PAYLOAD},
        {"{'hash':'" HELLO "'}]", REASON_BAD_PAYLOAD},
        {"{'content':5}]", REASON_BAD_PAYLOAD},
        {"{'content':null,'hash':'" HELLO "'}]", REASON_BAD_PAYLOAD},
        {"{'content':{'a':'hello'}}]", REASON_BAD_PAYLOAD},
        {"{'content':'hello','content':'hello'}]", REASON_BAD_PAYLOAD},
        {"{'content':'hello','content':'','hash':'" HELLO "'}]", REASON_BAD_PAYLOAD},
        {"{'content':'hello','hash':'" HELLO "','hash':'" HELLO "'}]", REASON_BAD_PAYLOAD},
        {"{'hash':'" HELLO "','content':'hello','hash':'" HELLO "'}]", REASON_BAD_PAYLOAD},
        {"{'hash':'" HELLO "','hash':'" HELLO "','content':'hello'}]", REASON_BAD_PAYLOAD},
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        for (size_t step = 1; step < 300; step += step < 4 ? 1 : 40) {
            char text[400];
            struct asked asked = asked_new(NULL);
            snprintf(text, sizeof text, HEAD "%s", wrong[i].payload);
            say_text(asked.holder, text, step);
            expect(asked.holder, "['1','1','have:" HELLO "','phx_error',{'reason':'%s'}]",
                   reason_word(wrong[i].reason));
            expect_nothing(asked.holder);
            expect_nothing(asked.seeker);
            assert_int_equal(refusals(asked.world, wrong[i].reason), 1);
            hold(asked.holder, HELLO, "{}");
            pass(asked.world, 20000);
            assert_int_equal(count_events(asked.holder, "content_request"), 0);
            world_free(asked.world);
        }
}

TEST(an_answer_that_is_no_json_costs_the_connection)
{
    static const char *const broken[] = {
        "{'content':'hello']",
        "{'content':'hello'",
        "{'content':'hello",
        "{'content':'he\\xllo'}]",
        "{'content':'he\nllo'}]",
        "{'content':'\\ud800'}]",
        "{'content':'hello','hash'}]",
        "{'content':'hello',}]",
        "{'content':'hello'},]",
        "{'content':'hello'}] 5",
        "{,'content'",
        "{'a' 5,'content':'hello'}]",
        "{'a':5 'content':'hello'}]",
        "{",
        "{'content'",
        "",
        "{'content':'hello','x':tru}]",
        "{'content':'hello'}}",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        for (size_t step = 1; step < 300; step += step < 4 ? 1 : 40) {
            char text[400];
            struct asked asked = asked_new(NULL);
            snprintf(text, sizeof text, HEAD "%s", broken[i]);
            say_text(asked.holder, text, step);
            if (asked.holder->code == 0) fail_msg("%s", broken[i]);
            expect_closed(asked.holder, 1007, REASON_BAD_JSON);
            assert_int_equal(metrics_of(asked.world)->in_flight_bytes, 0);
            expect_nothing(asked.seeker);
            world_free(asked.world);
        }
}

TEST(text_that_is_no_utf8_costs_the_connection_however_it_is_cut)
{
    static const char *const broken[] = {
        HEAD "{\"content\":\"\xff\"}]",
        HEAD "{\"content\":\"\xc3\"}]",
        HEAD "{\"content\":\"a\xed\xa0\x80\"}]",
        HEAD "{\"content\":\"hello\",\"\xe4\xb8\":1}]",
        "[\"1\",\"2\",\"have:" WORLD "\",\"content\",{\"content\":\"\xf0\x9f\x98\"}]",
        "[\"1\",\"2\",\"all\",\"phx_join\",{\"\xc0\x80\":1}]",
        "[\"1\",\"2\",\"a\xe4",
    };
    for (size_t i = 0; i < sizeof broken / sizeof broken[0]; i++)
        for (size_t step = 1; step <= strlen(broken[i]); step++) {
            struct asked asked = asked_new(NULL);
            say_in_parts(asked.holder, MESSAGE_TEXT, broken[i], strlen(broken[i]), step);
            ignore_inbox(asked.holder);
            expect_closed(asked.holder, 1007, REASON_BAD_UTF8);
            world_free(asked.world);
        }
}

/* ---- what nobody asked for ---- */

TEST(unasked_content_is_refused_and_never_kept)
{
    static const char start[] =
        "[\"1\",\"2\",\"have:" HELLO "\",\"content\",{\"content\":\"";
    char many[10000];
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    memset(many, 'x', sizeof many);
    hold_quietly(a, HELLO);
    for (int whole = 0; whole < 2; whole++) {
        if (whole) say_part(a, MESSAGE_TEXT, start, sizeof start - 1, true, false);
        for (size_t i = 0; !whole && i < sizeof start - 1; i++) {
            say_part(a, MESSAGE_TEXT, start + i, 1, i == 0, false);
            assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
        }
        for (int i = 0; i < 100; i++) {
            say_part(a, MESSAGE_TEXT, many, sizeof many, false, false);
            assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
        }
        say_part(a, MESSAGE_TEXT, "\"}]", 3, false, true);
        expect_reply(a, "have", HELLO, "2", "not_asked");
        expect_nothing(a);
    }
    assert_int_equal(refusals(world, REASON_NOT_ASKED), 2);
    assert_int_equal(metrics_of(world)->contents_total, 0);
    world_free(world);
}

TEST(content_for_a_topic_that_is_not_joined_is_refused)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    say(a, "['1','2','have:" HELLO "','content',{'content':'%0*d'}]", 20000, 0);
    expect(a, "[null,'2','have:" HELLO "','phx_reply',"
              "{'status':'error','response':{'reason':'unmatched topic'}}]");
    answer_binary(a, HELLO, "hello", 5);
    expect(a, "[null,'2','have:" HELLO "','phx_reply',"
              "{'status':'error','response':{'reason':'unmatched topic'}}]");
    expect_nothing(a);
    world_free(world);
}

TEST(content_without_ref_gets_no_reply)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a");
    hold_quietly(a, HELLO);
    say(a, "['1',null,'have:" HELLO "','content',{'content':'hello'}]");
    expect_nothing(a);
    assert_int_equal(refusals(world, REASON_NOT_ASKED), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_answer_may_come_in_parts_of_any_size),
        cmocka_unit_test(a_binary_answer_may_come_in_parts_of_any_size),
        cmocka_unit_test(other_messages_may_come_in_parts_of_any_size),
        cmocka_unit_test(empty_parts_are_parts),
        cmocka_unit_test(an_empty_part_may_have_no_address),
        cmocka_unit_test(messages_follow_one_another),
        cmocka_unit_test(two_may_send_at_the_same_time),
        cmocka_unit_test(a_wrong_answer_ends_the_topic_for_good),
        cmocka_unit_test(an_answer_that_is_no_json_costs_the_connection),
        cmocka_unit_test(text_that_is_no_utf8_costs_the_connection_however_it_is_cut),
        cmocka_unit_test(unasked_content_is_refused_and_never_kept),
        cmocka_unit_test(content_for_a_topic_that_is_not_joined_is_refused),
        cmocka_unit_test(content_without_ref_gets_no_reply),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
