/* What the operator sees and does: going through pages and sessions a few at a time, so
   that however many there are the loop goes on meanwhile; refusing pages; ending what is;
   other limits. */
#include "whilst/hub.h"

#include "memory.h"
#include "orders.h"
#include "sessions.h"
#include "topics.h"
#include "window.h"

#include <assert.h>
#include <stddef.h>

/* ---- seeing ---- */

struct page_walk {
    uint64_t now_ms;
    void (*tell)(const struct hub_page *page, void *context);
    void *context;
};

static uint64_t age_ms(uint64_t now_ms, uint32_t born_s)
{
    return now_ms - (uint64_t)born_s * 1000;
}

static void tell_page(struct table_link *link, void *context)
{
    const struct page *page = MEMORY_OWNER(link, struct page, link);
    const struct page_walk *walk = context;
    struct hub_page told = {.hash = page->hash,
                            .holders = page->holders.count,
                            .away = page->away,
                            .seekers = page->seekers.count,
                            .bytes = page->bytes,
                            .age_ms = age_ms(walk->now_ms, page->born_s)};
    walk->tell(&told, walk->context);
}

uint64_t hub_walk_pages(const struct hub *hub, uint64_t from, uint32_t most,
                        uint64_t now_ms,
                        void (*tell)(const struct hub_page *page, void *context),
                        void *context)
{
    struct page_walk walk = {now_ms, tell, context};
    return table_walk(&hub->pages, from, most, tell_page, &walk);
}

static struct hub_session describe(const struct session *session, uint64_t now_ms)
{
    struct hub_session told = {.id = session->id,
                               .asked = session->pending,
                               .unread_bytes = session->unread,
                               .age_ms = age_ms(now_ms, session->born_s)};
    if (session->origin != NULL) told.network = session->origin->address;
    for (const struct membership *at = session->topics; at != NULL; at = at->next) {
        told.holding += at->kind == TOPIC_HAVE;
        told.seeking += at->kind == TOPIC_WANT;
    }
    return told;
}

uint64_t hub_walk_sessions(const struct hub *hub, uint64_t from, uint32_t most,
                           uint64_t now_ms,
                           void (*tell)(const struct hub_session *session, void *context),
                           void *context)
{
    const uint32_t empty_cost = 16; /* so many free places are as much as one session */
    for (uint64_t done = 0; from < hub->places_count; from++, done++) {
        if (done >= (uint64_t)empty_cost * most) return from;
        const struct session *session = hub->places[from].session;
        if (session == NULL) continue;
        struct hub_session told = describe(session, now_ms);
        tell(&told, context);
        done += empty_cost;
    }
    return 0;
}

/* ---- refusing pages ---- */

#define BLOCKED_AT_ONCE 256

struct blocked {
    const struct hub *hub;
    struct page_hash hashes[BLOCKED_AT_ONCE];
    size_t count;
};

static void collect_blocked(struct table_link *link, void *context)
{
    const struct page *page = MEMORY_OWNER(link, struct page, link);
    struct blocked *blocked = context;
    if (blocked->count < BLOCKED_AT_ONCE && deny_has(blocked->hub->denied, &page->hash))
        blocked->hashes[blocked->count++] = page->hash;
}

void hub_take_deny_list(struct hub *hub, struct deny_list *list, uint64_t now_ms)
{
    struct blocked blocked = {.hub = hub};
    hub->now_ms = now_ms;
    deny_free(hub->denied);
    hub->denied = list;
    hub->metrics.denied = deny_count(list);
    orders_drop_denied(hub);
    if (deny_count(list) == 0 || hub->pages.count == 0) return;
    do {
        blocked.count = 0;
        table_visit(&hub->pages, collect_blocked, &blocked);
        for (size_t i = 0; i < blocked.count; i++)
            topics_clear_page(hub, &blocked.hashes[i], REASON_BLOCKED);
    } while (blocked.count == BLOCKED_AT_ONCE);
    hub_settle(hub);
}

bool hub_deny_page(struct hub *hub, const struct page_hash *hash, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    if (deny_has(hub->denied, hash)) return true;
    struct deny_list *list = deny_with_new(hub->denied, hash);
    if (list == NULL) return false;
    deny_free(hub->denied);
    hub->denied = list;
    hub->metrics.denied = deny_count(list);
    orders_drop_denied(hub);
    topics_clear_page(hub, hash, REASON_BLOCKED);
    hub_settle(hub);
    return true;
}

bool hub_denies(const struct hub *hub, const struct page_hash *hash)
{
    return deny_has(hub->denied, hash);
}

/* ---- ending what is ---- */

uint32_t hub_drop_page(struct hub *hub, const struct page_hash *hash, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    uint32_t told = topics_clear_page(hub, hash, REASON_DROPPED);
    hub_settle(hub);
    return told;
}

bool hub_drop_session(struct hub *hub, session_id id, uint64_t now_ms)
{
    struct session *session = sessions_find(hub, id);
    hub->now_ms = now_ms;
    if (session == NULL) return false;
    sessions_close(hub, session, REASON_DROPPED);
    hub_settle(hub);
    return true;
}

/* ---- new limits ---- */

void hub_take_config(struct hub *hub, const struct hub_config *config, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    assert(config->holders_first_max >= 1 && config->holders_max >= 1);
    hub->config = *config;
    if (config->page_bytes_max > hub->page_bytes_highest)
        hub->page_bytes_highest = config->page_bytes_max;
    for (uint32_t i = 0; i < hub->places_count; i++) {
        struct session *session = hub->places[i].session;
        if (session == NULL) continue;
        session->messages = session->joins = session->asks = (struct bucket){0};
        window_reconsider(hub, session);
    }
    hub_settle(hub);
}
