/* Several hubs as nodes of one cluster: see cluster.h. */
#include "cluster.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const names[NODES] = {"a", "b", "c"};

struct net net;

/* ---- the bus ---- */

static bool matches(const struct bus_subject *own, const struct bus_subject *subject)
{
    return own->kind == subject->kind && own->side == subject->side &&
           strcmp(own->partner, subject->partner) == 0 && own->node == subject->node &&
           (own->every || own->request == subject->request) &&
           hash_equal(&own->hash, &subject->hash);
}

/* Names an organisation; those that were not named are one. */
static const char *organisation_of(int node)
{
    return net.organisations[node] == NULL ? "" : net.organisations[node];
}

/* The subject as another node sees it, if it reaches that. */
static bool crosses(int from, int to, struct bus_subject *subject)
{
    if (subject->side == BUS_HOME)
        return strcmp(organisation_of(from), organisation_of(to)) == 0;
    if (subject->side != BUS_TO || strcmp(subject->partner, organisation_of(to)) != 0)
        return false;
    subject->side = BUS_FROM;
    snprintf(subject->partner, sizeof subject->partner, "%s", organisation_of(from));
    return true;
}

void hand(int node, const struct bus_message *message)
{
    hub_bus(net.nodes[node]->hub, message, net.nodes[node]->now_ms);
    settle(net.nodes[node]);
}

static bool hear_by_hand(const struct bus_message *message)
{
    const struct bus_subject *subject = &message->subject;
    bool far = subject->side == BUS_TO && net.partner_by_hand != NULL &&
               strcmp(subject->partner, net.partner_by_hand) == 0;
    bool mine = subject->node == net.by_hand || subject->kind == BUS_PRESENCE ||
                subject->kind == BUS_WANT || subject->kind == BUS_HEARTBEAT;
    mine = mine && subject->side == BUS_HOME && net.by_hand != 0;
    if (!(mine || far) || net.heard_count == KEPT) return false;
    struct heard *heard = &net.heard[net.heard_count++];
    heard->subject = message->subject;
    heard->reply = message->reply;
    assert_true(bus_record_read(message->bytes, message->size, &heard->record));
    heard->record.rest = (struct slice){0};
    return far || subject->kind == BUS_WANT || subject->node == net.by_hand;
}

static void publish(int from, const struct bus_effect *effect)
{
    static uint8_t bytes[BUS_MESSAGE_MAX];
    struct bus_message message = {.subject = effect->subject,
                                  .reply = effect->reply,
                                  .bytes = bytes,
                                  .size = effect->head_size + effect->body_size};
    memcpy(bytes, effect->head, effect->head_size);
    if (effect->body != NULL)
        memcpy(bytes + effect->head_size, message_bytes(effect->body) + effect->body_at,
               effect->body_size);
    bool anybody = hear_by_hand(&message), grouped = false;
    for (int i = 0; i < SUBSCRIPTIONS; i++) {
        int to = net.subscriptions[i].node;
        bool group = net.subscriptions[i].group;
        message.subject = effect->subject;
        if (!net.subscriptions[i].taken || to == from || (group && (grouped || anybody)) ||
            !crosses(from, to, &message.subject) ||
            !matches(&net.subscriptions[i].subject, &message.subject))
            continue;
        anybody = true;
        grouped |= group;
        hand(to, &message);
    }
    if (anybody || effect->reply.kind == BUS_NOTHING) return;
    struct bus_message nobody = {.subject = effect->reply, .nobody = true};
    hand(from, &nobody);
}

static void subscribe(int node, const struct bus_effect *effect)
{
    int i = 0;
    while (net.subscriptions[i].taken)
        i++;
    assert_true(i < SUBSCRIPTIONS);
    net.subscriptions[i].taken = true;
    net.subscriptions[i].group = effect->group;
    net.subscriptions[i].node = node;
    net.subscriptions[i].id = effect->subscription;
    net.subscriptions[i].subject = effect->subject;
}

