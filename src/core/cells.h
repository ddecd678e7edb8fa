/* Cells: what other nodes said of who is at a page. */
#ifndef WHILST_CORE_CELLS_H
#define WHILST_CORE_CELLS_H

#include "bus_types.h"

/* Who is at the page in all other nodes; nobody without a bus. */
struct tally cells_others(struct hub *hub, const struct page *page);

/* A node told its cell of a page, or asked for ours with it. */
void cells_hear(struct hub *hub, const struct page_hash *hash,
                const struct bus_record *record);
/* The interest was visited: cells that were not told for several visits are dropped. */
void cells_visit(struct hub *hub, struct interest *interest);
/* Whether one was not told since the last visit. */
bool cells_are_unheard(const struct interest *interest);
void cells_drop(struct hub *hub, struct cell *cell);
void cells_drop_all(struct hub *hub, struct interest *interest);

/* The node's cell of the interest, or NULL. */
struct cell *cells_find(const struct interest *interest, uint64_t node);

#endif
