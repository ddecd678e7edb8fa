/* Asking partners for what nobody at home holds. */
#ifndef WHILST_CORE_ABROAD_H
#define WHILST_CORE_ABROAD_H

#include "bus.h"
#include "partners.h"

/* Of no effect without partners: whether there is one left to ask in this fetch; asks it,
   false if nobody was; how many are asked now; none of them need answer. */
bool abroad_can_ask(struct hub *hub, const struct page *page);
bool abroad_ask(struct hub *hub, const struct page *page);
uint32_t abroad_pending(struct hub *hub, const struct page *page);
void abroad_end(struct hub *hub, const struct page *page);

/* ---- what wants.c tells of a want that is a partner's ---- */

void abroad_opened(const struct hub *hub, struct partner *partner);
bool abroad_publish(struct hub *hub, const struct want *want);
/* Whether so many bytes may come. */
bool abroad_has_room(const struct hub *hub, const struct partner *partner, uint32_t bytes);
void abroad_reserved(struct hub *hub, const struct want *want);
/* It ends, in whatever way. */
void abroad_closed(struct hub *hub, const struct want *want);

/* It looks for the page; false if it said so a moment ago. */
bool abroad_sign(struct hub *hub, struct want *want, const struct bus_record *record);
void abroad_came(struct hub *hub, const struct want *want);
void abroad_lied(struct hub *hub, const struct want *want);
void abroad_given_up(struct hub *hub, const struct want *want);
void abroad_refused(struct hub *hub, const struct want *want, enum bus_no no);

#endif
