/* A simulated world: peers, a hub and the network between them, on a virtual clock.

   Everything that happens follows from a seed: who holds and seeks what, who lies or stays
   silent, how long messages take and in which parts they arrive, when connections tear and
   when the hub is restarted. Each connection keeps the order of its messages, as TCP does,
   and loses all that is on its way when it tears. */
#ifndef WHILST_SIM_WORLD_H
#define WHILST_SIM_WORLD_H

#include "state.h"
#include "whilst/peer.h"

#define WORLD_PEERS 12
#define WORLD_PAGES 4
#define DELAY_MAX_MS 120

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

struct actor {
    struct peer *peer;
    enum nature nature;
    bool up;
    uint64_t back_ms; /* when a torn connection is opened again */
    session_id session;
    struct pipe up_pipe, down_pipe;
    struct seat {
        bool holds, seeks, found;
        uint32_t count;      /* the last count it was told */
        uint64_t waiting_ms; /* since when it should have been served */
    } seats[WORLD_PAGES];
};

struct world {
    uint64_t seed, chance, now_ms, digest;
    uint32_t steps, restarts;
    struct hub_config config;
    struct hub *hub;
    struct actor actors[WORLD_PEERS];
    uint32_t actors_count;
    struct page_hash hashes[WORLD_PAGES];
    struct message *pages[WORLD_PAGES], *lies[WORLD_PAGES];
    char failure[256]; /* "" as long as all is well */
};

uint32_t world_chance(struct world *world, uint32_t below);
__attribute__((format(printf, 2, 3))) void world_fail(struct world *world,
                                                      const char *format, ...);

void world_init(struct world *world, uint64_t seed);
/* One thing happens: somebody acts, or the next message or deadline is due. */
void world_step(struct world *world);
/* Nobody acts any more; what is under way ends, for so long. */
void world_settle(struct world *world, uint64_t for_ms);
/* Everybody leaves; what is held is given back. */
void world_end(struct world *world);

/* Checks what must be true after every step, and what must be true when all is quiet. */
void invariants_check(struct world *world);
void invariants_check_quiet(struct world *world);

#endif
