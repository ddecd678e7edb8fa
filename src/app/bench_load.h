/* The driver's machinery: visitors on real connections, and waiting for what they are
   told. Mixes (bench_mixes.c) are scripts on top of it. */
#ifndef WHILST_APP_BENCH_LOAD_H
#define WHILST_APP_BENCH_LOAD_H

#include "bench.h"

struct load;

enum visitor_state {
    VISITOR_OUT,    /* no client */
    VISITOR_COMING, /* until all that it came for was confirmed */
    VISITOR_IN,
    VISITOR_LEAVING, /* its client is being freed */
};

/* A server that visitors connect to. */
struct destination {
    struct reach reach;
    struct client_config config;
    struct sockaddr_storage address;
};

struct visitor {
    struct load *load;
    const struct destination *to;
    struct client *client; /* NULL whilst OUT */
    uint32_t number;
    enum visitor_state state;
    enum peer_event_kind awaited; /* whilst awaiting > 0 */
    uint32_t awaiting;            /* events of this kind that are to come */
    uint32_t count;               /* the last visitors_count that it was told */
    bool ends;                    /* its connection may end now */
    struct phase *phase;          /* that what it awaits counts for, or NULL */
    uint64_t since_ns;            /* when what it awaits was begun */
    uint64_t due_ns;              /* for the mixes: when it goes or comes back */
    uint32_t page, visits;        /* for the mixes */
    uint64_t missed;              /* for the mixes: a page that it was told nobody has */
    bool returning;               /* for the mixes */
};

struct load {
    const struct bench_options *options;
    struct destination to, holders_to; /* the latter: of --holders-server */
    uv_loop_t loop;
    uv_timer_t tick;
    uv_signal_t interrupt;
    struct visitor *visitors;
    uint32_t visitors_count, alive; /* alive: with a client */
    uint32_t awaiting;              /* events that visitors await, all together */
    uint64_t counts, heard_ns;      /* visitors_counts told; when the last event came */
    uint64_t nobodies;              /* told that nobody holds a page */
    uint64_t chance;                /* state of the random numbers */
    struct result result;
    struct phase *phase; /* the present one, or NULL */
    bool reached;        /* a connection was opened */
    bool interrupted, terminal;
};

/* Resolves the server and makes room for the visitors; false when it cannot be reached,
   which has been said. */
bool load_open(struct load *load, const struct bench_options *options);
void load_close(struct load *load);

/* One turn of the loop, of a millisecond at most; false when the run is to end. */
bool load_turn(struct load *load);
/* One that ends when something comes, or at this time. */
bool load_turn_until(struct load *load, uint64_t due_ns);
/* Turns until nothing is awaited any more. */
bool load_wait(struct load *load);
bool load_sleep(struct load *load, uint64_t ms);
/* Until the server has used next to no CPU for a while (if it can be seen). */
bool load_until_idle(struct load *load);

void load_begin(struct load *load, const char *name, const char *unit);
void load_end(struct load *load);

/* From 0 up to, not with, `below`; and from 0 to 1. */
uint32_t load_chance(struct load *load, uint32_t below);
double load_fraction(struct load *load);

/* Has a visitor hold the page of that number. */
void visitor_hold(struct visitor *visitor, uint64_t number, size_t size);

/* Gives the visitor a client, to be told what it wants, and then to be opened. */
struct peer *visitor_new(struct visitor *visitor);
void visitor_open(struct visitor *visitor);
/* Expects events; each counts for a phase (or NULL), with the time since since_ns. */
void visitor_expect(struct visitor *visitor, struct phase *phase, enum peer_event_kind kind,
                    uint32_t times, uint64_t since_ns);
/* Goes, with a goodbye or without one. */
void visitor_leave(struct visitor *visitor, bool goodbye);

#endif