static void unsubscribe(int node, uint64_t id)
{
    int i = 0;
    while (!(net.subscriptions[i].taken && net.subscriptions[i].node == node &&
             net.subscriptions[i].id == id))
        i++;
    assert_true(i < SUBSCRIPTIONS);
    net.subscriptions[i].taken = false;
}

static void carry_out(int node, struct bus_effect *effect)
{
    if (effect->kind == EFFECT_SUBSCRIBE) {
        subscribe(node, effect);
    } else if (effect->kind == EFFECT_UNSUBSCRIBE) {
        unsubscribe(node, effect->subscription);
    } else if (effect->kind == EFFECT_DEAF) {
        assert_int_equal(effect->subject.side, BUS_TO);
    } else if (net.holds_chunks && effect->head[0] == BUS_CHUNK) {
        assert_true(net.kept_count < KEPT);
        net.kept[net.kept_count++] = *effect;
        return;
    } else {
        publish(node, effect);
    }
    message_unref(effect->body);
}

/* Until nothing moves. */
void exchange(void)
{
    struct bus_effect effect;
    bool moved = true;
    while (moved) {
        moved = false;
        for (int i = 0; i < NODES; i++)
            while (net.nodes[i] != NULL &&
                   hub_next_bus_effect(net.nodes[i]->hub, &effect)) {
                moved = true;
                carry_out(i, &effect);
            }
    }
}

void pass_all(uint64_t ms)
{
    for (uint64_t passed = 0; passed < ms; passed += 10) {
        for (int i = 0; i < NODES; i++)
            if (net.nodes[i] != NULL) pass(net.nodes[i], 10);
        exchange();
    }
}

void set_up(int node, bool up)
{
    hub_bus_up(net.nodes[node]->hub, up, net.nodes[node]->now_ms);
    for (int i = 0; !up && i < SUBSCRIPTIONS; i++)
        if (net.subscriptions[i].node == node) net.subscriptions[i].taken = false;
    settle(net.nodes[node]);
    exchange();
}

struct hub_config config_of(int node)
{
    struct hub_config config = hub_config_default();
    snprintf(config.node, sizeof config.node, "%s", names[node]);
    config.incarnation = 1000;
    return config;
}

/* So many nodes that know each other. */
void begin(int count, const struct hub_config *config)
{
    net = (struct net){0};
    for (int i = 0; i < count; i++) {
        struct hub_config own = config == NULL ? config_of(i) : *config;
        snprintf(own.node, sizeof own.node, "%s", names[i]);
        net.nodes[i] = world_new(&own);
        set_up(i, true);
    }
    pass_all(3000);
}

void begin_organisations(int count, const char *const *organisations,
                         const struct hub_config *config)
{
    net = (struct net){0};
    for (int i = 0; i < count; i++) {
        struct hub_config own = config == NULL ? config_of(i) : *config;
        size_t partners = 0;
        snprintf(own.node, sizeof own.node, "%s", names[i]);
        while (own.partners[partners][0] != '\0')
            partners++;
        net.organisations[i] = organisations[i];
        for (int j = 0; j < count; j++)
            if (strcmp(organisations[j], organisations[i]) != 0 &&
                (j == 0 || strcmp(organisations[j], organisations[j - 1]) != 0))
                snprintf(own.partners[partners++], sizeof own.partners[0], "%s",
                         organisations[j]);
        net.nodes[i] = world_new(&own);
        set_up(i, true);
    }
    pass_all(3000);
}

void end(void)
{
    net.by_hand = 0;
    net.partner_by_hand = NULL;
    net.holds_chunks = false;
    for (size_t i = 0; i < net.kept_count; i++)
        message_unref(net.kept[i].body);
    for (int i = 0; i < NODES; i++) {
        if (net.nodes[i] == NULL) continue;
        set_up(i, false);
        world_free(net.nodes[i]);
        net.nodes[i] = NULL;
    }
}

