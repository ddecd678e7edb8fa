/* The hub among others: the way out to the bus and in from it, and this node's heartbeat.

   Without a node's name in its settings a hub has no struct bus, and all else in the core
   tests that one pointer. Effects for the bus wait in a list of their own. Whatever cannot
   be queued, or is published whilst the connection is down, is lost as it might be lost on
   the way: everything that nodes say to each other is said again. Every message is read
   here, once, and passed to those whom its subject and kind concern: nodes.c (who lives),
   cells.c (who is at a page), wants.c (answers to this node), orders.c (wants of others). */
#include "cluster.h"

#include "awaited.h"
#include "cells.h"
#include "chance.h"
#include "interests.h"
#include "memory.h"
#include "nodes.h"
#include "orders.h"
#include "partners.h"
#include "wants.h"

#include <assert.h>

#define BUS_DEADLINES 2 /* the heartbeat's, and the walk's */
#define JITTER_PERCENT 12

/* ---- out ---- */

static void drop_effects(struct bus *bus)
{
    while (bus->first != NULL) {
        struct bus_queued *first = bus->first;
        bus->first = first->next;
        message_unref(first->effect.body);
        memory_free(first);
    }
    bus->last = &bus->first;
}

bool cluster_queue(struct hub *hub, const struct bus_effect *effect)
{
    bool up = cluster_is_up(hub);
    struct bus_queued *queued = up ? memory_take(sizeof *queued) : NULL;
    if (queued == NULL) {
        message_unref(effect->body);
        hub->metrics.bus_lost_total += up ? 1 : 0;
        return false;
    }
    queued->next = NULL;
    queued->effect = *effect;
    *hub->bus->last = queued;
    hub->bus->last = &queued->next;
    if (effect->kind == EFFECT_PUBLISH) hub->metrics.bus_published_total++;
    return true;
}

bool cluster_publish(struct hub *hub, const struct bus_subject *subject,
                     const struct bus_record *record)
{
    struct bus_effect effect = {.kind = EFFECT_PUBLISH, .subject = *subject};
    effect.head_size = bus_record_write(record, effect.head);
    return cluster_queue(hub, &effect);
}

bool cluster_tell(struct hub *hub, uint64_t node, const struct bus_record *record)
{
    struct bus_subject subject = {.kind = BUS_NODE, .node = node};
    return cluster_publish(hub, &subject, record);
}

bool hub_next_bus_effect(struct hub *hub, struct bus_effect *effect)
{
    struct bus *bus = hub->bus;
    if (bus == NULL || bus->first == NULL) return false;
    struct bus_queued *first = bus->first;
    *effect = first->effect;
    bus->first = first->next;
    if (bus->first == NULL) bus->last = &bus->first;
    memory_free(first);
    return true;
}

/* ---- this node's life ---- */

static void say_alive(struct hub *hub, enum bus_kind kind)
{
    static const struct bus_subject everybody = {.kind = BUS_HEARTBEAT};
    struct bus *bus = hub->bus;
    struct bus_record record = {.kind = kind,
                                .node = bus->node,
                                .incarnation = hub->config.incarnation,
                                .seq = ++bus->alive_seq,
                                .rest = slice_of(hub->config.node)};
    cluster_publish(hub, &everybody, &record);
}

void cluster_alive_due(struct hub *hub)
{
    uint32_t period = hub->config.bus_heartbeat_ms;
    uint32_t jitter = period * JITTER_PERCENT / 100;
    deadlines_set(&hub->deadlines, &hub->bus->alive_due,
                  hub->now_ms + period - jitter + chance(hub, 2 * jitter + 1));
    say_alive(hub, hub->bus->going ? BUS_GOING : BUS_ALIVE);
}

static void subscribe_always(struct hub *hub)
{
    uint64_t node = hub->bus->node;
    const struct bus_effect effects[] = {
        {.kind = EFFECT_SUBSCRIBE, .subscription = 1, .subject = {.kind = BUS_HEARTBEAT}},
        {.kind = EFFECT_SUBSCRIBE,
         .subscription = 2,
         .subject = {.kind = BUS_NODE, .node = node}},
        {.kind = EFFECT_SUBSCRIBE,
         .subscription = 3,
         .subject = {.kind = BUS_INBOX, .every = true, .node = node}},
    };
    for (size_t i = 0; i < sizeof effects / sizeof effects[0]; i++)
        cluster_queue(hub, &effects[i]);
}

/* The connection is gone, or is not used any more. */
static void go_down(struct hub *hub, enum bus_state state)
{
    struct bus *bus = hub->bus;
    bus->state = state;
    drop_effects(bus);
    deadlines_unset(&hub->deadlines, &bus->alive_due);
    partners_bus_down(hub);
    interests_bus_down(hub);
}

void hub_bus_up(struct hub *hub, bool up, uint64_t now_ms)
{
    struct bus *bus = hub->bus;
    hub->now_ms = now_ms;
    if (bus == NULL || bus->state == BUS_NAME_TAKEN || up == (bus->state == BUS_UP)) return;
    if (up) {
        bus->state = BUS_UP;
        subscribe_always(hub);
        cluster_alive_due(hub);
        partners_bus_up(hub);
        interests_bus_up(hub);
    } else {
        go_down(hub, BUS_DOWN);
    }
    hub_settle(hub);
}

void hub_bus_go(struct hub *hub, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    if (!cluster_is_up(hub)) return;
    hub->bus->going = true;
    cluster_alive_due(hub);
    awaited_grace(hub);
    hub_settle(hub);
}

