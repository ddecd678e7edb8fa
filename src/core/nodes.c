/* The other nodes.

   A node is known from the first word of it until its bye, or until it has been silent for
   bus_silence_ms; then its cells go, some at a time, and the node with the last of them. A
   larger incarnation is a new life of the same node: what the old one told is stale. A
   smaller one is over and is not heeded. When a node is heard that was not known, or one of
   whose heartbeats one is missing, something may have been lost in both directions: all
   interests are told and asked for again.

   When a node goes, or dies, its holders come back to others within moments: until they had
   time for that, what nobody holds is not missing (awaited.c). A death is noticed late, but
   the bus knows of it at once. So before a page is said to be missing the roll is called:
   each node is sent a word, and if nobody is there to get it, the bus says so. */
#include "nodes.h"

#include "awaited.h"
#include "cells.h"
#include "cluster.h"
#include "interests.h"
#include "memory.h"

#include <stddef.h>
#include <string.h>

#define STALE_AT_ONCE 500
#define STALE_PAUSE_MS 2
#define ROLL_PAUSE_MS 1000

static uint64_t key_of(const struct hub *hub, uint64_t id)
{
    return siphash(hub->secret, &id, sizeof id);
}

/* Those that are gone included. */
static struct node *find(struct hub *hub, uint64_t id)
{
    struct table_link *link = table_first(&hub->bus->nodes, key_of(hub, id));
    for (; link != NULL; link = table_next(link)) {
        struct node *node = MEMORY_OWNER(link, struct node, link);
        if (node->id == id) return node;
    }
    return NULL;
}

struct node *nodes_find(struct hub *hub, uint64_t id)
{
    struct node *node = find(hub, id);
    return node == NULL || node->gone ? NULL : node;
}

static struct node *node_new(struct hub *hub, uint64_t id)
{
    struct bus *bus = hub->bus;
    if (bus->nodes.count >= hub->config.bus_nodes_max) {
        hub->metrics.refusals[REASON_BUS_NODES]++;
        return NULL;
    }
    struct node *node = memory_new(sizeof *node);
    if (node == NULL || !deadlines_admit(&hub->deadlines, 1)) {
        memory_free(node);
        return NULL;
    }
    if (!table_add(&bus->nodes, &node->link, key_of(hub, id))) {
        deadlines_dismiss(&hub->deadlines, 1);
        memory_free(node);
        return NULL;
    }
    node->id = id;
    node->gone = true;
    node->due.kind = DEADLINE_NODE;
    ring_init(&node->cells);
    ring_init(&node->stale);
    return node;
}

static void free_node(struct hub *hub, struct node *node)
{
    deadlines_unset(&hub->deadlines, &node->due);
    deadlines_dismiss(&hub->deadlines, 1);
    table_remove(&hub->bus->nodes, &node->link);
    memory_free(node);
}

/* All that it told is not to be believed any more. */
static void make_stale(struct node *node)
{
    node->life++;
    ring_append_all(&node->stale, &node->cells);
}

/* Sets when something is to be done about the node if nothing is heard of it. */
static void schedule(struct hub *hub, struct node *node)
{
    uint64_t due = node->heard_ms + hub->config.bus_silence_ms;
    if (node->gone || !ring_is_empty(&node->stale)) due = hub->now_ms + STALE_PAUSE_MS;
    deadlines_set(&hub->deadlines, &node->due, due);
}

static void lose(struct hub *hub, struct node *node)
{
    awaited_grace(hub);
    node->gone = true;
    hub->metrics.bus_nodes--;
    make_stale(node);
    schedule(hub, node);
}

struct node *nodes_hear(struct hub *hub, uint64_t id, uint64_t incarnation)
{
    struct node *node = find(hub, id);
    if (node == NULL) node = node_new(hub, id);
    if (node == NULL || incarnation < node->incarnation) return NULL;
    bool born = node->gone || incarnation > node->incarnation;
    node->heard_ms = hub->now_ms;
    if (!born) return node;
    hub->metrics.bus_nodes += node->gone ? 1 : 0;
    node->gone = false;
    node->incarnation = incarnation;
    node->since_ms = hub->now_ms;
    node->alive_seq = 0;
    make_stale(node);
    schedule(hub, node);
    interests_walk_soon(hub);
    return node;
}

