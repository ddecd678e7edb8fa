/* The registry of pages.

   A page exists whilst it has a holder (connected or away) or a seeker, or a partner waits
   for it, and is freed with the last of them. Its members stand in two arrays, so that a
   random holder is found in one step; each array keeps in front those that relay.c looks
   for. */
#include "pages.h"

#include "interests.h"
#include "memory.h"
#include "orders.h"

#include <assert.h>
#include <stddef.h>

#define PAGE_DEADLINES 2 /* its count and its fetch */
#define GROUP_FIRST 3    /* places when one is not enough */

struct page *pages_find(struct hub *hub, const struct page_hash *hash)
{
    uint64_t key = siphash(hub->secret, hash, sizeof *hash);
    struct table_link *link = table_first(&hub->pages, key);
    for (; link != NULL; link = table_next(link)) {
        struct page *page = MEMORY_OWNER(link, struct page, link);
        if (hash_equal(&page->hash, hash)) return page;
    }
    return NULL;
}

struct page *pages_new(struct hub *hub, const struct page_hash *hash)
{
    struct page *page = pages_find(hub, hash);
    if (page != NULL) return page;
    page = memory_new(sizeof *page);
    if (page == NULL || !deadlines_admit(&hub->deadlines, PAGE_DEADLINES)) {
        memory_free(page);
        return NULL;
    }
    page->hash = *hash;
    page->count_due.kind = DEADLINE_COUNT;
    page->born_s = (uint32_t)(hub->now_ms / 1000);
    if (!table_add(&hub->pages, &page->link, siphash(hub->secret, hash, sizeof *hash))) {
        deadlines_dismiss(&hub->deadlines, PAGE_DEADLINES);
        memory_free(page);
        return NULL;
    }
    hub->metrics.pages++;
    interests_page_came(hub, page);
    return page;
}

static void free_group(struct group *group)
{
    if (group->capacity > 0) memory_free(group->members.many);
}

void pages_settle(struct hub *hub, struct page *page)
{
    if (!pages_is_empty(page) || orders_wait(hub, page)) return;
    assert(page->fetch == NULL);
    deadlines_unset(&hub->deadlines, &page->count_due);
    table_remove(&hub->pages, &page->link);
    hub->metrics.pages--;
    deadlines_dismiss(&hub->deadlines, PAGE_DEADLINES);
    interests_page_gone(hub, page);
    free_group(&page->holders);
    free_group(&page->seekers);
    memory_free(page);
}

static struct group *group_of(struct page *page, const struct membership *member)
{
    return member->kind == TOPIC_HAVE ? &page->holders : &page->seekers;
}

static void put(struct group *group, uint32_t index, struct membership *member)
{
    *(group->capacity == 0 ? &group->members.one : &group->members.many[index]) = member;
    member->index = index;
}

static void swap(struct group *group, uint32_t a, uint32_t b)
{
    struct membership *first = group_at(group, a);
    put(group, a, group_at(group, b));
    put(group, b, first);
}

static bool resize(struct group *group, uint32_t capacity)
{
    bool inside = group->capacity == 0;
    struct membership *one = inside ? group->members.one : NULL;
    struct membership **many = memory_resize(inside ? NULL : group->members.many,
                                             capacity * sizeof(struct membership *));
    if (many == NULL) return false;
    if (inside) many[0] = one;
    group->members.many = many;
    group->capacity = capacity;
    return true;
}

bool pages_add_member(struct page *page, struct membership *member)
{
    struct group *group = group_of(page, member);
    uint32_t room = group->capacity == 0 ? 1 : group->capacity;
    if (group->count == room && !resize(group, room == 1 ? GROUP_FIRST : 2 * room))
        return false;
    put(group, group->count++, member);
    return true;
}

void pages_set_front(struct page *page, struct membership *member, bool front)
{
    struct group *group = group_of(page, member);
    bool is_front = member->index < group->front;
    if (front == is_front) return;
    if (front) {
        swap(group, member->index, group->front++);
        if (member->proven) swap(group, member->index, group->proven++);
    } else {
        if (member->index < group->proven) swap(group, member->index, --group->proven);
        swap(group, member->index, --group->front);
    }
}

void pages_set_proven(struct page *page, struct membership *holder)
{
    bool front = holder->index < page->holders.front;
    pages_set_front(page, holder, false);
    holder->proven = true;
    pages_set_front(page, holder, front);
}

void pages_remove_member(struct page *page, struct membership *member)
{
    struct group *group = group_of(page, member);
    pages_set_front(page, member, false);
    swap(group, member->index, group->count - 1);
    group->count--;
    if (group->capacity > 16 && group->count < group->capacity / 4)
        resize(group, group->capacity / 2);
}
