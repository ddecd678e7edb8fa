/* What seekers are sent: pages in the form that each takes, and how the search goes. */
#include "world.h"

#include <string.h>

#define CONTENT "[null,null,'want:" HELLO "','content',{'content':'hello'}]"
#define UPPER "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"

/* Bytes that are no text, and their name. */
#define RAW "\x00\xff\x80"
#define RAW_HASH "f742b965f156c10374bc23aea96e3a8aff8facd6fc079defeaa30219ad86f211"

static void ask_again(struct client *client)
{
    say(client, "['1','3','want:" HELLO "','content_request',{'hash':'" HELLO "'}]");
}

static void expect_status(struct client *client, const char *state, int holders, int asked,
                          const char *reason)
{
    expect(client,
           "[null,null,'want:" HELLO "','status',"
           "{'state':'%s','holders':%d,'asked':%d,'reason':%s}]",
           state, holders, asked, reason);
}

/* ---- forms ---- */

TEST(each_seeker_is_served_in_the_form_and_the_letters_of_its_join)
{
    for (int binary = 0; binary < 2; binary++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a"), *text = arrive(world, "text");
        struct client *bytes = arrive(world, "bytes"), *upper = arrive(world, "upper");
        struct client *upper_bytes = arrive(world, "upper bytes");
        hold_quietly(a, HELLO);
        seek(text, HELLO, "{}");
        seek(bytes, HELLO, "{'binary':true}");
        seek(upper, UPPER, "{'binary':false}");
        seek(upper_bytes, UPPER, "{'binary':true}");
        if (binary)
            answer_binary(a, HELLO, "hello", 5);
        else
            answer(a, HELLO, "hello");
        expect(text, CONTENT);
        expect_binary(bytes, HELLO, "hello", 5);
        expect(upper, "[null,null,'want:" UPPER "','content',{'content':'hello'}]");
        expect_binary(upper_bytes, UPPER, "hello", 5);
        assert_int_equal(metrics_of(world)->served_total, 4);
        world_free(world);
    }
}

TEST(a_page_that_is_no_text_comes_as_binary_or_not_at_all)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *text = arrive(world, "text");
    struct client *bytes = arrive(world, "bytes");
    hold_quietly(a, RAW_HASH);
    seek(text, RAW_HASH, "{}");
    seek(bytes, RAW_HASH, "{'binary':true}");
    answer_binary(a, RAW_HASH, RAW, 3);
    expect(text, "[null,null,'want:" RAW_HASH "','error',{'reason':'not_text'}]");
    expect_binary(bytes, RAW_HASH, RAW, 3);
    assert_int_equal(refusals(world, REASON_NOT_TEXT), 1);
    assert_int_equal(metrics_of(world)->served_total, 1);
    assert_int_equal(metrics_of(world)->seekers, 2);
    world_free(world);
}

TEST(text_is_escaped_on_its_way_and_means_the_same)
{
    static const char page[] = "\"\\\n\x01<\xe4\xb8\xad\xf0\x9f\x98\x80>\x7f";
    char hex[HASH_HEX + 1];
    struct page_hash hash = hash_of(page, sizeof page - 1);
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hash_to_hex(&hash, 0, hex);
    hold_quietly(a, hex);
    seek(s, hex, "{}");
    answer_binary(a, hex, page, sizeof page - 1);
    assert_int_equal(count_events(s, "content"), 1); /* the world has compared its hash */
    world_free(world);
}

TEST(an_empty_page_is_a_page)
{
    const char *empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";
    for (int binary = 0; binary < 2; binary++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a"), *s = arrive(world, "s"),
                      *t = arrive(world, "t");
        hold_quietly(a, empty);
        seek(s, empty, "{}");
        seek(t, empty, "{'binary':true}");
        if (binary)
            answer_binary(a, empty, "", 0);
        else
            answer(a, empty, "");
        expect(s, "[null,null,'want:%s','content',{'content':''}]", empty);
        expect_binary(t, empty, "", 0);
        world_free(world);
    }
}

