/* Several hubs as nodes of one cluster, on a bus that hands everything over at once; and a node
   that is played by hand, to say what no hub would. */
#ifndef WHILST_TESTS_CLUSTER_H
#define WHILST_TESTS_CLUSTER_H

#include "bus.h"
#include "world.h"

enum { NODES = 3, SUBSCRIPTIONS = 64, KEPT = 64 };

/* A message that the node played by hand was sent. */
struct heard {
    struct bus_subject subject, reply;
    struct bus_record record;
};

struct net {
    struct world *nodes[NODES]; /* NULL: there is none */
    struct {
        bool taken, group;
        int node;
        uint64_t id;
        struct bus_subject subject;
    } subscriptions[SUBSCRIPTIONS];
    const char *organisations[NODES]; /* that they are of; NULL: all of one */
    const char *partner_by_hand;      /* an organisation that is played; NULL: none */
    uint64_t by_hand;                 /* the node that is played; 0: none */
    struct heard heard[KEPT];
    size_t heard_count;
    bool holds_chunks; /* chunks wait in `kept` */
    struct bus_effect kept[KEPT];
    size_t kept_count;
};
extern struct net net;

struct hub_config config_of(int node);
/* So many nodes that know each other, named a, b and c. */
void begin(int count, const struct hub_config *config);
/* The same, each of the organisation with that name, with all others, and those that
   `config` has, as partners. */
void begin_organisations(int count, const char *const *organisations,
                         const struct hub_config *config);
/* What is counted of the node's first partner. */
uint64_t partner_number(int node, const char *name);
/* Everybody goes, and nothing may be left. */
void end(void);

/* Carries out what the hubs want of the bus, until nothing moves. */
void exchange(void);
void pass_all(uint64_t ms);
/* A node's connection to the bus. */
void set_up(int node, bool up);
/* Hands the first of the chunks over that wait. */
void pass_chunk(int from);
/* Whether anybody is subscribed to it. */
bool is_subscribed(int node, enum bus_subject_kind kind);

uint64_t refused(int node, enum reason reason);
struct page_hash hello(void);
/* Bytes of which no chunk is like another; their name in hexadecimal digits. */
void fill(uint8_t *page, size_t size, char hex[HASH_HEX + 1]);

/* ---- the node that is played by hand; it speaks to node a ---- */

void hand(int node, const struct bus_message *message);
void say_bytes_to(int node, const struct bus_subject *subject, const void *bytes,
                  size_t size);
void say_to(int node, const struct bus_subject *subject, const struct bus_record *record,
            const void *body, size_t size);
/* It lives, and has so many holders of HELLO. */
void play(const char *name, uint32_t holders);
/* Says something to node a as the partner that is played by hand. */
void say_far(const struct bus_subject *subject, const struct bus_record *record,
             const void *body, size_t size);
/* The last message of this kind that it heard; how many there were. */
const struct heard *last_heard(enum bus_kind kind);
size_t count_heard(enum bus_kind kind);

#endif
