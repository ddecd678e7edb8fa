/* How long each turn of the loop takes. */
#ifndef WHILST_NET_PULSE_H
#define WHILST_NET_PULSE_H

#include "whilst/buckets.h"

#include <uv.h>

extern const struct buckets_shape pulse_shape;

struct pulse {
    uv_prepare_t prepare;
    uint64_t turned_ns, idle_ns; /* at the end of the last turn; what of it was waiting */
    struct buckets delays;
};

void pulse_open(struct pulse *pulse, uv_loop_t *loop);
void pulse_close(struct pulse *pulse);

#endif
