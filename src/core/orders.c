/* Orders: pages that other nodes want of this one.

   An order waits for the page like a seeker, in the same fetch, but only for holders of
   this node: so no want goes in circles. Whilst it waits, its node is given a sign each
   second. Then the page is published in chunks, ORDERS_WINDOW of them on their way; they
   refer to the message in which the page came, so that many orders cost one copy. The
   number of orders, the bytes on their way and the rate of each node are bounded; what is
   over is refused at once, and its node asks another.

   A partner's order is one too, but for three things: other nodes are asked for it, so that
   it may be for a page that nobody here is at; it has limits of its own, so that home keeps
   its pace; and it stands back when memory is scarce. */
#include "orders.h"

#include "claims.h"
#include "cluster.h"
#include "interests.h"
#include "limits.h"
#include "line.h"
#include "memory.h"
#include "nodes.h"
#include "pages.h"
#include "partners.h"
#include "relay.h"
#include "wants.h"

#include <stddef.h>

#define SIGN_MS 1000
#define TAKEN_MS 10000 /* an asker that takes nothing for so long has gone */

static uint64_t key_of(const struct hub *hub, const struct partner *partner, uint64_t node,
                       uint64_t request)
{
    uint64_t name[3] = {node, request, partner == NULL ? 0 : partner->index + 1u};
    return siphash(hub->secret, name, sizeof name);
}

static struct order *find(struct hub *hub, const struct partner *partner, uint64_t node,
                          uint64_t request)
{
    struct table_link *link =
        table_first(&hub->bus->orders, key_of(hub, partner, node, request));
    for (; link != NULL; link = table_next(link)) {
        struct order *order = MEMORY_OWNER(link, struct order, link);
        if (order->node == node && order->request == request && order->partner == partner)
            return order;
    }
    return NULL;
}

/* ---- saying ---- */

static struct bus_subject inbox_of(const struct partner *partner, uint64_t node,
                                   uint64_t request)
{
    struct bus_subject inbox = {.kind = BUS_INBOX, .node = node, .request = request};
    if (partner != NULL) partners_address(partner, &inbox);
    return inbox;
}

static void say_no(struct hub *hub, const struct bus_subject *to, enum bus_no reason)
{
    struct bus_record no = {
        .kind = BUS_NO, .node = hub->bus->node, .reason = (uint8_t)reason};
    cluster_publish(hub, to, &no);
}

static void say_sign(struct hub *hub, const struct order *order)
{
    struct bus_subject inbox = inbox_of(order->partner, order->node, order->request);
    struct bus_record sign = {.kind = BUS_SIGN, .node = hub->bus->node};
    cluster_publish(hub, &inbox, &sign);
}

static bool say_chunk(struct hub *hub, const struct order *order)
{
    size_t at = (size_t)order->sent * BUS_CHUNK_BYTES, left = order->body_size - at;
    struct bus_record chunk = {.kind = BUS_CHUNK,
                               .node = hub->bus->node,
                               .index = order->sent,
                               .total = (uint32_t)order->body_size};
    struct bus_effect effect = {
        .kind = EFFECT_PUBLISH,
        .subject = inbox_of(order->partner, order->node, order->request),
        .body = message_ref(order->body),
        .body_at = order->body_at + at,
        .body_size = left < BUS_CHUNK_BYTES ? left : BUS_CHUNK_BYTES};
    effect.head_size = bus_record_write(&chunk, effect.head);
    return cluster_queue(hub, &effect);
}

/* ---- the life of an order ---- */

static struct order *order_new(struct hub *hub, struct partner *partner,
                               const struct bus_subject *reply,
                               const struct bus_record *record)
{
    struct order *order = memory_new(sizeof *order);
    if (order == NULL || !deadlines_admit(&hub->deadlines, 1)) {
        memory_free(order);
        return NULL;
    }
    if (!table_add(&hub->bus->orders, &order->link,
                   key_of(hub, partner, reply->node, reply->request))) {
        deadlines_dismiss(&hub->deadlines, 1);
        memory_free(order);
        return NULL;
    }
    order->due.kind = DEADLINE_ORDER;
    order->partner = partner;
    order->hash = record->hash;
    order->node = reply->node;
    order->request = reply->request;
    order->begun_ms = order->heard_ms = hub->now_ms;
    order->page_max = record->page_max;
    order->limit = record->limit < ORDERS_WINDOW ? record->limit : ORDERS_WINDOW;
    if (partner != NULL)
        partner->metrics.orders++;
    else
        hub->metrics.bus_orders++;
    return order;
}

