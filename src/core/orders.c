/* Orders: pages that other nodes want of this one.

   An order waits for the page like a seeker, in the same fetch, but only for holders of this
   node: so no want goes in circles. Whilst it waits, its node is given a sign each second.
   Then the page is published in chunks, ORDERS_WINDOW of them on their way; they refer to the
   message in which the page came, so that many orders cost one copy. The number of orders, the
   bytes on their way and the rate of each node are bounded; what is over is refused at
   once, and its node asks another. */
#include "orders.h"

#include "cluster.h"
#include "interests.h"
#include "limits.h"
#include "memory.h"
#include "nodes.h"
#include "pages.h"
#include "relay.h"
#include "wants.h"

#include <stddef.h>

#define SIGN_MS 1000
#define TAKEN_MS 10000 /* an asker that takes nothing for so long has gone */

static uint64_t key_of(const struct hub *hub, uint64_t node, uint64_t request)
{
    uint64_t name[2] = {node, request};
    return siphash(hub->secret, name, sizeof name);
}

static struct order *find(struct hub *hub, uint64_t node, uint64_t request)
{
    struct table_link *link = table_first(&hub->bus->orders, key_of(hub, node, request));
    for (; link != NULL; link = table_next(link)) {
        struct order *order = MEMORY_OWNER(link, struct order, link);
        if (order->node == node && order->request == request) return order;
    }
    return NULL;
}

/* ---- saying ---- */

static bool say(struct hub *hub, uint64_t node, uint64_t request,
                const struct bus_record *record)
{
    struct bus_subject inbox = {.kind = BUS_INBOX, .node = node, .request = request};
    return cluster_publish(hub, &inbox, record);
}

static void say_no(struct hub *hub, const struct bus_subject *to, enum bus_no reason)
{
    struct bus_record no = {
        .kind = BUS_NO, .node = hub->bus->node, .reason = (uint8_t)reason};
    say(hub, to->node, to->request, &no);
}

static void say_sign(struct hub *hub, const struct order *order)
{
    struct bus_record sign = {.kind = BUS_SIGN, .node = hub->bus->node};
    say(hub, order->node, order->request, &sign);
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
        .subject = {.kind = BUS_INBOX, .node = order->node, .request = order->request},
        .body = message_ref(order->body),
        .body_at = order->body_at + at,
        .body_size = left < BUS_CHUNK_BYTES ? left : BUS_CHUNK_BYTES};
    effect.head_size = bus_record_write(&chunk, effect.head);
    return cluster_queue(hub, &effect);
}

/* ---- the life of an order ---- */

static struct order *order_new(struct hub *hub, const struct bus_subject *reply,
                               const struct bus_record *record)
{
    struct order *order = memory_new(sizeof *order);
    if (order == NULL || !deadlines_admit(&hub->deadlines, 1)) {
        memory_free(order);
        return NULL;
    }
    if (!table_add(&hub->bus->orders, &order->link,
                   key_of(hub, reply->node, reply->request))) {
        deadlines_dismiss(&hub->deadlines, 1);
        memory_free(order);
        return NULL;
    }
    order->due.kind = DEADLINE_ORDER;
    order->node = reply->node;
    order->request = reply->request;
    order->begun_ms = order->heard_ms = hub->now_ms;
    order->page_max = record->page_max;
    order->limit = record->limit < ORDERS_WINDOW ? record->limit : ORDERS_WINDOW;
    hub->metrics.bus_orders++;
    return order;
}

/* It does not wait any more. */
static void detach(struct order *order)
{
    struct order **at = &order->interest->orders;
    while (*at != order)
        at = &(*at)->next;
    *at = order->next;
    order->interest = NULL;
}

static void free_order(struct hub *hub, struct order *order)
{
    if (order->interest != NULL) detach(order);
    if (order->body != NULL) hub->metrics.bus_orders_bytes -= order->body_size;
    message_unref(order->body);
    deadlines_unset(&hub->deadlines, &order->due);
    deadlines_dismiss(&hub->deadlines, 1);
    table_remove(&hub->bus->orders, &order->link);
    memory_free(order);
    hub->metrics.bus_orders--;
}

static void refuse(struct hub *hub, struct order *order, enum bus_no reason)
{
    struct bus_subject to = {.node = order->node, .request = order->request};
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
    hub->metrics.bus_served_total++;
    free_order(hub, order);
}

void orders_serve(struct hub *hub, const struct page *page, struct message *message,
                  size_t at, size_t size)
{
    const struct interest *interest = interests_of(hub, page);
    while (interest != NULL && interest->orders != NULL) {
        struct order *order = interest->orders;
        if (size > order->page_max) {
            refuse(hub, order, BUS_NO_HOLDER);
        } else if (hub->metrics.bus_orders_bytes + size >
                   hub->config.bus_orders_bytes_max) {
            refuse(hub, order, BUS_NO_ROOM);
        } else {
            detach(order);
            order->body = message_ref(message);
            order->body_at = at;
            order->body_size = size;
            order->heard_ms = hub->now_ms;
            hub->metrics.bus_orders_bytes += size;
            pump(hub, order);
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

bool orders_wait(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    return interest != NULL && interest->orders != NULL;
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
        free_order(hub, order);
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

bool orders_hear(struct hub *hub, const struct bus_message *message,
                 const struct bus_record *record)
{
    const struct bus_subject *reply = &message->reply;
    enum bus_no no;
    if (reply->kind != BUS_INBOX || reply->every) return false;
    if (reply->node == hub->bus->node) {
        wants_nobody(hub, reply->request);
        return true;
    }
    if (find(hub, reply->node, reply->request) != NULL) return true;
    struct page *page = pages_find(hub, &record->hash);
    struct order *order = NULL;
    if (admit(hub, page, reply->node, &no)) order = order_new(hub, reply, record);
    if (order == NULL) {
        say_no(hub, reply, no);
        return true;
    }
    order->interest = interests_of(hub, page);
    order->next = order->interest->orders;
    order->interest->orders = order;
    say_sign(hub, order);
    deadlines_set(&hub->deadlines, &order->due, hub->now_ms + SIGN_MS);
    relay_order_came(hub, page);
    return true;
}

void orders_hear_more(struct hub *hub, const struct bus_record *record)
{
    struct order *order = find(hub, record->node, record->request);
    if (order == NULL) return;
    if (record->kind == BUS_CREDIT && order->body != NULL) {
        uint32_t most = order->sent + ORDERS_WINDOW;
        order->heard_ms = hub->now_ms;
        if (record->limit > order->limit)
            order->limit = record->limit < most ? record->limit : most;
        pump(hub, order);
    } else if (record->kind == BUS_CANCEL) {
        struct page *page =
            order->interest == NULL ? NULL : pages_find(hub, &order->interest->hash);
        free_order(hub, order);
        if (page != NULL) relay_order_left(hub, page);
    }
}
