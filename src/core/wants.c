/* Wants: a fetch that goes on in other nodes.

   When no holder of this node is left to ask, the page is asked for on w.<hash>: the bus
   chooses one of the nodes that offer it. Nobody there may mean that a subscription is
   still on its way: it is asked for once more after bus_again_ms. Then nodes are asked by
   name, those whose cells say that they have holders, each once in a fetch. Like holders,
   several may be asked beside each other, one more each hedge_ms.

   An answer comes in chunks, in order, as many at once as were granted. It is hashed here
   as it comes; a node that sends other bytes is not asked for the page again as long as
   its cell lives. One that is silent for bus_answer_ms is given up, and asked once more at
   half of that: those who still look for a holder that answers give a sign each second. */
#include "wants.h"

#include "abroad.h"
#include "awaited.h"
#include "cells.h"
#include "chance.h"
#include "cluster.h"
#include "interests.h"
#include "memory.h"
#include "nodes.h"
#include "orders.h"
#include "pages.h"
#include "relay.h"

#include <assert.h>
#include <stddef.h>

/* The want of a partner, or of a node. */
static struct want *find(struct hub *hub, const struct partner *partner, uint64_t request)
{
    uint64_t key = siphash(hub->secret, &request, sizeof request);
    struct table_link *link = table_first(&hub->bus->wants, key);
    for (; link != NULL; link = table_next(link)) {
        struct want *want = MEMORY_OWNER(link, struct want, link);
        if (want->request == request && want->partner == partner) return want;
    }
    return NULL;
}

static struct want *want_new(struct hub *hub, struct interest *interest, uint64_t node,
                             struct partner *partner)
{
    struct want *want = memory_new(sizeof *want);
    uint64_t request = ++hub->bus->requests;
    uint64_t key = siphash(hub->secret, &request, sizeof request);
    if (want == NULL || !table_add(&hub->bus->wants, &want->link, key)) {
        memory_free(want);
        return NULL;
    }
    want->request = request;
    want->node = node;
    want->partner = partner;
    want->asked_ms = want->heard_ms = hub->now_ms;
    want->limit = ORDERS_WINDOW;
    want->interest = interest;
    want->next = interest->wants;
    interest->wants = want;
    hub->metrics.bus_wants++;
    hub->metrics.bus_wants_total++;
    if (partner != NULL) abroad_opened(hub, partner);
    return want;
}

/* To the one who answers. */
static void tell(struct hub *hub, const struct want *want, uint64_t node,
                 const struct bus_record *record)
{
    struct bus_subject subject = {.kind = BUS_NODE, .node = node};
    if (node == 0) return;
    if (want != NULL && want->partner != NULL) partners_address(want->partner, &subject);
    cluster_publish(hub, &subject, record);
}

static void tell_cancelled(struct hub *hub, const struct want *want, uint64_t node,
                           uint64_t request)
{
    struct bus_record cancel = {
        .kind = BUS_CANCEL, .node = hub->bus->node, .request = request};
    tell(hub, want, node, &cancel);
}

static void free_want(struct hub *hub, struct want *want)
{
    struct want **at = &want->interest->wants;
    while (*at != want)
        at = &(*at)->next;
    *at = want->next;
    if (want->page != NULL) hub->metrics.in_flight_bytes -= want->total;
    if (want->partner != NULL) abroad_closed(hub, want);
    message_unref(want->page);
    hash_stream_free(want->stream);
    table_remove(&hub->bus->wants, &want->link);
    memory_free(want);
    hub->metrics.bus_wants--;
}

static bool publish(struct hub *hub, const struct want *want)
{
    if (want->partner != NULL) return abroad_publish(hub, want);
    bool group = want->node == 0;
    struct bus_effect effect = {
        .kind = EFFECT_PUBLISH,
        .subject = {.kind = group ? BUS_WANT : BUS_NODE, .node = want->node},
        .reply = {.kind = BUS_INBOX, .node = hub->bus->node, .request = want->request}};
    struct bus_record order = {.kind = BUS_ORDER,
                               .page_max = (uint32_t)hub->config.page_bytes_max,
                               .limit = want->limit,
                               .hash = want->interest->hash};
    if (group) effect.subject.hash = order.hash;
    effect.head_size = bus_record_write(&order, effect.head);
    return cluster_queue(hub, &effect);
}

