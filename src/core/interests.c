/* Interests: the pages that this node shares.

   An interest exists for each page that somebody is at here, and for a while longer
   (bus_linger_ms) if it was told or others told of it: who reloads a page finds its count
   there. A node offers a page (subscribes to wants of it) exactly whilst a holder of its
   own is connected. It hears and tells cells from the first holder on, or a moment after
   the first seeker, so that a page which is only fetched costs no subscription. A change is
   told at once if the page was quiet, else count_interval_ms after the last; so a crowd
   costs few messages.

   All interests stand in a ring, the one visited longest ago first. A visit subscribes to
   what is not subscribed to, tells the cell, asks the others for theirs, and lets seekers
   try again. The walk goes around slowly (bus_refresh_ms), and fast when the bus comes up,
   or when another node returns. What others do not tell again is asked for within seconds,
   and then not believed any more: that it is over was said in a message that was lost. */
#include "interests.h"

#include "cells.h"
#include "chance.h"
#include "claims.h"
#include "cluster.h"
#include "memory.h"
#include "orders.h"
#include "pages.h"
#include "relay.h"

#include <assert.h>
#include <stddef.h>

#define SEEK_PAUSE_MS 20    /* a page that is only sought is heard after this */
#define VISIT_PAUSE_MS 2000 /* visits between which others had time to answer */
#define STEP_UP 1000        /* visits at once: when the bus comes up */
#define STEP_RETURN 200     /* when a node returns */
#define STEP_PAUSE_MS 10    /* between two such steps */
#define STEP_SLOW_MS 1000   /* between two steps of the slow walk */
#define WALK_SPREAD_MS 1000 /* a fast walk begins within this */
#define TRY_AGAIN_MS 1000   /* after there was no memory */
#define RETRY_FIRST_MS 2000 /* twice as long each time */
#define RETRY_MOST_MS 30000

static uint32_t age_ms(const struct hub *hub, uint32_t then)
{
    return (uint32_t)hub->now_ms - then;
}

/* When that will have been so long ago. */
static uint64_t due_ms(const struct hub *hub, uint32_t then, uint32_t age)
{
    return hub->now_ms - age_ms(hub, then) + age;
}

struct interest *interests_find(struct hub *hub, const struct page_hash *hash)
{
    uint64_t key = siphash(hub->secret, hash, sizeof *hash);
    struct table_link *link = table_first(&hub->bus->interests, key);
    for (; link != NULL; link = table_next(link)) {
        struct interest *interest = MEMORY_OWNER(link, struct interest, link);
        if (hash_equal(&interest->hash, hash)) return interest;
    }
    return NULL;
}

struct interest *interests_of(struct hub *hub, const struct page *page)
{
    struct table_link *link;
    if (hub->bus == NULL) return NULL;
    link = table_first(&hub->bus->interests, page->link.key);
    for (; link != NULL; link = table_next(link)) {
        struct interest *interest = MEMORY_OWNER(link, struct interest, link);
        if (hash_equal(&interest->hash, &page->hash)) return interest;
    }
    return NULL;
}

static struct interest *interest_new(struct hub *hub, const struct page_hash *hash)
{
    struct bus *bus = hub->bus;
    struct interest *interest = memory_new(sizeof *interest);
    if (interest == NULL || !deadlines_admit(&hub->deadlines, 1)) {
        memory_free(interest);
        return NULL;
    }
    uint64_t key = siphash(hub->secret, hash, sizeof *hash);
    if (!table_add(&bus->interests, &interest->link, key)) {
        deadlines_dismiss(&hub->deadlines, 1);
        memory_free(interest);
        return NULL;
    }
    interest->hash = *hash;
    interest->due.kind = DEADLINE_INTEREST;
    interest->id = ++bus->interests_made;
    interest->since_ms = (uint32_t)hub->now_ms;
    ring_init(&interest->walk);
    ring_append(&bus->walk, &interest->walk);
    hub->metrics.bus_interests++;
    return interest;
}

/* ---- subscriptions ---- */

static bool set_subscribed(struct hub *hub, const struct interest *interest,
                           enum bus_subject_kind kind, bool on)
{
    struct bus_effect effect = {.kind = on ? EFFECT_SUBSCRIBE : EFFECT_UNSUBSCRIBE,
                                .group = on && kind == BUS_WANT,
                                .subscription =
                                    2 * interest->id + (kind == BUS_WANT ? 1 : 0),
                                .subject = {.kind = kind, .hash = interest->hash}};
    return cluster_queue(hub, &effect);
}

