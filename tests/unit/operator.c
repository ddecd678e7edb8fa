/* What the operator is told of pages and sessions, and what becomes of those that are
   ended. */
#include "world.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct page_hash hash_named(const char *hex)
{
    struct page_hash hash;
    assert_true(hash_from_hex(hex, HASH_HEX, &hash, NULL));
    return hash;
}

/* ---- seeing ---- */

struct seen {
    struct hub_page pages[8];
    struct hub_session sessions[8];
    size_t count;
};

static void see_page(const struct hub_page *page, void *context)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    seen->pages[seen->count++] = *page;
}

static void see_session(const struct hub_session *session, void *context)
{
    struct seen *seen = context;
    assert_true(seen->count < 8);
    seen->sessions[seen->count++] = *session;
}

TEST(a_page_is_told_with_those_at_it_its_size_and_its_age)
{
    struct world *world = world_new(NULL);
    struct seen seen = {0};
    assert_int_equal(hub_walk_pages(world->hub, 0, 8, world->now_ms, see_page, &seen), 0);
    assert_int_equal(seen.count, 0);
    struct client *holder = arrive(world, "holder"), *away = arrive(world, "away");
    struct client *seeker = arrive(world, "seeker");
    hold(away, HELLO, "{'token':'tab-0001'}");
    pass(world, 3000);
    drop(away);
    hold_quietly(holder, HELLO);
    seek(seeker, HELLO, "{}");
    assert_int_equal(hub_walk_pages(world->hub, 0, 8, world->now_ms, see_page, &seen), 0);
    assert_int_equal(seen.count, 1);
    struct page_hash hello = hash_named(HELLO);
    assert_true(hash_equal(&seen.pages[0].hash, &hello));
    assert_int_equal(seen.pages[0].holders, 2);
    assert_int_equal(seen.pages[0].away, 1);
    assert_int_equal(seen.pages[0].seekers, 1);
    assert_int_equal(seen.pages[0].bytes, 0);
    assert_in_range(seen.pages[0].age_ms, 3000, 3999);
    answer(holder, HELLO, "hello");
    seen.count = 0;
    hub_walk_pages(world->hub, 0, 8, world->now_ms, see_page, &seen);
    assert_int_equal(seen.pages[0].bytes, 5);
    ignore_inbox(holder);
    ignore_inbox(seeker);
    world_free(world);
}

TEST(a_session_is_told_with_what_it_holds_and_seeks_and_whose_it_is)
{
    struct world *world = world_new(NULL);
    struct seen seen = {0};
    struct client *holder = arrive_from(world, "holder", 7),
                  *other = arrive(world, "other");
    hold_quietly(holder, HELLO);
    hold_quietly(holder, WORLD);
    seek(other, HELLO, "{}");
    pass(world, 500);
    assert_int_equal(hub_walk_sessions(world->hub, 0, 8, world->now_ms, see_session, &seen),
                     0);
    assert_int_equal(seen.count, 2);
    assert_true(seen.sessions[0].id == holder->id && seen.sessions[1].id == other->id);
    assert_int_equal(seen.sessions[0].holding, 2);
    assert_int_equal(seen.sessions[0].seeking, 0);
    assert_int_equal(seen.sessions[0].asked, 1);
    assert_int_equal(seen.sessions[0].network.bytes[15], 7);
    assert_int_equal(seen.sessions[1].holding, 0);
    assert_int_equal(seen.sessions[1].seeking, 1);
    assert_int_equal(seen.sessions[1].asked, 0);
    assert_in_range(seen.sessions[1].age_ms, 500, 1500);
    ignore_inbox(holder);
    world_free(world);
}

static void count_page(const struct hub_page *page, void *context)
{
    (void)page;
    ++*(uint32_t *)context;
}

static void count_session(const struct hub_session *session, void *context)
{
    (void)session;
    ++*(uint32_t *)context;
}

