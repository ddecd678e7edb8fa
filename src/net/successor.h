/* The process that serves after this one, and the one that served before. */
#ifndef WHILST_NET_SUCCESSOR_H
#define WHILST_NET_SUCCESSOR_H

#include "server_state.h"

/* Starts the program again, which may be another by now, with our command line and listening
   sockets. When it serves, this process drains; if it does not come to that, this one goes
   on. */
void successor_start(struct server *server);

/* Gives up a successor that takes too long. */
void successor_sweep(struct server *server);

/* Tells the process before us, if there is one, that we serve; and notes when it has gone. */
void successor_took_over(struct server *server);

void successor_close(struct server *server);

#endif