/* ---- the node that is played by hand ---- */

struct page_hash hello(void)
{
    return hash_of("hello", 5);
}

void say_bytes_to(int node, const struct bus_subject *subject, const void *bytes,
                  size_t size)
{
    struct bus_message message = {.subject = *subject, .bytes = bytes, .size = size};
    hand(node, &message);
    exchange();
}

void say_to(int node, const struct bus_subject *subject, const struct bus_record *record,
            const void *body, size_t size)
{
    static uint8_t bytes[BUS_MESSAGE_MAX + 1];
    size_t head = bus_record_write(record, bytes);
    if (size > 0) memcpy(bytes + head, body, size);
    say_bytes_to(node, subject, bytes, head + size);
}

uint64_t partner_number(int node, const char *name)
{
    static char text[1 << 15];
    char start[100];
    struct print to = {.out = text, .size = sizeof text};
    hub_print_partners(&to, net.nodes[node]->hub);
    snprintf(start, sizeof start, "\nwhilst_partner_%s{", name);
    const char *row = strstr(text, start);
    assert_non_null(row);
    return strtoull(strstr(row, "} ") + 2, NULL, 10);
}

void say_far(const struct bus_subject *subject, const struct bus_record *record,
             const void *body, size_t size)
{
    struct bus_subject own = *subject;
    own.side = BUS_FROM;
    snprintf(own.partner, sizeof own.partner, "%s", net.partner_by_hand);
    say_to(0, &own, record, body, size);
}

/* It lives, and has so many holders of HELLO. */
void play(const char *name, uint32_t holders)
{
    struct bus_subject hb = {.kind = BUS_HEARTBEAT},
                       cells = {.kind = BUS_PRESENCE, .hash = hello()};
    struct bus_record alive = {.kind = BUS_ALIVE,
                               .node = bus_node_of(name),
                               .incarnation = 7,
                               .seq = 1,
                               .rest = slice_of(name)};
    struct bus_record cell = {.kind = BUS_CELL,
                              .node = alive.node,
                              .incarnation = 7,
                              .seq = 1,
                              .tally = {holders, 0, holders}};
    net.by_hand = alive.node;
    say_to(0, &hb, &alive, NULL, 0);
    if (holders > 0) say_to(0, &cells, &cell, NULL, 0);
}

/* The last message of this kind that it heard. */
const struct heard *last_heard(enum bus_kind kind)
{
    for (size_t i = net.heard_count; i-- > 0;)
        if (net.heard[i].record.kind == kind) return &net.heard[i];
    fail_msg("nothing of the kind %x was heard", (unsigned)kind);
    return NULL;
}

size_t count_heard(enum bus_kind kind)
{
    size_t count = 0;
    for (size_t i = 0; i < net.heard_count; i++)
        count += net.heard[i].record.kind == kind ? 1 : 0;
    return count;
}

uint64_t refused(int node, enum reason reason)
{
    return refusals(net.nodes[node], reason);
}

void fill(uint8_t *page, size_t size, char hex[HASH_HEX + 1])
{
    for (size_t i = 0; i < size; i++)
        page[i] = (uint8_t)(i * 31 + i / 251);
    struct page_hash hash = hash_of(page, size);
    hash_to_hex(&hash, 0, hex);
}

void pass_chunk(int from)
{
    struct bus_effect first = net.kept[0];
    memmove(net.kept, net.kept + 1, --net.kept_count * sizeof first);
    assert_int_equal(first.body_size, BUS_CHUNK_BYTES);
    publish(from, &first);
    message_unref(first.body);
    exchange();
}

bool is_subscribed(int node, enum bus_subject_kind kind)
{
    for (int i = 0; i < SUBSCRIPTIONS; i++)
        if (net.subscriptions[i].taken && net.subscriptions[i].node == node &&
            net.subscriptions[i].subject.kind == kind)
            return true;
    return false;
}
