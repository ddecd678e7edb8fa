/* What happens in the simulated world, and when: see world.h. */
#include "world.h"

#include "memory.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#define GRACE_MS 10000

uint32_t world_chance(struct world *world, uint32_t below)
{
    uint64_t z = world->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

void world_fail(struct world *world, const char *format, ...)
{
    va_list arguments;
    if (world->failure[0] != '\0') return;
    va_start(arguments, format);
    vsnprintf(world->failure, sizeof world->failure, format, arguments);
    va_end(arguments);
}

/* ---- what may happen ---- */

static void act_hold(struct world *world, struct actor *actor, uint32_t page)
{
    bool lies = actor->nature == NATURE_LIAR;
    actor->seats[page].holds = true;
    actor->seats[page].seeks = false;
    peer_leave(actor->peer, &world->hashes[page]);
    peer_hold(actor->peer, &world->hashes[page],
              lies ? world->lies[page] : world->pages[page]);
}

static void act_seek(struct world *world, struct actor *actor, uint32_t page)
{
    struct seat *seat = &actor->seats[page];
    if (seat->holds || seat->seeks) return;
    seat->seeks = true;
    seat->found = seat->hopeless = false;
    peer_seek(actor->peer, &world->hashes[page], true);
}

static void act_leave(struct world *world, struct actor *actor, uint32_t page)
{
    actor->seats[page].holds = actor->seats[page].seeks = false;
    actor->seats[page].count = 0;
    peer_leave(actor->peer, &world->hashes[page]);
}

static void act_drop(struct world *world, struct actor *actor)
{
    if (!actor->up) return;
    session_id session = actor->session;
    actor_tear(world, actor);
    hub_disconnect(actor->machine->hub, session, machine_now_ms(world, actor->machine));
    world_perform(world, actor->machine);
}

/* Each is one that comes after another, whose holders may be on their way. */
static struct hub *new_hub(struct world *world, struct machine *machine)
{
    uint64_t seed[2] = {world_chance(world, UINT32_MAX), world_chance(world, UINT32_MAX)};
    machine->config.incarnation = world->now_ms;
    struct hub *hub = hub_new(&machine->config, seed);
    uint64_t now_ms = machine_now_ms(world, machine);
    hub_await(hub, now_ms + world_chance(world, 3 * GRACE_MS), now_ms);
    return hub;
}

static void note_served(struct world *world, const struct machine *machine)
{
    const struct metrics *metrics = hub_metrics(machine->hub);
    world->served += metrics->served_total;
    world->fetched += metrics->bus_contents_total;
}

static void act_restart(struct world *world, struct machine *machine)
{
    if (world_chance(world, 2) == 0) {
        hub_bus_go(machine->hub, machine_now_ms(world, machine));
        net_perform(world, machine);
    }
    for (uint32_t i = 0; i < world->actors_count; i++)
        if (world->actors[i].up && world->actors[i].machine == machine)
            actor_tear(world, &world->actors[i]);
    note_served(world, machine);
    hub_free(machine->hub);
    net_disconnect(machine);
    machine->back_ms = world->now_ms + 1;
    machine->hub = new_hub(world, machine);
    world->restarts++;
}

/* Other limits, within those under which every page can still be brought. */
static void act_configure(struct world *world, struct machine *machine)
{
    struct hub_config *config = &machine->config;
    size_t page = world->config.page_bytes_max;
    config->page_bytes_max = page + world_chance(world, (uint32_t)page / 2);
    config->message_rate = config->join_rate = world_chance(world, 2) * 100000;
    config->message_burst = config->join_burst = 10000 + world_chance(world, 10000);
    config->holders_first_max = 1 + world_chance(world, 3);
    config->holders_max = 1 + world_chance(world, 8);
    config->window_bytes = page + page / 2 + world_chance(world, 2) * 1000000;
    config->fragments_max = 1000 + world_chance(world, 1000);
    config->fetches_waiting_max = world_chance(world, 3);
    config->answer_ms = 3000 + world_chance(world, 8000);
    config->count_per_second = 1 + world_chance(world, 50);
    config->grace_ms = world_chance(world, 2) * GRACE_MS;
    hub_take_config(machine->hub, config, world->now_ms);
    world_perform(world, machine);
}

static void somebody_acts(struct world *world)
{
    struct actor *actor = &world->actors[world_chance(world, world->actors_count)];
    uint32_t page = world_chance(world, WORLD_PAGES), what = world_chance(world, 100);
    if (what < 30)
        act_hold(world, actor, page);
    else if (what < 70)
        act_seek(world, actor, page);
    else if (what < 85)
        act_leave(world, actor, page);
    else if (what < 99)
        act_drop(world, actor);
    else if (world_chance(world, 10) == 0)
        act_restart(world, &world->machines[world_chance(world, world->machines_count)]);
    if (world->machines_count > 1 && world_chance(world, 5) == 0) net_break(world);
    if (world->machines_count > 1 && world_chance(world, 2) == 0) net_intrude(world);
    if (world_chance(world, 20) == 0)
        act_configure(world, &world->machines[world_chance(world, world->machines_count)]);
    actor_collect(world, actor);
}

/* ---- time ---- */

static uint64_t next_due(const struct world *world)
{
    uint64_t due = net_due_ms(world);
    for (uint32_t i = 0; i < world->actors_count; i++) {
        uint64_t actor = actor_due_ms(world, &world->actors[i]);
        if (actor < due) due = actor;
    }
    return due;
}

/* Goes to the next moment at which something is due, and lets it happen. */
static void pass(struct world *world, uint64_t at_most_ms)
{
    uint64_t due = next_due(world);
    if (due > at_most_ms) due = at_most_ms;
    if (due > world->now_ms) world->now_ms = due;
    for (uint32_t i = 0; i < world->machines_count; i++) {
        struct machine *machine = &world->machines[i];
        if (is_frozen(world, machine)) continue;
        if (machine_due_ms(world, machine) > world->now_ms) continue;
        hub_tick(machine->hub, machine_now_ms(world, machine));
        world_perform(world, machine);
    }
    net_pass(world);
    for (uint32_t i = 0; i < world->actors_count; i++)
        actor_run(world, &world->actors[i]);
    invariants_check(world);
}

void world_step(struct world *world)
{
    world->steps++;
    if (world_chance(world, 4) == 0) {
        somebody_acts(world);
        invariants_check(world);
    } else {
        pass(world, world->now_ms + 1 + world_chance(world, 2000));
    }
}

void world_heal(struct world *world)
{
    world->stormy = false;
    for (uint32_t i = 0; i < WORLD_SERVERS; i++) {
        world->servers[i].up = true;
        for (uint32_t j = 0; j < WORLD_SERVERS; j++)
            world->servers[i].cut_ms[j] = 0;
    }
    for (uint32_t i = 0; i < world->machines_count; i++)
        if (is_frozen(world, &world->machines[i]))
            world->machines[i].frozen_ms = world->now_ms;
    for (uint32_t i = 0; i < world->actors_count; i++)
        if (!world->actors[i].up) world->actors[i].back_ms = world->now_ms;
}

void world_settle(struct world *world, uint64_t for_ms)
{
    uint64_t end = world->now_ms + for_ms;
    while (world->now_ms < end && world->failure[0] == '\0')
        pass(world, end);
}

/* ---- beginning and end ---- */

static struct message *random_page(struct world *world, uint32_t size)
{
    struct message *page = message_new(MESSAGE_BINARY, 0, size);
    if (page == NULL) abort();
    bool text = world_chance(world, 2) == 0;
    for (uint32_t i = 0; i < size; i++)
        message_bytes(page)[i] =
            (uint8_t)(text ? 32 + world_chance(world, 90) : world_chance(world, 256));
    page->size = size;
    return page;
}

static void init_actor(struct world *world, struct actor *actor, uint32_t i)
{
    static const enum nature natures[] = {NATURE_HONEST, NATURE_HONEST, NATURE_HONEST,
                                          NATURE_SLOW,   NATURE_SILENT, NATURE_LIAR};
    struct peer_config config = peer_config_default();
    if (world_chance(world, 2) == 0)
        snprintf(config.token, sizeof config.token, "token-of-%u", i);
    actor->machine = &world->machines[0];
    actor->nature = i == 0 ? NATURE_HONEST : natures[world_chance(world, 6)];
    actor->peer = peer_new(&config);
    actor->up_pipe.last = &actor->up_pipe.first;
    actor->down_pipe.last = &actor->down_pipe.first;
    peer_visit(actor->peer);
    actor_open(world, actor);
}

static void init_machine(struct world *world, uint32_t i)
{
    struct machine *machine = &world->machines[i];
    machine->config = world->config;
    machine->server = -1;
    if (world->machines_count > 1)
        snprintf(machine->config.node, sizeof machine->config.node, "node-%u", i);
    snprintf(machine->config.partners[0], sizeof machine->config.partners[0], PARTNER);
    machine->config.partners_have = machine->config.partners_want = true;
    machine->hub = new_hub(world, machine);
}

void world_init(struct world *world, uint64_t seed, uint32_t machines)
{
    *world = (struct world){.seed = seed, .chance = seed, .now_ms = 1000};
    world->config = hub_config_default();
    world->config.message_rate = world->config.join_rate = world->config.ask_rate = 0;
    bool large = machines > 1 && world_chance(world, 8) == 0; /* many chunks */
    world->config.page_bytes_max = large ? 500000 : 100000;
    world->config.holders_first_max = 1 + world_chance(world, 3);
    world->config.holders_max = 1 + world_chance(world, 8);
    if (world_chance(world, 2) == 0) {
        world->config.in_flight_bytes_max =
            (large ? 800000 : 250000) + world_chance(world, 250000);
        world->config.fetches_waiting_max = world_chance(world, 3);
    }
    if (world_chance(world, 2) == 0) world->config.window_bytes = large ? 600000 : 150000;
    world->config.answer_ms = 3000 + world_chance(world, 8000);
    world->config.count_per_second = 1 + world_chance(world, 50);
    world->config.grace_ms = world_chance(world, 2) * GRACE_MS;
    world->machines_count = machines;
    for (uint32_t i = 0; i < machines; i++)
        init_machine(world, i);
    for (uint32_t i = 0; i < WORLD_SERVERS; i++)
        world->servers[i].up = true;
    world->stormy = machines > 1 && world_chance(world, 2) == 0;
    world->actors_count =
        3 + world_chance(world, (machines > 1 ? WORLD_PEERS_OF_MANY : WORLD_PEERS) - 2);
    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        uint32_t most = i > 0 ? 1500 : large ? 480000 : 90000;
        uint32_t size = 1 + world_chance(world, most);
        world->pages[i] = random_page(world, size);
        world->lies[i] = random_page(world, size);
        world->hashes[i] = hash_of(message_bytes(world->pages[i]), size);
    }
    for (uint32_t i = 0; i < world->actors_count; i++)
        init_actor(world, &world->actors[i], i);
}

