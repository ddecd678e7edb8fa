/* Histograms: a row of counters, found by comparing with a row of bounds. */
#include "whilst/buckets.h"

#include <inttypes.h>

void buckets_note(struct buckets *buckets, const struct buckets_shape *shape,
                  uint64_t value)
{
    size_t i = 0;
    while (i < BUCKETS_BOUNDS && value > shape->bounds[i])
        i++;
    buckets->counts[i]++;
    buckets->sum += value;
}

uint64_t buckets_total(const struct buckets *buckets)
{
    uint64_t total = 0;
    for (size_t i = 0; i <= BUCKETS_BOUNDS; i++)
        total += buckets->counts[i];
    return total;
}

struct buckets buckets_since(const struct buckets *buckets, const struct buckets *before)
{
    struct buckets since = *buckets;
    for (size_t i = 0; i <= BUCKETS_BOUNDS; i++)
        since.counts[i] -= before->counts[i];
    since.sum -= before->sum;
    return since;
}

double buckets_quantile(const struct buckets *buckets, const struct buckets_shape *shape,
                        double part)
{
    double wanted = part * (double)buckets_total(buckets), below = 0;
    if (wanted <= 0) return 0;
    for (size_t i = 0; i < BUCKETS_BOUNDS; i++) {
        double count = (double)buckets->counts[i];
        double least = i == 0 ? 0 : shape->bounds[i - 1], most = shape->bounds[i];
        if (count > 0 && below + count >= wanted)
            return (least + (most - least) * (wanted - below) / count) / shape->scale;
        below += count;
    }
    return (double)shape->bounds[BUCKETS_BOUNDS - 1] / shape->scale;
}

void buckets_print(struct print *to, const struct buckets *buckets,
                   const struct buckets_shape *shape)
{
    uint64_t total = 0;
    print(to, "# HELP %s %s\n# TYPE %s histogram\n", shape->name, shape->help, shape->name);
    for (size_t i = 0; i < BUCKETS_BOUNDS; i++) {
        total += buckets->counts[i];
        print(to, "%s_bucket{le=\"%.9g\"} %" PRIu64 "\n", shape->name,
              (double)shape->bounds[i] / shape->scale, total);
    }
    total += buckets->counts[BUCKETS_BOUNDS];
    print(to, "%s_bucket{le=\"+Inf\"} %" PRIu64 "\n%s_sum %.15g\n%s_count %" PRIu64 "\n",
          shape->name, total, shape->name, (double)buckets->sum / shape->scale, shape->name,
          total);
}
