/* A hash table of links that live inside their objects, keyed by SipHash with a secret. */
#ifndef WHILST_CORE_TABLE_H
#define WHILST_CORE_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* SipHash-2-4 (Aumasson and Bernstein, 2012): keys that strangers choose must not
   collide. */
uint64_t siphash(const uint64_t secret[2], const void *bytes, size_t size);

struct table_link {
    struct table_link *next;
    uint64_t key; /* the SipHash of what the object is named by */
};

/* Zeroed memory is an empty table. */
struct table {
    struct table_link **buckets; /* where links are going */
    struct table_link **old;     /* where they come from while the table grows, or NULL */
    size_t mask, old_mask;       /* sizes minus one */
    size_t moved;                /* old buckets that are empty already */
    size_t count;
};

/* The first link with this key, then the next one after `link`; NULL at the end. Different
   objects may share a key: the caller compares the names themselves. */
struct table_link *table_first(struct table *table, uint64_t key);
struct table_link *table_next(struct table_link *link);

/* False if the table is new and there is no memory; later it only grows more crowded. */
bool table_add(struct table *table, struct table_link *link, uint64_t key);
void table_remove(struct table *table, struct table_link *link);
void table_clear(struct table *table); /* of an empty table */

/* Some of the links: about `most` of them, but at least those of one bucket. Returns where to
   go on, or 0 after the last; begin with 0. Between two calls the table may change and grow:
   a link that stays in it is visited once, others once or not at all. `visit` must not
   change the table. */
uint64_t table_walk(const struct table *table, uint64_t from, size_t most,
                    void (*visit)(struct table_link *link, void *context), void *context);

/* Every link, in no order; `visit` must not change the table. */
void table_visit(const struct table *table,
                 void (*visit)(struct table_link *link, void *context), void *context);

#endif