/* ---- how often ---- */

TEST(a_seeker_is_served_once_for_each_join)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    for (int joined = 0; joined < 3; joined++) {
        say(s, "['1','1','want:" HELLO "','phx_join',{}]");
        ignore_inbox(s);
        expect_asked(a, HELLO);
        answer(a, HELLO, "hello");
        expect(s, CONTENT);
        ask_again(s);
        ask_again(s);
        expect_nothing(a);
        expect_nothing(s);
    }
    assert_int_equal(metrics_of(world)->fetches_total, 3);
    world_free(world);
}

TEST(a_seeker_that_was_served_is_not_served_again_with_others)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s"), *t = arrive(world, "t");
    hold_quietly(a, HELLO);
    seek(s, HELLO, "{'status':true}");
    answer(a, HELLO, "hello");
    ignore_inbox(s);
    seek(t, HELLO, "{}");
    ignore_inbox(a);
    answer(a, HELLO, "hello");
    expect(t, CONTENT);
    expect_nothing(s);
    world_free(world);
}

TEST(a_seeker_that_was_served_cannot_ask_for_others)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s"), *t = arrive(world, "t");
    hold_quietly(a, HELLO);
    seek(s, HELLO, "{}");
    answer(a, HELLO, "hello");
    seek(t, HELLO, "{}");
    ignore_inbox(a);
    pass(world, 10000); /* now t waits, and a was silent */
    ask_again(s);
    expect_nothing(a);
    ask_again(t);
    expect_asked(a, HELLO);
    world_free(world);
}

TEST(joining_again_whilst_waiting_asks_nobody_again)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek(s, HELLO, "{}");
    expect_asked(a, HELLO);
    say(s, "['2','2','want:" HELLO "','phx_join',{'binary':true}]");
    expect(s, "['2','2','want:" HELLO "','phx_reply',"
              "{'status':'ok','response':{'holders':1}}]");
    expect(s, "['1','1','want:" HELLO "','phx_close',{}]");
    expect_nothing(a);
    answer(a, HELLO, "hello");
    expect_binary(s, HELLO, "hello", 5);
    expect_nothing(s);
    world_free(world);
}

TEST(a_fetch_ends_with_its_last_seeker)
{
    for (int way = 0; way < 2; way++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a"), *s = arrive(world, "s"),
                      *t = arrive(world, "t");
        hold_quietly(a, HELLO);
        seek_quietly(s, HELLO);
        seek_quietly(t, HELLO);
        expect_asked(a, HELLO);
        drop(s);
        assert_int_equal(metrics_of(world)->fetches, 1);
        if (way == 0)
            say(t, "['1','2','want:" HELLO "','phx_leave',{}]");
        else
            drop(t);
        assert_int_equal(metrics_of(world)->fetches, 0);
        pass(world, 100000);
        expect_nothing(a);
        answer(a, HELLO, "hello"); /* it could not know */
        expect_reply(a, "have", HELLO, "2", NULL);
        world_free(world);
    }
}

/* ---- status ---- */

TEST(status_is_for_those_who_asked_for_it)
{
    struct world *world = world_new(NULL);
    struct client *s = arrive(world, "s"), *t = arrive(world, "t"), *a = arrive(world, "a");
    seek(s, HELLO, "{'status':true}");
    seek(t, HELLO, "{}");
    expect_status(s, "nobody", 0, 0, "'no_holder'");
    hold_quietly(a, HELLO);
    expect_status(s, "searching", 1, 1, "null");
    say(a, "['1','2','have:" HELLO "','phx_leave',{}]");
    expect_status(s, "nobody", 0, 0, "'no_holder'");
    expect_nothing(t);
    world_free(world);
}

TEST(status_comes_in_the_letters_of_the_join)
{
    struct world *world = world_new(NULL);
    struct client *s = arrive(world, "s");
    seek(s, UPPER, "{'status':true}");
    expect(s, "[null,null,'want:" UPPER "','status',"
              "{'state':'nobody','holders':0,'asked':0,'reason':'no_holder'}]");
    world_free(world);
}

