/* What happens at SIGHUP. */
#ifndef WHILST_NET_RELOAD_H
#define WHILST_NET_RELOAD_H

#include "server_state.h"

/* Reads everything again that can be read again: configuration, deny list, certificates. What
   is wrong changes nothing and is logged. */
void reload_all(struct server *server);

/* What the configuration allows at the start, and once clients had time to read what waited
   when it began to allow less: to be called every second or so. */
void reload_begin(struct server *server);
void reload_sweep(struct server *server);

#endif
