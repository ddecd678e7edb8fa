/* Claims: what partners say of how many are at a page. */
#ifndef WHILST_CORE_CLAIMS_H
#define WHILST_CORE_CLAIMS_H

#include "bus_types.h"

/* The partner gave us the page, or had it from us: it knows the page, so that asking it for
   its count tells it nothing. */
void claims_meet(struct hub *hub, struct interest *interest, struct partner *partner);

/* A partner told its count, or asked for ours; false if it may not. */
bool claims_hear(struct hub *hub, struct partner *partner, const struct bus_record *record);

/* Asks, tells and forgets what is due by now; when there is more, or UINT64_MAX. */
void claims_tend(struct hub *hub, struct interest *interest);
uint64_t claims_due_ms(struct hub *hub, const struct interest *interest);

/* Tells a holder who wants to know, and came now. */
void claims_joined(struct hub *hub, struct membership *holder);
void claims_drop_all(struct interest *interest);

#endif
