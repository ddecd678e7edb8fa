/* Flow control towards those who seek many pages, and the line for memory. */
#include "world.h"

#include "window.h"

#include <stdio.h>
#include <string.h>

enum { PAGES = 6 };

static char names[PAGES][HASH_HEX + 1];

static void name_pages(void)
{
    for (int i = 0; i < PAGES; i++) {
        char text[24];
        int size = sprintf(text, "page %d", i);
        struct page_hash hash = hash_of(text, (size_t)size);
        hash_to_hex(&hash, 0, names[i]);
    }
}

static void answer_page(struct client *holder, int i)
{
    char text[24];
    int size = sprintf(text, "page %d", i);
    answer_binary(holder, names[i], text, (size_t)size);
}

/* A holder of all pages, and one who seeks them all at once without reading. */
struct two {
    struct world *world;
    struct client *holder, *seeker;
};

static struct two begin(const struct hub_config *config)
{
    struct two two = {.world = world_new(config)};
    name_pages();
    two.holder = arrive(two.world, "holder");
    two.seeker = arrive(two.world, "seeker");
    two.seeker->unread = true;
    for (int i = 0; i < PAGES; i++)
        hold_quietly(two.holder, names[i]);
    for (int i = 0; i < PAGES; i++)
        say(two.seeker, "['1','1','want:%s','phx_join',{'binary':true,'status':true}]",
            names[i]);
    return two;
}

static size_t waiting(const struct two *two)
{
    return metrics_of(two->world)->seekers_waiting;
}

TEST(no_more_pages_are_asked_for_than_a_connection_may_be_sent)
{
    struct two two = begin(NULL); /* room for two pages at their largest */
    assert_int_equal(metrics_of(two.world)->asks_total, 2);
    assert_int_equal(waiting(&two), PAGES - 2);
    for (int i = 0; i < 2; i++) {
        expect_asked(two.holder, names[i]);
        answer_page(two.holder, i);
    }
    /* What came is small, so that one more may come before anything is read. */
    expect_asked(two.holder, names[2]);
    answer_page(two.holder, 2);
    expect_asked(two.holder, names[3]);
    expect_nothing(two.holder);
    drain(two.seeker);
    expect_asked(two.holder, names[4]);
    expect_nothing(two.holder);
    for (int i = 3; i < PAGES; i++) {
        answer_page(two.holder, i);
        drain(two.seeker);
        ignore_inbox(two.holder);
    }
    assert_int_equal(count_events(two.seeker, "content"), PAGES);
    assert_int_equal(waiting(&two), 0);
    world_free(two.world);
}

TEST(who_waits_for_room_is_told_so_and_then_that_the_search_is_on)
{
    struct two two = begin(NULL);
    ignore_inbox(two.seeker);
    say(two.seeker, "['9','9','want:%s','phx_join',{'binary':true,'status':true}]",
        names[5]);
    expect(two.seeker,
           "['9','9','want:%s','phx_reply',{'status':'ok','response':{'holders':1}}]",
           names[5]);
    expect(two.seeker, "['1','1','want:%s','phx_close',{}]", names[5]);
    expect(two.seeker,
           "[null,null,'want:%s','status',"
           "{'state':'waiting','holders':1,'asked':0,'reason':null}]",
           names[5]);
    for (int i = 0; i < 4; i++)
        say(two.seeker, "['1','2','want:%s','phx_leave',{}]", names[i]);
    ignore_inbox(two.seeker);
    say(two.seeker, "['1','2','want:%s','phx_leave',{}]", names[4]);
    assert_int_equal(count_events(two.seeker, "status"), 0);
    assert_int_equal(waiting(&two), 0);
    world_free(two.world);
}

TEST(pages_that_nobody_holds_take_no_room)
{
    struct world *world = world_new(NULL);
    struct client *s = arrive(world, "s"), *a = arrive(world, "a");
    name_pages();
    s->unread = true;
    for (int i = 0; i < PAGES; i++)
        seek_quietly(s, names[i]);
    assert_int_equal(metrics_of(world)->seekers_waiting, 0);
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    expect_asked(a, HELLO);
    world_free(world);
}

TEST(a_search_that_fails_gives_its_room_to_the_next)
{
    struct two two = begin(NULL);
    expect_asked(two.holder, names[0]);
    expect_asked(two.holder, names[1]);
    expect_nothing(two.holder);
    pass(two.world, 10000); /* silent */
    expect_asked(two.holder, names[2]);
    expect_asked(two.holder, names[3]);
    expect_nothing(two.holder);
    world_free(two.world);
}

