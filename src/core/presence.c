/* Presence: counts that cost a crowd O(n) messages, not O(n²).

   A change is told at once if the page was quiet, else when its interval is over, once for
   all changes in between, so that the last value always arrives. The interval grows with
   the audience: one page sends count_per_second counts on average, however many come and
   go. On a small page a joiner need not wait; on a large one it learns the count with
   everybody else.

   Among other nodes (bus_types.h) what is told are the sums of all nodes. */
#include "presence.h"

#include "cells.h"
#include "interests.h"
#include "send.h"

#include <inttypes.h>
#include <stdio.h>

uint64_t presence_interval_ms(const struct hub *hub, const struct page *page)
{
    const struct hub_config *config = &hub->config;
    uint64_t interval =
        ((uint64_t)page->holders.count * 1000 + config->count_per_second - 1) /
        config->count_per_second;
    if (interval < config->count_interval_ms) return config->count_interval_ms;
    if (interval > config->count_interval_max_ms) return config->count_interval_max_ms;
    return interval;
}

/* How many are at the page in all nodes. */
static struct tally count(struct hub *hub, const struct page *page)
{
    struct tally tally = cells_others(hub, page);
    tally.visitors += page->holders.count;
    tally.away += page->away;
    return tally;
}

uint32_t presence_count(struct hub *hub, const struct page *page)
{
    return count(hub, page).visitors;
}

/* What there is to tell a holder, in one number. */
static uint32_t news_for(struct tally tally, const struct membership *holder)
{
    uint32_t away = tally.away < UINT8_MAX ? tally.away : UINT8_MAX;
    return holder->watches ? tally.visitors | away << 24 : tally.visitors;
}

/* A count in the two forms that holders take. */
struct news {
    struct tally tally;
    char count[32], away[64];
    struct broadcast plain, watched;
};

static void tell(struct hub *hub, struct news *news, struct membership *holder)
{
    uint32_t told = news_for(news->tally, holder);
    if (holder->session == NULL || holder->count_told == told) return;
    holder->count_told = told;
    hub->metrics.counts_total++;
    bool plain = !holder->watches || news->tally.away == 0;
    send_broadcast(hub, plain ? &news->plain : &news->watched, holder);
}

static void tell_all(struct hub *hub, struct news *news, struct page *page)
{
    for (uint32_t i = 0; i < page->holders.count; i++)
        tell(hub, news, group_at(&page->holders, i));
    page->counted = news->tally.visitors;
    page->count_due.due_ms = hub->now_ms;
}

/* Tells `only`, or everybody at the page if it is NULL. */
static void tell_count(struct hub *hub, struct page *page, struct membership *only)
{
    struct news news = {.tally = count(hub, page)};
    uint64_t subject = page->link.key | 1;
    news.plain = news.watched =
        (struct broadcast){.event = "visitors_count", .subject = subject};
    news.plain.payload = news.count;
    news.watched.payload = news.away;
    snprintf(news.count, sizeof news.count, "{\"count\":%" PRIu32 "}", news.tally.visitors);
    snprintf(news.away, sizeof news.away, "{\"count\":%" PRIu32 ",\"away\":%" PRIu32 "}",
             news.tally.visitors, news.tally.away);
    if (only != NULL)
        tell(hub, &news, only);
    else
        tell_all(hub, &news, page);
    send_broadcast_clear(&news.plain);
    send_broadcast_clear(&news.watched);
}

/* When the interval since the count was last told is over. */
static uint64_t due_ms(const struct hub *hub, const struct page *page)
{
    const struct deadline *due = &page->count_due;
    return due->due_ms + (due->place != 0 ? 0 : presence_interval_ms(hub, page));
}

static void tell_later(struct hub *hub, struct page *page)
{
    if (page->count_due.place == 0)
        deadlines_set(&hub->deadlines, &page->count_due, due_ms(hub, page));
}

/* Tells now if the page was quiet, else when its interval is over. */
static void tell_soon(struct hub *hub, struct page *page)
{
    if (page->counted > 0 && due_ms(hub, page) > hub->now_ms) {
        tell_later(hub, page);
        return;
    }
    deadlines_unset(&hub->deadlines, &page->count_due);
    tell_count(hub, page, NULL);
}

void presence_others_changed(struct hub *hub, struct page *page)
{
    struct tally tally = count(hub, page);
    if (page->holders.count > 0 && (tally.visitors != page->counted || page->watched))
        tell_soon(hub, page);
}

void presence_changed(struct hub *hub, struct page *page)
{
    interests_page_changed(hub, page);
    if (page->holders.count > 0 && presence_count(hub, page) != page->counted)
        tell_soon(hub, page);
}

void presence_away(struct hub *hub, struct page *page)
{
    interests_page_changed(hub, page);
    if (page->watched) tell_soon(hub, page);
}

void presence_joined(struct hub *hub, struct membership *holder)
{
    struct page *page = holder->page;
    presence_changed(hub, page);
    if (holder->count_told == news_for(count(hub, page), holder)) return;
    if (presence_interval_ms(hub, page) == hub->config.count_interval_ms)
        tell_count(hub, page, holder);
    else
        tell_later(hub, page);
}

void presence_due(struct hub *hub, struct page *page)
{
    if (page->holders.count > 0) tell_count(hub, page, NULL);
}
