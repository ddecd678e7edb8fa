/* The last hour, in fixed space. */
#ifndef WHILST_NET_HISTORY_H
#define WHILST_NET_HISTORY_H

#include "whilst/hub.h"

#include <uv.h>

#define HISTORY_STEP_S 5
#define HISTORY_SAMPLES 720 /* an hour */

struct json_t; /* jansson's */
struct server;
struct history;

/* Begins to take samples; NULL if there is no memory. */
struct history *history_open_new(struct server *server);
void history_close(
    struct history *history); /* NULL is allowed; freed when the loop says so */

/* Samples with a number above `after`, the oldest first; NULL if there is no memory. Each
   column is a list as long as `time`; `next` is what to ask after the next time. */
struct json_t *history_json_new(const struct history *history, uint64_t after);

#endif
