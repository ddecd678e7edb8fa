/* The hub's way to the other nodes: what it wants of the bus is written by the client of
   NATS, and what comes is handed to it. There is none unless the operator names servers. */
#ifndef WHILST_NET_BUS_H
#define WHILST_NET_BUS_H

#include "nats_client.h"
#include "whilst/hub.h"

/* In the environment: the name on the bus of the process before this one. */
#define BUS_PREDECESSOR "WHILST_PREDECESSOR_NODE"

struct server;
struct server_config;

/* Begins to connect, if the configuration names servers; false after a fault, which has
   been said in one line on standard error. The hub must know the node's name by then. */
bool bus_open(struct server *server);
/* Tells the other nodes that this one is about to end: holders will come to them. */
void bus_go(struct server *server);
/* Says goodbye to the other nodes, and ends; the loop must run once more. */
void bus_close(struct server *server);

/* Tells the hub's settings the node's name, which is chosen if the operator did not, and
   when it started; before the hub is made. One that takes over has another name than the
   process before it as long as both are there: NAME and NAME.2 take turns. Does nothing
   without servers. */
void bus_name_node(struct server_config *config);

/* Writes what the hub wants; to be called after every input. */
void bus_settle(struct server *server);

/* Whether nobody is to be served before there is a bus, or all was tried. */
bool bus_is_awaited(const struct server *server);

void bus_print(struct print *to, const struct server *server);

#endif
