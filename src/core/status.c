/* Telling seekers how their search goes. */
#include "status.h"

#include "awaited.h"
#include "presence.h"
#include "send.h"

#include <inttypes.h>
#include <stdio.h>

struct status_text {
    char text[96];
};

static struct status_text print_status(struct hub *hub, const struct page *page,
                                       const char *state, const char *reason)
{
    struct status_text status;
    snprintf(status.text, sizeof status.text,
             "{\"state\":\"%s\",\"holders\":%" PRIu32 ",\"asked\":%" PRIu32
             ",\"reason\":%s}",
             state, presence_count(hub, page), page->fetch == NULL ? 0 : page->fetch->asked,
             reason);
    return status;
}

static struct status_text status_of(struct hub *hub, const struct page *page)
{
    const char *reason = page->failure == REASON_SILENT        ? "\"silent\""
                         : page->failure == REASON_WRONG_BYTES ? "\"wrong_bytes\""
                         : page->failure == REASON_BUSY        ? "\"busy\""
                                                               : "\"no_holder\"";
    bool searches = page->fetch != NULL || awaited_may_come(hub, page);
    return searches ? print_status(hub, page, "searching", "null")
                    : print_status(hub, page, "nobody", reason);
}

void status_tell(struct hub *hub, struct membership *seeker)
{
    struct status_text status = seeker->waiting
                                    ? print_status(hub, seeker->page, "waiting", "null")
                                    : status_of(hub, seeker->page);
    struct broadcast broadcast = {.event = "status", .payload = status.text};
    if (seeker->status) send_broadcast(hub, &broadcast, seeker);
    send_broadcast_clear(&broadcast);
}

void status_tell_all(struct hub *hub, struct page *page)
{
    struct status_text status = status_of(hub, page);
    struct broadcast broadcast = {.event = "status", .payload = status.text};
    for (uint32_t i = 0; i < page->seekers.front; i++)
        if (group_at(&page->seekers, i)->status && !group_at(&page->seekers, i)->waiting)
            send_broadcast(hub, &broadcast, group_at(&page->seekers, i));
    send_broadcast_clear(&broadcast);
}

void status_refuse(struct hub *hub, const struct membership *seeker, enum reason reason)
{
    char payload[64];
    struct broadcast broadcast = {.event = "error", .payload = payload};
    snprintf(payload, sizeof payload, "{\"reason\":\"%s\"}", reason_word(reason));
    hub->metrics.refusals[reason]++;
    send_broadcast(hub, &broadcast, seeker);
    send_broadcast_clear(&broadcast);
}
