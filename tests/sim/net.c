/* The bus of the simulated world: servers that know each other, machines connected to one of
   them, and what happens to messages in between.

   It does what NATS does: a message goes to all subscriptions of its subject, and to one of
   each group, wherever they are; a node is not given its own; a request that reaches nobody is
   told so. Messages from one machine to another keep their order, and other servers know of a
   new subscription a little later. In a storm messages are also lost, doubled and reordered,
   as they are when connections break. */
#include "world.h"

#include "bus.h"
#include "memory.h"

#include <stdlib.h>

#define BUS_DELAY_MS 20
#define KNOWN_AFTER_MS 40 /* a subscription, to other servers, at most */

/* ---- connections ---- */

void net_disconnect(struct machine *machine)
{
    machine->server = -1;
    machine->connection++;
    while (machine->subscriptions != NULL) {
        struct subscription *first = machine->subscriptions;
        machine->subscriptions = first->next;
        memory_free(first);
    }
    while (machine->packets != NULL) {
        struct packet *first = machine->packets;
        machine->packets = first->next;
        memory_free(first);
    }
}

static void go_down(struct world *world, struct machine *machine)
{
    net_disconnect(machine);
    machine->back_ms = world->now_ms + 50 + world_chance(world, 2000);
    hub_bus_up(machine->hub, false, machine_now_ms(world, machine));
    net_perform(world, machine);
}

static void come_up(struct world *world, struct machine *machine)
{
    uint32_t server = world_chance(world, WORLD_SERVERS);
    machine->back_ms = world->now_ms + 100;
    if (!world->servers[server].up) return;
    machine->server = (int)server;
    hub_bus_up(machine->hub, true, machine_now_ms(world, machine));
    net_perform(world, machine);
}

/* ---- messages ---- */

static bool reaches(const struct world *world, const struct machine *from,
                    const struct machine *to, const struct subscription *subscription)
{
    if (from == to || from->server < 0 || to->server < 0) return false;
    if (from->server == to->server) return true;
    return subscription->since_ms <= world->now_ms &&
           world->servers[from->server].cut_ms[to->server] <= world->now_ms;
}

static bool matches(const struct subscription *subscription,
                    const struct bus_subject *subject)
{
    const struct bus_subject *own = &subscription->subject;
    if (own->kind != subject->kind || own->side != subject->side) return false;
    switch (own->kind) {
    case BUS_NODE: return own->node == subject->node;
    case BUS_INBOX: return own->node == subject->node;
    case BUS_WANT:
    case BUS_PRESENCE: return hash_equal(&own->hash, &subject->hash);
    default: return true;
    }
}

static void insert(struct machine *to, struct packet *packet)
{
    struct packet **at = &to->packets;
    while (*at != NULL && (*at)->due_ms <= packet->due_ms)
        at = &(*at)->next;
    packet->next = *at;
    *at = packet;
}

static void put(struct world *world, struct machine *from, struct machine *to,
                const struct bus_message *message)
{
    struct packet *packet = memory_new(sizeof *packet + message->size);
    if (packet == NULL) abort();
    uint64_t *latest = &to->latest_ms[from - world->machines];
    packet->due_ms = world->now_ms + 1 + world_chance(world, BUS_DELAY_MS);
    if (packet->due_ms < *latest && !(world->stormy && world_chance(world, 20) == 0))
        packet->due_ms = *latest;
    if (packet->due_ms > *latest) *latest = packet->due_ms;
    packet->connection = to->connection;
    packet->message = *message;
    packet->message.bytes = packet->bytes;
    if (message->size > 0) memcpy(packet->bytes, message->bytes, message->size);
    insert(to, packet);
}

static void carry(struct world *world, struct machine *from, struct machine *to,
                  const struct bus_message *message)
{
    if (world->stormy && world_chance(world, 30) == 0) return;
    put(world, from, to, message);
    if (world->stormy && world_chance(world, 30) == 0) put(world, from, to, message);
}

/* To everybody who is subscribed, and to one of the group; whether there was anybody. */
static bool spread(struct world *world, struct machine *from,
                   const struct bus_message *message)
{
    struct machine *chosen = NULL;
    uint32_t members = 0;
    bool anybody = false;
    for (uint32_t i = 0; i < world->machines_count; i++) {
        struct machine *to = &world->machines[i];
        const struct subscription *s = to->subscriptions;
        for (; s != NULL; s = s->next) {
            if (!matches(s, &message->subject) || !reaches(world, from, to, s)) continue;
            anybody = true;
            if (!s->group)
                carry(world, from, to, message);
            else if (world_chance(world, ++members) == 0)
                chosen = to;
        }
    }
    if (chosen != NULL) carry(world, from, chosen, message);
    return anybody;
}

