/* A hub whose sessions have all gone, and all time with them, keeps nothing. */
#ifndef WHILST_TESTS_EMPTY_H
#define WHILST_TESTS_EMPTY_H

#include "must.h"
#include "whilst/hub.h"

static inline void must_be_empty(struct hub *hub)
{
    const struct metrics *metrics = hub_metrics(hub);
#define gauge(field) MUST(metrics->field == 0);
#define counter(field)
#define X(type, field, help) type(field)
    METRICS(X)
#undef X
#undef counter
#undef gauge
    MUST(hub_next_deadline(hub) == UINT64_MAX);
}

#endif
