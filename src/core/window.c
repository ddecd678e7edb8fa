/* Flow control towards those who seek many pages.

   A seeker takes part in its page's fetch only if its connection has room: what the session
   was sent and has not read yet, what its other fetches may still bring, and this page at
   its largest must fit into window_bytes. Otherwise it waits; the oldest comes in first. So
   nobody is cut off for asking for a hundred pages at once, and no holder sends what could
   not be handed on. A connection that has read everything may always be sent one page. A
   page that grows too large by its escapes, as JSON, is fetched again for its seeker. One
   whose fetch failed counts as the youngest, so that pages which nobody sends keep no others
   waiting.

   Sessions in which there may be room again stand in a list until the end of the input: to
   let somebody in begins a fetch, which must not happen in the middle of another. */
#include "window.h"

#include "pages.h"
#include "relay.h"

static bool has_room(const struct hub *hub, const struct session *session)
{
    size_t largest = hub->config.page_bytes_max;
    size_t taken = session->unread + session->active * largest;
    return taken == 0 || taken + largest <= hub->config.window_bytes;
}

static void set_waiting(struct hub *hub, struct membership *seeker, bool waiting)
{
    if (seeker->waiting == waiting) return;
    seeker->waiting = waiting;
    if (waiting) {
        seeker->session->waiting++;
        hub->metrics.seekers_waiting++;
    } else {
        seeker->session->waiting--;
        hub->metrics.seekers_waiting--;
    }
}

void window_reconsider(struct hub *hub, struct session *session)
{
    if (session->waiting == 0 || session->roomy) return;
    session->roomy = true;
    session->next_roomy = hub->roomy;
    hub->roomy = (uint32_t)session->id + 1;
}

void window_forget(struct hub *hub, struct session *session)
{
    uint32_t *at = &hub->roomy;
    if (!session->roomy) return;
    while (*at != (uint32_t)session->id + 1)
        at = &hub->places[*at - 1].session->next_roomy;
    *at = session->next_roomy;
    session->roomy = false;
}

static struct membership *oldest_waiting(const struct session *session)
{
    struct membership *oldest = NULL;
    for (struct membership *member = session->topics; member != NULL; member = member->next)
        if (member->waiting) oldest = member;
    return oldest;
}

bool window_admit(struct hub *hub, struct membership *seeker)
{
    bool first = !seeker->waiting || oldest_waiting(seeker->session) == seeker;
    bool room = first && has_room(hub, seeker->session);
    set_waiting(hub, seeker, !room);
    if (!room) return false;
    seeker->active = true;
    seeker->session->active++;
    return true;
}

void window_move(struct membership *from, struct membership *to)
{
    to->active = from->active;
    from->active = false;
}

bool window_fits(const struct hub *hub, const struct membership *seeker, size_t bytes)
{
    size_t unread = seeker->session->unread;
    return unread == 0 || unread + bytes <= hub->config.window_bytes;
}

void window_release(struct hub *hub, struct membership *seeker, size_t sent_bytes)
{
    struct session *session = seeker->session;
    set_waiting(hub, seeker, false);
    if (!seeker->active) return;
    seeker->active = false;
    session->active--;
    session->unread += (uint32_t)sent_bytes;
    window_reconsider(hub, session);
}

void window_wait(struct hub *hub, struct membership *seeker)
{
    window_release(hub, seeker, 0);
    set_waiting(hub, seeker, true);
}

void window_give_way(struct hub *hub, struct membership *seeker)
{
    struct session *session = seeker->session;
    struct membership **at = &session->topics;
    window_release(hub, seeker, 0);
    if (session->waiting == 0) return;
    while (*at != seeker)
        at = &(*at)->next;
    *at = seeker->next;
    seeker->next = session->topics;
    session->topics = seeker;
}

void window_drained(struct hub *hub, struct session *session)
{
    session->unread = 0;
    window_reconsider(hub, session);
}

static void let_in(struct hub *hub, struct session *session)
{
    while (session->waiting > 0) {
        struct membership *seeker = oldest_waiting(session);
        if (!has_room(hub, session)) return;
        set_waiting(hub, seeker, false);
        relay_seeker_came(hub, seeker);
    }
}

void window_settle(struct hub *hub)
{
    while (hub->roomy != 0) {
        struct session *session = hub->places[hub->roomy - 1].session;
        window_forget(hub, session);
        let_in(hub, session);
    }
}