/* The partner hears it. */
static void take(struct world *world, const struct bus_effect *effect)
{
    struct bus_record record;
    if (effect->body == NULL && bus_record_read(effect->head, effect->head_size, &record) &&
        record.kind == BUS_FAR_ORDER) {
        world->wanted.node = record.node;
        world->wanted.request = record.request;
    }
}

static void publish(struct world *world, struct machine *from,
                    const struct bus_effect *effect)
{
    if (effect->subject.side == BUS_TO) {
        take(world, effect);
        return;
    }
    size_t size = effect->head_size + effect->body_size;
    uint8_t *bytes = malloc(size > 0 ? size : 1);
    memcpy(bytes, effect->head, effect->head_size);
    if (effect->body != NULL)
        memcpy(bytes + effect->head_size, message_bytes(effect->body) + effect->body_at,
               effect->body_size);
    struct bus_message message = {
        .subject = effect->subject, .reply = effect->reply, .bytes = bytes, .size = size};
    if (!spread(world, from, &message) && effect->reply.kind != BUS_NOTHING) {
        struct bus_message nobody = {.subject = effect->reply, .nobody = true};
        put(world, from, from, &nobody);
    }
    free(bytes);
}

static void subscribe(struct world *world, struct machine *machine,
                      const struct bus_effect *effect)
{
    struct subscription *subscription = memory_new(sizeof *subscription);
    if (subscription == NULL) abort();
    subscription->id = effect->subscription;
    subscription->subject = effect->subject;
    subscription->group = effect->group;
    subscription->since_ms = world->now_ms + world_chance(world, KNOWN_AFTER_MS);
    for (const struct subscription *s = machine->subscriptions; s != NULL; s = s->next)
        if (s->id == effect->subscription)
            world_fail(world, "a subscription's id is taken");
    subscription->next = machine->subscriptions;
    machine->subscriptions = subscription;
}

static void unsubscribe(struct world *world, struct machine *machine, uint64_t id)
{
    struct subscription **at = &machine->subscriptions;
    while (*at != NULL && (*at)->id != id)
        at = &(*at)->next;
    struct subscription *ended = *at;
    if (ended == NULL) {
        world_fail(world, "what was not subscribed to is unsubscribed from");
        return;
    }
    *at = ended->next;
    memory_free(ended);
}

void net_perform(struct world *world, struct machine *machine)
{
    struct bus_effect effect;
    while (hub_next_bus_effect(machine->hub, &effect)) {
        if (machine->server < 0) world_fail(world, "an effect for a bus that is down");
        if (effect.kind == EFFECT_PUBLISH)
            publish(world, machine, &effect);
        else if (effect.kind == EFFECT_SUBSCRIBE)
            subscribe(world, machine, &effect);
        else if (effect.kind == EFFECT_UNSUBSCRIBE)
            unsubscribe(world, machine, effect.subscription);
        message_unref(effect.body);
    }
}

/* ---- the partner ---- */

/* Where such a message belongs, most of the time. */
static struct bus_subject place_of(struct world *world, enum bus_kind kind)
{
    struct bus_subject subject = {.side = BUS_FROM, .partner = PARTNER};
    subject.kind = kind == BUS_FAR_ORDER                        ? BUS_WANT
                   : kind == BUS_CLAIM || kind == BUS_CLAIM_ASK ? BUS_CLAIMS
                   : kind == BUS_CREDIT || kind == BUS_CANCEL   ? BUS_NODE
                                                                : BUS_INBOX;
    subject.node = world->wanted.node;
    subject.request = world->wanted.request;
    if (world_chance(world, 20) == 0) subject.kind = BUS_CLAIMS;
    return subject;
}