/* ---- whom to ask ---- */

static bool may_ask(const struct cell *cell)
{
    return cell->tally.holders > 0 && !cell->tried && !cell->barred &&
           cell->life == cell->node->life;
}

/* One of the nodes that have holders, by chance; or NULL. */
static struct cell *choose(struct hub *hub, const struct interest *interest)
{
    struct cell *chosen = NULL;
    uint32_t count = 0;
    for (struct cell *cell = interest->cells; cell != NULL; cell = cell->next)
        if (may_ask(cell) && chance(hub, ++count) == 0) chosen = cell;
    return chosen;
}

void wants_begin(struct hub *hub, const struct page *page)
{
    struct interest *interest = interests_of(hub, page);
    if (interest == NULL) return;
    interest->group_asked = false;
    interest->partners_tried = 0;
    interest->retry_ms = 0;
    for (struct cell *cell = interest->cells; cell != NULL; cell = cell->next)
        cell->tried = false;
}

bool wants_can_ask(struct hub *hub, const struct page *page)
{
    struct interest *interest = interests_of(hub, page);
    if (interest == NULL || !cluster_is_up(hub)) return false;
    if (!interest->group_asked) return true;
    for (const struct cell *cell = interest->cells; cell != NULL; cell = cell->next)
        if (may_ask(cell)) return true;
    return false;
}

bool wants_open(struct hub *hub, struct interest *interest, uint64_t node,
                struct partner *partner)
{
    struct want *want = want_new(hub, interest, node, partner);
    if (want != NULL && publish(hub, want)) return true;
    if (want != NULL) free_want(hub, want);
    return false;
}

bool wants_ask(struct hub *hub, struct page *page)
{
    struct interest *interest = interests_of(hub, page);
    struct cell *cell;
    if (interest == NULL || !cluster_is_up(hub)) return false;
    if (!interest->group_asked) {
        interest->group_asked = true;
        if (wants_open(hub, interest, 0, NULL)) return true;
    }
    while ((cell = choose(hub, interest)) != NULL) {
        cell->tried = true;
        if (!wants_open(hub, interest, cell->node->id, NULL)) continue;
        page->fetch->asked++;
        return true;
    }
    return false;
}

uint32_t wants_pending(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    uint32_t pending = 0;
    if (interest == NULL) return 0;
    for (const struct want *want = interest->wants; want != NULL; want = want->next)
        pending += want->partner == NULL ? 1 : 0;
    return pending;
}

/* ---- time ---- */

/* Whether the order, or what was said to it, may have been lost when a connection was: who
   has it gives a sign each second. */
static bool may_be_lost(const struct hub *hub, const struct want *want)
{
    return want->partner == NULL && want->page == NULL && !want->again &&
           cluster_is_up(hub) && hub->now_ms < want->asked_ms + hub->config.answer_total_ms;
}

static uint64_t due_ms(const struct hub *hub, const struct want *want)
{
    uint32_t patience = hub->config.bus_answer_ms / (may_be_lost(hub, want) ? 2 : 1);
    uint64_t silent = want->heard_ms + patience;
    uint64_t total = want->asked_ms + hub->config.answer_total_ms;
    if (want->again_ms != 0) return want->again_ms;
    return silent < total ? silent : total;
}

uint64_t wants_due_ms(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    uint64_t due = UINT64_MAX;
    if (interest == NULL) return due;
    for (const struct want *want = interest->wants; want != NULL; want = want->next)
        if (due_ms(hub, want) < due) due = due_ms(hub, want);
    return due;
}

static void give_up(struct hub *hub, struct page *page, struct want *want)
{
    page->failure = REASON_SILENT;
    hub->metrics.given_up_total++;
    if (want->partner != NULL) abroad_given_up(hub, want);
    wants_cancel(hub, want);
}

void wants_cancel(struct hub *hub, struct want *want)
{
    tell_cancelled(hub, want, want->node, want->request);
    free_want(hub, want);
}

