/* The registry: which pages there are, and who is at them. */
#ifndef WHILST_CORE_PAGES_H
#define WHILST_CORE_PAGES_H

#include "state.h"

struct page *pages_find(struct hub *hub, const struct page_hash *hash); /* or NULL */
/* Finds it, or makes an empty one, to which a member is to be added at once; NULL if there is
   no memory. */
struct page *pages_new(struct hub *hub, const struct page_hash *hash);
/* Whether nobody is at it: then it is there for partners' orders alone. */
static inline bool pages_is_empty(const struct page *page)
{
    return page->holders.count == 0 && page->seekers.count == 0;
}

/* Frees the page if nobody is left. */
void pages_settle(struct hub *hub, struct page *page);

/* Members start behind the front. False if there is no memory. */
bool pages_add_member(struct page *page, struct membership *member);
void pages_remove_member(struct page *page, struct membership *member);

/* Whether a holder may be asked; whether a seeker is to be served. */
void pages_set_front(struct page *page, struct membership *member, bool front);
/* The holder is known to have had the page. */
void pages_set_proven(struct page *page, struct membership *holder);

#endif
