/* What must be true of every hub after every step, recounted from its inside; and what its
   peers may rely on. */
#include "world.h"

#include "abroad.h"
#include "bus_types.h"
#include "interests.h"
#include "orders.h"
#include "pages.h"
#include "presence.h"
#include "wants.h"

#include <inttypes.h>
#include <stdio.h>

#define SERVED_SLACK_MS 5000

/* ---- the hub's books ---- */

struct recount {
    struct hub *hub;
    uint64_t sessions, holders, away, seekers, pages, fetches, pending;
};

static void check_member(struct world *world, const struct session *session,
                         const struct membership *member)
{
    if (member->session != session) world_fail(world, "a member is in another's list");
    if (member->page == NULL) return;
    const struct group *group =
        member->kind == TOPIC_HAVE ? &member->page->holders : &member->page->seekers;
    if (member->index >= group->count || group_at(group, member->index) != member)
        world_fail(world, "a member does not stand where it says");
}

static void recount_sessions(struct world *world, struct recount *count)
{
    struct hub *hub = count->hub;
    for (uint32_t i = 0; i < hub->places_count; i++) {
        const struct session *session = hub->places[i].session;
        uint32_t topics = 0, waiting = 0;
        if (session == NULL) continue;
        count->sessions++;
        count->pending += session->pending;
        for (const struct membership *m = session->topics; m != NULL;
             m = m->next, topics++) {
            waiting += m->waiting ? 1 : 0;
            check_member(world, session, m);
            if (m->kind == TOPIC_HAVE) count->holders++;
            if (m->kind == TOPIC_WANT) count->seekers++;
        }
        if (topics != session->topics_count) world_fail(world, "topics_count is wrong");
        if (waiting != session->waiting) world_fail(world, "waiting is wrong");
        if (waiting > 0 && session->unread == 0 && session->active == 0)
            world_fail(world, "a seeker waits for nothing");
    }
}

static void check_holders(struct world *world, const struct page *page,
                          struct recount *count)
{
    uint32_t pending = 0, away = 0;
    for (uint32_t i = 0; i < page->holders.count; i++) {
        const struct membership *holder = group_at(&page->holders, i);
        bool front = i < page->holders.front;
        if ((i < page->holders.proven) != (front && holder->proven))
            world_fail(world, "a holder stands among the proven ones and is not, or is");
        if (holder->session == NULL) away++;
        if (holder->session == NULL && holder->slot->grace.place == 0)
            world_fail(world, "an away holder has no deadline");
        if (front &&
            (holder->session == NULL || holder->silent || holder->ask == ASK_PENDING))
            world_fail(world, "a holder in front may not be asked");
        if (holder->ask == ASK_PENDING) pending++;
    }
    if (away != page->away) world_fail(world, "a page miscounts those who are away");
    count->away += away;
    if (pending != (page->fetch == NULL ? 0 : page->fetch->pending))
        world_fail(world, "asked holders and their fetch disagree");
}

static void check_page(struct world *world, const struct page *page, struct recount *count)
{
    const struct fetch *fetch = page->fetch;
    uint32_t active = 0, idle = 0;
    for (uint32_t i = 0; i < page->seekers.count; i++) {
        const struct membership *seeker = group_at(&page->seekers, i);
        active += seeker->active ? 1 : 0;
        idle += i < page->seekers.front && !seeker->waiting ? 1 : 0;
        if ((seeker->active || seeker->waiting) && i >= page->seekers.front)
            world_fail(world, "a seeker that was served waits");
    }
    count->pages++;
    const struct interest *interest = interests_of(count->hub, page);
    bool for_partner = interest != NULL && (interest->orders != NULL ||
                                            interest->due.due_ms <= count->hub->now_ms);
    if (page->holders.count + page->seekers.count == 0 && !for_partner)
        world_fail(world, "a page has neither holder nor seeker");
    check_holders(world, page, count);
    if (page->counted != presence_count(count->hub, page) && page->holders.count > 0 &&
        page->count_due.place == 0)
        world_fail(world, "a changed count is not going to be told");
    if (fetch == NULL && active > 0) world_fail(world, "a seeker takes part in nothing");
    if (fetch == NULL && idle > 0 && page->holders.front > 0 &&
        page->failure != REASON_BUSY)
        world_fail(world, "somebody could be asked, and nobody is");
    if (fetch == NULL) return;
    count->fetches++;
    uint32_t asked =
        fetch->pending + wants_pending(count->hub, page) + abroad_pending(count->hub, page);
    if (fetch->in_line ? asked > 0 || fetch->due.place > 0
                       : asked == 0 || fetch->due.place == 0)
        world_fail(world, "a fetch waits for nothing");
    if (fetch->in_line && count->hub->line_due.place == 0)
        world_fail(world, "nobody looks after the line");
    bool ordered = orders_wait(count->hub, page);
    if (orders_wait_near(count->hub, page) && !fetch->in_line && fetch->pending == 0)
        world_fail(world, "an order waits for nobody");
    if (active != fetch->active || (active == 0 && !ordered))
        world_fail(world, "a fetch is for nobody");
}

