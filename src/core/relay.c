/* The relay: one fetch for each page that has seekers to serve and a holder to ask.

   All seekers of a page share its fetch (single flight). The fetch asks the holder with the
   fewest requests in flight. Each hedge_ms without an answer it asks one more beside it,
   rather one that is known to have had the page than one that only says so; when
   holders_first_max are silent, twice as many each time, so that one honest holder among
   very many silent ones is found in seconds. It gives up a holder that sends no byte for
   answer_ms, and asks the next one at once when a holder leaves or fails. The first right
   answer serves everybody and ends the fetch; when there is nobody left to ask, the fetch
   ends and the seekers wait for a holder to come, or for a seeker to ask again.

   Seekers whose connection has no room for the page (window.h) take no part, and wait.

   A fetch that finds no memory left for a page in flight stands in line (line.h) until there
   is; when the line is full, its seekers are told `busy`.

   Among other nodes (bus_types.h), a fetch that has nobody left to ask here asks them for its
   seekers (wants.h), and they may ask this one (orders.h): an order is served by the same
   fetch, but only by holders of this node. A partner's order is served by those of other
   nodes too. When nobody at home is left to ask, its partners are, for its seekers alone
   (abroad.h).

   Invariants, but inside functions of this file: a holder with ASK_PENDING stands in exactly
   one fetch, and not in its group's front; an active seeker stands in front of a page with
   a fetch; a fetch has active seekers or orders, and either stands in line or has a pending
   holder or want. */
#include "relay.h"

#include "abroad.h"
#include "holders.h"
#include "intake.h"
#include "interests.h"
#include "line.h"
#include "memory.h"
#include "orders.h"
#include "pages.h"
#include "send.h"
#include "serve.h"
#include "status.h"
#include "wants.h"
#include "window.h"

#include <assert.h>
#include <string.h>

#define POSTPONED_MAX 3 /* then the seekers are told busy */

/* ---- the life of a fetch ---- */

/* Holders and other nodes that are asked now. */
static uint32_t count_asked(struct hub *hub, const struct fetch *fetch)
{
    return fetch->pending + wants_pending(hub, fetch->page);
}

/* Whether other nodes are asked: for our seekers, and for partners. */
static bool asks_nodes(struct hub *hub, const struct fetch *fetch)
{
    return fetch->active > 0 || orders_wait_far(hub, fetch->page);
}

/* Whether partners are asked: for our seekers, when nobody at home is. */
static bool asks_abroad(struct hub *hub, const struct fetch *fetch)
{
    return fetch->active > 0 && count_asked(hub, fetch) == 0;
}

/* Whether there is anybody left, here, at another node or at a partner. */
static bool can_ask(struct hub *hub, const struct fetch *fetch)
{
    return fetch->page->holders.front > 0 ||
           (asks_nodes(hub, fetch) && wants_can_ask(hub, fetch->page)) ||
           (asks_abroad(hub, fetch) && abroad_can_ask(hub, fetch->page));
}

static bool can_hedge(struct hub *hub, const struct fetch *fetch)
{
    return count_asked(hub, fetch) < hub->config.holders_max && can_ask(hub, fetch);
}

/* Sets when something is to be done about the fetch if nothing is heard. */
static void schedule(struct hub *hub, struct fetch *fetch)
{
    const struct hub_config *config = &hub->config;
    uint64_t due = can_hedge(hub, fetch) ? fetch->hedge_ms : UINT64_MAX;
    for (uint32_t i = 0; i < fetch->pending; i++) {
        uint64_t quiet = fetch->asks[i].heard_ms + config->answer_ms;
        uint64_t total = fetch->asks[i].asked_ms + config->answer_total_ms;
        if (quiet < due) due = quiet;
        if (total < due) due = total;
    }
    uint64_t wants = wants_due_ms(hub, fetch->page);
    deadlines_set(&hub->deadlines, &fetch->due, wants < due ? wants : due);
}

/* Makes room for one more ask. */
static bool reserve(struct fetch *fetch)
{
    bool few = fetch->asks == fetch->few;
    if (fetch->pending < fetch->capacity) return true;
    size_t size = 2 * fetch->capacity * sizeof *fetch->asks;
    struct pending *asks = memory_resize(few ? NULL : fetch->asks, size);
    if (asks == NULL) return false;
    if (few) memcpy(asks, fetch->few, sizeof fetch->few);
    fetch->asks = asks;
    fetch->capacity *= 2;
    return true;
}

