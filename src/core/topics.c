/* Memberships: how sessions get into topics and out of them.

   A membership is made by a join and ends by a leave, by a fault, by a second join of the
   same topic, by another session that shows the same token, or with its session; a holder
   with a token outlives its session as "away" for the grace time. In every case the page's
   registry, its fetch and its count are told here, and the order is: reply first, then the
   end of what the join replaced, then the count. What a join replaces goes only when the
   new member is ready to stand in for it, so that a rejoin ends no fetch. */
#include "topics.h"

#include "claims.h"
#include "limits.h"
#include "memory.h"
#include "pages.h"
#include "payload.h"
#include "presence.h"
#include "relay.h"
#include "send.h"
#include "window.h"

#include <inttypes.h>
#include <stddef.h>
#include <stdio.h>

struct membership *topics_find(const struct session *session, const struct topic *topic)
{
    struct membership *member = session->topics;
    while (member != NULL &&
           !(member->kind == topic->kind &&
             (member->page == NULL || hash_equal(&member->page->hash, &topic->hash))))
        member = member->next;
    return member;
}

/* ---- what a join asks for ---- */

struct join_options {
    bool binary, status, limits, away, claims;
    char token[TOKEN_MAX];
    size_t token_size; /* 0: none */
};

static bool read_flag(const json_t *payload, const char *key, bool *flag)
{
    const json_t *value = json_object_get(payload, key);
    if (value != NULL && !json_is_boolean(value)) return false;
    *flag = json_is_true(value);
    return true;
}

static enum reason read_token(const json_t *payload, struct join_options *options)
{
    const json_t *value = json_object_get(payload, "token");
    if (value == NULL) return REASON_NONE;
    if (!json_is_string(value)) return REASON_BAD_PAYLOAD;
    const char *token = json_string_value(value);
    size_t size = json_string_length(value);
    if (size < TOKEN_MIN || size > TOKEN_MAX) return REASON_BAD_TOKEN;
    for (size_t i = 0; i < size; i++) {
        char c = token[i];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '_' && c != '-')
            return REASON_BAD_TOKEN;
    }
    memcpy(options->token, token, size);
    options->token_size = size;
    return REASON_NONE;
}

static enum reason read_options(const struct hub *hub, const struct frame *frame,
                                struct join_options *options)
{
    enum reason reason;
    if (payload_is_empty(frame)) return REASON_NONE;
    json_t *payload = payload_load_new(hub, frame, &reason);
    if (payload != NULL && read_flag(payload, "binary", &options->binary) &&
        read_flag(payload, "status", &options->status) &&
        read_flag(payload, "limits", &options->limits) &&
        read_flag(payload, "away", &options->away) &&
        read_flag(payload, "claims", &options->claims))
        reason = read_token(payload, options);
    json_decref(payload);
    return reason;
}

/* ---- out of a topic ---- */

static void unlink_member(struct membership *member)
{
    struct session *session = member->session;
    struct membership **at = &session->topics;
    while (*at != member)
        at = &(*at)->next;
    *at = member->next;
    session->topics_count--;
}

static void free_slot(struct hub *hub, struct slot *slot)
{
    if (slot == NULL) return;
    deadlines_unset(&hub->deadlines, &slot->grace);
    deadlines_dismiss(&hub->deadlines, 1);
    table_remove(&hub->slots, &slot->link);
    memory_free(slot);
}

static uint64_t *gauge_of(struct hub *hub, const struct membership *member)
{
    if (member->kind == TOPIC_WANT) return &hub->metrics.seekers;
    return member->session != NULL ? &hub->metrics.holders : &hub->metrics.away;
}

/* Takes a member that is out of its session's list from its page, and frees it. */
static void remove_from_page(struct hub *hub, struct membership *member)
{
    struct page *page = member->page;
    if (page != NULL) {
        --*gauge_of(hub, member);
        if (member->kind == TOPIC_WANT) relay_seeker_leaves(hub, member);
        pages_remove_member(page, member);
        if (member->kind == TOPIC_HAVE) {
            relay_holder_left(hub, member);
            presence_changed(hub, page);
        }
        pages_settle(hub, page);
    }
    free_slot(hub, member->slot);
    memory_free(member);
}

static void leave(struct hub *hub, struct membership *member)
{
    unlink_member(member);
    remove_from_page(hub, member);
}

void topics_leave(struct hub *hub, struct session *session, struct membership *member,
                  const struct frame *frame)
{
    send_ok(hub, session, frame, "{}");
    if (member == NULL) return;
    send_end(hub, member, REASON_NONE);
    leave(hub, member);
}

void topics_fail(struct hub *hub, struct membership *member, enum reason reason)
{
    send_end(hub, member, reason);
    leave(hub, member);
}

/* ---- away and back ---- */

static void come_back(struct hub *hub, struct slot *slot)
{
    deadlines_unset(&hub->deadlines, &slot->grace);
    limits_come_back(hub, slot->origin);
    slot->origin = NULL;
    slot->holder->page->away--;
}

