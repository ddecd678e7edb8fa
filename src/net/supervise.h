/* What the service manager is told whilst the server runs. */
#ifndef WHILST_NET_SUPERVISE_H
#define WHILST_NET_SUPERVISE_H

#include "server_state.h"

/* Says that the server is ready, and from then on how it is. */
void supervise_start(struct server *server);

#endif
