/* How much may arrive: sizes, fragments, and the memory for pages on their way. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONTENT "[null,null,'want:" HELLO "','content',{'content':'hello'}]"
#define HEAD "[\"1\",\"2\",\"have:" HELLO "\",\"content\","

static struct hub_config small_pages(size_t most)
{
    struct hub_config config = hub_config_default();
    config.page_bytes_max = most;
    return config;
}

/* The text of an answer whose content is `unit`, `times` times; the caller frees it. */
static char *content_new(const char *hash, const char *unit, size_t times)
{
    size_t size = strlen(unit) * times + 200;
    char *text = malloc(size), *at = text;
    at += snprintf(at, size, "[\"1\",\"2\",\"have:%s\",\"content\",{\"content\":\"", hash);
    for (size_t i = 0; i < times; i++)
        at += snprintf(at, size - (size_t)(at - text), "%s", unit);
    snprintf(at, size - (size_t)(at - text), "\"}]");
    return text;
}

/* The hexadecimal name of a page of `size` letters x. */
static void hash_of_x(size_t size, char hex[HASH_HEX + 1])
{
    char *page = malloc(size + 1);
    memset(page, 'x', size);
    struct page_hash hash = hash_of(page, size);
    hash_to_hex(&hash, 0, hex);
    free(page);
}

/* ---- pages ---- */

TEST(a_page_of_the_largest_size_goes_through_and_one_byte_more_does_not)
{
    static const char *const units[] = {"x", "\\u0078"};
    struct hub_config config = small_pages(5000);
    for (size_t size = 5000; size <= 5001; size++)
        for (int unit = 0; unit < 2; unit++)
            for (size_t step = 100; step <= 100000; step *= 10) {
                char hex[HASH_HEX + 1], *text;
                struct world *world = world_new(&config);
                struct client *a = arrive(world, "a"), *s = arrive(world, "s");
                hash_of_x(size, hex);
                hold_quietly(a, hex);
                seek_quietly(s, hex);
                ignore_inbox(a);
                text = content_new(hex, units[unit], size);
                say_in_parts(a, MESSAGE_TEXT, text, strlen(text), step);
                if (size > 5000)
                    expect(a, "['1','1','have:%s','phx_error',{'reason':'page_size'}]",
                           hex);
                assert_int_equal(count_events(s, "content"), size > 5000 ? 0 : 1);
                expect_nothing(a);
                free(text);
                world_free(world);
            }
}

TEST(a_binary_page_has_the_same_largest_size)
{
    struct hub_config config = small_pages(5000);
    for (size_t size = 5000; size <= 5001; size++) {
        char hex[HASH_HEX + 1], page[5001];
        struct world *world = world_new(&config);
        struct client *a = arrive(world, "a"), *s = arrive(world, "s");
        memset(page, 'x', sizeof page);
        hash_of_x(size, hex);
        hold_quietly(a, hex);
        seek(s, hex, "{'binary':true}");
        ignore_inbox(a);
        answer_binary(a, hex, page, size);
        if (size == 5000)
            expect_binary(s, hex, page, size);
        else
            expect(a, "['1','1','have:%s','phx_error',{'reason':'page_size'}]", hex);
        assert_int_equal(refusals(world, REASON_PAGE_SIZE), size - 5000);
        world_free(world);
    }
}

TEST(a_page_may_be_larger_than_other_messages_however_it_comes)
{
    struct hub_config config = hub_config_default();
    config.message_bytes_max = 1024;
    for (size_t step = 100; step <= 10000; step *= 10) {
        char hex[HASH_HEX + 1], *text;
        struct world *world = world_new(&config);
        struct client *a = arrive(world, "a"), *s = arrive(world, "s");
        hash_of_x(5000, hex);
        hold_quietly(a, hex);
        seek_quietly(s, hex);
        ignore_inbox(a);
        text = content_new(hex, "x", 5000);
        say_in_parts(a, MESSAGE_TEXT, text, strlen(text), step);
        assert_int_equal(count_events(s, "content"), 1);
        expect_nothing(a);
        free(text);
        world_free(world);
    }
}