static bool go_away(struct hub *hub, struct membership *member)
{
    struct slot *slot = member->slot;
    struct origin *origin = member->session->origin;
    if (slot == NULL || hub->config.grace_ms == 0) return false;
    if (!limits_go_away(hub, origin)) return false;
    pages_set_front(member->page, member, false);
    relay_holder_left(hub, member);
    hub->metrics.holders--;
    hub->metrics.away++;
    unlink_member(member);
    member->session = NULL;
    slot->origin = origin;
    member->page->away++;
    presence_away(hub, member->page);
    deadlines_set(&hub->deadlines, &slot->grace, hub->now_ms + hub->config.grace_ms);
    return true;
}

/* The seekers go first: what then becomes of their pages is no news for this session. */
static void drop_seekers(struct hub *hub, struct session *session)
{
    struct membership **at = &session->topics;
    while (*at != NULL)
        if ((*at)->kind == TOPIC_WANT)
            leave(hub, *at);
        else
            at = &(*at)->next;
}

void topics_drop_all(struct hub *hub, struct session *session)
{
    drop_seekers(hub, session);
    while (session->topics != NULL)
        if (!go_away(hub, session->topics)) leave(hub, session->topics);
    while (session->barred != NULL) {
        struct barred *barred = session->barred;
        session->barred = barred->next;
        memory_free(barred);
    }
}

void topics_away_due(struct hub *hub, struct slot *slot)
{
    struct membership *member = slot->holder;
    come_back(hub, slot);
    remove_from_page(hub, member);
}

uint32_t topics_clear_page(struct hub *hub, const struct page_hash *hash,
                           enum reason reason)
{
    struct page *page;
    uint32_t told = 0;
    while ((page = pages_find(hub, hash)) != NULL) {
        if (pages_is_empty(page)) {
            relay_give_up(hub, page);
            pages_settle(hub, page);
            continue;
        }
        const struct group *group =
            page->seekers.count > 0 ? &page->seekers : &page->holders;
        struct membership *member = group_at(group, group->count - 1);
        if (member->session == NULL) {
            topics_away_due(hub, member->slot);
            continue;
        }
        topics_fail(hub, member, reason);
        told++;
    }
    return told;
}

static struct slot *find_slot(struct hub *hub, const struct page *page,
                              const struct join_options *options, uint64_t key)
{
    struct table_link *link = table_first(&hub->slots, key);
    for (; link != NULL; link = table_next(link)) {
        struct slot *slot = MEMORY_OWNER(link, struct slot, link);
        if (slot->holder->page == page && slot->token_size == options->token_size &&
            memcmp(slot->token, options->token, slot->token_size) == 0)
            return slot;
    }
    return NULL;
}

static struct slot *slot_new(struct hub *hub, const struct join_options *options,
                             uint64_t key)
{
    struct slot *slot = memory_new(sizeof *slot + options->token_size);
    if (slot == NULL || !deadlines_admit(&hub->deadlines, 1)) {
        memory_free(slot);
        return NULL;
    }
    if (!table_add(&hub->slots, &slot->link, key)) {
        deadlines_dismiss(&hub->deadlines, 1);
        memory_free(slot);
        return NULL;
    }
    slot->grace.kind = DEADLINE_AWAY;
    slot->token_size = (uint8_t)options->token_size;
    memcpy(slot->token, options->token, options->token_size);
    return slot;
}

/* Gives the holder the slot of its token, and ends whoever had it. Without memory for a new
   one it holds without continuity. */
static void take_slot(struct hub *hub, struct membership *holder,
                      const struct join_options *options)
{
    char name[HASH_BYTES + TOKEN_MAX];
    struct page *page = holder->page;
    memcpy(name, page->hash.bytes, HASH_BYTES);
    memcpy(name + HASH_BYTES, options->token, options->token_size);
    uint64_t key = siphash(hub->secret, name, HASH_BYTES + options->token_size);
    struct slot *slot = find_slot(hub, page, options, key);
    if (slot == NULL) slot = slot_new(hub, options, key);
    if (slot == NULL) return;
    struct membership *before = slot->holder;
    slot->holder = holder;
    holder->slot = slot;
    if (before == NULL) return;
    before->slot = NULL;
    if (before->proven) pages_set_proven(page, holder);
    hub->metrics.take_overs_total++;
    if (before->session == NULL) {
        come_back(hub, slot);
        remove_from_page(hub, before);
        presence_away(hub, page);
    } else if (before->session != holder->session) {
        send_end(hub, before, REASON_NONE);
        leave(hub, before);
    }
}

/* ---- into a topic ---- */

static uint32_t count_barred(const struct session *session)
{
    uint32_t count = 0;
    for (const struct barred *barred = session->barred; barred != NULL;
         barred = barred->next)
        count++;
    return count;
}

static bool is_barred(const struct session *session, const struct page_hash *hash)
{
    const struct barred *barred = session->barred;
    while (barred != NULL && !hash_equal(&barred->hash, hash))
        barred = barred->next;
    return barred != NULL;
}