static void ask(struct hub *hub, struct fetch *fetch, struct membership *holder)
{
    pages_set_front(fetch->page, holder, false);
    holder->ask = ASK_PENDING;
    holder->session->pending++;
    fetch->asks[fetch->pending++] = (struct pending){holder, hub->now_ms, hub->now_ms};
    fetch->asked++;
    fetch->hedge_ms = hub->now_ms + hub->config.hedge_ms;
    hub->metrics.asks_total++;
    send_push(hub, holder, "content_request", "{}");
}

/* Nobody answers: one more, and then twice as many each time. */
static void hedge(struct hub *hub, struct fetch *fetch)
{
    const struct hub_config *config = &hub->config;
    fetch->abreast = fetch->abreast < config->holders_first_max ? fetch->abreast + 1
                                                                : 2 * fetch->abreast;
    if (fetch->abreast > config->holders_max) fetch->abreast = config->holders_max;
    hub->metrics.hedges_total++;
}

/* Takes the i-th holder out of the fetch; `late` if it may still answer without blame. */
static void forget(struct hub *hub, struct fetch *fetch, uint32_t i, bool late)
{
    struct membership *holder = fetch->asks[i].holder;
    fetch->asks[i] = fetch->asks[--fetch->pending];
    holder->ask = ASK_NONE;
    if (late && holder->late < UINT8_MAX) holder->late++;
    holder->session->pending--;
    intake_abandon(hub, holder);
}

/* Frees the fetch; those who might still answer need not. */
static void end_fetch(struct hub *hub, struct fetch *fetch)
{
    while (fetch->pending > 0) {
        struct membership *holder = fetch->asks[0].holder;
        forget(hub, fetch, 0, true);
        pages_set_front(fetch->page, holder, true);
    }
    wants_end(hub, fetch->page);
    line_leave(hub, fetch);
    fetch->page->fetch = NULL;
    deadlines_unset(&hub->deadlines, &fetch->due);
    hub->metrics.fetches--;
    if (fetch->asks != fetch->few) memory_free(fetch->asks);
    memory_free(fetch);
}

/* The fetch ends without bytes: its seekers go on waiting for them. */
static void fail_fetch(struct hub *hub, struct fetch *fetch)
{
    struct page *page = fetch->page;
    orders_refuse(hub, page);
    end_fetch(hub, fetch);
    for (uint32_t i = 0; i < page->seekers.front; i++)
        window_give_way(hub, group_at(&page->seekers, i));
    if (page->seekers.front > 0) interests_retry(hub, page);
}

static bool ask_abroad(struct hub *hub, const struct fetch *fetch)
{
    return asks_abroad(hub, fetch) && abroad_pending(hub, fetch->page) < fetch->abreast &&
           abroad_ask(hub, fetch->page);
}

/* Asks one more: a holder, or else another node, or a partner; false if there is nobody. */
static bool ask_next(struct hub *hub, struct fetch *fetch)
{
    struct membership *holder = holders_choose(hub, fetch->page, fetch->asked > 0);
    if (holder != NULL && reserve(fetch)) {
        ask(hub, fetch, holder);
        return true;
    }
    if (fetch->pending == 0) orders_refuse_near(hub, fetch->page);
    if (!(asks_nodes(hub, fetch) && wants_ask(hub, fetch->page)) && !ask_abroad(hub, fetch))
        return false;
    fetch->hedge_ms = hub->now_ms + hub->config.hedge_ms;
    return true;
}

/* Whether more are to be asked by now. Orders need a holder of this node. */
static bool asks_too_few(struct hub *hub, const struct fetch *fetch)
{
    return count_asked(hub, fetch) < fetch->abreast ||
           (fetch->pending == 0 && orders_wait_near(hub, fetch->page));
}

static bool is_asking(struct hub *hub, const struct fetch *fetch)
{
    return count_asked(hub, fetch) > 0 || abroad_pending(hub, fetch->page) > 0;
}

/* Asks as many as may be asked by now, or ends the fetch when there is nobody. */
static void go_on(struct hub *hub, struct fetch *fetch)
{
    struct page *page = fetch->page;
    while (asks_too_few(hub, fetch) && ask_next(hub, fetch))
        ;
    if (is_asking(hub, fetch)) {
        schedule(hub, fetch);
        if (fetch->asked == fetch->asked_told) return;
        fetch->asked_told = fetch->asked;
    } else {
        fail_fetch(hub, fetch);
    }
    status_tell_all(hub, page);
}

/* There is no memory for the page of a fetch that asks nobody: it gets in line, or ends. */
static void wait_in_line(struct hub *hub, struct fetch *fetch)
{
    struct page *page = fetch->page;
    if (!line_is_full(hub) && fetch->postponed <= POSTPONED_MAX) {
        line_enter(hub, fetch);
    } else {
        page->failure = REASON_BUSY;
        for (uint32_t i = 0; i < page->seekers.front; i++)
            if (group_at(&page->seekers, i)->active)
                status_refuse(hub, group_at(&page->seekers, i), REASON_BUSY);
        fail_fetch(hub, fetch);
    }
    status_tell_all(hub, page);
}