/* Only one that an operator can be shown. */
static void take_name(struct node *node, struct slice name)
{
    if (name.size > BUS_NAME_MAX) return;
    memcpy(node->name, name.data, name.size);
    node->name[name.size] = '\0';
    if (!bus_name_is_valid(node->name)) node->name[0] = '\0';
}

void nodes_alive(struct hub *hub, const struct bus_record *record)
{
    struct node *node = nodes_hear(hub, record->node, record->incarnation);
    if (node == NULL) return;
    take_name(node, record->rest);
    if (node->alive_seq != 0 && record->seq > node->alive_seq + 1) interests_walk_soon(hub);
    if (record->seq > node->alive_seq) node->alive_seq = record->seq;
}

void nodes_bye(struct hub *hub, const struct bus_record *record)
{
    struct node *node = nodes_find(hub, record->node);
    if (node != NULL && node->incarnation == record->incarnation) lose(hub, node);
}

void nodes_due(struct hub *hub, struct node *node)
{
    if (!node->gone && hub->now_ms >= node->heard_ms + hub->config.bus_silence_ms)
        lose(hub, node);
    for (int i = 0; i < STALE_AT_ONCE && !ring_is_empty(&node->stale); i++)
        cells_drop(hub, MEMORY_OWNER(node->stale.next, struct cell, ring));
    if (node->gone && ring_is_empty(&node->stale))
        free_node(hub, node);
    else
        schedule(hub, node);
}

/* What is published is nothing to the node (there is no such request): what counts is
   whether the bus finds anybody who is to have it. */
static void call(struct table_link *link, void *context)
{
    struct hub *hub = context;
    const struct node *node = MEMORY_OWNER(link, struct node, link);
    struct bus_effect effect = {
        .kind = EFFECT_PUBLISH,
        .subject = {.kind = BUS_NODE, .node = node->id},
        .reply = {.kind = BUS_INBOX, .node = hub->bus->node, .request = NODES_ROLL}};
    struct bus_record record = {
        .kind = BUS_CANCEL, .node = hub->bus->node, .request = NODES_ROLL};
    if (node->gone) return;
    effect.head_size = bus_record_write(&record, effect.head);
    cluster_queue(hub, &effect);
}

void nodes_call_roll(struct hub *hub)
{
    struct bus *bus = hub->bus;
    if (bus->roll_ms != 0 && hub->now_ms < bus->roll_ms + ROLL_PAUSE_MS) return;
    bus->roll_ms = hub->now_ms;
    table_visit(&bus->nodes, call, hub);
}

struct listing {
    void (*tell)(const struct hub_node *node, void *context);
    void *context;
    uint64_t now_ms;
};

static void list(struct table_link *link, void *context)
{
    const struct node *node = MEMORY_OWNER(link, struct node, link);
    const struct listing *listing = context;
    struct hub_node told = {.name = node->name,
                            .pages = node->pages,
                            .holders = node->holders,
                            .age_ms = listing->now_ms - node->since_ms,
                            .silent_ms = listing->now_ms - node->heard_ms};
    if (!node->gone) listing->tell(&told, listing->context);
}

void hub_list_nodes(const struct hub *hub, uint64_t now_ms,
                    void (*tell)(const struct hub_node *node, void *context), void *context)
{
    struct listing listing = {tell, context, now_ms};
    if (hub->bus != NULL) table_visit(&hub->bus->nodes, list, &listing);
}

static void collect(struct table_link *link, void *context)
{
    *(struct node **)context = MEMORY_OWNER(link, struct node, link);
}

void nodes_end(struct hub *hub)
{
    struct bus *bus = hub->bus;
    while (bus->nodes.count > 0) {
        struct node *node = NULL;
        table_visit(&bus->nodes, collect, &node);
        free_node(hub, node);
    }
    hub->metrics.bus_nodes = 0;
    table_clear(&bus->nodes);
}
