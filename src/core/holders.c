/* The choice among holders. */
#include "holders.h"

#include "chance.h"
#include "pages.h"

#define COMPARED 8

struct membership *holders_choose(struct hub *hub, const struct page *page, bool again)
{
    const struct group *holders = &page->holders;
    bool known = again && holders->proven > 0;
    uint32_t among = known ? holders->proven : holders->front;
    if (among == 0) return NULL;
    uint32_t first = chance(hub, among);
    struct membership *best = group_at(holders, first);
    for (uint32_t i = 1; i < COMPARED && i < among; i++) {
        uint32_t at = among <= COMPARED ? (first + i) % among : chance(hub, among);
        struct membership *other = group_at(holders, at);
        if (other->session->pending < best->session->pending) best = other;
    }
    return best;
}

void holders_revive(struct page *page)
{
    if (page->fetch != NULL || page->holders.front > 0) return;
    for (uint32_t i = 0; i < page->holders.count; i++) {
        struct membership *holder = group_at(&page->holders, i);
        if (!holder->silent || holder->session == NULL) continue;
        holder->silent = false;
        pages_set_front(page, holder, true);
    }
}
