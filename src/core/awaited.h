/* Holders of an earlier process that are on their way here. */
#ifndef WHILST_CORE_AWAITED_H
#define WHILST_CORE_AWAITED_H

#include "state.h"

/* Whether a page that nobody can be asked for may still come. */
bool awaited_may_come(const struct hub *hub, const struct page *page);
/* The time is over, or some more pages are to be looked at. */
void awaited_due(struct hub *hub);

#endif