TEST(a_page_that_is_too_large_is_refused_before_all_of_it_came)
{
    struct hub_config config = small_pages(5000);
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s");
    char letters[1000];
    memset(letters, 'x', sizeof letters);
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    ignore_inbox(a);
    say_part(a, MESSAGE_TEXT, HEAD "{\"content\":\"", sizeof HEAD + 11, true, false);
    for (int i = 0; i < 5; i++) {
        say_part(a, MESSAGE_TEXT, letters, sizeof letters, false, false);
        expect_nothing(a);
    }
    say_part(a, MESSAGE_TEXT, "x", 1, false, false);
    expect(a, "['1','1','have:" HELLO "','phx_error',{'reason':'page_size'}]");
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    say_part(a, MESSAGE_TEXT, letters, sizeof letters, false, false);
    say_part(a, MESSAGE_TEXT, "\"}]", 3, false, true);
    expect_nothing(a);
    world_free(world);
}

TEST(what_is_skipped_has_an_end_too)
{
    struct hub_config config = small_pages(1000);
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    char letters[1000];
    memset(letters, 'x', sizeof letters);
    hold_quietly(a, HELLO);
    say_part(a, MESSAGE_TEXT, HEAD "{\"content\":\"", sizeof HEAD + 11, true, false);
    expect_reply(a, "have", HELLO, "2", "not_asked");
    for (size_t sent = 0; a->id != 0; sent += sizeof letters) {
        assert_true(sent <= 6 * 1000 + 65536);
        say_part(a, MESSAGE_TEXT, letters, sizeof letters, false, false);
    }
    expect_closed(a, 1009, REASON_MESSAGE_SIZE);
    world_free(world);
}

/* ---- messages ---- */

TEST(a_message_has_a_largest_size)
{
    static const int step_sizes[] = {1 << 20, 5000};
    for (int step = 0; step < 2; step++)
        for (int more = 0; more < 2; more++) {
            struct world *world = world_new(NULL);
            struct client *a = arrive(world, "a");
            char text[70000];
            int head = sprintf(text, "[null,\"1\",\"phoenix\",\"heartbeat\",{},\"");
            size_t size = 65536 + (size_t)more;
            memset(text + head, 'x', size - (size_t)head);
            memcpy(text + size - 2, "\"]", 2);
            say_in_parts(a, MESSAGE_TEXT, text, size, (size_t)step_sizes[step]);
            if (more)
                expect_closed(a, 1009, REASON_MESSAGE_SIZE);
            else
                expect(a, "[null,'1','phoenix','phx_reply',{'status':'ok','response':{}}]");
            world_free(world);
        }
}

TEST(a_message_has_at_most_1024_fragments)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    static const char text[] = "[null,\"1\",\"phoenix\",\"heartbeat\",{}]";
    for (int i = 0; i < 1023; i++)
        say_part(a, MESSAGE_TEXT, "", 0, true, false);
    say_part(a, MESSAGE_TEXT, text, sizeof text - 1, true, true);
    expect(a, "[null,'1','phoenix','phx_reply',{'status':'ok','response':{}}]");
    for (int i = 0; i < 1024; i++)
        say_part(b, MESSAGE_TEXT, " ", 1, true, false);
    say_part(b, MESSAGE_TEXT, " ", 1, false, false); /* more of the same fragment */
    expect_nothing(b);
    say_part(b, MESSAGE_TEXT, " ", 1, true, false);
    expect_closed(b, 1008, REASON_FRAGMENTS);
    assert_int_equal(refusals(world, REASON_FRAGMENTS), 1);
    world_free(world);
}

TEST(the_payload_of_a_join_has_a_largest_size)
{
    for (int more = 0; more < 2; more++) {
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a");
        say(a, "['1','1','all','phx_join',{'x':'%0*d'}]", 16384 - 8 + more, 0);
        expect(a, more ? "['1','1','all','phx_reply',"
                         "{'status':'error','response':{'reason':'bad_payload'}}]"
                       : "['1','1','all','phx_reply',{'status':'ok','response':{}}]");
        world_free(world);
    }
}