/* It does not wait any more. The page, if it was there for it alone, goes soon. */
static void detach(struct hub *hub, struct order *order)
{
    struct interest *interest = order->interest;
    struct order **at = &order->interest->orders;
    while (*at != order)
        at = &(*at)->next;
    *at = order->next;
    order->interest = NULL;
    if (order->partner != NULL) deadlines_set(&hub->deadlines, &interest->due, hub->now_ms);
}

/* Its bytes are on their way, or are not any more. */
static void count_bytes(struct hub *hub, const struct order *order, bool more)
{
    size_t *bytes = order->partner != NULL ? &order->partner->outgoing : NULL;
    uint64_t *ours = &hub->metrics.bus_orders_bytes;
    if (bytes != NULL)
        *bytes = more ? *bytes + order->body_size : *bytes - order->body_size;
    else
        *ours = more ? *ours + order->body_size : *ours - order->body_size;
}

static void free_order(struct hub *hub, struct order *order)
{
    if (order->interest != NULL) detach(hub, order);
    if (order->body != NULL) count_bytes(hub, order, false);
    message_unref(order->body);
    deadlines_unset(&hub->deadlines, &order->due);
    deadlines_dismiss(&hub->deadlines, 1);
    table_remove(&hub->bus->orders, &order->link);
    if (order->partner != NULL)
        order->partner->metrics.orders--;
    else
        hub->metrics.bus_orders--;
    memory_free(order);
}

static void refuse(struct hub *hub, struct order *order, enum bus_no reason)
{
    struct bus_subject to = inbox_of(order->partner, order->node, order->request);
    say_no(hub, &to, reason);
    free_order(hub, order);
}

/* Publishes what may be, and ends the order with the last chunk. */
static void pump(struct hub *hub, struct order *order)
{
    uint32_t chunks =
        (uint32_t)((order->body_size + BUS_CHUNK_BYTES - 1) / BUS_CHUNK_BYTES);
    if (chunks == 0) chunks = 1;
    while (order->sent < order->limit && order->sent < chunks) {
        if (!say_chunk(hub, order)) {
            free_order(hub, order);
            return;
        }
        order->sent++;
    }
    if (order->sent < chunks) {
        deadlines_set(&hub->deadlines, &order->due, order->heard_ms + TAKEN_MS);
        return;
    }
    if (order->partner != NULL)
        order->partner->metrics.served_total++;
    else
        hub->metrics.bus_served_total++;
    free_order(hub, order);
}

/* Whether so many bytes may go on their way. What is not taken stays, so a partner has a
   second's worth on its way at most. */
static bool has_room(struct hub *hub, const struct order *order, size_t size)
{
    const struct hub_config *config = &hub->config;
    struct partner *partner = order->partner;
    size_t rate = config->partner_bytes_rate;
    if (partner == NULL)
        return hub->metrics.bus_orders_bytes + size <= config->bus_orders_bytes_max;
    if (rate == 0 || partner->outgoing == 0 || partner->outgoing + size <= rate)
        return true;
    partners_refuse(hub, partner, REASON_PARTNER_RATE);
    return false;
}

static void begin(struct hub *hub, struct order *order, struct message *message, size_t at,
                  size_t size)
{
    struct partner *partner = order->partner;
    if (partner != NULL) {
        limits_overdraw(&partner->sent, hub->config.partner_bytes_rate, size, hub->now_ms);
        partner->metrics.served_bytes_total += size;
        claims_meet(hub, order->interest, partner);
    }
    detach(hub, order);
    order->body = message_ref(message);
    order->body_at = at;
    order->body_size = size;
    order->heard_ms = hub->now_ms;
    count_bytes(hub, order, true);
    pump(hub, order);
}