TEST(who_has_room_is_served_by_a_fetch_and_who_has_not_by_the_next_one)
{
    struct two two = begin(NULL);
    struct client *other = arrive(two.world, "other");
    seek(other, names[5], "{'binary':true}");
    answer_page(two.holder, 5);
    expect_binary(other, names[5], "page 5", 6);
    assert_int_equal(count_events(two.seeker, "content"), 0);
    for (int i = 0; i < 5; i++) {
        answer_page(two.holder, i);
        drain(two.seeker);
    }
    ignore_inbox(two.holder);
    answer_page(two.holder, 5);
    assert_int_equal(count_events(two.seeker, "content"), PAGES);
    world_free(two.world);
}

TEST(a_page_that_its_escapes_make_too_large_comes_when_the_rest_is_read)
{
    enum { SIZE = 2000 };
    struct hub_config config = hub_config_default();
    config.page_bytes_max = SIZE;
    config.window_bytes = 2 * SIZE;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    char page[SIZE], hex[HASH_HEX + 1] = "";
    memset(page, 1, sizeof page); /* \u0001: six bytes for one */
    struct page_hash hash = hash_of(page, sizeof page);
    hash_to_hex(&hash, 0, hex);
    s->unread = true;
    hold_quietly(a, HELLO);
    hold_quietly(a, hex);
    seek_quietly(s, HELLO);
    seek_quietly(s, hex);
    answer(a, HELLO, "hello");
    ignore_inbox(a);
    answer_binary(a, hex, page, sizeof page);
    assert_int_equal(count_events(s, "content"), 1);
    expect_nothing(a);
    drain(s);
    expect_asked(a, hex);
    answer_binary(a, hex, page, sizeof page);
    assert_int_equal(count_events(s, "content"), 2);
    world_free(world);
}

/* ---- the line ---- */

/* A hub with memory for one page, which is on its way in `first`. */
static struct world *crowded(uint32_t line, struct client **first)
{
    struct hub_config config = hub_config_default();
    config.page_bytes_max = 10000;
    config.in_flight_bytes_max = 12000;
    config.fetches_waiting_max = line;
    struct world *world = world_new(&config);
    name_pages();
    *first = arrive(world, "first");
    hold_quietly(*first, HELLO);
    seek_quietly(arrive(world, "s"), HELLO);
    ignore_inbox(*first);
    static const char head[] = "\0\1\1\x45\7"
                               "12have:" HELLO "contenthe";
    say_part(*first, MESSAGE_BINARY, head, sizeof head - 1, true, false);
    assert_true(metrics_of(world)->in_flight_bytes > 0);
    return world;
}

TEST(without_memory_a_fetch_stands_in_line_until_there_is)
{
    struct client *first, *a;
    struct world *world = crowded(10, &first);
    a = arrive(world, "a");
    for (int i = 0; i < 2; i++) {
        struct client *s = arrive(world, "seeker");
        hold_quietly(a, names[i]);
        seek(s, names[i], "{'binary':true,'status':true}");
        expect(s,
               "[null,null,'want:%s','status',"
               "{'state':'searching','holders':1,'asked':0,'reason':null}]",
               names[i]);
    }
    assert_int_equal(metrics_of(world)->fetches_waiting, 2);
    ignore_inbox(a);
    say_part(first, MESSAGE_BINARY, "llo", 3, false, true);
    expect_asked(a, names[0]);
    answer_page(a, 0);
    expect_asked(a, names[1]);
    assert_int_equal(metrics_of(world)->fetches_waiting, 0);
    world_free(world);
}

TEST(when_the_line_is_full_seekers_are_told_and_may_ask_again)
{
    struct client *first, *a, *s;
    struct world *world = crowded(1, &first);
    a = arrive(world, "a");
    s = arrive(world, "s");
    hold_quietly(a, names[0]);
    hold_quietly(a, names[1]);
    seek_quietly(arrive(world, "in line"), names[0]);
    seek(s, names[1], "{'status':true}");
    expect(s, "[null,null,'want:%s','error',{'reason':'busy'}]", names[1]);
    expect(s,
           "[null,null,'want:%s','status',"
           "{'state':'nobody','holders':1,'asked':0,'reason':'busy'}]",
           names[1]);
    assert_int_equal(refusals(world, REASON_BUSY), 1);
    drop(first);
    answer_page(a, 0);
    ignore_inbox(a);
    say(s, "['1','3','want:%s','content_request',{'hash':'%s'}]", names[1], names[1]);
    expect_asked(a, names[1]);
    world_free(world);
}

