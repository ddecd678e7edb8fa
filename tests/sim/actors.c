/* The peers of the simulated world, and their connections to hubs: see world.h. */
#include "world.h"

#include "memory.h"

#include <stdlib.h>

/* ---- pipes ---- */

static void put(struct world *world, struct pipe *pipe, struct message *message,
                uint64_t delay_ms)
{
    struct parcel *parcel = memory_new(sizeof *parcel);
    if (parcel == NULL) abort();
    uint64_t due = world->now_ms + delay_ms + world_chance(world, DELAY_MAX_MS);
    if (due < pipe->latest_ms) due = pipe->latest_ms;
    pipe->latest_ms = due;
    *parcel = (struct parcel){NULL, due, message};
    *pipe->last = parcel;
    pipe->last = &parcel->next;
}

static struct message *take(struct pipe *pipe)
{
    struct parcel *first = pipe->first;
    struct message *message = first->message;
    pipe->first = first->next;
    if (pipe->first == NULL) pipe->last = &pipe->first;
    memory_free(first);
    return message;
}

static void empty(struct pipe *pipe)
{
    while (pipe->first != NULL)
        message_unref(take(pipe));
    pipe->latest_ms = 0;
}

/* ---- the hub's side ---- */

static struct actor *actor_of(struct world *world, const struct machine *machine,
                              session_id session)
{
    for (uint32_t i = 0; i < world->actors_count; i++)
        if (world->actors[i].up && world->actors[i].machine == machine &&
            world->actors[i].session == session)
            return &world->actors[i];
    return NULL;
}

void actor_tear(struct world *world, struct actor *actor)
{
    empty(&actor->up_pipe);
    empty(&actor->down_pipe);
    peer_closed(actor->peer);
    for (uint32_t i = 0; i < WORLD_PAGES; i++)
        actor->seats[i].hopeless = false;
    actor->up = false;
    actor->back_ms = world->now_ms + 1 + world_chance(world, 15000);
}

static void digest(struct world *world, const void *bytes, size_t size)
{
    uint64_t key[2] = {world->digest, size};
    world->digest = siphash(key, bytes, size);
}

void world_perform(struct world *world, struct machine *machine)
{
    struct effect effect;
    while (hub_next_effect(machine->hub, &effect)) {
        struct actor *actor = actor_of(world, machine, effect.session);
        if (effect.kind == EFFECT_SEND)
            digest(world, message_bytes(effect.message), effect.message->size);
        if (actor == NULL) {
            message_unref(effect.message);
        } else if (effect.kind == EFFECT_SEND) {
            put(world, &actor->down_pipe, effect.message, 0);
        } else {
            world_fail(world, "the hub closed a session: %s", reason_word(effect.reason));
            actor_tear(world, actor);
        }
    }
    net_perform(world, machine);
}

/* Hands a message over in parts, as a socket would. */
static void deliver_up(struct world *world, struct actor *actor, struct message *message)
{
    const uint8_t *bytes = message_bytes(message);
    size_t sent = 0;
    session_id session = actor->session;
    do {
        size_t left = message->size - sent;
        size_t size = world_chance(world, 3) == 0 ? 1 + world_chance(world, 700) : left;
        if (size > left) size = left;
        struct hub_part part = {.form = message->form,
                                .bytes = bytes + sent,
                                .size = size,
                                .fragment = sent == 0,
                                .final = sent + size == message->size};
        sent += size;
        hub_receive(actor->machine->hub, session, &part,
                    machine_now_ms(world, actor->machine));
    } while (sent < message->size);
    message_unref(message);
    world_perform(world, actor->machine);
}

/* ---- the peers' side ---- */

static uint32_t page_of(const struct world *world, const struct page_hash *hash)
{
    uint32_t page = 0;
    while (!hash_equal(&world->hashes[page], hash))
        page++;
    return page;
}

static void hear(struct world *world, struct actor *actor, const struct peer_event *event)
{
    struct seat *seat = &actor->seats[page_of(world, &event->hash)];
    switch (event->kind) {
    case PEER_COUNT: seat->count = event->count; break;
    case PEER_FOUND:
        seat->found = true;
        seat->seeks = false;
        seat->holds = true;
        break;
    case PEER_NOBODY: seat->hopeless = true; break;
    case PEER_WRONG: world_fail(world, "a seeker was given wrong bytes"); break;
    case PEER_GARBLED: world_fail(world, "a peer was sent no frame"); break;
    default: break;
    }
}

static bool is_answer(const struct message *message)
{
    return message->form == MESSAGE_BINARY || message->size > 400;
}

void actor_collect(struct world *world, struct actor *actor)
{
    struct message *message;
    struct peer_event event;
    while (peer_next_event(actor->peer, &event)) {
        hear(world, actor, &event);
        message_unref(event.page);
    }
    while ((message = peer_next_message(actor->peer)) != NULL) {
        uint64_t delay = 0;
        if (is_answer(message) && actor->nature == NATURE_SLOW)
            delay = world_chance(world, 14000);
        if (!actor->up || (is_answer(message) && actor->nature == NATURE_SILENT))
            message_unref(message);
        else
            put(world, &actor->up_pipe, message, delay);
    }
}

void actor_open(struct world *world, struct actor *actor)
{
    static const struct address nowhere = {{0}};
    enum reason reason;
    if (world->machines_count > 1)
        actor->machine = &world->machines[world_chance(world, world->machines_count)];
    if (is_frozen(world, actor->machine)) {
        actor->back_ms = world->now_ms + 1000;
        return;
    }
    actor->session = hub_connect(actor->machine->hub, &nowhere,
                                 machine_now_ms(world, actor->machine), &reason);
    if (actor->session == 0) {
        world_fail(world, "the hub refused a connection: %s", reason_word(reason));
        return;
    }
    actor->up = true;
    peer_opened(actor->peer, world->now_ms);
    actor_collect(world, actor);
}

/* ---- time ---- */

uint64_t actor_due_ms(const struct world *world, const struct actor *actor)
{
    uint64_t due = peer_next_deadline(actor->peer);
    const struct parcel *up = actor->up_pipe.first, *down = actor->down_pipe.first;
    if (actor->up && is_frozen(world, actor->machine)) return UINT64_MAX;
    if (!actor->up && actor->back_ms < due) due = actor->back_ms;
    if (up != NULL && up->due_ms < due) due = up->due_ms;
    if (down != NULL && down->due_ms < due) due = down->due_ms;
    return due;
}

void actor_run(struct world *world, struct actor *actor)
{
    if (actor->up && is_frozen(world, actor->machine)) return;
    if (!actor->up && actor->back_ms <= world->now_ms) actor_open(world, actor);
    if (peer_next_deadline(actor->peer) <= world->now_ms)
        peer_tick(actor->peer, world->now_ms);
    if (actor->up_pipe.first != NULL && actor->up_pipe.first->due_ms <= world->now_ms)
        deliver_up(world, actor, take(&actor->up_pipe));
    if (actor->down_pipe.first != NULL && actor->down_pipe.first->due_ms <= world->now_ms) {
        struct message *message = take(&actor->down_pipe);
        peer_receive(actor->peer, message->form, message_bytes(message), message->size,
                     world->now_ms);
        if (message->content) {
            hub_drained(actor->machine->hub, actor->session,
                        machine_now_ms(world, actor->machine));
            world_perform(world, actor->machine);
        }
        message_unref(message);
    }
    actor_collect(world, actor);
}
