/* A simulated world: peers, hubs and the networks between them, on a virtual clock.

   Everything that happens follows from a seed: who holds and seeks what, who lies or stays
   silent, how long messages take and in which parts they arrive, when connections tear and
   when a hub is restarted. Each connection keeps the order of its messages, as TCP does,
   and loses all that is on its way when it tears.

   There is one hub that is alone, or several on machines with a bus between them (net.c),
   whose servers die and whose messages are lost, doubled, late and out of order, until the
   world heals. Beside them there is a partner, another organisation, that says whatever it
   may: wants that it does not take, answers that are late, wrong or right, and
   nonsense. */
#ifndef WHILST_SIM_WORLD_H
#define WHILST_SIM_WORLD_H

#include "state.h"
#include "whilst/peer.h"

#define WORLD_PEERS 12
#define WORLD_PEERS_OF_MANY 8 /* when there are several machines */
#define WORLD_MACHINES 5
#define WORLD_SERVERS 3
#define WORLD_PAGES 4
#define DELAY_MAX_MS 120
#define PARTNER "mallory"

enum nature {
    NATURE_HONEST,
    NATURE_SLOW,   /* answers after seconds */
    NATURE_SILENT, /* is never heard to answer */
    NATURE_LIAR,   /* holds other bytes than it says */
};

struct parcel {
    struct parcel *next;
    uint64_t due_ms;
    struct message *message;
};

/* One direction of a connection. */
struct pipe {
    struct parcel *first, **last;
    uint64_t latest_ms;
};

/* What a machine subscribed to. */
struct subscription {
    struct subscription *next;
    uint64_t id, since_ms;
    struct bus_subject subject;
    bool group;
};

/* A message of the bus on its way to a machine. */
struct packet {
    struct packet *next;
    uint64_t due_ms;
    uint64_t connection; /* of the machine's; it is lost with it */
    struct bus_message message;
    uint8_t bytes[];
};

/* What a hub runs on. */
struct machine {
    struct hub *hub;
    struct hub_config config;
    uint64_t froze_ms, frozen_ms; /* it did nothing from then on, and does not until then */
    uint64_t stood_ms;            /* so long it stood still before */
    int server;                   /* of the bus, that it is connected to; -1: none */
    uint64_t connection;          /* counts its connections */
    uint64_t back_ms;             /* when it connects again */
    struct subscription *subscriptions;
    struct packet *packets;             /* to it, the first that is due first */
    uint64_t latest_ms[WORLD_MACHINES]; /* when the last packet of each arrives here */
};

struct actor {
    struct peer *peer;
    enum nature nature;
    struct machine *machine; /* that it is connected to, or was */
    bool up;
    uint64_t back_ms; /* when a torn connection is opened again */
    session_id session;
    struct pipe up_pipe, down_pipe;
    struct seat {
        bool holds, seeks, found;
        bool hopeless;       /* it was told that nobody can be asked */
        uint32_t count;      /* the last count it was told */
        uint64_t waiting_ms; /* since when it should have been served */
    } seats[WORLD_PAGES];
};

struct world {
    uint64_t seed, chance, now_ms, digest;
    uint32_t steps, restarts;
    struct hub_config config;
    struct machine machines[WORLD_MACHINES];
    uint32_t machines_count;
    struct {
        bool up;
        uint64_t cut_ms[WORLD_SERVERS]; /* nothing reaches that server until then */
        uint64_t back_ms;
    } servers[WORLD_SERVERS];
    struct {
        uint64_t node, request;
    } wanted;         /* of the partner, last */
    bool stormy;      /* the bus loses, doubles and reorders */
    uint64_t served;  /* seekers, by hubs that are gone */
    uint64_t fetched; /* pages, by one of those from another */
    struct actor actors[WORLD_PEERS];
    uint32_t actors_count;
    struct page_hash hashes[WORLD_PAGES];
    struct message *pages[WORLD_PAGES], *lies[WORLD_PAGES];
    char failure[256]; /* "" as long as all is well */
};

uint32_t world_chance(struct world *world, uint32_t below);
__attribute__((format(printf, 2, 3))) void world_fail(struct world *world,
                                                      const char *format, ...);

/* With one machine there is no bus. */
void world_init(struct world *world, uint64_t seed, uint32_t machines);
/* One thing happens: somebody acts, or the next message or deadline is due. */
void world_step(struct world *world);
/* Nobody acts any more; what is under way ends, for so long. */
void world_settle(struct world *world, uint64_t for_ms);
/* All servers and machines work again, everybody connects, and nothing is lost any more. */
void world_heal(struct world *world);
/* Everybody leaves; what is held is given back. */
void world_end(struct world *world);

/* Checks what must be true after every step, and what must be true when all is quiet. */
void invariants_check(struct world *world);
void invariants_check_quiet(struct world *world);
/* Whether the latter would hold now. */
bool invariants_are_quiet(struct world *world);
/* Whether all nodes count the same holders of each page that one of their own holds. */
bool invariants_count_alike(const struct world *world);

/* Carries out what the machine's hub wants. */
void world_perform(struct world *world, struct machine *machine);

/* ---- the peers: actors.c ---- */

/* Connects to a machine by chance. */
void actor_open(struct world *world, struct actor *actor);
/* Its connection is gone, with all that was on its way. */
void actor_tear(struct world *world, struct actor *actor);
/* What its peer wants goes on its way. */
void actor_collect(struct world *world, struct actor *actor);
/* When something is due for it, or UINT64_MAX; and lets it happen. */
uint64_t actor_due_ms(const struct world *world, const struct actor *actor);
void actor_run(struct world *world, struct actor *actor);

/* ---- the bus: net.c ---- */

/* Carries out what the machine's hub wants of the bus. */
void net_perform(struct world *world, struct machine *machine);
/* When something happens there, or UINT64_MAX. */
uint64_t net_due_ms(const struct world *world);
/* Lets what is due happen. */
void net_pass(struct world *world);
/* Something breaks. */
void net_break(struct world *world);
/* A partner of the nodes' organisation, which is none, says something. */
void net_intrude(struct world *world);
/* The machine's connection is gone, without a word. */
void net_disconnect(struct machine *machine);

/* How long the machine has stood still in all. */
static inline uint64_t machine_stood_ms(const struct world *world,
                                        const struct machine *machine)
{
    uint64_t until = machine->frozen_ms;
    if (until > world->now_ms) until = world->now_ms;
    return machine->stood_ms + until - machine->froze_ms;
}

/* The time by its own clock, which does not count that; as in the server. */
static inline uint64_t machine_now_ms(const struct world *world,
                                      const struct machine *machine)
{
    return world->now_ms - machine_stood_ms(world, machine);
}

/* When its hub is to be ticked. */
static inline uint64_t machine_due_ms(const struct world *world,
                                      const struct machine *machine)
{
    uint64_t due = hub_next_deadline(machine->hub);
    return due == UINT64_MAX ? due : due + machine_stood_ms(world, machine);
}

static inline bool is_frozen(const struct world *world, const struct machine *machine)
{
    return machine->frozen_ms > world->now_ms;
}

#endif