static void set_offers(struct hub *hub, struct interest *interest, bool offers)
{
    if (interest->offers != offers && set_subscribed(hub, interest, BUS_WANT, offers))
        interest->offers = offers;
}

static void set_hears(struct hub *hub, struct interest *interest, bool hears)
{
    if (interest->hears != hears && set_subscribed(hub, interest, BUS_PRESENCE, hears))
        interest->hears = hears;
}

/* ---- telling ---- */

static struct tally tally_of(const struct page *page)
{
    if (page == NULL) return (struct tally){0};
    return (struct tally){page->holders.count, page->away,
                          page->holders.count - page->away};
}

static bool same(struct tally a, struct tally b)
{
    return a.visitors == b.visitors && a.away == b.away && a.holders == b.holders;
}

static struct bus_record record_of(struct hub *hub, enum bus_kind kind, struct tally tally)
{
    return (struct bus_record){.kind = kind,
                               .node = hub->bus->node,
                               .incarnation = hub->config.incarnation,
                               .seq = ++hub->bus->seq,
                               .tally = tally};
}

static bool tell(struct hub *hub, struct interest *interest, enum bus_kind kind)
{
    struct bus_subject subject = {.kind = BUS_PRESENCE, .hash = interest->hash};
    struct tally tally = tally_of(pages_find(hub, &interest->hash));
    struct bus_record record = record_of(hub, kind, tally);
    if (!cluster_publish(hub, &subject, &record)) return false;
    interest->told = tally;
    interest->told_ms = (uint32_t)hub->now_ms;
    if (tally.visitors > 0) interest->known = true;
    return true;
}

void interests_answer(struct hub *hub, const struct interest *interest, uint64_t node)
{
    struct tally tally = tally_of(pages_find(hub, &interest->hash));
    if (tally.visitors == 0) return;
    struct bus_record record = record_of(hub, BUS_CELL_ANSWER, tally);
    record.hash = interest->hash;
    cluster_tell(hub, node, &record);
}

/* ---- the life of an interest ---- */

/* Ends it; false if the bus cannot be told now. */
static bool end(struct hub *hub, struct interest *interest)
{
    if (cluster_is_up(hub) && !same(interest->told, (struct tally){0}) &&
        !tell(hub, interest, BUS_CELL))
        return false;
    set_offers(hub, interest, false);
    set_hears(hub, interest, false);
    if (cluster_is_up(hub) && (interest->offers || interest->hears)) return false;
    assert(interest->wants == NULL && interest->orders == NULL);
    cells_drop_all(hub, interest);
    claims_drop_all(interest);
    if (interest->idle) hub->bus->lingering--;
    deadlines_unset(&hub->deadlines, &interest->due);
    deadlines_dismiss(&hub->deadlines, 1);
    ring_remove(&interest->walk);
    table_remove(&hub->bus->interests, &interest->link);
    memory_free(interest);
    hub->metrics.bus_interests--;
    return true;
}

static void set_idle(struct hub *hub, struct interest *interest, bool idle)
{
    if (interest->idle == idle) return;
    interest->idle = idle;
    interest->since_ms = (uint32_t)hub->now_ms;
    if (idle) interest->retry_ms = interest->retries = 0;
    hub->bus->lingering += idle ? 1u : UINT32_MAX;
}

static bool lingers(const struct hub *hub, const struct interest *interest)
{
    const struct hub_config *config = &hub->config;
    return interest->known && cluster_is_up(hub) &&
           hub->bus->lingering <= config->bus_lingering_max &&
           age_ms(hub, interest->since_ms) < config->bus_linger_ms;
}

/* Whether somebody is at the page here, and not only an order of a partner. */
static bool is_sought(struct hub *hub, const struct page *page)
{
    return page != NULL && !(pages_is_empty(page) && orders_wait_far(hub, page));
}

/* When there is something to do for an interest that goes on. */
static uint64_t next_due(struct hub *hub, const struct interest *interest,
                         const struct page *page)
{
    struct tally tally = tally_of(page);
    uint64_t due = UINT64_MAX, at;
    if (interest->idle) due = due_ms(hub, interest->since_ms, hub->config.bus_linger_ms);
    if (interest->retry_ms != 0 && interest->retry_ms < due) due = interest->retry_ms;
    if (!cluster_is_up(hub)) return due;
    at = claims_due_ms(hub, interest);
    if (at < due) due = at;
    at = due_ms(hub, interest->told_ms, hub->config.count_interval_ms);
    if (interest->hears && !same(tally, interest->told) && at < due) due = at;
    at = due_ms(hub, interest->visited_ms, VISIT_PAUSE_MS);
    if (interest->doubts && at < due) due = at;
    at = due_ms(hub, interest->since_ms, SEEK_PAUSE_MS);
    if (!interest->hears && is_sought(hub, page) && at < due) due = at;
    return due > hub->now_ms ? due : hub->now_ms + TRY_AGAIN_MS;
}

