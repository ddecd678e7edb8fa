/* Orders: pages that other nodes want of this one. */
#ifndef WHILST_CORE_ORDERS_H
#define WHILST_CORE_ORDERS_H

#include "bus_types.h"

#define ORDERS_WINDOW 4 /* chunks on their way */

/* An order came; false if it is none. */
bool orders_hear(struct hub *hub, const struct bus_message *message,
                 const struct bus_record *record);
/* The same, of a partner. */
bool orders_hear_far(struct hub *hub, struct partner *partner,
                     const struct bus_record *record);
/* Its asker, which is a partner's or, with NULL, ours, takes more, or does not want it any
   more; false if that is of no use. */
bool orders_hear_more(struct hub *hub, const struct partner *partner,
                      const struct bus_record *record);
void orders_due(struct hub *hub, struct order *order);

/* Whether any wait for the page; whether some are partners', for which other nodes are
   asked; whether some are not. */
bool orders_wait(struct hub *hub, const struct page *page);
bool orders_wait_far(struct hub *hub, const struct page *page);
bool orders_wait_near(struct hub *hub, const struct page *page);
/* The page came: its bytes are `size` from the `at`-th of the message. */
void orders_serve(struct hub *hub, const struct page *page, struct message *message,
                  size_t at, size_t size);
/* It cannot be had of holders here; nor of other nodes. */
void orders_refuse_near(struct hub *hub, const struct page *page);
void orders_refuse(struct hub *hub, const struct page *page);
/* Pages that the operator does not relay any more do not go to partners. */
void orders_drop_denied(struct hub *hub);
void orders_end(struct hub *hub);

#endif