void topics_bar(struct hub *hub, struct session *session, const struct page_hash *hash)
{
    if (is_barred(session, hash)) return;
    struct barred *barred = memory_new(sizeof *barred);
    if (barred == NULL) {
        send_lose(hub, session, REASON_BUSY);
        return;
    }
    barred->hash = *hash;
    barred->next = session->barred;
    session->barred = barred;
}

static bool add_to_page(struct hub *hub, struct membership *member,
                        const struct page_hash *hash)
{
    struct page *page = pages_new(hub, hash);
    if (page == NULL) return false;
    if (!pages_add_member(page, member)) {
        pages_settle(hub, page);
        return false;
    }
    member->page = page;
    ++*gauge_of(hub, member);
    return true;
}

static struct membership *member_new(struct hub *hub, struct session *session,
                                     const struct topic *topic, const struct ref *join_ref)
{
    size_t size = offsetof(struct membership, join_ref) + join_ref->text.size;
    struct membership *member =
        memory_new(size + (topic->upper != 0 ? sizeof topic->upper : 0));
    if (member == NULL) return NULL;
    member->session = session;
    member->upper = topic->upper != 0;
    member->kind = (uint8_t)topic->kind;
    member->join_ref_kind = (uint8_t)join_ref->kind;
    member->join_ref_size = (uint8_t)join_ref->text.size;
    if (join_ref->text.size > 0)
        memcpy(member->join_ref, join_ref->text.data, join_ref->text.size);
    if (member->upper)
        memcpy(member->join_ref + join_ref->text.size, &topic->upper, sizeof topic->upper);
    if (topic->kind != TOPIC_ALL && !add_to_page(hub, member, &topic->hash)) {
        memory_free(member);
        return NULL;
    }
    member->next = session->topics;
    session->topics = member;
    session->topics_count++;
    return member;
}

static void reply_joined(struct hub *hub, const struct membership *member,
                         const struct frame *frame, const struct join_options *options)
{
    char response[64] = "{}";
    if (member->kind == TOPIC_WANT)
        snprintf(response, sizeof response, "{\"holders\":%" PRIu32 "}",
                 presence_count(hub, member->page));
    if (member->kind == TOPIC_ALL && options->limits)
        snprintf(response, sizeof response, "{\"page_bytes_max\":%zu}",
                 hub->config.page_bytes_max);
    send_ok(hub, member->session, frame, response);
}

/* Makes a holder ready to be asked. */
static void stand_by(struct hub *hub, struct membership *holder,
                     const struct join_options *options)
{
    struct page *page = holder->page;
    holder->watches = options->away;
    holder->claims = options->claims;
    if (options->claims) page->claimed = 1;
    if (options->away) page->watched = 1;
    if (holder->session->served == (uint16_t)page->link.key) pages_set_proven(page, holder);
    if (!is_barred(holder->session, &page->hash)) pages_set_front(page, holder, true);
    if (options->token_size > 0) take_slot(hub, holder, options);
}

static void enter(struct hub *hub, struct session *session, const struct topic *topic,
                  const struct frame *frame, const struct join_options *options)
{
    struct membership *before = topics_find(session, topic);
    struct membership *member = member_new(hub, session, topic, &frame->join_ref);
    if (member == NULL) {
        send_refusal(hub, session, frame, REASON_BUSY);
        return;
    }
    member->binary = options->binary;
    member->status = options->status;
    hub->metrics.joins_total++;
    reply_joined(hub, member, frame, options);
    if (topic->kind == TOPIC_HAVE) stand_by(hub, member, options);
    if (topic->kind == TOPIC_WANT) {
        pages_set_front(member->page, member, true);
        if (before != NULL) window_move(before, member);
    }
    if (before != NULL) {
        send_end(hub, before, REASON_NONE);
        leave(hub, before);
    }
    if (topic->kind == TOPIC_HAVE) {
        presence_joined(hub, member);
        if (options->claims) claims_joined(hub, member);
        relay_holder_came(hub, member->page);
    } else if (topic->kind == TOPIC_WANT) {
        relay_seeker_came(hub, member);
    }
}

void topics_join(struct hub *hub, struct session *session, const struct topic *topic,
                 const struct frame *frame)
{
    struct join_options options = {0};
    const struct hub_config *config = &hub->config;
    uint32_t used = (uint32_t)session->topics_count + count_barred(session);
    enum reason reason = read_options(hub, frame, &options);
    if (!limits_take(&session->joins, config->join_rate, config->join_burst, hub->now_ms))
        reason = REASON_JOIN_RATE;
    else if (reason == REASON_NONE && memory_is_short())
        reason = REASON_BUSY;
    else if (reason == REASON_NONE && used >= config->topics_max &&
             topics_find(session, topic) == NULL)
        reason = REASON_TOO_MANY_TOPICS;
    else if (reason == REASON_NONE && topic->kind != TOPIC_ALL &&
             deny_has(hub->denied, &topic->hash))
        reason = REASON_BLOCKED;
    if (reason != REASON_NONE)
        send_refusal(hub, session, frame, reason);
    else
        enter(hub, session, topic, frame, &options);
}
