/* What seekers are told while they have no page: `status` and `error` (docs/protocol.md,
   section 3.3). */
#ifndef WHILST_CORE_STATUS_H
#define WHILST_CORE_STATUS_H

#include "state.h"

/* One seeker, if it wants to know; and all of a page that are to be served and do not wait
   for room. */
void status_tell(struct hub *hub, struct membership *seeker);
void status_tell_all(struct hub *hub, struct page *page);
/* The seeker is not given the page. */
void status_refuse(struct hub *hub, const struct membership *seeker, enum reason reason);

#endif