TEST(a_long_list_comes_in_steps)
{
    enum { MANY = 1000, MOST = 50 };
    struct world *world = world_new(NULL);
    uint32_t pages = 0, sessions = 0, before;
    uint64_t from = 0, steps = 0;
    for (int i = 0; i < MANY; i++) {
        char text[32], hex[HASH_HEX + 1];
        struct page_hash hash =
            hash_of(text, (size_t)snprintf(text, sizeof text, "page %d", i));
        hash_to_hex(&hash, 0, hex);
        hold_quietly(arrive(world, "many"), hex);
    }
    do {
        before = pages;
        from = hub_walk_pages(world->hub, from, MOST, world->now_ms, count_page, &pages);
        assert_in_range(pages - before, 0, MOST + 32);
    } while (++steps, from != 0);
    assert_int_equal(pages, MANY);
    assert_in_range(steps, MANY / (MOST + 32), 2 * MANY / MOST);
    do {
        before = sessions;
        from = hub_walk_sessions(world->hub, from, MOST, world->now_ms, count_session,
                                 &sessions);
        assert_in_range(sessions - before, 0, MOST);
    } while (from != 0);
    assert_int_equal(sessions, MANY);
    world_free(world);
}

/* ---- ending ---- */

TEST(those_at_a_dropped_page_are_told_and_may_come_again)
{
    struct world *world = world_new(NULL);
    struct page_hash hello = hash_named(HELLO);
    struct client *holder = arrive(world, "holder"), *away = arrive(world, "away");
    struct client *seeker = arrive(world, "seeker"), *other = arrive(world, "other");
    assert_int_equal(hub_drop_page(world->hub, &hello, world->now_ms), 0);
    hold(away, HELLO, "{'token':'tab-0001'}");
    drop(away);
    hold_quietly(holder, HELLO);
    hold_quietly(other, WORLD);
    seek(seeker, HELLO, "{}");
    expect_asked(holder, HELLO);
    assert_int_equal(hub_drop_page(world->hub, &hello, world->now_ms), 2);
    settle(world);
    expect(holder, "['1','1','have:" HELLO "','phx_error',{'reason':'dropped'}]");
    expect(seeker, "['1','1','want:" HELLO "','phx_error',{'reason':'dropped'}]");
    expect_nothing(other);
    assert_int_equal(metrics_of(world)->pages, 1);
    assert_int_equal(metrics_of(world)->away, 0);
    assert_int_equal(metrics_of(world)->fetches, 0);
    assert_int_equal(refusals(world, REASON_DROPPED), 2);
    hold_quietly(holder, HELLO);
    assert_int_equal(hub_holders(world->hub, &hello), 1);
    world_free(world);
}

TEST(a_dropped_session_is_closed_and_no_other)
{
    struct world *world = world_new(NULL);
    struct client *a = arrive(world, "a"), *b = arrive(world, "b");
    session_id gone = a->id;
    hold_quietly(a, HELLO);
    assert_false(hub_drop_session(world->hub, 0, world->now_ms));
    assert_true(hub_drop_session(world->hub, gone, world->now_ms));
    settle(world);
    expect_closed(a, 1008, REASON_DROPPED);
    assert_false(hub_drop_session(world->hub, gone, world->now_ms));
    expect_nothing(b);
    assert_int_equal(metrics_of(world)->sessions, 1);
    assert_int_equal(metrics_of(world)->pages, 0);
    world_free(world);
}

TEST(a_page_that_is_refused_from_now_on_stays_beside_the_others)
{
    struct world *world = world_new(NULL);
    struct page_hash hello = hash_named(HELLO), earth = hash_named(WORLD);
    struct client *a = arrive(world, "a");
    hold_quietly(a, HELLO);
    hold_quietly(a, WORLD);
    assert_true(hub_deny_page(world->hub, &hello, world->now_ms));
    settle(world);
    expect(a, "['1','1','have:" HELLO "','phx_error',{'reason':'blocked'}]");
    assert_true(hub_denies(world->hub, &hello));
    assert_false(hub_denies(world->hub, &earth));
    assert_true(hub_deny_page(world->hub, &earth, world->now_ms));
    settle(world);
    expect(a, "['1','1','have:" WORLD "','phx_error',{'reason':'blocked'}]");
    assert_true(hub_denies(world->hub, &hello) && hub_denies(world->hub, &earth));
    assert_int_equal(metrics_of(world)->denied, 2);
    hub_take_deny_list(world->hub, NULL, world->now_ms);
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_page_is_told_with_those_at_it_its_size_and_its_age),
        cmocka_unit_test(a_session_is_told_with_what_it_holds_and_seeks_and_whose_it_is),
        cmocka_unit_test(a_long_list_comes_in_steps),
        cmocka_unit_test(those_at_a_dropped_page_are_told_and_may_come_again),
        cmocka_unit_test(a_dropped_session_is_closed_and_no_other),
        cmocka_unit_test(a_page_that_is_refused_from_now_on_stays_beside_the_others),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
