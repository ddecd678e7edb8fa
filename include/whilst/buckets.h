/* How often values of each size came: buckets with fixed bounds, for /metrics. */
#ifndef WHILST_BUCKETS_H
#define WHILST_BUCKETS_H

#include "whilst/print.h"

#include <stddef.h>
#include <stdint.h>

#define BUCKETS_BOUNDS 15

/* What they count. Values are whole numbers of a small unit, of which `scale` make
   one of the unit in the name. */
struct buckets_shape {
    const char *name, *help;
    uint32_t scale;
    uint32_t bounds[BUCKETS_BOUNDS]; /* rising, in the small unit */
};

/* A histogram. Zeroed memory is an empty one. */
struct buckets {
    uint64_t counts[BUCKETS_BOUNDS + 1]; /* up to each bound, and beyond the last */
    uint64_t sum;
};

void buckets_note(struct buckets *buckets, const struct buckets_shape *shape,
                  uint64_t value);

/* How many values there are. */
uint64_t buckets_total(const struct buckets *buckets);

/* What came after `before` was copied from the same histogram. */
struct buckets buckets_since(const struct buckets *buckets, const struct buckets *before);

/* The value, in the unit of the name, that `part` (0 to 1) of all do not exceed: a bucket is
   taken to be evenly filled, and the last one to be at its lower bound. 0 if it is empty. */
double buckets_quantile(const struct buckets *buckets, const struct buckets_shape *shape,
                        double part);

/* Writes it in Prometheus' text format. */
void buckets_print(struct print *to, const struct buckets *buckets,
                   const struct buckets_shape *shape);

#endif
