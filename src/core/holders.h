/* Which of a page's holders is asked. */
#ifndef WHILST_CORE_HOLDERS_H
#define WHILST_CORE_HOLDERS_H

#include "state.h"

/* The holder with the fewest requests in flight among a few that chance names; NULL if
   nobody may be asked. The first to be asked is anybody, so that all holders share the
   work; then those go first who are known to have had the page. */
struct membership *holders_choose(struct hub *hub, const struct page *page, bool again);

/* Nobody fresh can be asked: those who once did not answer get another chance. */
void holders_revive(struct page *page);

#endif