void hub_bus_leave(struct hub *hub, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    if (cluster_is_up(hub)) say_alive(hub, BUS_BYE);
}

enum bus_state hub_bus_state(const struct hub *hub)
{
    return hub->bus == NULL ? BUS_NONE : hub->bus->state;
}

/* Somebody says that it is this node. The younger one is believed by all others, so the
   older one goes. */
static void meet_double(struct hub *hub, const struct bus_record *record)
{
    if (record->incarnation == hub->config.incarnation) return; /* our own words */
    hub->metrics.refusals[REASON_BUS_NAME]++;
    if (record->incarnation > hub->config.incarnation) go_down(hub, BUS_NAME_TAKEN);
}

/* ---- in ---- */

static bool hear_heartbeat(struct hub *hub, const struct bus_record *record)
{
    bool bye = record->kind == BUS_BYE, going = record->kind == BUS_GOING;
    if (record->kind != BUS_ALIVE && !bye && !going) return false;
    if (record->node == hub->bus->node)
        meet_double(hub, record);
    else if (bye)
        nodes_bye(hub, record);
    else
        nodes_alive(hub, record);
    if (going) awaited_grace(hub);
    return true;
}

static bool hear_cell(struct hub *hub, const struct page_hash *hash,
                      const struct bus_record *record)
{
    if (record->node == hub->bus->node)
        meet_double(hub, record);
    else
        cells_hear(hub, hash, record);
    return true;
}

/* What is said to this node alone. */
static bool hear_told(struct hub *hub, const struct bus_message *message,
                      const struct bus_record *record)
{
    if (message->subject.node != hub->bus->node) return false;
    switch (record->kind) {
    case BUS_CELL_ANSWER: return hear_cell(hub, &record->hash, record);
    case BUS_ORDER: return orders_hear(hub, message, record);
    case BUS_CREDIT:
    case BUS_CANCEL: orders_hear_more(hub, NULL, record); return true;
    default: return false;
    }
}

static bool hear_inbox(struct hub *hub, const struct bus_message *message,
                       const struct bus_record *record)
{
    if (message->subject.node != hub->bus->node || message->subject.every ||
        (record->kind != BUS_SIGN && record->kind != BUS_CHUNK && record->kind != BUS_NO))
        return false;
    wants_hear(hub, NULL, message->subject.request, record);
    return true;
}

/* False if no such message is to be on such a subject. */
static bool hear(struct hub *hub, const struct bus_message *message,
                 const struct bus_record *record)
{
    if (message->subject.side != BUS_HOME) return false;
    switch (message->subject.kind) {
    case BUS_HEARTBEAT: return hear_heartbeat(hub, record);
    case BUS_NODE: return hear_told(hub, message, record);
    case BUS_INBOX: return hear_inbox(hub, message, record);
    case BUS_WANT:
        return record->kind == BUS_ORDER &&
               hash_equal(&record->hash, &message->subject.hash) &&
               orders_hear(hub, message, record);
    case BUS_PRESENCE:
        return (record->kind == BUS_CELL || record->kind == BUS_CELL_ASK) &&
               hear_cell(hub, &message->subject.hash, record);
    case BUS_CLAIMS:
    case BUS_NOTHING: break;
    }
    return false;
}

void hub_bus(struct hub *hub, const struct bus_message *message, uint64_t now_ms)
{
    struct bus_record record;
    hub->now_ms = now_ms;
    if (!cluster_is_up(hub)) return;
    hub->metrics.bus_received_total++;
    if (message->subject.side == BUS_FROM)
        partners_hear(hub, message);
    else if (message->nobody && message->subject.kind == BUS_INBOX &&
             message->subject.side == BUS_HOME && message->subject.node == hub->bus->node)
        wants_nobody(hub, message->subject.request);
    else if (message->nobody || !bus_record_read(message->bytes, message->size, &record) ||
             !hear(hub, message, &record))
        hub->metrics.refusals[REASON_BUS_MESSAGE]++;
    hub_settle(hub);
}

/* ---- beginning and end ---- */

bool cluster_begin(struct hub *hub)
{
    assert(bus_name_is_valid(hub->config.node));
    struct bus *bus = memory_new(sizeof *bus);
    if (bus == NULL || !deadlines_admit(&hub->deadlines, BUS_DEADLINES)) {
        memory_free(bus);
        return false;
    }
    bus->state = BUS_DOWN;
    bus->node = bus_node_of(hub->config.node);
    /* Not those of an earlier life, to which answers may still be on their way. */
    bus->requests = siphash(hub->secret, &hub->config.incarnation, sizeof(uint64_t));
    bus->last = &bus->first;
    bus->alive_due.kind = DEADLINE_ALIVE;
    bus->walk_due.kind = DEADLINE_WALK;
    bus->interests_made = PARTNERS_SUBSCRIPTIONS_END / 2 - 1; /* their own come after */
    ring_init(&bus->walk);
    hub->bus = bus;
    return partners_begin(hub);
}

void cluster_end(struct hub *hub)
{
    struct bus *bus = hub->bus;
    if (bus == NULL) return;
    go_down(hub, BUS_NAME_TAKEN);
    orders_end(hub);
    interests_end(hub);
    nodes_end(hub);
    partners_end(hub);
    table_clear(&bus->wants);
    deadlines_dismiss(&hub->deadlines, BUS_DEADLINES);
    hub->bus = NULL;
    memory_free(bus);
}
