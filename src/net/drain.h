/* The end of a server's life. */
#ifndef WHILST_NET_DRAIN_H
#define WHILST_NET_DRAIN_H

#include "server_state.h"

/* Stops accepting, and stops the loop when everybody has been served and sent away: within
   drain_ms, or fetch_ms later if something is in flight. `handed_over`: another process
   accepts in our place. */
void drain_begin(struct server *server, bool handed_over);

#endif
