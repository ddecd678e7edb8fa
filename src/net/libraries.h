/* What the libraries below are given before they begin. */
#ifndef WHILST_NET_LIBRARIES_H
#define WHILST_NET_LIBRARIES_H

#include "server_state.h"

/* Gives all of them our memory, with its reserve. False if there is none. Once, before
   anything of them is used. */
bool libraries_lend_memory(size_t reserve_bytes);

/* Sets the process's limit to what is needed, and what is allowed to sessions and callers to
   what there is. Once, before the context is made: libwebsockets' table of descriptors is as
   large as the limit, and is walked at every close. Returns the limit. */
int libraries_limit_descriptors(struct server_config *config);

/* Lets the loop make room for descriptors below `limit` now: it does not survive a lack of
   memory when it does so later. */
bool libraries_make_room(uv_loop_t *loop, int limit);

#endif
