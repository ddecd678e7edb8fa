/* Runs many simulated worlds: test_sim [--seeds FIRST COUNT]. A world that fails is named
   with its seed, and is the same world when that seed is run alone. */
#include "world.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STEPS 400
#define QUIET_MS 300000
#define CHECKED_TWICE 20 /* every so many seeds is run again, to be the same */

struct outcome {
    bool passed;
    uint64_t digest;
};

static struct outcome run(uint64_t seed, uint64_t served[1])
{
    struct world world;
    world_init(&world, seed);
    while (world.steps < STEPS && world.failure[0] == '\0')
        world_step(&world);
    world_settle(&world, QUIET_MS);
    invariants_check_quiet(&world);
    served[0] += hub_metrics(world.hub)->served_total;
    world_end(&world);
    if (world.failure[0] != '\0')
        fprintf(stderr,
                "seed %" PRIu64 ", step %" PRIu32 ", %" PRIu64 " ms: %s\n"
                "  run it alone: test_sim --seeds %" PRIu64 " 1\n",
                seed, world.steps, world.now_ms, world.failure, seed);
    return (struct outcome){world.failure[0] == '\0', world.digest};
}

int main(int count, char **arguments)
{
    uint64_t first = 1, seeds = 1000, passed = 0, failed = 0, served = 0, again = 0;
    if (count == 4 && strcmp(arguments[1], "--seeds") == 0) {
        first = strtoull(arguments[2], NULL, 10);
        seeds = strtoull(arguments[3], NULL, 10);
    } else if (count != 1) {
        fprintf(stderr, "usage: test_sim [--seeds FIRST COUNT]\n");
        return 2;
    }
    for (uint64_t seed = first; seed < first + seeds; seed++) {
        struct outcome outcome = run(seed, &served);
        if (seed % CHECKED_TWICE == 0 && run(seed, &again).digest != outcome.digest) {
            fprintf(stderr, "seed %" PRIu64 ": two runs differ\n", seed);
            outcome.passed = false;
        }
        *(outcome.passed ? &passed : &failed) += 1;
    }
    printf("%" PRIu64 " seekers served\n%" PRIu64 " passed, %" PRIu64 " failed\n", served,
           passed, failed);
    return failed == 0 && served > 0 ? 0 : 1;
}
