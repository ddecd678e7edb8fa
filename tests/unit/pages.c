/* The registry of pages against a model that remembers who was put where. */
#include "pages.h"

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PAGES = 7, MEMBERS = 400, GONE = -1 };

/* What each member should be. */
static struct {
    struct membership *member;
    int page; /* GONE when it is at none */
    bool front;
} model[MEMBERS];

static struct page_hash hash_number(int number)
{
    return hash_of(&number, sizeof number);
}

static void add(struct hub *hub, int i, uint64_t *random)
{
    struct page_hash hash = hash_number(model[i].page = (int)random_below(random, PAGES));
    model[i].member = calloc(1, sizeof *model[i].member);
    model[i].member->kind = random_below(random, 2) ? TOPIC_HAVE : TOPIC_WANT;
    model[i].member->page = pages_new(hub, &hash);
    model[i].front = false;
    pages_add_member(model[i].member->page, model[i].member);
}

static void remove_one(struct hub *hub, int i)
{
    pages_remove_member(model[i].member->page, model[i].member);
    pages_settle(hub, model[i].member->page);
    free(model[i].member);
    model[i].page = GONE;
}

static void check_group(const struct group *group, int page, enum topic_kind kind)
{
    uint32_t count = 0, front = 0;
    for (int i = 0; i < MEMBERS; i++) {
        if (model[i].page != page || model[i].member->kind != kind) continue;
        count++;
        front += model[i].front ? 1 : 0;
        assert_true(model[i].member->index < group->count);
        assert_ptr_equal(group_at(group, model[i].member->index), model[i].member);
        assert_true((model[i].member->index < group->front) == model[i].front);
    }
    assert_int_equal(group->count, count);
    assert_int_equal(group->front, front);
    assert_true(group->capacity >= count || (group->capacity == 0 && count == 1));
}

static void check(struct hub *hub)
{
    uint64_t pages = 0;
    for (int number = 0; number < PAGES; number++) {
        struct page_hash hash = hash_number(number);
        struct page *page = pages_find(hub, &hash);
        struct group none = {0};
        check_group(page == NULL ? &none : &page->holders, number, TOPIC_HAVE);
        check_group(page == NULL ? &none : &page->seekers, number, TOPIC_WANT);
        if (page == NULL) continue;
        assert_true(page->holders.count + page->seekers.count > 0);
        pages++;
    }
    assert_int_equal(hub->metrics.pages, pages);
    assert_int_equal(hub->pages.count, pages);
}

static struct hub *hub_usual(void)
{
    static const uint64_t seed[2] = {3, 4};
    struct hub_config config = hub_config_default();
    return hub_new(&config, seed);
}

TEST(members_come_go_and_step_forward_as_in_the_model)
{
    struct hub *hub = hub_usual();
    uint64_t random = 5;
    for (int i = 0; i < MEMBERS; i++)
        model[i].page = GONE;
    for (int step = 0; step < 6000; step++) {
        /* The crowd grows and shrinks, so that arrays do. */
        int crowd = 1 + (int)((step / 1000 % 2 == 0 ? 1u : 0u) * (MEMBERS - 1));
        int i = (int)random_below(&random, MEMBERS);
        if (model[i].page == GONE) {
            if (i < crowd) add(hub, i, &random);
        } else if (random_below(&random, 3) == 0) {
            remove_one(hub, i);
        } else {
            model[i].front = random_below(&random, 2) == 0;
            pages_set_front(model[i].member->page, model[i].member, model[i].front);
        }
        if (step % 20 == 0) check(hub);
    }
    for (int i = 0; i < MEMBERS; i++)
        if (model[i].page != GONE) remove_one(hub, i);
    check(hub);
    hub_free(hub);
}

TEST(a_page_is_found_by_its_hash_and_freed_with_its_last_member)
{
    struct hub *hub = hub_usual();
    struct page_hash hash = hash_number(1), other = hash_number(2);
    struct membership member = {.kind = TOPIC_WANT};
    assert_null(pages_find(hub, &hash));
    struct page *page = pages_new(hub, &hash);
    pages_add_member(page, &member);
    assert_ptr_equal(pages_new(hub, &hash), page);
    assert_ptr_equal(pages_find(hub, &hash), page);
    assert_null(pages_find(hub, &other));
    pages_settle(hub, page);
    assert_ptr_equal(pages_find(hub, &hash), page);
    pages_remove_member(page, &member);
    pages_settle(hub, page);
    assert_null(pages_find(hub, &hash));
    hub_free(hub);
}

TEST(a_crowd_that_left_gives_its_memory_back)
{
    struct hub *hub = hub_usual();
    struct page_hash hash = hash_number(1);
    struct page *page = pages_new(hub, &hash);
    struct membership *members = calloc(1000, sizeof *members);
    for (int i = 0; i < 1000; i++) {
        members[i].kind = TOPIC_HAVE;
        pages_add_member(page, &members[i]);
    }
    for (int i = 999; i > 0; i--)
        pages_remove_member(page, &members[i]);
    assert_true(page->holders.capacity <= 32);
    pages_remove_member(page, &members[0]);
    pages_settle(hub, page);
    free(members);
    hub_free(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(members_come_go_and_step_forward_as_in_the_model),
        cmocka_unit_test(a_page_is_found_by_its_hash_and_freed_with_its_last_member),
        cmocka_unit_test(a_crowd_that_left_gives_its_memory_back),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