TEST(little_may_stand_before_and_after_the_content)
{
    static const struct {
        const char *format;
        int size;
        const char *reason; /* NULL: the page goes through */
    } answers[] = {
        {"{'x':'%0*d','content':'hello'}]", 8000, NULL},
        {"{'x':'%0*d','content':'hello'}]", 8200, "bad_payload"},
        {"{'content':'hello','x':'%0*d'}]", 400, NULL},
        {"{'content':'hello','x':'%0*d'}]", 600, "bad_payload"},
    };
    for (size_t i = 0; i < sizeof answers / sizeof answers[0]; i++) {
        char payload[9000];
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a"), *s = arrive(world, "s");
        hold_quietly(a, HELLO);
        seek_quietly(s, HELLO);
        ignore_inbox(a);
        snprintf(payload, sizeof payload, answers[i].format, answers[i].size, 0);
        say(a, "%s%s", HEAD, payload);
        if (answers[i].reason == NULL)
            expect(s, CONTENT);
        else
            expect(a, "['1','1','have:" HELLO "','phx_error',{'reason':'%s'}]",
                   answers[i].reason);
        world_free(world);
    }
}

TEST(a_head_may_be_long_but_not_that_of_content)
{
    static const size_t steps[] = {1, 1000, 1 << 20};
    for (int i = 0; i < 3; i++) {
        char text[10000];
        struct world *world = world_new(NULL);
        struct client *a = arrive(world, "a");
        hold_quietly(a, HELLO);
        seek_quietly(arrive(world, "s"), HELLO);
        ignore_inbox(a);
        int size = sprintf(text, "[%9000snull,\"1\",\"phoenix\",\"heartbeat\",{}]", "");
        say_in_parts(a, MESSAGE_TEXT, text, (size_t)size, steps[i]);
        expect(a, "[null,'1','phoenix','phx_reply',{'status':'ok','response':{}}]");
        size = sprintf(text, "[%9000s\"1\",\"2\",\"have:" HELLO "\",\"content\",{}]", "");
        say_in_parts(a, MESSAGE_TEXT, text, (size_t)size, steps[i]);
        expect(a, "['1','1','have:" HELLO "','phx_error',{'reason':'bad_payload'}]");
        world_free(world);
    }
}

/* ---- memory ---- */

TEST(an_answer_that_never_finds_memory_is_asked_for_again_and_then_its_seeker_is_told)
{
    struct hub_config config = hub_config_default();
    config.in_flight_bytes_max = 100;
    for (int binary = 0; binary < 2; binary++) {
        struct world *world = world_new(&config);
        struct client *a = arrive(world, "a"), *s = arrive(world, "s");
        hold_quietly(a, HELLO);
        seek_quietly(s, HELLO);
        for (int again = 0; again < 4; again++) {
            expect_nothing(s);
            expect_asked(a, HELLO);
            if (binary)
                answer_binary(a, HELLO, "hello", 5);
            else
                answer(a, HELLO, "hello");
            expect_reply(a, "have", HELLO, "2", "busy");
        }
        expect_nothing(a);
        expect(s, "[null,null,'want:" HELLO "','error',{'reason':'busy'}]");
        say(s, "['1','3','want:" HELLO "','content_request',{'hash':'" HELLO "'}]");
        expect_asked(a, HELLO);
        assert_int_equal(refusals(world, REASON_BUSY), 5);
        assert_int_equal(metrics_of(world)->postponed_total, 4);
        world_free(world);
    }
}

/* Twenty holders of twenty pages send at once; the world sees to it that the budget is
 * kept. */
TEST(pages_in_flight_keep_within_their_budget)
{
    enum { MANY = 20, SIZE = 30000 };
    struct hub_config config = hub_config_default();
    config.in_flight_bytes_max = 200000;
    struct world *world = world_new(&config);
    struct client *holders[MANY];
    char *texts[MANY];
    size_t longest = 0, busy = 0;
    for (int i = 0; i < MANY; i++) {
        char hex[HASH_HEX + 1];
        hash_of_x((size_t)(SIZE + i), hex);
        texts[i] = content_new(hex, "x", (size_t)(SIZE + i));
        holders[i] = arrive(world, "holder");
        hold_quietly(holders[i], hex);
        seek_quietly(arrive(world, "seeker"), hex);
        ignore_inbox(holders[i]);
        if (strlen(texts[i]) > longest) longest = strlen(texts[i]);
    }
    for (size_t at = 0; at < longest; at += 700)
        for (int i = 0; i < MANY; i++) {
            size_t size = strlen(texts[i]), part = at + 700 < size ? 700 : size - at;
            if (at < size)
                say_part(holders[i], MESSAGE_TEXT, texts[i] + at, part, false,
                         at + part == size);
        }
    for (int i = 0; i < MANY; i++) {
        busy += holders[i]->count - count_events(holders[i], "content_request");
        ignore_inbox(holders[i]);
        free(texts[i]);
    }
    assert_int_equal(refusals(world, REASON_BUSY), busy);
    assert_int_equal(metrics_of(world)->contents_total, MANY - busy);
    assert_in_range(busy, 5, 18);
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    world_free(world);
}