/* Says what is to be said by now. */
static void say(struct hub *hub, struct interest *interest, const struct page *page)
{
    struct tally tally = tally_of(page);
    bool sought = age_ms(hub, interest->since_ms) >= SEEK_PAUSE_MS;
    set_offers(hub, interest, tally.holders > 0);
    if (!interest->hears && is_sought(hub, page) && (tally.visitors > 0 || sought)) {
        set_hears(hub, interest, true);
        if (interest->hears && !tell(hub, interest, BUS_CELL_ASK))
            interest->told.visitors = UINT32_MAX; /* never so: it is told later */
    } else if (interest->hears && !same(tally, interest->told) &&
               age_ms(hub, interest->told_ms) >= hub->config.count_interval_ms) {
        tell(hub, interest, BUS_CELL);
    }
}

/* Whether the page was there for a partner, and is not needed any more. */
static bool is_left(struct hub *hub, const struct page *page)
{
    return hub->bus->partners_count > 0 && pages_is_empty(page) && !orders_wait(hub, page);
}

void interests_tend(struct hub *hub, struct interest *interest)
{
    struct page *page = pages_find(hub, &interest->hash);
    set_idle(hub, interest, page == NULL);
    if (cluster_is_up(hub)) claims_tend(hub, interest);
    if (interest->idle && !lingers(hub, interest) && end(hub, interest)) return;
    if (cluster_is_up(hub)) say(hub, interest, page);
    uint64_t due = next_due(hub, interest, page);
    if (page != NULL && is_left(hub, page)) due = hub->now_ms;
    if (due == UINT64_MAX)
        deadlines_unset(&hub->deadlines, &interest->due);
    else
        deadlines_set(&hub->deadlines, &interest->due, due);
}

static bool asks_partners(const struct hub *hub)
{
    return hub->bus->partners_count > 0 && hub->config.partners_want;
}

/* Seekers that wait for nobody try again if others say that they have the page, or partners
   may have it by now. */
static void try_again(struct hub *hub, const struct interest *interest)
{
    struct page *page = pages_find(hub, &interest->hash);
    if (page != NULL && page->fetch == NULL &&
        (interest->others.holders > 0 || asks_partners(hub)))
        relay_holder_came(hub, page);
}

/* Tells all who are at the page, and asks them. A cell that is not told again for a while
   is in doubt, and it is asked for soon, until it is told or goes. */
static void ask_all(struct hub *hub, struct interest *interest)
{
    tell(hub, interest, BUS_CELL_ASK);
    if (age_ms(hub, interest->visited_ms) < VISIT_PAUSE_MS) return;
    interest->visited_ms = (uint32_t)hub->now_ms;
    cells_visit(hub, interest);
    interest->doubts = interest->cells != NULL;
}

static void settle_doubts(struct hub *hub, struct interest *interest)
{
    if (!interest->doubts || age_ms(hub, interest->visited_ms) < VISIT_PAUSE_MS) return;
    interest->doubts = false;
    if (interest->hears && !interest->idle && cells_are_unheard(interest))
        ask_all(hub, interest);
}

void interests_due(struct hub *hub, struct interest *interest)
{
    bool retry = interest->retry_ms != 0 && interest->retry_ms <= hub->now_ms;
    struct page *page = pages_find(hub, &interest->hash);
    if (page != NULL && is_left(hub, page)) {
        pages_settle(hub, page);
        return;
    }
    settle_doubts(hub, interest);
    if (retry) {
        interest->retry_ms = 0;
        try_again(hub, interest);
        if (page != NULL && page->fetch == NULL && page->seekers.front > 0)
            interests_retry(hub, page);
    }
    interests_tend(hub, interest);
}

void interests_page_came(struct hub *hub, const struct page *page)
{
    if (hub->bus == NULL) return;
    struct interest *interest = interests_of(hub, page);
    if (interest == NULL) interest = interest_new(hub, &page->hash);
    if (interest != NULL) interests_tend(hub, interest);
}

void interests_page_changed(struct hub *hub, const struct page *page)
{
    interests_page_came(hub, page);
}

