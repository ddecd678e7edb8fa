/* The pages that this node shares with others: what it subscribes to and tells. */
#ifndef WHILST_CORE_INTERESTS_H
#define WHILST_CORE_INTERESTS_H

#include "bus_types.h"

/* The interest of a page, or NULL; there is none without a bus, or without memory. */
struct interest *interests_of(struct hub *hub, const struct page *page);
struct interest *interests_find(struct hub *hub, const struct page_hash *hash);

/* Somebody is at the page for the first time; who is there has changed; nobody is. Of no
   effect without a bus. */
void interests_page_came(struct hub *hub, const struct page *page);
void interests_page_changed(struct hub *hub, const struct page *page);
void interests_page_gone(struct hub *hub, const struct page *page);

/* Does what is due for the interest, which may end it. */
void interests_tend(struct hub *hub, struct interest *interest);

/* Its seekers found nobody: they try again later, if others say that they hold it. */
void interests_retry(struct hub *hub, const struct page *page);

/* What this node says of a page when it is asked. */
void interests_answer(struct hub *hub, const struct interest *interest, uint64_t node);

/* Has other nodes asked who is at a page that nobody here may be at; in how many
   milliseconds the answers will have come. */
uint32_t interests_ask(struct hub *hub, const struct page_hash *hash);

/* All are to be told and asked for again, spread out. */
void interests_walk_soon(struct hub *hub);
void interests_walk_due(struct hub *hub);
void interests_due(struct hub *hub, struct interest *interest);

void interests_bus_up(struct hub *hub);
void interests_bus_down(struct hub *hub);
void interests_end(struct hub *hub);

#endif
