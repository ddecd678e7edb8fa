/* Presence: counts that cost a crowd O(n) messages, not O(n²).

   A change is told at once if the page was quiet, else when its interval is over, once for
   all changes in between, so that the last value always arrives. The interval grows with
   the audience: one page sends count_per_second counts on average, however many come and
   go. On a small page a joiner need not wait; on a large one it learns the count with
   everybody else. */
#include "presence.h"

#include "send.h"

#include <inttypes.h>
#include <stdio.h>

static uint64_t interval_ms(const struct hub *hub, const struct page *page)
{
    const struct hub_config *config = &hub->config;
    uint64_t interval =
        ((uint64_t)page->holders.count * 1000 + config->count_per_second - 1) /
        config->count_per_second;
    if (interval < config->count_interval_ms) return config->count_interval_ms;
    if (interval > config->count_interval_max_ms) return config->count_interval_max_ms;
    return interval;
}

static void tell(struct hub *hub, struct broadcast *broadcast, struct membership *holder,
                 uint32_t count)
{
    if (holder->session == NULL || holder->count_told == count) return;
    holder->count_told = count;
    hub->metrics.counts_total++;
    send_broadcast(hub, broadcast, holder);
}

/* Tells `only`, or everybody at the page if it is NULL. */
static void tell_count(struct hub *hub, struct page *page, struct membership *only)
{
    char payload[32];
    uint32_t count = page->holders.count;
    struct broadcast broadcast = {
        .event = "visitors_count", .payload = payload, .subject = page->link.key | 1};
    snprintf(payload, sizeof payload, "{\"count\":%" PRIu32 "}", count);
    if (only != NULL) {
        tell(hub, &broadcast, only, count);
    } else {
        for (uint32_t i = 0; i < count; i++)
            tell(hub, &broadcast, group_at(&page->holders, i), count);
        page->counted = count;
        page->counted_ms = hub->now_ms;
    }
    send_broadcast_clear(&broadcast);
}

void presence_changed(struct hub *hub, struct page *page)
{
    if (page->holders.count == page->counted || page->holders.count == 0) return;
    uint64_t due = page->counted_ms + interval_ms(hub, page);
    if (page->counted == 0 || due <= hub->now_ms) {
        deadlines_unset(&hub->deadlines, &page->count_due);
        tell_count(hub, page, NULL);
    } else if (page->count_due.place == 0) {
        deadlines_set(&hub->deadlines, &page->count_due, due);
    }
}

void presence_joined(struct hub *hub, struct membership *holder)
{
    struct page *page = holder->page;
    presence_changed(hub, page);
    if (holder->count_told == page->holders.count) return;
    if (interval_ms(hub, page) == hub->config.count_interval_ms)
        tell_count(hub, page, holder);
    else if (page->count_due.place == 0)
        deadlines_set(&hub->deadlines, &page->count_due,
                      page->counted_ms + interval_ms(hub, page));
}

void presence_due(struct hub *hub, struct page *page)
{
    if (page->holders.count > 0) tell_count(hub, page, NULL);
}
