/* The other nodes: who lives, and since when. */
#ifndef WHILST_CORE_NODES_H
#define WHILST_CORE_NODES_H

#include "bus_types.h"

struct node *nodes_find(struct hub *hub, uint64_t id); /* that is not gone; or NULL */

/* The node that says a cell, if it is to be believed: NULL if it is over, or if there are too
   many. */
struct node *nodes_hear(struct hub *hub, uint64_t id, uint64_t incarnation);

void nodes_alive(struct hub *hub, const struct bus_record *record);
void nodes_bye(struct hub *hub, const struct bus_record *record);
/* Asks the bus for nodes that died; it says so with this request's number. */
#define NODES_ROLL 0
void nodes_call_roll(struct hub *hub);
void nodes_due(struct hub *hub, struct node *node);
void nodes_end(struct hub *hub);

#endif