/* Whether the seeker takes part in its page's fetch; if not, it is told that it waits. */
static bool take_part(struct hub *hub, struct membership *seeker)
{
    bool waited = seeker->waiting;
    if (window_admit(hub, seeker)) return true;
    if (!waited) status_tell(hub, seeker);
    return false;
}

static uint32_t gather(struct hub *hub, const struct page *page)
{
    uint32_t active = 0;
    for (uint32_t i = 0; i < page->seekers.front; i++)
        if (take_part(hub, group_at(&page->seekers, i))) active++;
    return active;
}

/* Whether there is somebody to serve, and somebody to ask for them. */
static bool can_begin(struct hub *hub, const struct page *page)
{
    if (page->holders.front > 0) return page->seekers.front > 0 || orders_wait(hub, page);
    if (wants_can_ask(hub, page))
        return page->seekers.front > 0 || orders_wait_far(hub, page);
    return page->seekers.front > 0 && abroad_can_ask(hub, page);
}

/* False if there is a fetch already, or nobody to serve or to ask, or no memory. */
static bool begin(struct hub *hub, struct page *page)
{
    if (page->fetch != NULL) return false;
    wants_begin(hub, page);
    if (!can_begin(hub, page)) return false;
    struct fetch *fetch = memory_new(sizeof *fetch);
    if (fetch != NULL) fetch->active = gather(hub, page);
    if (fetch == NULL || (fetch->active == 0 && !orders_wait(hub, page))) {
        memory_free(fetch);
        return false;
    }
    fetch->page = page;
    fetch->begun_ms = hub->now_ms;
    fetch->abreast = 1;
    fetch->asked_told = UINT32_MAX;
    fetch->asks = fetch->few;
    fetch->capacity = ASKS_FEW;
    fetch->due.kind = DEADLINE_FETCH;
    page->fetch = fetch;
    page->failure = REASON_NONE;
    hub->metrics.fetches++;
    hub->metrics.fetches_total++;
    if (hub->line_first == NULL && line_has_memory(hub, 1))
        go_on(hub, fetch);
    else
        wait_in_line(hub, fetch);
    return true;
}

static void drop_silent(struct hub *hub, struct fetch *fetch, uint32_t i)
{
    fetch->asks[i].holder->silent = true;
    fetch->asks[i].holder->proven = false;
    fetch->page->failure = REASON_SILENT;
    forget(hub, fetch, i, false);
}

static uint32_t find(const struct fetch *fetch, const struct membership *holder)
{
    uint32_t i = 0;
    while (fetch->asks[i].holder != holder)
        i++;
    assert(i < fetch->pending);
    return i;
}

/* ---- what happens to it ---- */

void relay_holder_came(struct hub *hub, struct page *page)
{
    struct fetch *fetch = page->fetch;
    if (begin(hub, page) || fetch == NULL || fetch->in_line) return;
    if (count_asked(hub, fetch) == 0)
        go_on(hub, fetch); /* only partners are asked: home goes first */
    else
        schedule(hub, fetch);
}

void relay_holder_left(struct hub *hub, struct membership *holder)
{
    struct page *page = holder->page;
    struct fetch *fetch = page->fetch;
    if (holder->ask == ASK_PENDING) {
        forget(hub, fetch, find(fetch, holder), false);
        go_on(hub, fetch);
    } else if (fetch != NULL && fetch->in_line && !can_ask(hub, fetch)) {
        fail_fetch(hub, fetch);
        status_tell_all(hub, page);
    }
}

void relay_seeker_came(struct hub *hub, struct membership *seeker)
{
    struct page *page = seeker->page;
    holders_revive(page);
    if (page->fetch != NULL && !seeker->active) {
        if (!take_part(hub, seeker)) return;
        page->fetch->active++;
    }
    if (!begin(hub, page) && !seeker->waiting) status_tell(hub, seeker);
}

void relay_seek_again(struct hub *hub, struct membership *seeker)
{
    struct page *page = seeker->page;
    bool served = seeker->index >= page->seekers.front;
    if (served) return;
    holders_revive(page);
    begin(hub, page);
}