/* What this node tells and hears of a page. */
static void check_interest(struct world *world, struct hub *hub, uint32_t i,
                           const struct page *page)
{
    const struct interest *interest = interests_find(hub, &world->hashes[i]);
    struct tally sum = {0};
    if (interest == NULL) {
        if (page != NULL) world_fail(world, "a page is of no interest");
        return;
    }
    bool held = page != NULL && page->holders.count > page->away;
    for (const struct cell *cell = interest->cells; cell != NULL; cell = cell->next) {
        sum.visitors += cell->tally.visitors;
        sum.away += cell->tally.away;
        sum.holders += cell->tally.holders;
    }
    if (sum.visitors != interest->others.visitors || sum.away != interest->others.away ||
        sum.holders != interest->others.holders)
        world_fail(world, "cells are summed up wrongly");
    if (hub->bus->state == BUS_UP && interest->offers != held && hub->bus->walk_left == 0)
        world_fail(world, "a page is offered and not held, or held and not offered");
    if (page == NULL && (interest->orders != NULL || interest->wants != NULL))
        world_fail(world, "a page that is gone is wanted");
    if (interest->orders != NULL && page->fetch == NULL)
        world_fail(world, "an order waits without a fetch");
    if (interest->wants != NULL && page->fetch == NULL)
        world_fail(world, "a want is left of a fetch");
    if (interest->due.place == 0 && (page == NULL || interest->retry_ms != 0))
        world_fail(world, "nobody looks after an interest");
}

static void recount_pages(struct world *world, struct recount *count)
{
    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        const struct page *page = pages_find(count->hub, &world->hashes[i]);
        if (page != NULL) check_page(world, page, count);
        if (count->hub->bus != NULL) check_interest(world, count->hub, i, page);
    }
}

static void compare(struct world *world, const char *what, uint64_t gauge, uint64_t count)
{
    if (gauge != count)
        world_fail(world, "gauge %s is %" PRIu64 ", recount %" PRIu64, what, gauge, count);
}

/* ---- what peers may rely on ---- */

static bool is_holding(const struct world *world, const struct machine *machine,
                       uint32_t page)
{
    const struct page *found = pages_find(machine->hub, &world->hashes[page]);
    for (uint32_t i = 0; found != NULL && i < found->holders.count; i++) {
        const struct session *session = group_at(&found->holders, i)->session;
        for (uint32_t j = 0; session != NULL && j < world->actors_count; j++)
            if (world->actors[j].up && world->actors[j].machine == machine &&
                world->actors[j].session == session->id &&
                world->actors[j].nature == NATURE_HONEST)
                return true;
    }
    return false;
}

/* The actor as a seeker that is to be served, or NULL. */
static const struct membership *seeker_of(const struct actor *actor, uint32_t page,
                                          const struct world *world)
{
    const struct page *found = pages_find(actor->machine->hub, &world->hashes[page]);
    if (!actor->up || is_frozen(world, actor->machine) || !actor->seats[page].seeks)
        return NULL;
    for (uint32_t i = 0; found != NULL && i < found->seekers.front; i++)
        if (group_at(&found->seekers, i)->session->id == actor->session)
            return group_at(&found->seekers, i);
    return NULL;
}

/* The longest that a seeker may wait for an honest holder: every other holder is asked
   before and given up, and each may come back once to be asked again. */
static uint64_t longest_wait_ms(const struct world *world)
{
    return 2 * (uint64_t)world->actors_count * world->config.answer_total_ms +
           SERVED_SLACK_MS;
}

