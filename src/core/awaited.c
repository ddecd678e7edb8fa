/* Holders that are on their way from a process that ended.

   After a restart, or when another node went, pages are not there before their holders are.
   Until these had time to come, whoever seeks a page that nobody holds is told that it is
   searched for, and nobody is told that it is missing. When that time is over, all such
   seekers are told the truth, some pages at a time: there may be very many. */
#include "awaited.h"

#include "memory.h"
#include "status.h"

#include <stddef.h>

#define PAGES_AT_ONCE 500
#define PAUSE_MS 2

bool awaited_may_come(const struct hub *hub, const struct page *page)
{
    return hub->awaits && page->failure == REASON_NONE;
}

void hub_await(struct hub *hub, uint64_t until_ms, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    hub->awaits = true;
    hub->await_at = 0;
    if (until_ms == UINT64_MAX)
        deadlines_unset(&hub->deadlines, &hub->await_due);
    else
        deadlines_set(&hub->deadlines, &hub->await_due, until_ms);
}

void awaited_grace(struct hub *hub)
{
    uint64_t until_ms = hub->now_ms + hub->config.grace_ms;
    bool set = hub->await_due.place != 0;
    if (hub->awaits && (!set || hub->await_due.due_ms >= until_ms)) return;
    hub_await(hub, until_ms, hub->now_ms);
}

bool hub_awaits(const struct hub *hub)
{
    return hub->awaits;
}

static void tell(struct table_link *link, void *hub)
{
    struct page *page = MEMORY_OWNER(link, struct page, link);
    if (page->fetch == NULL && page->failure == REASON_NONE) status_tell_all(hub, page);
}

void awaited_due(struct hub *hub)
{
    hub->awaits = false;
    hub->await_at = table_walk(&hub->pages, hub->await_at, PAGES_AT_ONCE, tell, hub);
    if (hub->await_at != 0)
        deadlines_set(&hub->deadlines, &hub->await_due, hub->now_ms + PAUSE_MS);
}