void interests_page_gone(struct hub *hub, const struct page *page)
{
    struct interest *interest = interests_of(hub, page);
    if (interest != NULL) interests_tend(hub, interest);
}

void interests_retry(struct hub *hub, const struct page *page)
{
    struct interest *interest = interests_of(hub, page);
    if (interest == NULL || (interest->others.holders == 0 && !asks_partners(hub))) return;
    uint64_t after = (uint64_t)RETRY_FIRST_MS << interest->retries;
    if (after < RETRY_MOST_MS) interest->retries++;
    interest->retry_ms = hub->now_ms + (after < RETRY_MOST_MS ? after : RETRY_MOST_MS);
    interests_tend(hub, interest);
}

/* It lingers as if somebody had been here. */
uint32_t interests_ask(struct hub *hub, const struct page_hash *hash)
{
    if (hub->bus == NULL || !cluster_is_up(hub)) return 0;
    struct interest *interest = interests_find(hub, hash);
    if (interest == NULL) interest = interest_new(hub, hash);
    if (interest == NULL) return 0;
    interest->known = true;
    if (!interest->hears) {
        set_hears(hub, interest, true);
        if (interest->hears) tell(hub, interest, BUS_CELL_ASK);
    }
    uint32_t age = age_ms(hub, interest->told_ms), again = hub->config.bus_again_ms;
    bool asked = interest->hears && age < again;
    interests_tend(hub, interest);
    return asked ? again - age : 0;
}

/* ---- the walk ---- */

static void visit(struct hub *hub, struct interest *interest)
{
    ring_append(&hub->bus->walk, &interest->walk);
    if (interest->hears && !interest->idle) ask_all(hub, interest);
    try_again(hub, interest);
    interests_tend(hub, interest);
}

static void walk(struct hub *hub, uint32_t count)
{
    struct ring *ring = &hub->bus->walk;
    while (count-- > 0 && !ring_is_empty(ring))
        visit(hub, MEMORY_OWNER(ring->next, struct interest, walk));
}

void interests_walk_due(struct hub *hub)
{
    struct bus *bus = hub->bus;
    uint64_t all = bus->interests.count, pause = STEP_SLOW_MS;
    uint64_t step = all * STEP_SLOW_MS / hub->config.bus_refresh_ms + 1;
    if (step > STEP_RETURN) step = STEP_RETURN;
    if (bus->walk_left > 0) {
        step = bus->walk_left < bus->walk_step ? bus->walk_left : bus->walk_step;
        bus->walk_left -= (uint32_t)step;
        if (bus->walk_left > 0) pause = STEP_PAUSE_MS;
    }
    walk(hub, (uint32_t)step);
    deadlines_set(&hub->deadlines, &bus->walk_due, hub->now_ms + pause);
}

static void walk_fast(struct hub *hub, uint32_t step, uint64_t begin_ms)
{
    struct bus *bus = hub->bus;
    bool walks = bus->walk_left > 0;
    bus->walk_left = (uint32_t)bus->interests.count;
    if (walks) return;
    bus->walk_step = step;
    deadlines_set(&hub->deadlines, &bus->walk_due, begin_ms);
}

void interests_walk_soon(struct hub *hub)
{
    hub->metrics.bus_resyncs_total++;
    walk_fast(hub, STEP_RETURN, hub->now_ms + chance(hub, WALK_SPREAD_MS));
}

void interests_bus_up(struct hub *hub)
{
    hub->bus->walk_left = 0;
    hub->metrics.bus_resyncs_total++;
    walk_fast(hub, STEP_UP, hub->now_ms);
}

static void forget(struct table_link *link, void *context)
{
    struct interest *interest = MEMORY_OWNER(link, struct interest, link);
    (void)context;
    interest->hears = interest->offers = false;
    interest->told = (struct tally){0};
}

void interests_bus_down(struct hub *hub)
{
    table_visit(&hub->bus->interests, forget, NULL);
    hub->bus->walk_left = 0;
    deadlines_unset(&hub->deadlines, &hub->bus->walk_due);
}

void interests_end(struct hub *hub)
{
    struct ring *ring = &hub->bus->walk;
    while (!ring_is_empty(ring)) {
        struct interest *interest = MEMORY_OWNER(ring->next, struct interest, walk);
        struct page *page = pages_find(hub, &interest->hash);
        if (page != NULL && is_left(hub, page))
            pages_settle(hub, page); /* and the interest with it */
        else
            end(hub, interest);
    }
    table_clear(&hub->bus->interests);
}