void orders_serve(struct hub *hub, const struct page *page, struct message *message,
                  size_t at, size_t size)
{
    const struct interest *interest = interests_of(hub, page);
    while (interest != NULL && interest->orders != NULL) {
        struct order *order = interest->orders;
        if (size > order->page_max) {
            refuse(hub, order, BUS_NO_HOLDER);
        } else if (!has_room(hub, order, size)) {
            refuse(hub, order, BUS_NO_ROOM);
        } else {
            begin(hub, order, message, at, size);
        }
    }
}

static enum bus_no no_of(const struct page *page)
{
    return page->failure == REASON_SILENT        ? BUS_NO_ANSWER
           : page->failure == REASON_WRONG_BYTES ? BUS_NO_RIGHT_ANSWER
           : page->failure == REASON_BUSY        ? BUS_NO_ROOM
                                                 : BUS_NO_HOLDER;
}

void orders_refuse(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    while (interest != NULL && interest->orders != NULL)
        refuse(hub, interest->orders, no_of(page));
}

void orders_refuse_near(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    struct order *next, *order = interest == NULL ? NULL : interest->orders;
    for (; order != NULL; order = next) {
        next = order->next;
        if (order->partner == NULL) refuse(hub, order, no_of(page));
    }
}

bool orders_wait(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    return interest != NULL && interest->orders != NULL;
}

static bool waits(struct hub *hub, const struct page *page, bool far)
{
    const struct interest *interest = interests_of(hub, page);
    const struct order *order = interest == NULL ? NULL : interest->orders;
    while (order != NULL && (order->partner != NULL) != far)
        order = order->next;
    return order != NULL;
}

bool orders_wait_far(struct hub *hub, const struct page *page)
{
    return waits(hub, page, true);
}

bool orders_wait_near(struct hub *hub, const struct page *page)
{
    return waits(hub, page, false);
}

struct denied {
    struct hub *hub;
    struct order *order;
};

static void collect_denied(struct table_link *link, void *context)
{
    struct denied *denied = context;
    struct order *order = MEMORY_OWNER(link, struct order, link);
    if (order->partner != NULL && order->body != NULL &&
        deny_has(denied->hub->denied, &order->hash))
        denied->order = order;
}

void orders_drop_denied(struct hub *hub)
{
    struct denied denied = {hub, NULL};
    if (hub->bus == NULL || hub->bus->partners_count == 0) return;
    do {
        denied.order = NULL;
        table_visit(&hub->bus->orders, collect_denied, &denied);
        if (denied.order != NULL) refuse(hub, denied.order, BUS_NO_HOLDER);
    } while (denied.order != NULL);
}

void orders_due(struct hub *hub, struct order *order)
{
    struct page *page = NULL;
    if (order->body != NULL) {
        free_order(hub, order);
    } else if (hub->now_ms < order->begun_ms + hub->config.answer_total_ms) {
        say_sign(hub, order);
        deadlines_set(&hub->deadlines, &order->due, hub->now_ms + SIGN_MS);
    } else {
        page = pages_find(hub, &order->interest->hash);
        refuse(hub, order, BUS_NO_ANSWER);
        relay_order_left(hub, page);
    }
}

static void collect(struct table_link *link, void *context)
{
    *(struct order **)context = MEMORY_OWNER(link, struct order, link);
}

void orders_end(struct hub *hub)
{
    while (hub->bus->orders.count > 0) {
        struct order *order = NULL;
        table_visit(&hub->bus->orders, collect, &order);
        struct page *page =
            order->interest == NULL ? NULL : pages_find(hub, &order->interest->hash);
        free_order(hub, order);
        if (page != NULL) relay_order_left(hub, page);
    }
    table_clear(&hub->bus->orders);
}

/* ---- hearing ---- */

/* Why an order cannot be taken, if it cannot. */
static bool admit(struct hub *hub, const struct page *page, uint64_t from, enum bus_no *no)
{
    const struct hub_config *config = &hub->config;
    struct node *node = nodes_find(hub, from);
    struct bucket *bucket = node == NULL ? &hub->bus->strangers : &node->wants;
    *no = BUS_NO_ROOM;
    if (!limits_take(bucket, config->bus_want_rate, config->bus_want_burst, hub->now_ms)) {
        hub->metrics.refusals[REASON_BUS_RATE]++;
        return false;
    }
    if (page == NULL || page->holders.count == page->away) {
        *no = BUS_NO_HOLDER;
        return false;
    }
    if (interests_of(hub, page) != NULL &&
        hub->metrics.bus_orders < config->bus_orders_max && !memory_is_short())
        return true;
    hub->metrics.refusals[REASON_BUSY]++;
    return false;
}

