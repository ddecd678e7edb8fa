/* Runs many simulated worlds: test_sim [--nodes N] [--seeds FIRST COUNT]. A world that fails
   is named with its seed, and is the same world when that seed is run alone. With more than
   one node it is measured how long after the heal all nodes count alike, and how long until
   all is right; the world ends then. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 400
#define STEPS_OF_MANY 200
#define QUIET_MS 300000
#define QUIET_STEP_MS 250
#define APART_MS 1000      /* counts that differ for so long are not just on their way */
#define APART_MAX_MS 20000 /* after the heal */
#define CHECKED_TWICE 20   /* every so many seeds is run again, to be the same */

struct outcome {
    bool passed;
    uint64_t digest, served, fetched, restarts;
    uint64_t counted_ms, healed_ms; /* after the heal */
};

struct totals {
    uint64_t passed, failed, served, fetched, restarts;
    uint64_t counted_ms, counted_ms_max, healed_ms, healed_ms_max, slowest_seed;
};

/* Until all is right. Notes how long that took, and until all nodes counted alike. */
static void recover(struct world *world, struct outcome *outcome)
{
    uint64_t begun_ms = world->now_ms, alike_ms = begun_ms;
    world_heal(world);
    while (world->failure[0] == '\0' && !invariants_are_quiet(world) &&
           world->now_ms < begun_ms + QUIET_MS) {
        world_settle(world, QUIET_STEP_MS);
        if (invariants_count_alike(world)) alike_ms = world->now_ms;
        if (world->now_ms - alike_ms >= APART_MS)
            outcome->counted_ms = world->now_ms - begun_ms;
        if (outcome->counted_ms > APART_MAX_MS)
            world_fail(world, "nodes still count otherwise than others");
    }
    outcome->healed_ms = world->now_ms - begun_ms;
}

static struct outcome run(uint64_t seed, uint32_t nodes)
{
    struct world world;
    struct outcome outcome = {0};
    world_init(&world, seed, nodes);
    while (world.steps < (nodes > 1 ? STEPS_OF_MANY : STEPS) && world.failure[0] == '\0')
        world_step(&world);
    if (nodes > 1)
        recover(&world, &outcome);
    else
        world_settle(&world, QUIET_MS);
    invariants_check_quiet(&world);
    world_end(&world);
    if (world.failure[0] != '\0')
        fprintf(stderr,
                "seed %" PRIu64 ", step %" PRIu32 ", %" PRIu64 " ms: %s\n"
                "  run it alone: test_sim --nodes %" PRIu32 " --seeds %" PRIu64 " 1\n",
                seed, world.steps, world.now_ms, world.failure, nodes, seed);
    outcome.passed = world.failure[0] == '\0';
    outcome.digest = world.digest;
    outcome.served = world.served;
    outcome.fetched = world.fetched;
    outcome.restarts = world.restarts;
    return outcome;
}

static void run_all(uint64_t first, uint64_t seeds, uint32_t nodes, struct totals *totals)
{
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct outcome outcome = run(seed, nodes);
        if (seed % CHECKED_TWICE == 0 && run(seed, nodes).digest != outcome.digest) {
            fprintf(stderr, "seed %" PRIu64 ": two runs differ\n", seed);
            outcome.passed = false;
        }
        *(outcome.passed ? &totals->passed : &totals->failed) += 1;
        totals->served += outcome.served;
        totals->fetched += outcome.fetched;
        totals->restarts += outcome.restarts;
        totals->counted_ms += outcome.counted_ms;
        if (outcome.counted_ms > totals->counted_ms_max)
            totals->counted_ms_max = outcome.counted_ms;
        totals->healed_ms += outcome.healed_ms;
        if (outcome.healed_ms <= totals->healed_ms_max) continue;
        totals->healed_ms_max = outcome.healed_ms;
        totals->slowest_seed = seed;
    }
}

int main(int count, char **arguments)
{
    uint64_t first = 1, seeds = 1000, nodes = 1;
    struct totals totals = {0};
    int at = 1;
    if (count >= at + 2 && strcmp(arguments[at], "--nodes") == 0) {
        nodes = strtoull(arguments[at + 1], NULL, 10);
        at += 2;
    }
    if (count == at + 3 && strcmp(arguments[at], "--seeds") == 0) {
        first = strtoull(arguments[at + 1], NULL, 10);
        seeds = strtoull(arguments[at + 2], NULL, 10);
        at += 3;
    }
    if (count != at || nodes < 1 || nodes > WORLD_MACHINES || seeds < 1) {
        fprintf(stderr, "usage: test_sim [--nodes N] [--seeds FIRST COUNT]\n");
        return 2;
    }
    run_all(first, seeds, (uint32_t)nodes, &totals);
    printf("%" PRIu64 " seekers served, %" PRIu64 " restarts\n", totals.served,
           totals.restarts);
    if (nodes > 1) {
        printf("%" PRIu64 " pages fetched from other nodes\n", totals.fetched);
        printf("all nodes count alike %" PRIu64 " ms after the heal on average, %" PRIu64
               " ms at most\n",
               totals.counted_ms / seeds, totals.counted_ms_max);
        printf("all right %" PRIu64 " ms after it on average, %" PRIu64
               " ms at most, seed %" PRIu64 "\n",
               totals.healed_ms / seeds, totals.healed_ms_max, totals.slowest_seed);
    }
    printf("%" PRIu64 " passed, %" PRIu64 " failed\n", totals.passed, totals.failed);
    return totals.failed == 0 && totals.served > 0 && (nodes == 1 || totals.fetched > 0)
               ? 0
               : 1;
}
