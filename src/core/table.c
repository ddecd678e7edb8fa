/* The hash table: chained, growing a little with every addition.

   A table that doubled at once would stop the loop for as long as moving everything takes.
   Instead the old buckets are kept and a few are moved with each addition, so that they are
   empty long before the table must double again. Links have stable addresses; the table
   owns only its buckets. */
#include "table.h"

#include "memory.h"

#include <assert.h>
#include <string.h>

#define FIRST_BUCKETS 16
#define MOVED_AT_ONCE 4

static uint64_t rotate(uint64_t x, int bits)
{
    return x << bits | x >> (64 - bits);
}

static void sip_round(uint64_t v[4])
{
    v[0] += v[1], v[1] = rotate(v[1], 13) ^ v[0], v[0] = rotate(v[0], 32);
    v[2] += v[3], v[3] = rotate(v[3], 16) ^ v[2];
    v[0] += v[3], v[3] = rotate(v[3], 21) ^ v[0];
    v[2] += v[1], v[1] = rotate(v[1], 17) ^ v[2], v[2] = rotate(v[2], 32);
}

static void sip_word(uint64_t v[4], uint64_t word)
{
    v[3] ^= word;
    sip_round(v);
    sip_round(v);
    v[0] ^= word;
}

uint64_t siphash(const uint64_t secret[2], const void *bytes, size_t size)
{
    const uint8_t *at = bytes;
    uint64_t v[4] = {
        secret[0] ^ UINT64_C(0x736f6d6570736575), secret[1] ^ UINT64_C(0x646f72616e646f6d),
        secret[0] ^ UINT64_C(0x6c7967656e657261), secret[1] ^ UINT64_C(0x7465646279746573)};
    uint64_t word, last = (uint64_t)size << 56;
    for (; size >= 8; at += 8, size -= 8) {
        memcpy(&word, at, 8); /* little-endian, as is every machine we build for */
        sip_word(v, word);
    }
    for (size_t i = 0; i < size; i++)
        last |= (uint64_t)at[i] << (8 * i);
    sip_word(v, last);
    v[2] ^= 0xff;
    for (int i = 0; i < 4; i++)
        sip_round(v);
    return v[0] ^ v[1] ^ v[2] ^ v[3];
}

static struct table_link **bucket_of(const struct table *table, uint64_t key)
{
    if (table->old != NULL && (key & table->old_mask) >= table->moved)
        return &table->old[key & table->old_mask];
    return &table->buckets[key & table->mask];
}

struct table_link *table_first(struct table *table, uint64_t key)
{
    if (table->count == 0) return NULL;
    struct table_link *link = *bucket_of(table, key);
    while (link != NULL && link->key != key)
        link = link->next;
    return link;
}

struct table_link *table_next(struct table_link *link)
{
    uint64_t key = link->key;
    do
        link = link->next;
    while (link != NULL && link->key != key);
    return link;
}

static void move_some(struct table *table)
{
    for (int i = 0; i < MOVED_AT_ONCE && table->old != NULL; i++) {
        struct table_link *link = table->old[table->moved];
        while (link != NULL) {
            struct table_link *next = link->next;
            struct table_link **bucket = &table->buckets[link->key & table->mask];
            link->next = *bucket;
            *bucket = link;
            link = next;
        }
        if (table->moved++ == table->old_mask) {
            memory_free(table->old);
            table->old = NULL;
        }
    }
}

static void grow(struct table *table)
{
    size_t size = table->buckets == NULL ? FIRST_BUCKETS : 2 * (table->mask + 1);
    struct table_link **buckets = memory_new(size * sizeof(struct table_link *));
    if (buckets == NULL) return;
    table->old = table->buckets;
    table->old_mask = table->mask;
    table->moved = 0;
    table->buckets = buckets;
    table->mask = size - 1;
}

bool table_add(struct table *table, struct table_link *link, uint64_t key)
{
    bool full = table->buckets == NULL || table->count > table->mask;
    if (full && table->old == NULL) grow(table);
    if (table->buckets == NULL) return false;
    move_some(table);
    struct table_link **bucket = bucket_of(table, key);
    link->key = key;
    link->next = *bucket;
    *bucket = link;
    table->count++;
    return true;
}

void table_remove(struct table *table, struct table_link *link)
{
    struct table_link **at = bucket_of(table, link->key);
    while (*at != link)
        at = &(*at)->next;
    *at = link->next;
    table->count--;
}

void table_clear(struct table *table)
{
    assert(table->count == 0);
    memory_free(table->buckets);
    memory_free(table->old);
    *table = (struct table){0};
}

static size_t visit_buckets(struct table_link **buckets, size_t count,
                            void (*visit)(struct table_link *link, void *context),
                            void *context)
{
    size_t visited = 0;
    for (size_t i = 0; i < count; i++)
        for (struct table_link *link = buckets[i]; link != NULL; link = link->next) {
            visit(link, context);
            visited++;
        }
    return visited;
}

/* The next of the numbers within `mask`, counted from their highest bit down. When the table
   grows, each bucket is split into two whose numbers differ in a new highest bit, and what
   is behind `from` in this order stays behind it (as in Redis' SCAN, by Pieter Noordhuis). */
static uint64_t next_place(uint64_t from, uint64_t mask)
{
    uint64_t bit = mask - (mask >> 1);
    for (; bit != 0 && (from & bit) != 0; bit >>= 1)
        from &= ~bit;
    return from | bit;
}

uint64_t table_walk(const struct table *table, uint64_t from, size_t most,
                    void (*visit)(struct table_link *link, void *context), void *context)
{
    const size_t empty_cost = 16; /* so many empty buckets are as much as one link */
    size_t done = 0;
    if (table->count == 0) return 0;
    do {
        bool growing = table->old != NULL;
        size_t mask = growing ? table->old_mask : table->mask, at = from & mask;
        if (growing && at >= table->moved)
            done += empty_cost * visit_buckets(&table->old[at], 1, visit, context);
        done += empty_cost * visit_buckets(&table->buckets[at], 1, visit, context);
        if (growing)
            done += empty_cost *
                    visit_buckets(&table->buckets[at + mask + 1], 1, visit, context);
        done++;
        from = next_place(at, mask);
    } while (from != 0 && done < empty_cost * most);
    return from;
}

void table_visit(const struct table *table,
                 void (*visit)(struct table_link *link, void *context), void *context)
{
    if (table->buckets == NULL) return;
    visit_buckets(table->buckets, table->mask + 1, visit, context);
    if (table->old != NULL)
        visit_buckets(table->old + table->moved, table->old_mask + 1 - table->moved, visit,
                      context);
}
