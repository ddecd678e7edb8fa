/* Other organisations: what they may say, how much of it, and when they are not heard. */
#ifndef WHILST_CORE_PARTNERS_H
#define WHILST_CORE_PARTNERS_H

#include "bus_types.h"

/* Each has four subjects; the numbers of our own subscriptions come before and behind. */
#define PARTNERS_SUBSCRIPTIONS_FIRST 4
#define PARTNERS_SUBSCRIPTIONS_END (PARTNERS_SUBSCRIPTIONS_FIRST + 4 * PARTNERS_MAX)

/* Of those in the configuration; false if there is no memory. */
bool partners_begin(struct hub *hub);
void partners_end(struct hub *hub);
void partners_bus_up(struct hub *hub);
void partners_bus_down(struct hub *hub);
void partners_due(struct hub *hub, struct partner *partner);

/* A message on a partner's subject came. */
void partners_hear(struct hub *hub, const struct bus_message *message);

/* Makes a subject one on which the partner hears us. */
void partners_address(const struct partner *partner, struct bus_subject *subject);

/* Something of it is refused: it is counted, and after too much it is not heard. */
void partners_refuse(struct hub *hub, struct partner *partner, enum reason reason);
/* It did not answer, or falsely: it is not asked for a while. It answered. */
void partners_failed(const struct hub *hub, struct partner *partner);
void partners_did_well(struct partner *partner);

#endif