/* False if it cannot be asked. */
static bool ask_again(struct hub *hub, struct want *want)
{
    want->again_ms = 0;
    want->again = true;
    if (publish(hub, want)) return true;
    free_want(hub, want);
    return false;
}

bool wants_give_up(struct hub *hub, struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    struct want *next;
    bool changed = false;
    if (interest == NULL) return false;
    for (struct want *want = interest->wants; want != NULL; want = next) {
        next = want->next;
        if (due_ms(hub, want) > hub->now_ms) continue;
        if (want->again_ms == 0 && !may_be_lost(hub, want))
            give_up(hub, page, want);
        else if (ask_again(hub, want))
            continue;
        changed = true;
    }
    return changed;
}

void wants_end(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    while (interest != NULL && interest->wants != NULL)
        wants_cancel(hub, interest->wants);
}

/* ---- answers ---- */

static struct page *page_of(struct hub *hub, const struct want *want)
{
    struct page *page = pages_find(hub, &want->interest->hash);
    assert(page != NULL && page->fetch != NULL);
    return page;
}

/* This node's answer will not come. */
static void fail(struct hub *hub, struct want *want, enum reason reason)
{
    struct page *page = page_of(hub, want);
    if (reason != REASON_NONE) page->failure = (uint8_t)reason;
    free_want(hub, want);
    relay_go_on(hub, page);
}

static void stop(struct hub *hub, struct want *want, enum reason reason)
{
    tell_cancelled(hub, want, want->node, want->request);
    fail(hub, want, reason);
}

static bool is_asked_twice(const struct want *want, uint64_t node)
{
    const struct want *other = want->interest->wants;
    while (other != NULL &&
           (other == want || other->node != node || other->partner != NULL))
        other = other->next;
    return other != NULL;
}

/* It is known now who takes the want; false if it is not to. */
static bool adopt(struct hub *hub, struct want *want, uint64_t node)
{
    if (want->partner != NULL) {
        want->node = node;
        return true;
    }
    struct cell *cell = cells_find(want->interest, node);
    if (want->node == 0) {
        if ((cell != NULL && cell->barred) || is_asked_twice(want, node)) return false;
        if (cell != NULL) cell->tried = true;
        want->node = node;
        want->again_ms = 0;
        page_of(hub, want)->fetch->asked++;
    }
    want->heard_ms = hub->now_ms;
    return true;
}

/* There is no memory for the page: the fetch goes on later. */
static void postpone(struct hub *hub, struct want *want)
{
    struct page *page = page_of(hub, want);
    if (want->partner != NULL) {
        stop(hub, want, REASON_BUSY);
        return;
    }
    wants_cancel(hub, want);
    wants_begin(hub, page);
    relay_postpone_page(hub, page);
}

static bool reserve(struct hub *hub, struct want *want, uint32_t total)
{
    if (hub->metrics.in_flight_bytes + total > hub->config.in_flight_bytes_max)
        return false;
    if (want->partner != NULL && !abroad_has_room(hub, want->partner, total)) return false;
    want->stream = hash_stream_new();
    want->page = message_new(MESSAGE_BINARY, WIRE_CONTENT_FRONT, total);
    if (want->stream == NULL || want->page == NULL) {
        message_unref(want->page);
        hash_stream_free(want->stream);
        want->page = NULL;
        want->stream = NULL;
        return false;
    }
    want->total = total;
    hub->metrics.in_flight_bytes += total;
    if (want->partner != NULL) abroad_reserved(hub, want);
    return true;
}

/* Whether this is the chunk that is to come. */
static bool is_next(const struct want *want, const struct bus_record *chunk)
{
    uint64_t at = (uint64_t)chunk->index * BUS_CHUNK_BYTES;
    if (chunk->index != want->next_chunk || chunk->index >= want->limit ||
        (want->page != NULL && chunk->total != want->total) || at > chunk->total)
        return false;
    size_t left = chunk->total - (size_t)at;
    return chunk->rest.size == (left < BUS_CHUNK_BYTES ? left : BUS_CHUNK_BYTES) &&
           (left > 0 || chunk->total == 0);
}

