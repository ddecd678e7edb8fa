/* Who is here: how many hold a page, told to all who hold it. */
#ifndef WHILST_CORE_PRESENCE_H
#define WHILST_CORE_PRESENCE_H

#include "state.h"

/* A holder came; it is told the count. */
void presence_joined(struct hub *hub, struct membership *holder);
/* The number of holders may have changed. */
/* How long a page waits between two counts. */
uint64_t presence_interval_ms(const struct hub *hub, const struct page *page);

void presence_changed(struct hub *hub, struct page *page);
/* The number of those away has changed, that of all has not. */
void presence_away(struct hub *hub, struct page *page);
/* So has what other nodes tell of the page. */
void presence_others_changed(struct hub *hub, struct page *page);
/* How many hold the page, in all nodes. */
uint32_t presence_count(struct hub *hub, const struct page *page);
/* The page's count_due is reached. */
void presence_due(struct hub *hub, struct page *page);

#endif
