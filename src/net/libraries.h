/* What the libraries below are given before they begin. */
#ifndef WHILST_NET_LIBRARIES_H
#define WHILST_NET_LIBRARIES_H

#include "server_state.h"

/* Gives all of them our memory, with its reserve. False if there is none. Once, before
   anything of them is used. */
bool libraries_lend_memory(size_t reserve_bytes);

/* Lets the loop make room for descriptors below `limit` now: it does not survive a lack of
   memory when it does so later. */
bool libraries_make_room(uv_loop_t *loop, int limit);

#endif
