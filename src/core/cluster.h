/* The hub among others: what it publishes, and its own signs of life. */
#ifndef WHILST_CORE_CLUSTER_H
#define WHILST_CORE_CLUSTER_H

#include "bus_types.h"

/* Of a hub with a node's name; false if there is no memory. */
bool cluster_begin(struct hub *hub);
void cluster_end(struct hub *hub);

static inline bool cluster_is_up(const struct hub *hub)
{
    return hub->bus != NULL && hub->bus->state == BUS_UP;
}

/* Queues an effect for the bus, with its body's reference; false if the bus is down or there
   is no memory: then it is lost. */
bool cluster_queue(struct hub *hub, const struct bus_effect *effect);
/* Publishes a message without body or reply. */
bool cluster_publish(struct hub *hub, const struct bus_subject *subject,
                     const struct bus_record *record);
/* Publishes it to one node. */
bool cluster_tell(struct hub *hub, uint64_t node, const struct bus_record *record);

void cluster_alive_due(struct hub *hub);

#endif
