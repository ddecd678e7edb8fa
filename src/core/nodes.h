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
void nodes_due(struct hub *hub, struct node *node);
void nodes_end(struct hub *hub);

#endif
