/* Claims: partners' counts.

   A page's name is all that it takes to have it, so no question may give a name away: of a
   page a partner is only asked for its count when it knows the page already, because it
   came from there or went there, or because it asked itself. It is asked again each ASK_MS
   as long as somebody here wants to know, sooner at first: its visitor may be there in a
   moment. Who was asked tells each change for ASKED_MS, at most every TELL_MS. What is told
   is the sum of all nodes at home.

   Nothing of this enters a count of ours: who holds the page here, and asked for it in its
   join, is told in an event of its own who claims what. */
#include "claims.h"

#include "bus.h"
#include "cluster.h"
#include "interests.h"
#include "limits.h"
#include "memory.h"
#include "pages.h"
#include "partners.h"
#include "presence.h"
#include "send.h"

#include <inttypes.h>
#include <stdio.h>

#define ASK_FIRST_MS 1000
#define ASK_MS 30000   /* between two questions for one page */
#define ASKED_MS 75000 /* one is answered for so long */
#define KEPT_MS 90000  /* what is not told again is forgotten */
#define TELL_MS 2000   /* between two answers, at least, and between two events */

static struct claim *find(const struct interest *interest, const struct partner *partner)
{
    struct claim *claim = interest->claims;
    while (claim != NULL && claim->partner != partner)
        claim = claim->next;
    return claim;
}

static struct claim *meet(struct hub *hub, struct interest *interest,
                          struct partner *partner)
{
    struct claim *claim = find(interest, partner);
    if (claim != NULL) return claim;
    if (partner->metrics.pages >= hub->config.partner_pages_max) return NULL;
    claim = memory_new(sizeof *claim);
    if (claim == NULL) return NULL;
    claim->partner = partner;
    claim->next = interest->claims;
    interest->claims = claim;
    interest->known = true; /* it lingers, for who comes to hold the page now */
    partner->metrics.pages++;
    return claim;
}

void claims_meet(struct hub *hub, struct interest *interest, struct partner *partner)
{
    meet(hub, interest, partner);
}

void claims_drop_all(struct interest *interest)
{
    while (interest->claims != NULL) {
        struct claim *first = interest->claims;
        interest->claims = first->next;
        first->partner->metrics.pages--;
        memory_free(first);
    }
}

/* ---- to those who are at the page here ---- */

#define CLAIM_TEXT_MAX (PARTNER_NAME_MAX + 32)

struct claims_text {
    char text[16 + PARTNERS_MAX * CLAIM_TEXT_MAX];
};

static struct claims_text print_claims(const struct interest *interest)
{
    struct claims_text claims;
    size_t size = (size_t)sprintf(claims.text, "{\"claims\":[");
    bool first = true;
    for (const struct claim *c = interest->claims; c != NULL; c = c->next) {
        if (c->visitors == 0) continue;
        size += (size_t)snprintf(claims.text + size, CLAIM_TEXT_MAX,
                                 "%s{\"by\":\"%s\",\"count\":%" PRIu32 "}",
                                 first ? "" : ",", c->partner->name, c->visitors);
        first = false;
    }
    memcpy(claims.text + size, "]}", 3);
    return claims;
}

static void tell_holder(struct hub *hub, struct broadcast *broadcast,
                        const struct membership *holder)
{
    if (holder->session != NULL && holder->claims) send_broadcast(hub, broadcast, holder);
}

/* Tells `only`, or everybody at the page if it is NULL. */
static void tell(struct hub *hub, const struct interest *interest, const struct page *page,
                 const struct membership *only)
{
    struct claims_text claims = print_claims(interest);
    struct broadcast broadcast = {.event = "visitors_claimed", .payload = claims.text};
    if (only != NULL) tell_holder(hub, &broadcast, only);
    for (uint32_t i = 0; only == NULL && i < page->holders.count; i++)
        tell_holder(hub, &broadcast, group_at(&page->holders, i));
    send_broadcast_clear(&broadcast);
}

static uint64_t tell_due_ms(const struct hub *hub, const struct interest *interest,
                            const struct page *page)
{
    uint64_t interval = presence_interval_ms(hub, page), shown_ms = 0;
    for (const struct claim *c = interest->claims; c != NULL; c = c->next)
        if (c->shown_ms > shown_ms) shown_ms = c->shown_ms;
    return shown_ms + (interval > TELL_MS ? interval : TELL_MS);
}

void claims_joined(struct hub *hub, struct membership *holder)
{
    const struct interest *interest = interests_of(hub, holder->page);
    bool any = false;
    for (const struct claim *c = interest == NULL ? NULL : interest->claims; c != NULL;
         c = c->next)
        any = any || c->visitors > 0;
    if (any) tell(hub, interest, holder->page, holder);
}

/* ---- to and from partners ---- */

static uint32_t count(const struct interest *interest, const struct page *page)
{
    return (page == NULL ? 0 : page->holders.count) + interest->others.visitors;
}

/* Of what a partner is told by all nodes here, this one's part: it has the same limit, and
   does not listen to those who say much more. */
