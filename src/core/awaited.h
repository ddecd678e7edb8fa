/* Holders that are on their way from a process that ended. */
#ifndef WHILST_CORE_AWAITED_H
#define WHILST_CORE_AWAITED_H

#include "state.h"

/* Whether a page that nobody can be asked for may still come. */
bool awaited_may_come(const struct hub *hub, const struct page *page);
/* Another node has gone, or is about to: its holders may come here or to others. */
void awaited_grace(struct hub *hub);
/* The time is over, or some more pages are to be looked at. */
void awaited_due(struct hub *hub);

#endif
