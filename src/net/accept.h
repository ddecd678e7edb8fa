/* Listening and accepting, by our own hand. */
#ifndef WHILST_NET_ACCEPT_H
#define WHILST_NET_ACCEPT_H

#include "server_state.h"

/* Binds every address of the configuration. False when one cannot be had, which has been
   said on standard error. */
bool accept_open(struct server *server);
/* Begins to accept, and says where. */
void accept_start(struct server *server);
/* Stops listening. */
void accept_close(struct server *server);

#endif