static void grant(struct hub *hub, struct want *want)
{
    struct bus_record credit = {.kind = BUS_CREDIT,
                                .node = hub->bus->node,
                                .request = want->request,
                                .limit = want->next_chunk + ORDERS_WINDOW};
    uint64_t granted = (uint64_t)want->limit * BUS_CHUNK_BYTES;
    if (granted >= want->total || want->limit - want->next_chunk > ORDERS_WINDOW / 2)
        return;
    want->limit = credit.limit;
    tell(hub, want, want->node, &credit);
}

static void finish(struct hub *hub, struct want *want)
{
    struct page *page = page_of(hub, want);
    struct page_hash hash = hash_stream_finish(want->stream);
    struct message *bytes = want->page;
    if (!hash_equal(&hash, &page->hash)) {
        struct cell *cell =
            want->partner != NULL ? NULL : cells_find(want->interest, want->node);
        if (cell != NULL) cell->barred = true;
        if (want->partner != NULL)
            abroad_lied(hub, want);
        else
            hub->metrics.refusals[REASON_BUS_BYTES]++;
        fail(hub, want, REASON_WRONG_BYTES);
        return;
    }
    hub->metrics.in_flight_bytes -= want->total;
    if (want->partner != NULL) abroad_came(hub, want);
    want->page = NULL;
    want->interest->retries = 0;
    free_want(hub, want);
    hub->metrics.bus_contents_total++;
    relay_take_page(hub, page, bytes);
}

static bool take_chunk(struct hub *hub, struct want *want, const struct bus_record *chunk)
{
    uint64_t *refused = &hub->metrics.refusals[REASON_BUS_CHUNK];
    if (chunk->index < want->next_chunk) { /* it came before */
        *refused += want->partner == NULL ? 1 : 0;
        return false;
    }
    if (!is_next(want, chunk) || chunk->total > hub->config.page_bytes_max) {
        *refused += want->partner == NULL ? 1 : 0;
        stop(hub, want, REASON_SILENT);
        return false;
    }
    want->heard_ms = hub->now_ms;
    if (want->page == NULL && !reserve(hub, want, chunk->total)) {
        postpone(hub, want);
        return true;
    }
    message_append(want->page, chunk->rest.data, chunk->rest.size);
    hash_stream_update(want->stream, chunk->rest.data, chunk->rest.size);
    want->next_chunk++;
    if (want->page->size == want->total)
        finish(hub, want);
    else
        grant(hub, want);
    return true;
}

static void take_refusal(struct hub *hub, struct want *want, enum bus_no no)
{
    static const enum reason reasons[] = {REASON_NONE, REASON_SILENT, REASON_WRONG_BYTES,
                                          REASON_BUSY};
    if (want->partner != NULL) abroad_refused(hub, want, no);
    fail(hub, want, reasons[no]);
}

bool wants_hear(struct hub *hub, struct partner *partner, uint64_t request,
                const struct bus_record *record)
{
    struct want *want = find(hub, partner, request);
    if (want == NULL || (want->node != 0 && want->node != record->node)) {
        if (record->kind != BUS_NO && partner == NULL)
            tell_cancelled(hub, NULL, record->node, request);
        return false;
    }
    if (record->kind == BUS_SIGN && partner != NULL) return abroad_sign(hub, want, record);
    if (!adopt(hub, want, record->node)) {
        if (record->kind != BUS_NO) tell_cancelled(hub, want, record->node, request);
        fail(hub, want, REASON_NONE);
    } else if (record->kind == BUS_CHUNK) {
        return take_chunk(hub, want, record);
    } else if (record->kind == BUS_NO) {
        take_refusal(hub, want, (enum bus_no)record->reason);
    }
    return true;
}

void wants_nobody(struct hub *hub, uint64_t request)
{
    struct want *want = find(hub, NULL, request);
    if (request == NODES_ROLL) awaited_grace(hub);
    if (want == NULL || want->again_ms != 0) return;
    if (want->node != 0 || want->again) {
        fail(hub, want, REASON_NONE);
        return;
    }
    want->again_ms = hub->now_ms + hub->config.bus_again_ms;
    nodes_call_roll(hub);
    relay_reschedule(hub, page_of(hub, want));
}
