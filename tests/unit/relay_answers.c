/* Answers that are wrong, late or never come. */
#include "world.h"

#define CONTENT "[null,null,'want:" HELLO "','content',{'content':'hello'}]"

static void leave(struct client *client, const char *kind)
{
    say(client, "['1',null,'%s:" HELLO "','phx_leave',{}]", kind);
}

static void ask_again(struct client *client)
{
    say(client, "['1','3','want:" HELLO "','content_request',{'hash':'" HELLO "'}]");
}

static void expect_error(struct client *client, const char *reason)
{
    expect(client, "['1','1','have:" HELLO "','phx_error',{'reason':'%s'}]", reason);
}

TEST(a_liar_is_never_asked_again_even_after_it_joins_again)
{
    static const char *const lies[] = {"HELLO", "", "hello "};
    for (size_t i = 0; i < sizeof lies / sizeof lies[0]; i++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a"), *b = arrive(world, "b"),
                      *s = arrive(world, "s");
        hold_quietly(a, HELLO);
        seek_quietly(s, HELLO);
        ignore_inbox(a);
        answer(a, HELLO, lies[i]);
        expect_error(a, "wrong_bytes");
        for (int again = 0; again < 3; again++) {
            hold_quietly(a, HELLO);
            pass(world, 20000);
            ask_again(s);
            seek_quietly(arrive(world, "t"), HELLO);
            expect_nothing(a);
        }
        answer(a, HELLO, "hello");
        expect_reply(a, "have", HELLO, "2", "not_asked");
        hold(b, HELLO, "{}");
        assert_int_equal(count_events(b, "content_request"), 1);
        pass(world, 5000); /* and no hedge goes to the liar */
        assert_int_equal(count_events(a, "content_request"), 0);
        world_free(world);
    }
}

TEST(a_liar_may_hold_other_pages)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    hold_quietly(a, WORLD);
    seek_quietly(s, HELLO);
    answer(a, HELLO, "HELLO");
    ignore_inbox(a);
    seek_quietly(s, WORLD);
    expect_asked(a, WORLD);
    answer(a, WORLD, "world");
    assert_int_equal(count_events(s, "content"), 1);
    world_free(world);
}

TEST(the_slower_of_two_is_told_ok_and_its_bytes_are_dropped)
{
    struct world *world = world_new(NULL);
    struct client *holders[2], *s = arrive(world, "s");
    hold_all(world, HELLO, holders, 2);
    seek_quietly(s, HELLO);
    pass(world, 1000);
    assert_int_equal(count_asked(holders, 2), 2);
    answer(holders[1], HELLO, "hello");
    expect(s, CONTENT);
    answer(holders[0], HELLO, "not even looked at");
    expect_reply(holders[0], "have", HELLO, "2", NULL);
    expect_nothing(s);
    assert_int_equal(metrics_of(world)->late_total, 1);
    answer(holders[0], HELLO, "hello"); /* once only */
    expect_reply(holders[0], "have", HELLO, "2", "not_asked");
    world_free(world);
}

TEST(a_latecomer_in_the_middle_of_its_answer_is_told_ok)
{
    struct world *world = world_new(NULL);
    struct client *holders[2], *s = arrive(world, "s");
    static const char head[] =
        "[\"1\",\"2\",\"have:" HELLO "\",\"content\",{\"content\":\"he";
    hold_all(world, HELLO, holders, 2);
    seek_quietly(s, HELLO);
    pass(world, 1000);
    assert_int_equal(count_asked(holders, 2), 2);
    say_part(holders[0], MESSAGE_TEXT, head, sizeof head - 1, true, false);
    answer(holders[1], HELLO, "hello");
    expect_reply(holders[0], "have", HELLO, "2", NULL);
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    say_part(holders[0], MESSAGE_TEXT, "llo\"}]", 6, false, true);
    expect_nothing(holders[0]);
    world_free(world);
}

TEST(a_latecomer_that_is_asked_again_may_answer_twice)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    expect_asked(a, HELLO);
    leave(s, "want"); /* nobody waits any more, but the answer is on its way */
    ignore_inbox(s);
    seek_quietly(s, HELLO);
    ignore_inbox(a);
    answer(a, HELLO, "hello");
    assert_int_equal(count_events(s, "content"), 1);
    answer(a, HELLO, "hello");
    expect_reply(a, "have", HELLO, "2", NULL);
    assert_int_equal(refusals(world, REASON_NOT_ASKED), 0);
    world_free(world);
}

TEST(an_answer_after_giving_up_was_not_asked)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    ignore_inbox(a);
    pass(world, 10000);
    answer(a, HELLO, "hello");
    expect_reply(a, "have", HELLO, "2", "not_asked");
    expect_nothing(s);
    world_free(world);
}

TEST(silent_holders_get_another_chance_when_a_seeker_asks)
{
    for (int join = 0; join < 2; join++) {
        struct world *world = world_new(NULL);
        struct client *holders[2], *s = arrive(world, "s");
        hold_all(world, HELLO, holders, 2);
        seek_quietly(s, HELLO);
        pass(world, 30000);
        assert_int_equal(count_asked(holders, 2), 2);
        if (join)
            seek_quietly(arrive(world, "t"), HELLO);
        else
            ask_again(s);
        struct client *asked = who_is_asked(holders, 2);
        answer(asked, HELLO, "hello");
        expect(s, CONTENT);
        world_free(world);
    }
}

TEST(silent_holders_are_not_asked_whilst_others_can_be)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b"), *s = arrive(world, "s");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    pass(world, 10000);
    hold_quietly(b, HELLO);
    pass(world, 5000);
    ask_again(s);
    assert_int_equal(count_events(a, "content_request"), 1);
    answer(b, HELLO, "hello");
    expect(s, CONTENT);
    seek_quietly(arrive(world, "t"), HELLO);
    assert_int_equal(count_events(a, "content_request"), 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_liar_is_never_asked_again_even_after_it_joins_again),
        cmocka_unit_test(a_liar_may_hold_other_pages),
        cmocka_unit_test(the_slower_of_two_is_told_ok_and_its_bytes_are_dropped),
        cmocka_unit_test(a_latecomer_in_the_middle_of_its_answer_is_told_ok),
        cmocka_unit_test(a_latecomer_that_is_asked_again_may_answer_twice),
        cmocka_unit_test(an_answer_after_giving_up_was_not_asked),
        cmocka_unit_test(silent_holders_get_another_chance_when_a_seeker_asks),
        cmocka_unit_test(silent_holders_are_not_asked_whilst_others_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