static void attach(struct hub *hub, struct order *order, struct page *page)
{
    order->interest = interests_of(hub, page);
    order->next = order->interest->orders;
    order->interest->orders = order;
    say_sign(hub, order);
    deadlines_set(&hub->deadlines, &order->due, hub->now_ms + SIGN_MS);
    relay_order_came(hub, page);
}

bool orders_hear(struct hub *hub, const struct bus_message *message,
                 const struct bus_record *record)
{
    const struct bus_subject *reply = &message->reply;
    enum bus_no no;
    if (reply->kind != BUS_INBOX || reply->side != BUS_HOME || reply->every) return false;
    if (reply->node == hub->bus->node) {
        wants_nobody(hub, reply->request);
        return true;
    }
    if (find(hub, NULL, reply->node, reply->request) != NULL) return true;
    struct page *page = pages_find(hub, &record->hash);
    struct order *order = NULL;
    if (admit(hub, page, reply->node, &no)) order = order_new(hub, NULL, reply, record);
    if (order == NULL)
        say_no(hub, reply, no);
    else
        attach(hub, order, page);
    return true;
}

/* Why a partner's order cannot be taken; REASON_NONE if it can. */
static enum reason admit_far(struct hub *hub, struct partner *partner,
                             const struct page_hash *hash)
{
    const struct hub_config *config = &hub->config;
    uint32_t rate = config->partner_want_rate;
    if (!limits_take(&partner->wants, rate, rate, hub->now_ms) ||
        !limits_has_left(&partner->sent, hub->now_ms))
        return REASON_PARTNER_RATE;
    if (partner->metrics.orders >= config->partner_orders_max) return REASON_PARTNER_ORDERS;
    if (deny_has(hub->denied, hash)) return REASON_BLOCKED;
    if (hub->line_first != NULL || !line_has_memory(hub, 1) || memory_is_short())
        return REASON_BUSY;
    return REASON_NONE;
}

static struct order *take_far(struct hub *hub, struct partner *partner,
                              const struct bus_subject *to, const struct bus_record *record)
{
    struct page *page = pages_new(hub, &record->hash);
    struct order *order = NULL;
    if (page == NULL) return NULL;
    if (interests_of(hub, page) != NULL) order = order_new(hub, partner, to, record);
    if (order != NULL)
        attach(hub, order, page);
    else
        pages_settle(hub, page);
    return order;
}

bool orders_hear_far(struct hub *hub, struct partner *partner,
                     const struct bus_record *record)
{
    struct bus_subject to = inbox_of(partner, record->node, record->request);
    if (find(hub, partner, record->node, record->request) != NULL) return false;
    enum reason reason = admit_far(hub, partner, &record->hash);
    if (reason == REASON_NONE && take_far(hub, partner, &to, record) == NULL)
        reason = REASON_BUSY;
    if (reason == REASON_NONE) return true;
    say_no(hub, &to, reason == REASON_BLOCKED ? BUS_NO_HOLDER : BUS_NO_ROOM);
    partners_refuse(hub, partner, reason);
    return true;
}

/* False if it grants nothing. */
static bool take_credit(struct hub *hub, struct order *order, uint32_t limit)
{
    uint32_t most = order->sent + ORDERS_WINDOW;
    if (order->body == NULL || limit <= order->limit) return false;
    order->heard_ms = hub->now_ms;
    order->limit = limit < most ? limit : most;
    pump(hub, order);
    return true;
}

bool orders_hear_more(struct hub *hub, const struct partner *partner,
                      const struct bus_record *record)
{
    struct order *order = find(hub, partner, record->node, record->request);
    if (order == NULL) return false;
    if (record->kind == BUS_CREDIT) return take_credit(hub, order, record->limit);
    struct page *page =
        order->interest == NULL ? NULL : pages_find(hub, &order->interest->hash);
    free_order(hub, order);
    if (page != NULL) relay_order_left(hub, page);
    return true;
}