static size_t write_lie(struct world *world, enum bus_kind kind, uint8_t *bytes)
{
    uint32_t page = world_chance(world, WORLD_PAGES);
    struct message *body =
        world_chance(world, 4) > 0 ? world->lies[page] : world->pages[page];
    struct bus_record record = {
        .kind = kind,
        .node = 7,
        .request = world_chance(world, 8),
        .page_max = 1 << 20,
        .limit = world_chance(world, 8),
        .tally = {.visitors = world_chance(world, 1000)},
        .hash = world->hashes[page],
        .index = body->size > BUS_CHUNK_BYTES ? world_chance(world, 2) : 0,
        .total = (uint32_t)body->size,
        .reason = (uint8_t)world_chance(world, BUS_NO_ENDS)};
    size_t head = bus_record_write(&record, bytes);
    size_t at = record.index * BUS_CHUNK_BYTES, left = body->size - at;
    if (kind != BUS_CHUNK) return head;
    if (left > BUS_CHUNK_BYTES) left = BUS_CHUNK_BYTES;
    memcpy(bytes + head, message_bytes(body) + at, left);
    return head + left;
}

void net_intrude(struct world *world)
{
    static const enum bus_kind kinds[] = {
        BUS_FAR_ORDER, BUS_FAR_ORDER, BUS_SIGN,  BUS_CHUNK,     BUS_CHUNK, BUS_NO,
        BUS_CREDIT,    BUS_CANCEL,    BUS_CLAIM, BUS_CLAIM_ASK, BUS_CELL,  BUS_BYE};
    static uint8_t bytes[BUS_MESSAGE_MAX];
    struct machine *to = &world->machines[world_chance(world, world->machines_count)];
    for (uint32_t i = 1 + world_chance(world, world_chance(world, 50) == 0 ? 300 : 3);
         i > 0; i--) {
        enum bus_kind kind = kinds[world_chance(world, sizeof kinds / sizeof kinds[0])];
        struct bus_message message = {.subject = place_of(world, kind), .bytes = bytes};
        message.size = write_lie(world, kind, bytes);
        const struct subscription *s = to->subscriptions;
        while (s != NULL && !matches(s, &message.subject))
            s = s->next;
        if (s != NULL && to->server >= 0) put(world, to, to, &message);
    }
}

/* ---- time ---- */

static void earlier(uint64_t *due, uint64_t other)
{
    if (other < *due) *due = other;
}

uint64_t net_due_ms(const struct world *world)
{
    uint64_t due = UINT64_MAX;
    for (uint32_t i = 0; i < world->machines_count; i++) {
        const struct machine *machine = &world->machines[i];
        if (is_frozen(world, machine)) {
            earlier(&due, machine->frozen_ms);
            continue;
        }
        earlier(&due, machine_due_ms(world, machine));
        if (machine->packets != NULL) earlier(&due, machine->packets->due_ms);
        if (world->machines_count > 1 && machine->server < 0)
            earlier(&due, machine->back_ms);
    }
    for (uint32_t i = 0; i < WORLD_SERVERS; i++)
        if (!world->servers[i].up) earlier(&due, world->servers[i].back_ms);
    return due;
}

static void pass(struct world *world, struct machine *machine)
{
    if (machine->server >= 0 && !world->servers[machine->server].up)
        go_down(world, machine);
    if (machine->server < 0 && machine->back_ms <= world->now_ms) come_up(world, machine);
    while (machine->packets != NULL && machine->packets->due_ms <= world->now_ms) {
        struct packet *first = machine->packets;
        machine->packets = first->next;
        if (first->connection == machine->connection)
            hub_bus(machine->hub, &first->message, machine_now_ms(world, machine));
        memory_free(first);
        world_perform(world, machine);
    }
}

void net_pass(struct world *world)
{
    if (world->machines_count == 1) return;
    for (uint32_t i = 0; i < WORLD_SERVERS; i++)
        if (!world->servers[i].up && world->servers[i].back_ms <= world->now_ms)
            world->servers[i].up = true;
    for (uint32_t i = 0; i < world->machines_count; i++)
        if (!is_frozen(world, &world->machines[i])) pass(world, &world->machines[i]);
}

void net_break(struct world *world)
{
    uint64_t until = world->now_ms + world_chance(world, 12000);
    struct machine *machine = &world->machines[world_chance(world, world->machines_count)];
    uint32_t server = world_chance(world, WORLD_SERVERS);
    switch (world_chance(world, 5)) {
    case 0:
        if (is_frozen(world, machine)) break;
        machine->stood_ms += machine->frozen_ms - machine->froze_ms;
        machine->froze_ms = world->now_ms;
        machine->frozen_ms = until;
        break;
    case 1:
        world->servers[server].up = false;
        world->servers[server].back_ms = until;
        break;
    case 2:
    case 3:
        world->servers[server].cut_ms[world_chance(world, WORLD_SERVERS)] = until;
        break;
    default:
        if (machine->server >= 0 && !is_frozen(world, machine)) go_down(world, machine);
    }
}
