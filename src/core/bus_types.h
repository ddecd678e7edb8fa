/* The core's types for a life among other nodes, on one page.

   struct bus is owned by the hub. It owns the other nodes, and an interest for each page
   that somebody here is at or was until lately. A cell is what one node said of one page; it
   belongs to that interest and stands in its node's list. A want is a request to another
   node for a page, and belongs to the interest of a page with a fetch; an order is such a
   request by another node. A partner is another organisation; wants and orders may be with
   it in the place of a node, and a claim is what it says of how many are at a page. */
#ifndef WHILST_CORE_BUS_TYPES_H
#define WHILST_CORE_BUS_TYPES_H

#include "bus.h"
#include "state.h"
#include "whilst/ring.h"

/* Another node. */
struct node {
    struct table_link link;
    uint64_t id, incarnation, alive_seq, heard_ms;
    uint64_t since_ms; /* it has been heard since then */
    char name[BUS_NAME_MAX + 1];
    uint32_t pages, holders;  /* that its cells tell of */
    struct deadline due;      /* its silence is noticed; or more of its stale cells go */
    struct ring cells, stale; /* stale: of an incarnation that is over */
    struct bucket wants;
    uint32_t life; /* counts its incarnations; a cell of another one is stale */
    bool gone;     /* it is freed when no cell is left */
};

/* What another node said of a page. */
struct cell {
    struct cell *next; /* of the interest */
    struct ring ring;  /* of the node */
    struct node *node;
    struct interest *interest;
    uint64_t seq;
    uint32_t life; /* of the node */
    struct tally tally;
    uint8_t unheard; /* visits since it was last told */
    bool tried;      /* asked in the present fetch */
    bool barred;     /* its node sent wrong bytes */
};

/* Another organisation; those of the configuration, as long as the hub lives. */
struct partner {
    const char *name;
    uint8_t index;                               /* in the configuration */
    uint8_t subscribed;                          /* a bit for each of its subjects */
    uint8_t faults;                              /* since it last answered well */
    bool deaf;                                   /* it is not listened to */
    struct deadline due;                         /* it is to be listened to again */
    struct bucket wants, claims, refusals, sent; /* of what it does */
    struct bucket asks, received;                /* of what we want of it */
    struct bucket tells;                         /* counts and questions to it */
    uint64_t awake_ms;                           /* when it was last listened to again */
    uint64_t rest_until_ms;                      /* it is not asked until then */
    uint32_t deaf_ms;          /* how long it is not listened to, this time */
    size_t incoming, outgoing; /* bytes of pages on their way from it, to it */
    struct partner_metrics {
#define X(type, field, help) uint64_t field;
        PARTNER_METRICS(X)
#undef X
        uint64_t refusals[REASONS_END];
    } metrics;
};

/* What this node and a partner, which both know the page, tell each other of it. */
struct claim {
    struct claim *next; /* of the interest */
    struct partner *partner;
    uint32_t visitors;          /* that it says to have; 0 when it has not said so lately */
    uint32_t told;              /* what it was told last */
    uint64_t heard_ms, told_ms; /* when */
    uint64_t shown_ms;          /* to those who hold the page here */
    uint64_t ask_ms,
        asks_until_ms; /* when it is asked again; until when it wants to know */
    uint8_t in_vain;   /* so often it was asked and has not told anything yet */
};

/* A page that this node shares with others: it tells its own cell when that changes, and
   keeps theirs. */
struct interest {
    struct table_link link; /* by the page's hash */
    struct page_hash hash;
    struct deadline due;
    struct ring walk; /* the one visited longest ago is first */
    struct cell *cells;
    struct want *wants;
    struct order *orders; /* that wait for the page */
    struct claim *claims;
    uint64_t id;       /* its subscriptions are 2 id and 2 id + 1 */
    uint64_t retry_ms; /* when seekers try again; 0: they need not */
    struct tally told, others;
    /* The low halves: how long ago that was matters when it was lately. */
    uint32_t since_ms; /* that somebody is here, or nobody */
    uint32_t told_ms, visited_ms;
    uint8_t retries;
    uint8_t partners_tried;  /* in the present fetch; a bit for each */
    uint8_t partners_barred; /* they sent wrong bytes */
    bool claims_changed : 1; /* since they were told */
    bool hears : 1;          /* subscribed to its cells */
    bool offers : 1;         /* subscribed to wants */
    bool idle : 1;           /* nobody is at the page here */
    bool group_asked : 1;    /* in the present fetch */
    bool doubts : 1; /* it is to be seen whether all cells were told since the visit */
    bool known : 1;  /* it was told, or others told of it: it lingers */
};

/* A request for a page to another node. */
struct want {
    struct want *next; /* of the interest */
    struct table_link link;
    struct interest *interest;
    struct partner *partner; /* NULL: of a node of ours */
    uint64_t request;
    uint64_t node; /* 0 as long as it is whoever takes it */
    uint64_t asked_ms, heard_ms;
    uint64_t again_ms;    /* nobody had it, and it is asked for again then; 0: not */
    bool again;           /* for the second time */
    struct message *page; /* what came so far, NULL before */
    struct hash_stream *stream;
    uint32_t total, next_chunk, limit;
};

/* A request for a page by another node. */
struct order {
    struct table_link link;
    struct order *next;        /* of the interest, whilst it waits */
    struct interest *interest; /* NULL when it does not wait any more */
    struct partner *partner;   /* NULL: by a node of ours */
    struct deadline due;
    struct page_hash hash;
    uint64_t node, request, begun_ms, heard_ms;
    uint32_t page_max, limit, sent; /* chunks: may be sent; were sent */
    struct message *body;           /* NULL whilst it waits */
    size_t body_at, body_size;
};

struct bus_queued {
    struct bus_queued *next;
    struct bus_effect effect;
};

struct bus {
    enum bus_state state;
    bool going;       /* this node says so with each heartbeat */
    uint64_t roll_ms; /* when nodes were last asked whether they are there; 0: never */
    uint64_t node, seq, alive_seq, requests, interests_made;
    struct bus_queued *first, **last; /* effects */
    struct deadline alive_due, walk_due;
    struct table nodes, interests, wants, orders;
    struct bucket strangers; /* wants of nodes that are not known yet */
    struct partner *partners;
    uint32_t partners_count;
    size_t incoming; /* bytes of pages on their way from partners */
    struct ring walk;
    uint32_t walk_left, walk_step; /* interests still to be visited soon; so many at once */
    uint32_t lingering;            /* interests that are idle */
};

#endif