static void check_served(struct world *world)
{
    for (uint32_t page = 0; page < WORLD_PAGES; page++) {
        for (uint32_t i = 0; i < world->actors_count; i++) {
            struct seat *seat = &world->actors[i].seats[page];
            bool held = is_holding(world, world->actors[i].machine, page);
            if (!held || seeker_of(&world->actors[i], page, world) == NULL)
                seat->waiting_ms = world->now_ms;
            else if (world->now_ms - seat->waiting_ms > longest_wait_ms(world))
                world_fail(world, "peer %" PRIu32 " is not served page %" PRIu32, i, page);
        }
    }
}

static void check_books(struct world *world, struct hub *hub)
{
    struct recount count = {.hub = hub};
    const struct metrics *metrics = hub_metrics(hub);
    recount_sessions(world, &count);
    recount_pages(world, &count);
    compare(world, "sessions", metrics->sessions, count.sessions);
    compare(world, "holders", metrics->holders, count.holders);
    compare(world, "away", metrics->away, count.away);
    compare(world, "seekers", metrics->seekers, count.seekers);
    compare(world, "pages", metrics->pages, count.pages);
    compare(world, "fetches", metrics->fetches, count.fetches);
    if (metrics->in_flight_bytes > world->config.in_flight_bytes_max ||
        metrics->bus_orders_bytes > world->config.bus_orders_bytes_max)
        world_fail(world, "more memory is used than allowed");
}

void invariants_check(struct world *world)
{
    for (uint32_t i = 0; i < world->machines_count; i++)
        check_books(world, world->machines[i].hub);
    check_served(world);
}

/* ---- when all is quiet ---- */

/* Everybody who holds a page has been told how many do, in all nodes, and nobody waits for a
   page that an honest peer holds. Writes what is not so. */
static bool is_quiet(const struct world *world, uint32_t page, char *why, size_t size)
{
    uint32_t holders = 0;
    bool held = false;
    for (uint32_t i = 0; i < world->machines_count; i++) {
        const struct page *found = pages_find(world->machines[i].hub, &world->hashes[page]);
        holders += found == NULL ? 0 : found->holders.count;
        held |= is_holding(world, &world->machines[i], page);
    }
    for (uint32_t j = 0; j < world->actors_count; j++) {
        const struct actor *actor = &world->actors[j];
        const struct seat *seat = &actor->seats[page];
        if (seat->holds && actor->nature != NATURE_LIAR && seat->count != holders) {
            snprintf(why, size, "peer %" PRIu32 " was told %" PRIu32 " of %" PRIu32, j,
                     seat->count, holders);
            return false;
        }
        if (held && seat->seeks) {
            snprintf(why, size, "peer %" PRIu32 " still seeks page %" PRIu32, j, page);
            return false;
        }
    }
    return true;
}

bool invariants_count_alike(const struct world *world)
{
    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        const struct page *pages[WORLD_MACHINES];
        uint32_t holders = 0;
        for (uint32_t j = 0; j < world->machines_count; j++) {
            pages[j] = pages_find(world->machines[j].hub, &world->hashes[i]);
            holders += pages[j] == NULL ? 0 : pages[j]->holders.count;
        }
        for (uint32_t j = 0; j < world->machines_count; j++)
            if (pages[j] != NULL && pages[j]->holders.count > 0 &&
                presence_count(world->machines[j].hub, pages[j]) != holders)
                return false;
    }
    return true;
}

bool invariants_are_quiet(struct world *world)
{
    char why[100];
    for (uint32_t i = 0; i < WORLD_PAGES; i++)
        if (!is_quiet(world, i, why, sizeof why)) return false;
    return true;
}

/* Whoever seeks a page for which nobody can be asked knows that. */
static void check_told(struct world *world, uint32_t page)
{
    for (uint32_t i = 0; i < world->actors_count; i++) {
        const struct actor *actor = &world->actors[i];
        const struct membership *seeker = seeker_of(actor, page, world);
        if (seeker != NULL && !seeker->waiting && seeker->page->fetch == NULL &&
            actor->down_pipe.first == NULL && !hub_awaits(actor->machine->hub) &&
            !actor->seats[page].hopeless)
            world_fail(world, "peer %" PRIu32 " hopes for page %" PRIu32, i, page);
    }
}

void invariants_check_quiet(struct world *world)
{
    char why[100];
    for (uint32_t i = 0; i < WORLD_PAGES; i++)
        check_told(world, i);
    for (uint32_t i = 0; i < WORLD_PAGES; i++)
        if (!is_quiet(world, i, why, sizeof why)) world_fail(world, "%s", why);
}