TEST(what_comes_too_slowly_makes_room_for_those_in_line)
{
    struct client *first, *a;
    struct world *world = crowded(10, &first);
    a = arrive(world, "a");
    hold_quietly(a, names[0]);
    seek_quietly(arrive(world, "s"), names[0]);
    assert_int_equal(count_events(a, "content_request"), 0);
    pass(world, 999);
    assert_int_equal(count_events(a, "content_request"), 0);
    pass(world, 1);
    assert_int_equal(count_events(a, "content_request"), 1);
    expect_reply(first, "have", HELLO, "2", "busy");
    world_free(world);
}

TEST(a_message_that_is_never_finished_holds_nobody_up)
{
    struct hub_config config = hub_config_default();
    config.page_bytes_max = 10000;
    config.in_flight_bytes_max = 30000;
    struct world *world = world_new(&config);
    struct client *idler = arrive(world, "idler"), *a = arrive(world, "a");
    char letters[25000];
    memset(letters, 'x', sizeof letters);
    memcpy(letters, "[null,\"1\",\"phoenix\",\"heartbeat\",{\"x\":\"", 38);
    say_part(idler, MESSAGE_TEXT, letters, sizeof letters, true, false);
    name_pages();
    hold_quietly(a, names[0]);
    seek_quietly(arrive(world, "s"), names[0]);
    assert_int_equal(metrics_of(world)->fetches_waiting, 1);
    pass(world, 1000);
    assert_int_equal(count_events(a, "content_request"), 1);
    expect(idler, "[null,'1','phoenix','phx_reply',"
                  "{'status':'error','response':{'reason':'busy'}}]");
    say_part(idler, MESSAGE_TEXT, "\"}]", 3, false, true);
    expect_nothing(idler);
    world_free(world);
}

TEST(a_fetch_whose_last_holder_leaves_is_taken_out_of_the_line)
{
    struct client *first, *a, *s;
    struct world *world = crowded(10, &first);
    a = arrive(world, "a");
    s = arrive(world, "s");
    hold_quietly(a, names[0]);
    seek(s, names[0], "{'status':true}");
    ignore_inbox(s);
    drop(a);
    assert_int_equal(metrics_of(world)->fetches_waiting, 0);
    expect(s,
           "[null,null,'want:%s','status',"
           "{'state':'nobody','holders':0,'asked':0,'reason':'no_holder'}]",
           names[0]);
    world_free(world);
}

TEST(seekers_that_leave_take_their_fetch_out_of_the_line)
{
    struct client *first, *a, *s[3];
    struct world *world = crowded(10, &first);
    a = arrive(world, "a");
    for (int i = 0; i < 3; i++) {
        s[i] = arrive(world, "s");
        hold_quietly(a, names[i]);
        seek_quietly(s[i], names[i]);
    }
    drop(s[1]);
    drop(s[2]);
    drop(s[0]);
    assert_int_equal(metrics_of(world)->fetches_waiting, 0);
    assert_int_equal(metrics_of(world)->fetches, 1);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_more_pages_are_asked_for_than_a_connection_may_be_sent),
        cmocka_unit_test(who_waits_for_room_is_told_so_and_then_that_the_search_is_on),
        cmocka_unit_test(pages_that_nobody_holds_take_no_room),
        cmocka_unit_test(a_search_that_fails_gives_its_room_to_the_next),
        cmocka_unit_test(who_has_room_is_served_by_a_fetch_and_who_has_not_by_the_next_one),
        cmocka_unit_test(
            a_page_that_its_escapes_make_too_large_comes_when_the_rest_is_read),
        cmocka_unit_test(without_memory_a_fetch_stands_in_line_until_there_is),
        cmocka_unit_test(when_the_line_is_full_seekers_are_told_and_may_ask_again),
        cmocka_unit_test(what_comes_too_slowly_makes_room_for_those_in_line),
        cmocka_unit_test(a_message_that_is_never_finished_holds_nobody_up),
        cmocka_unit_test(a_fetch_whose_last_holder_leaves_is_taken_out_of_the_line),
        cmocka_unit_test(seekers_that_leave_take_their_fetch_out_of_the_line),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
