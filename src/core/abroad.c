/* Abroad: a fetch that goes on at partners, when nobody at home has the page.

   A want at a partner is one of wants.c; here stands what is different. It is for seekers
   of this node alone: what a partner or another node wants goes no further, so that nothing
   is passed through and nothing goes in circles. One partner is asked after the other, each
   once in a fetch, one more each hedge_ms. How much may come from one is bounded, by the
   second and at once, and all of them together have a part of the memory for pages in
   flight: at home there is always some left. One that does not answer, or lies, rests for a
   while. */
#include "abroad.h"

#include "chance.h"
#include "claims.h"
#include "cluster.h"
#include "interests.h"
#include "limits.h"
#include "orders.h"
#include "wants.h"

#define SIGN_PAUSE_MS 500 /* between two signs, at least */
#define MEMORY_PART 4     /* of the memory for pages in flight, at most this part */

static bool may_ask(const struct hub *hub, const struct interest *interest,
                    const struct partner *partner)
{
    unsigned bit = 1u << partner->index;
    struct bucket asks = partner->asks; /* only looked at */
    return (interest->partners_tried & bit) == 0 &&
           (interest->partners_barred & bit) == 0 && !partner->deaf &&
           hub->now_ms >= partner->rest_until_ms &&
           partner->metrics.asked < hub->config.partner_orders_max &&
           limits_has_left(&partner->received, hub->now_ms) &&
           limits_take(&asks, hub->config.partner_want_rate, hub->config.partner_want_rate,
                       hub->now_ms);
}

/* One of those who may be asked, by chance; or NULL. */
static struct partner *choose(struct hub *hub, const struct interest *interest)
{
    struct partner *chosen = NULL;
    uint32_t count = 0;
    for (uint32_t i = 0; i < hub->bus->partners_count; i++) {
        struct partner *partner = &hub->bus->partners[i];
        if (may_ask(hub, interest, partner) && chance(hub, ++count) == 0) chosen = partner;
    }
    return chosen;
}

/* The interest of a page that may be asked for abroad, or NULL. */
static struct interest *find(struct hub *hub, const struct page *page)
{
    if (!cluster_is_up(hub) || !hub->config.partners_want) return NULL;
    return interests_of(hub, page);
}

bool abroad_can_ask(struct hub *hub, const struct page *page)
{
    const struct interest *interest = find(hub, page);
    for (uint32_t i = 0; interest != NULL && i < hub->bus->partners_count; i++)
        if (may_ask(hub, interest, &hub->bus->partners[i])) return true;
    return false;
}

bool abroad_ask(struct hub *hub, const struct page *page)
{
    struct interest *interest = find(hub, page);
    struct partner *partner;
    while (interest != NULL && (partner = choose(hub, interest)) != NULL) {
        interest->partners_tried |= (uint8_t)(1u << partner->index);
        if (wants_open(hub, interest, 0, partner)) return true;
    }
    return false;
}

uint32_t abroad_pending(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    uint32_t pending = 0;
    if (interest == NULL) return 0;
    for (const struct want *want = interest->wants; want != NULL; want = want->next)
        pending += want->partner != NULL ? 1 : 0;
    return pending;
}

void abroad_end(struct hub *hub, const struct page *page)
{
    const struct interest *interest = interests_of(hub, page);
    struct want *next;
    if (interest == NULL) return;
    for (struct want *want = interest->wants; want != NULL; want = next) {
        next = want->next;
        if (want->partner != NULL) wants_cancel(hub, want);
    }
}

/* ---- a want that is a partner's ---- */

void abroad_opened(const struct hub *hub, struct partner *partner)
{
    uint32_t rate = hub->config.partner_want_rate;
    limits_take(&partner->asks, rate, rate, hub->now_ms);
    partner->metrics.asked++;
    partner->metrics.wants_total++;
}

bool abroad_publish(struct hub *hub, const struct want *want)
{
    struct bus_subject subject = {.kind = BUS_WANT};
    struct bus_record order = {.kind = BUS_FAR_ORDER,
                               .node = hub->bus->node,
                               .request = want->request,
                               .page_max = (uint32_t)hub->config.page_bytes_max,
                               .limit = ORDERS_WINDOW,
                               .hash = want->interest->hash};
    partners_address(want->partner, &subject);
    return cluster_publish(hub, &subject, &order);
}

bool abroad_has_room(const struct hub *hub, const struct partner *partner, uint32_t bytes)
{
    const struct hub_config *config = &hub->config;
    size_t most = config->in_flight_bytes_max / MEMORY_PART,
           rate = config->partner_bytes_rate;
    return hub->bus->incoming + bytes <= most &&
           (rate == 0 || partner->incoming == 0 || partner->incoming + bytes <= rate);
}

void abroad_reserved(struct hub *hub, const struct want *want)
{
    struct partner *partner = want->partner;
    hub->bus->incoming += want->total;
    partner->incoming += want->total;
    limits_overdraw(&partner->received, hub->config.partner_bytes_rate, want->total,
                    hub->now_ms);
}

void abroad_closed(struct hub *hub, const struct want *want)
{
    want->partner->metrics.asked--;
    if (want->stream == NULL) return;
    want->partner->incoming -= want->total;
    hub->bus->incoming -= want->total;
}

bool abroad_sign(struct hub *hub, struct want *want, const struct bus_record *record)
{
    bool first = want->node == 0;
    if (!first && hub->now_ms < want->heard_ms + SIGN_PAUSE_MS) return false;
    want->node = record->node;
    if (want->page == NULL) want->heard_ms = hub->now_ms;
    return true;
}

void abroad_came(struct hub *hub, const struct want *want)
{
    struct partner *partner = want->partner;
    partner->metrics.contents_total++;
    partner->metrics.content_bytes_total += want->total;
    partners_did_well(partner);
    claims_meet(hub, want->interest, partner);
}

void abroad_lied(struct hub *hub, const struct want *want)
{
    want->interest->partners_barred |= (uint8_t)(1u << want->partner->index);
    partners_failed(hub, want->partner);
    partners_refuse(hub, want->partner, REASON_PARTNER_BYTES);
}

void abroad_given_up(struct hub *hub, const struct want *want)
{
    if (want->node == 0 || want->page != NULL) partners_failed(hub, want->partner);
}

void abroad_refused(struct hub *hub, const struct want *want, enum bus_no no)
{
    if (no == BUS_NO_ROOM)
        partners_failed(hub, want->partner);
    else
        partners_did_well(want->partner);
}