TEST(status_counts_those_who_were_asked)
{
    struct world *world = world_new(NULL);
    struct client *holders[4], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, 4);
    seek(s, HELLO, "{'status':true}");
    expect_status(s, "searching", 4, 1, "null");
    pass(world, 1000);
    expect_status(s, "searching", 4, 2, "null");
    pass(world, 1000);
    expect_status(s, "searching", 4, 3, "null");
    pass(world, 1000);
    expect_status(s, "searching", 4, 4, "null");
    pass(world, 6000);
    expect_nothing(s);
    pass(world, 20000);
    while (s->count > 1)
        message_unref(take(s));
    expect_status(s, "nobody", 4, 0, "'silent'");
    world_free(world);
}

TEST(a_seeker_that_joins_a_search_is_told_how_it_goes)
{
    struct world *world = world_new(NULL);
    struct client *holders[3], *s = arrive(world, "s"), *t = arrive(world, "t");
    hold_all(world, HELLO, holders, 3);
    seek_quietly(s, HELLO);
    pass(world, 1000);
    seek(t, HELLO, "{'status':true}");
    expect_status(t, "searching", 3, 2, "null");
    expect_nothing(s);
    world_free(world);
}

TEST(status_says_that_all_were_silent_and_then_that_they_are_asked_again)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek(s, HELLO, "{'status':true}");
    expect_status(s, "searching", 1, 1, "null");
    pass(world, 10000);
    expect_status(s, "nobody", 1, 0, "'silent'");
    ask_again(s);
    expect_status(s, "searching", 1, 1, "null");
    answer(a, HELLO, "hello");
    expect(s, CONTENT);
    expect_nothing(s);
    world_free(world);
}

TEST(status_tells_of_the_last_fetch_and_not_of_those_before)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek(s, HELLO, "{'status':true}");
    pass(world, 10000);
    ask_again(s);
    ignore_inbox(s);
    say(a, "['1','2','have:" HELLO "','phx_leave',{}]");
    expect_status(s, "nobody", 0, 0, "'no_holder'");
    world_free(world);
}

TEST(status_says_that_all_lied)
{
    struct world *world = world_new(NULL);
    struct client *holders[2], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, 2);
    seek(s, HELLO, "{'status':true}");
    expect_status(s, "searching", 2, 1, "null");
    struct client *first = who_is_asked(holders, 2);
    struct client *second = first == holders[0] ? holders[1] : holders[0];
    answer(first, HELLO, "HELLO");
    expect_status(s, "searching", 1, 2, "null");
    answer(second, HELLO, "HELLO");
    expect_status(s, "nobody", 0, 0, "'wrong_bytes'");
    expect_nothing(s);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_seeker_is_served_in_the_form_and_the_letters_of_its_join),
        cmocka_unit_test(a_page_that_is_no_text_comes_as_binary_or_not_at_all),
        cmocka_unit_test(text_is_escaped_on_its_way_and_means_the_same),
        cmocka_unit_test(an_empty_page_is_a_page),
        cmocka_unit_test(a_seeker_is_served_once_for_each_join),
        cmocka_unit_test(a_seeker_that_was_served_is_not_served_again_with_others),
        cmocka_unit_test(a_seeker_that_was_served_cannot_ask_for_others),
        cmocka_unit_test(joining_again_whilst_waiting_asks_nobody_again),
        cmocka_unit_test(a_fetch_ends_with_its_last_seeker),
        cmocka_unit_test(status_is_for_those_who_asked_for_it),
        cmocka_unit_test(status_comes_in_the_letters_of_the_join),
        cmocka_unit_test(status_counts_those_who_were_asked),
        cmocka_unit_test(a_seeker_that_joins_a_search_is_told_how_it_goes),
        cmocka_unit_test(
            status_says_that_all_were_silent_and_then_that_they_are_asked_again),
        cmocka_unit_test(status_tells_of_the_last_fetch_and_not_of_those_before),
        cmocka_unit_test(status_says_that_all_lied),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
