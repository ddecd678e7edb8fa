/* The text of /metrics. */
#ifndef WHILST_NET_EXPOSITION_H
#define WHILST_NET_EXPOSITION_H

#include "server_state.h"

/* Everything that is counted, in Prometheus' text format. The caller frees it with
   memory_free; NULL if there is no memory. */
char *exposition_new(struct server *server, size_t *size);

#endif