static bool may_say(struct hub *hub, struct partner *partner)
{
    uint32_t rate = hub->config.partner_claim_rate;
    uint32_t part = rate / (uint32_t)(hub->metrics.bus_nodes + 1);
    if (part == 0 && rate > 0) part = 1;
    return limits_take(&partner->tells, part, part, hub->now_ms);
}

static bool publish(struct hub *hub, const struct interest *interest, struct claim *claim,
                    enum bus_kind kind, uint32_t visitors)
{
    struct bus_subject subject = {.kind = BUS_CLAIMS};
    struct bus_record record = {
        .kind = kind, .hash = interest->hash, .tally.visitors = visitors};
    partners_address(claim->partner, &subject);
    return may_say(hub, claim->partner) && cluster_publish(hub, &subject, &record);
}

/* Whether somebody here wants to know what partners say. */
static bool is_asked_for(const struct hub *hub, const struct page *page)
{
    return hub->config.partners_want && page != NULL && page->holders.count > 0 &&
           page->claimed == 1;
}

static uint64_t answer_due_ms(const struct hub *hub, const struct claim *claim,
                              uint32_t visitors)
{
    if (claim->asks_until_ms <= hub->now_ms || claim->told == visitors) return UINT64_MAX;
    return claim->told_ms == 0 ? hub->now_ms : claim->told_ms + TELL_MS;
}

static void ask(struct hub *hub, const struct interest *interest, struct claim *claim)
{
    uint64_t pause = (uint64_t)ASK_FIRST_MS << claim->in_vain;
    bool early = claim->heard_ms == 0 && pause < ASK_MS;
    if (!publish(hub, interest, claim, BUS_CLAIM_ASK, 0)) return;
    claim->ask_ms = hub->now_ms + (early ? pause : ASK_MS);
    if (early) claim->in_vain++;
}

static void forget_old(struct hub *hub, struct interest *interest, struct claim *claim)
{
    if (claim->visitors == 0 || hub->now_ms < claim->heard_ms + KEPT_MS) return;
    claim->visitors = 0;
    interest->claims_changed = true;
}

void claims_tend(struct hub *hub, struct interest *interest)
{
    struct page *page = pages_find(hub, &interest->hash);
    uint32_t visitors = count(interest, page);
    for (struct claim *c = interest->claims; c != NULL; c = c->next) {
        forget_old(hub, interest, c);
        if (c->partner->deaf) continue;
        if (answer_due_ms(hub, c, visitors) <= hub->now_ms &&
            publish(hub, interest, c, BUS_CLAIM, visitors)) {
            c->told = visitors;
            c->told_ms = hub->now_ms;
        }
        if (is_asked_for(hub, page) && hub->now_ms >= c->ask_ms) ask(hub, interest, c);
    }
    if (!interest->claims_changed || page == NULL ||
        hub->now_ms < tell_due_ms(hub, interest, page))
        return;
    interest->claims_changed = false;
    for (struct claim *c = interest->claims; c != NULL; c = c->next)
        c->shown_ms = hub->now_ms;
    tell(hub, interest, page, NULL);
}

static void earlier(uint64_t *due, uint64_t other)
{
    if (other < *due) *due = other;
}

uint64_t claims_due_ms(struct hub *hub, const struct interest *interest)
{
    const struct page *page = pages_find(hub, &interest->hash);
    uint64_t due = UINT64_MAX;
    for (const struct claim *c = interest->claims; c != NULL; c = c->next) {
        earlier(&due, answer_due_ms(hub, c, count(interest, page)));
        if (c->visitors > 0) earlier(&due, c->heard_ms + KEPT_MS);
        if (is_asked_for(hub, page)) earlier(&due, c->ask_ms);
    }
    if (interest->claims_changed && page != NULL)
        earlier(&due, tell_due_ms(hub, interest, page));
    return due;
}

static void take_count(struct hub *hub, struct interest *interest, struct claim *claim,
                       uint32_t visitors)
{
    claim->partner->metrics.claims_total++;
    claim->heard_ms = hub->now_ms;
    if (claim->visitors == visitors) return;
    claim->visitors = visitors;
    interest->claims_changed = true;
}

static void take_question(const struct hub *hub, struct claim *claim)
{
    claim->asks_until_ms = hub->now_ms + ASKED_MS;
    claim->told = UINT32_MAX; /* never so: it is told again */
}

bool claims_hear(struct hub *hub, struct partner *partner, const struct bus_record *record)
{
    uint32_t rate = hub->config.partner_claim_rate;
    bool asks = record->kind == BUS_CLAIM_ASK;
    if (asks ? !hub->config.partners_have : !hub->config.partners_want) return false;
    if (!limits_take(&partner->claims, rate, rate, hub->now_ms)) {
        partners_refuse(hub, partner, REASON_PARTNER_RATE);
        return true;
    }
    struct interest *interest = interests_find(hub, &record->hash);
    const struct page *page = pages_find(hub, &record->hash);
    if (interest == NULL || page == NULL || page->holders.count == 0) return true;
    struct claim *claim = meet(hub, interest, partner);
    if (claim == NULL) return true;
    if (asks)
        take_question(hub, claim);
    else
        take_count(hub, interest, claim, record->tally.visitors);
    interests_tend(hub, interest);
    return true;
}