void relay_seeker_leaves(struct hub *hub, struct membership *seeker)
{
    struct fetch *fetch = seeker->page->fetch;
    bool last = seeker->active && --fetch->active == 0;
    window_release(hub, seeker, 0);
    pages_set_front(seeker->page, seeker, false);
    if (!last) return;
    if (orders_wait_far(hub, seeker->page))
        abroad_end(hub, seeker->page);
    else
        wants_end(hub, seeker->page);
    if (!orders_wait(hub, seeker->page))
        end_fetch(hub, fetch);
    else if (!fetch->in_line)
        go_on(hub, fetch);
}

void relay_order_came(struct hub *hub, struct page *page)
{
    holders_revive(page);
    if (page->fetch == NULL && !begin(hub, page))
        orders_refuse(hub, page);
    else if (page->fetch != NULL && page->fetch->pending == 0 && !page->fetch->in_line)
        go_on(hub, page->fetch);
}

void relay_give_up(struct hub *hub, struct page *page)
{
    if (page->fetch != NULL) fail_fetch(hub, page->fetch);
}

void relay_order_left(struct hub *hub, struct page *page)
{
    struct fetch *fetch = page->fetch;
    if (fetch == NULL || fetch->active > 0) return;
    if (!orders_wait(hub, page)) {
        end_fetch(hub, fetch);
    } else if (!orders_wait_far(hub, page)) {
        wants_end(hub, page);
        if (!fetch->in_line) go_on(hub, fetch);
    }
}

void relay_heard(struct hub *hub, struct membership *holder)
{
    struct fetch *fetch = holder->page->fetch;
    fetch->asks[find(fetch, holder)].heard_ms = hub->now_ms;
}

void relay_note_wrong(struct membership *holder)
{
    holder->page->failure = REASON_WRONG_BYTES;
}

void relay_postpone(struct hub *hub, struct membership *holder)
{
    struct fetch *fetch = holder->page->fetch;
    forget(hub, fetch, find(fetch, holder), false);
    pages_set_front(fetch->page, holder, true);
    relay_postpone_page(hub, fetch->page);
}

void relay_postpone_page(struct hub *hub, struct page *page)
{
    struct fetch *fetch = page->fetch;
    hub->metrics.postponed_total++;
    fetch->postponed++;
    if (!is_asking(hub, fetch)) {
        wait_in_line(hub, fetch);
        return;
    }
    if (fetch->pending == 0 && orders_wait_near(hub, page)) {
        page->failure = REASON_BUSY;
        orders_refuse_near(hub, page);
    }
    schedule(hub, fetch);
}

void relay_go_on(struct hub *hub, struct page *page)
{
    go_on(hub, page->fetch);
}

void relay_reschedule(struct hub *hub, struct page *page)
{
    schedule(hub, page->fetch);
}

void relay_resume(struct hub *hub)
{
    for (size_t pages = 1; hub->line_first != NULL && line_has_memory(hub, pages);
         pages++) {
        struct fetch *fetch = hub->line_first;
        line_leave(hub, fetch);
        go_on(hub, fetch);
    }
}

void relay_due(struct hub *hub, struct fetch *fetch)
{
    const struct hub_config *config = &hub->config;
    bool changed = false;
    for (uint32_t i = fetch->pending; i-- > 0;) {
        struct pending *ask = &fetch->asks[i];
        if (hub->now_ms < ask->heard_ms + config->answer_ms &&
            hub->now_ms < ask->asked_ms + config->answer_total_ms)
            continue;
        hub->metrics.given_up_total++;
        drop_silent(hub, fetch, i);
        changed = true;
    }
    changed |= wants_give_up(hub, fetch->page);
    if (!changed && hub->now_ms >= fetch->hedge_ms && can_hedge(hub, fetch)) {
        hedge(hub, fetch);
        changed = true;
    }
    if (changed)
        go_on(hub, fetch);
    else
        schedule(hub, fetch);
}

void relay_take_answer(struct hub *hub, struct membership *holder, struct message *bytes)
{
    struct page *page = holder->page;
    struct fetch *fetch = page->fetch;
    forget(hub, fetch, find(fetch, holder), false);
    pages_set_proven(page, holder);
    pages_set_front(page, holder, true);
    relay_take_page(hub, page, bytes);
}

void relay_take_page(struct hub *hub, struct page *page, struct message *bytes)
{
    struct fetch *fetch = page->fetch;
    hub->metrics.contents_total++;
    hub->metrics.content_bytes_total += bytes->size;
    page->bytes = (uint32_t)bytes->size;
    buckets_note(&hub->metrics.content_seconds, &metrics_content_seconds,
                 hub->now_ms - fetch->begun_ms);
    buckets_note(&hub->metrics.page_bytes, &metrics_page_bytes, bytes->size);
    end_fetch(hub, fetch);
    serve_all(hub, page, bytes);
    message_unref(bytes);
}
