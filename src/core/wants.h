/* Wants: asking other nodes for a page. */
#ifndef WHILST_CORE_WANTS_H
#define WHILST_CORE_WANTS_H

#include "bus_types.h"

/* A fetch of the page begins: no node was asked yet. Of no effect without a bus, as all
   functions here that are named by a page. */
void wants_begin(struct hub *hub, const struct page *page);
/* Whether there is a node, or anybody, left to ask in this fetch. */
bool wants_can_ask(struct hub *hub, const struct page *page);
/* Asks; false if nobody was. */
bool wants_ask(struct hub *hub, struct page *page);
/* How many nodes are asked now. */
uint32_t wants_pending(struct hub *hub, const struct page *page);
/* When wants_give_up has work, or UINT64_MAX. */
uint64_t wants_due_ms(struct hub *hub, const struct page *page);
/* Asks again what is to be asked again, and gives those up who are silent; whether there were
   any. */
bool wants_give_up(struct hub *hub, struct page *page);
/* The fetch is over: nobody need answer. */
void wants_end(struct hub *hub, const struct page *page);

/* Asks one node, or whoever takes it (0), or one partner; false if that cannot be. */
bool wants_open(struct hub *hub, struct interest *interest, uint64_t node,
                struct partner *partner);
/* It need not be answered. */
void wants_cancel(struct hub *hub, struct want *want);

/* An answer, or part of one, came from a partner or, if that is NULL, from a node; or
   there is nobody to answer. False if it was of no use. */
bool wants_hear(struct hub *hub, struct partner *partner, uint64_t request,
                const struct bus_record *record);
void wants_nobody(struct hub *hub, uint64_t request);

#endif
