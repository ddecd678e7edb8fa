/* What strangers can make the core cost: bench_hostile

   Prints ratios and longest steps; nothing here is a test, since a shared machine is no
   clock. Three attacks:
   - keys that are chosen to collide, against random ones, in the table of pages;
   - JSON that is dear to read, in messages of every kind that take JSON;
   - a crowd that joins one page. */
#include "memory.h"
#include "table.h"
#include "whilst/hub.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { KEYS = 100000, BOMB = 1 << 20, CROWD = 10000 };

static uint64_t read_clock(clockid_t clock)
{
    struct timespec now;
    clock_gettime(clock, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* By the clock of our own work: others on the machine do not count. */
static uint64_t now_ns(void)
{
    return read_clock(CLOCK_THREAD_CPUTIME_ID);
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

/* ---- keys ---- */

struct entry {
    struct table_link link;
    struct page_hash hash;
};

static uint64_t key_of(const struct page_hash *hash)
{
    static const uint64_t secret[2] = {0x0123456789abcdef, 0xfedcba9876543210};
    return siphash(secret, hash, sizeof *hash);
}

/* The p99 of looking each of the keys up once, in nanoseconds. */
static uint64_t look_up(struct entry *entries)
{
    struct table table = {0};
    uint64_t *times = malloc(KEYS * sizeof *times), p99;
    if (times == NULL) abort();
    for (int i = 0; i < KEYS; i++)
        if (!table_add(&table, &entries[i].link, key_of(&entries[i].hash))) abort();
    for (int i = 0; i < KEYS; i++) {
        const struct page_hash *hash = &entries[(size_t)i * 7919 % KEYS].hash;
        uint64_t begun = read_clock(CLOCK_MONOTONIC); /* quicker to read */
        struct table_link *link = table_first(&table, key_of(hash));
        while (!hash_equal(&MEMORY_OWNER(link, struct entry, link)->hash, hash))
            link = table_next(link);
        times[i] = read_clock(CLOCK_MONOTONIC) - begun;
    }
    qsort(times, KEYS, sizeof *times, compare);
    p99 = times[KEYS * 99 / 100];
    for (int i = 0; i < KEYS; i++)
        table_remove(&table, &entries[i].link);
    table_clear(&table);
    free(times);
    return p99;
}

static void random_key(struct page_hash *hash, uint32_t i)
{
    *hash = hash_of(&i, sizeof i);
}

/* All that a hash table without a secret would look at is the same. */
static void same_ends(struct page_hash *hash, uint32_t i)
{
    memset(hash, 0, sizeof *hash);
    memcpy(hash->bytes + 14, &i, sizeof i);
}

static void same_low_bits(struct page_hash *hash, uint32_t i)
{
    memset(hash, 0, sizeof *hash);
    for (size_t j = 0; j < 4; j++)
        hash->bytes[8 * j + 7] = (uint8_t)(i >> 8 * j);
}

static void bench_keys(void)
{
    static const struct {
        const char *name;
        void (*make)(struct page_hash *hash, uint32_t i);
    } kinds[] = {{"random", random_key},
                 {"the same at both ends", same_ends},
                 {"the same low bits", same_low_bits}};
    struct entry *entries = calloc(KEYS, sizeof *entries);
    uint64_t usual = 0;
    if (entries == NULL) abort();
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (uint32_t i = 0; i < KEYS; i++)
            kinds[k].make(&entries[i].hash, i);
        uint64_t p99 = look_up(entries);
        if (k == 0) usual = p99;
        printf("%d keys, %-22s look-up p99 %4llu ns, %.2f of random ones\n", KEYS,
               kinds[k].name, (unsigned long long)p99, (double)p99 / (double)usual);
    }
    free(entries);
}

/* ---- JSON ---- */

static const char page_topic[] =
    "have:2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

static struct hub *new_hub(void)
{
    static const uint64_t seed[2] = {1, 2};
    struct hub_config config = hub_config_default();
    config.message_rate = config.join_rate = 0;
    struct hub *hub = hub_new(&config, seed);
    if (hub == NULL) abort();
    return hub;
}

static void drain(struct hub *hub)
{
    struct effect effect;
    while (hub_next_effect(hub, &effect))
        message_unref(effect.message);
}

static session_id arrive(struct hub *hub)
{
    static const struct address nowhere = {{0}};
    enum reason reason;
    return hub_connect(hub, &nowhere, 1, &reason);
}

/* Says a message in parts; returns how long the longest took, effects included. */
static uint64_t say(struct hub *hub, session_id session, const char *text, size_t size,
                    size_t step)
{
    uint64_t longest = 0;
    for (size_t at = 0; at < size; at += step) {
        size_t part_size = size - at < step ? size - at : step;
        struct hub_part part = {.bytes = text + at,
                                .size = part_size,
                                .fragment = at == 0,
                                .final = at + part_size == size};
        uint64_t begun = now_ns();
        hub_receive(hub, session, &part, 1);
        drain(hub);
        uint64_t took = now_ns() - begun;
        if (took > longest) longest = took;
    }
    return longest;
}

static void join(struct hub *hub, session_id session, const char *kind)
{
    char text[160];
    int size = snprintf(text, sizeof text, "[\"1\",\"1\",\"%s:%s\",\"phx_join\",{}]", kind,
                        page_topic + 5);
    say(hub, session, text, (size_t)size, (size_t)size);
}

/* The middle of a bomb, repeated to `size` bytes. */
static size_t fill(char *out, size_t size, const char *unit)
{
    size_t length = strlen(unit), at = 0;
    for (; at + length <= size; at += length)
        memcpy(out + at, unit, length);
    return at;
}

static void bench_json(void)
{
    static const char *const units[] = {"{},",  "[",    "{\"a\":", "\\u0001",
                                        "\\\"", "1e9,", "\"x\":0,"};
    static const char *const fronts[] = {"[null,\"1\",\"phoenix\",\"heartbeat\",",
                                         "[null,\"1\",\"all\",\"phx_join\",",
                                         "[\"1\",\"2\",\"%s\",\"content\",",
                                         "[\"1\",\"2\",\"%s\",\"content\",{\"content\":\""};
    static const size_t steps[] = {1024, 65536};
    static char text[BOMB + 256];
    uint64_t longest = 0;
    for (size_t f = 0; f < sizeof fronts / sizeof fronts[0]; f++)
        for (size_t u = 0; u < sizeof units / sizeof units[0]; u++)
            for (size_t s = 0; s < sizeof steps / sizeof steps[0]; s++) {
                struct hub *hub = new_hub();
                session_id holder = arrive(hub), seeker = arrive(hub);
                join(hub, holder, "have");
                join(hub, seeker, "want");
                int front = snprintf(text, 256, fronts[f], page_topic);
                size_t size = (size_t)front + fill(text + front, BOMB, units[u]);
                uint64_t took = say(hub, holder, text, size, steps[s]);
                if (took > longest) longest = took;
                hub_free(hub);
            }
    printf("1 MiB of JSON in %zu shapes: the longest step took %.2f ms\n",
           sizeof fronts / sizeof fronts[0] * sizeof units / sizeof units[0],
           (double)longest / 1e6);
}

/* ---- a crowd ---- */

static void bench_crowd(void)
{
    struct hub *hub = new_hub();
    uint64_t begun = now_ns(), longest = 0;
    for (int i = 0; i < CROWD; i++) {
        session_id session = arrive(hub);
        join(hub, session, "have");
        if (i % 10 != 0) continue;
        uint64_t before = now_ns();
        hub_tick(hub, 1 + (uint64_t)i / 10);
        drain(hub);
        if (now_ns() - before > longest) longest = now_ns() - before;
    }
    hub_tick(hub, 20000);
    drain(hub);
    uint64_t took = now_ns() - begun;
    printf("%d join one page in a second: %llu counts, %.1f ms of the core in all, "
           "%.2f ms at once\n",
           CROWD, (unsigned long long)hub_metrics(hub)->counts_total, (double)took / 1e6,
           (double)longest / 1e6);
    hub_free(hub);
}

int main(void)
{
    bench_keys();
    bench_json();
    bench_crowd();
    return 0;
}