static void end_machine(struct world *world, struct machine *machine)
{
    const struct metrics *metrics = hub_metrics(machine->hub);
    uint64_t now_ms = machine_now_ms(world, machine);
    hub_tick(machine->hub, now_ms);
    world_perform(world, machine);
    invariants_check(world);
    if (metrics->pages > 0) { /* a partner waits for them: it is given up */
        hub_tick(machine->hub, now_ms + world->config.answer_total_ms);
        hub_tick(machine->hub, now_ms + world->config.answer_total_ms);
        world_perform(world, machine);
    }
    if (metrics->sessions + metrics->pages + metrics->holders + metrics->away +
            metrics->seekers + metrics->fetches + metrics->in_flight_bytes +
            metrics->bus_wants !=
        0)
        world_fail(world, "something is left after everybody went");
}

void world_end(struct world *world)
{
    for (uint32_t i = 0; i < world->actors_count; i++)
        act_drop(world, &world->actors[i]);
    world->now_ms += GRACE_MS + 1;
    for (uint32_t i = 0; i < world->machines_count; i++)
        end_machine(world, &world->machines[i]);
    for (uint32_t i = 0; i < world->machines_count; i++) {
        note_served(world, &world->machines[i]);
        net_disconnect(&world->machines[i]);
        hub_free(world->machines[i].hub);
    }
    for (uint32_t i = 0; i < world->actors_count; i++)
        peer_free(world->actors[i].peer);
    for (uint32_t i = 0; i < WORLD_PAGES; i++) {
        message_unref(world->pages[i]);
        message_unref(world->lies[i]);
    }
}