TEST(whoever_drops_in_the_middle_gives_its_memory_back)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *s = arrive(world, "s"), *b = arrive(world, "b");
    hold_quietly(a, HELLO);
    seek_quietly(s, HELLO);
    say_part(a, MESSAGE_TEXT, HEAD "{\"content\":\"he", sizeof HEAD + 13, true, false);
    assert_true(metrics_of(world)->in_flight_bytes > 0);
    hold_quietly(b, HELLO);
    drop(a);
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    expect_asked(b, HELLO);
    world_free(world);
}

TEST(a_message_that_is_no_page_counts_whilst_it_arrives_and_may_be_busy)
{
    struct hub_config config = hub_config_default();
    config.in_flight_bytes_max = 20000;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    char letters[5000];
    memset(letters, 'x', sizeof letters);
    say_part(a, MESSAGE_TEXT, "[null,\"1\",\"phoenix\",\"heartbeat\",{\"x\":\"", 38, true,
             false);
    for (int i = 0; i < 20; i++)
        say_part(a, MESSAGE_TEXT, letters, sizeof letters, false, false);
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    say_part(a, MESSAGE_TEXT, "\"}]", 3, false, true);
    expect(a, "[null,'1','phoenix','phx_reply',{'status':'error',"
              "'response':{'reason':'busy'}}]");
    expect_nothing(a);
    assert_int_equal(refusals(world, REASON_BUSY), 1);
    say(a, "[null,'2','phoenix','heartbeat',{}]");
    expect(a, "[null,'2','phoenix','phx_reply',{'status':'ok','response':{}}]");
    world_free(world);
}

/* So much white space that its head is not known when there is no memory for more. */
TEST(a_message_that_cannot_be_answered_yet_is_busy_without_a_word)
{
    struct hub_config config = hub_config_default();
    config.in_flight_bytes_max = 9000;
    struct world *world = world_new(&config);
    struct client *a = arrive(world, "a");
    char text[20000];
    int size = sprintf(text, "[%19000snull,\"1\",\"phoenix\",\"heartbeat\",{}]", "");
    say_in_parts(a, MESSAGE_TEXT, text, (size_t)size, 1000);
    expect_nothing(a);
    assert_int_equal(refusals(world, REASON_BUSY), 1);
    assert_int_equal(metrics_of(world)->in_flight_bytes, 0);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_page_of_the_largest_size_goes_through_and_one_byte_more_does_not),
        cmocka_unit_test(a_binary_page_has_the_same_largest_size),
        cmocka_unit_test(a_page_may_be_larger_than_other_messages_however_it_comes),
        cmocka_unit_test(a_page_that_is_too_large_is_refused_before_all_of_it_came),
        cmocka_unit_test(what_is_skipped_has_an_end_too),
        cmocka_unit_test(a_message_has_a_largest_size),
        cmocka_unit_test(a_message_has_at_most_1024_fragments),
        cmocka_unit_test(the_payload_of_a_join_has_a_largest_size),
        cmocka_unit_test(little_may_stand_before_and_after_the_content),
        cmocka_unit_test(a_head_may_be_long_but_not_that_of_content),
        cmocka_unit_test(
            an_answer_that_never_finds_memory_is_asked_for_again_and_then_its_seeker_is_told),
        cmocka_unit_test(pages_in_flight_keep_within_their_budget),
        cmocka_unit_test(whoever_drops_in_the_middle_gives_its_memory_back),
        cmocka_unit_test(
            a_message_that_is_no_page_counts_whilst_it_arrives_and_may_be_busy),
        cmocka_unit_test(a_message_that_cannot_be_answered_yet_is_busy_without_a_word),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
