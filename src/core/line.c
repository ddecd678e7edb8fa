/* The line: fetches that ask nobody because there is no memory for what would come.

   The oldest is first. relay.c lets them go on when there may be memory again. */
#include "line.h"

#include "intake.h"

bool line_has_memory(const struct hub *hub, size_t pages)
{
    size_t used = hub->metrics.in_flight_bytes;
    return (used == 0 && pages == 1) ||
           used + pages * hub->config.page_bytes_max <= hub->config.in_flight_bytes_max;
}

bool line_is_full(const struct hub *hub)
{
    return hub->metrics.fetches_waiting >= hub->config.fetches_waiting_max;
}

void line_enter(struct hub *hub, struct fetch *fetch)
{
    fetch->in_line = true;
    fetch->before = hub->line_last;
    fetch->after = NULL;
    *(fetch->before == NULL ? &hub->line_first : &fetch->before->after) = fetch;
    hub->line_last = fetch;
    hub->metrics.fetches_waiting++;
    deadlines_unset(&hub->deadlines, &fetch->due);
    if (hub->line_due.place == 0)
        deadlines_set(&hub->deadlines, &hub->line_due, hub->now_ms + hub->config.hedge_ms);
}

void line_leave(struct hub *hub, struct fetch *fetch)
{
    if (!fetch->in_line) return;
    fetch->in_line = false;
    *(fetch->before == NULL ? &hub->line_first : &fetch->before->after) = fetch->after;
    *(fetch->after == NULL ? &hub->line_last : &fetch->after->before) = fetch->before;
    hub->metrics.fetches_waiting--;
    if (hub->line_first == NULL) deadlines_unset(&hub->deadlines, &hub->line_due);
}

void line_due(struct hub *hub)
{
    deadlines_set(&hub->deadlines, &hub->line_due,
                  hub->now_ms + (hub->config.hedge_ms > 0 ? hub->config.hedge_ms : 1));
    intake_shed(hub);
}
