/* The hub: sessions, and the one table of what they may send.

   A session exists from hub_connect to hub_disconnect or to the effect that closes it.
   Every message goes the same way: intake collects it, the table names its handler, the
   handler answers. Handlers never end a session; a fault that costs the connection comes
   back as a reason and is carried out in one place. */
#include "whilst/hub.h"

#include "awaited.h"
#include "cluster.h"
#include "intake.h"
#include "interests.h"
#include "limits.h"
#include "line.h"
#include "memory.h"
#include "nodes.h"
#include "orders.h"
#include "pages.h"
#include "partners.h"
#include "payload.h"
#include "presence.h"
#include "relay.h"
#include "send.h"
#include "sessions.h"
#include "topics.h"
#include "window.h"

#include <assert.h>
#include <stddef.h>

#define HUB_DEADLINES 2 /* the line's, and that of awaited holders */

/* ---- sessions ---- */

static uint32_t place_of(session_id id)
{
    return (uint32_t)(id & UINT32_MAX);
}

struct session *sessions_find(const struct hub *hub, session_id id)
{
    uint32_t at = place_of(id);
    if (at >= hub->places_count || hub->places[at].session == NULL) return NULL;
    return hub->places[at].session->id == id ? hub->places[at].session : NULL;
}

/* Makes sure that there is a free place. */
static bool make_place(struct hub *hub)
{
    if (hub->free_place != 0) return true;
    if (hub->places_count == hub->places_capacity) {
        uint32_t capacity = hub->places_capacity == 0 ? 64 : 2 * hub->places_capacity;
        struct place *places = memory_resize(hub->places, capacity * sizeof *places);
        if (places == NULL) return false;
        hub->places = places;
        hub->places_capacity = capacity;
    }
    hub->places[hub->places_count] = (struct place){0};
    hub->free_place = ++hub->places_count;
    return true;
}

static uint32_t take_place(struct hub *hub)
{
    uint32_t at = hub->free_place - 1;
    hub->free_place = hub->places[at].next_free;
    return at;
}

/* A session without a place yet, or NULL with the reason. */
static struct session *session_new(struct hub *hub, const struct address *from,
                                   enum reason *reason)
{
    struct origin *origin;
    *reason = memory_is_short() ? REASON_BUSY : limits_enter(hub, from, &origin);
    if (*reason != REASON_NONE) return NULL;
    struct session *session = memory_new(sizeof *session);
    if (session == NULL || !make_place(hub)) {
        memory_free(session);
        limits_leave(hub, origin);
        *reason = REASON_BUSY;
        return NULL;
    }
    session->origin = origin;
    return session;
}

session_id hub_connect(struct hub *hub, const struct address *from, uint64_t now_ms,
                       enum reason *reason)
{
    hub->now_ms = now_ms;
    struct session *session = session_new(hub, from, reason);
    if (session == NULL) {
        hub->metrics.refusals[*reason]++;
        return 0;
    }
    uint32_t at = take_place(hub);
    session->id = (session_id)++hub->places[at].generation << 32 | at;
    session->born_s = (uint32_t)(now_ms / 1000);
    hub->places[at].session = session;
    hub->metrics.sessions++;
    hub->metrics.sessions_total++;
    return session->id;
}

static void free_session(struct hub *hub, struct session *session)
{
    uint32_t at = place_of(session->id);
    intake_clear(hub, session);
    topics_drop_all(hub, session);
    window_forget(hub, session);
    limits_leave(hub, session->origin);
    hub->places[at].session = NULL;
    hub->places[at].next_free = hub->free_place;
    hub->free_place = at + 1;
    hub->metrics.sessions--;
    if (session->lost != REASON_NONE) hub->lost--;
    memory_free(session);
}

void hub_settle(struct hub *hub)
{
    do {
        relay_resume(hub);
        window_settle(hub);
    } while (hub->roomy != 0);
}

void hub_disconnect(struct hub *hub, session_id id, uint64_t now_ms)
{
    struct session *session = sessions_find(hub, id);
    hub->now_ms = now_ms;
    if (session != NULL) free_session(hub, session);
    hub_settle(hub);
}

void hub_drained(struct hub *hub, session_id id, uint64_t now_ms)
{
    struct session *session = sessions_find(hub, id);
    hub->now_ms = now_ms;
    if (session != NULL) window_drained(hub, session);
    hub_settle(hub);
}

static uint16_t close_code(enum reason reason)
{
    switch (reason) {
    case REASON_BAD_JSON:
    case REASON_BAD_UTF8: return 1007;
    case REASON_BAD_BINARY: return 1003;
    case REASON_MESSAGE_SIZE: return 1009;
    case REASON_BUSY: return 1013;
    default: return 1008;
    }
}

void sessions_close(struct hub *hub, struct session *session, enum reason reason)
{
    hub->metrics.refusals[reason]++;
    if (send_close(hub, session, close_code(reason), reason)) free_session(hub, session);
}

/* Closes one of the sessions that are lost. */
static bool next_lost(struct hub *hub, struct effect *effect)
{
    struct session *session = NULL;
    if (hub->lost == 0) return false;
    while (session == NULL || session->lost == REASON_NONE) {
        hub->lost_at = (hub->lost_at + 1) % hub->places_count;
        session = hub->places[hub->lost_at].session;
    }
    enum reason reason = (enum reason)session->lost;
    *effect = (struct effect){.kind = EFFECT_CLOSE,
                              .session = session->id,
                              .code = close_code(reason),
                              .reason = reason};
    if (reason == REASON_BUSY) hub->metrics.refusals[reason]++;
    free_session(hub, session);
    return true;
}

/* ---- handlers ---- */

/* One frame of one session, with what its topic means. */
struct request {
    struct session *session;
    const struct frame *frame;
    struct topic topic;
    struct membership *member; /* NULL if the topic is not joined */
};

static void heartbeat(struct hub *hub, const struct request *request)
{
    enum reason reason = payload_judge(hub, request->frame);
    if (reason != REASON_NONE)
        send_refusal(hub, request->session, request->frame, reason);
    else
        send_ok(hub, request->session, request->frame, "{}");
}

static void join(struct hub *hub, const struct request *request)
{
    topics_join(hub, request->session, &request->topic, request->frame);
}

/* A leave that names an older join than the present one is over already. */
static void leave(struct hub *hub, const struct request *request)
{
    struct membership *member = request->member;
    const struct ref *named = &request->frame->join_ref;
    enum reason reason = payload_judge(hub, request->frame);
    if (reason != REASON_NONE) {
        send_refusal(hub, request->session, request->frame, reason);
        return;
    }
    if (member != NULL && named->kind != REF_NULL &&
        !slice_equal(named->text, send_join_ref(member).text))
        member = NULL;
    topics_leave(hub, request->session, member, request->frame);
}

static enum reason read_asked_hash(const struct hub *hub, const struct frame *frame,
                                   struct page_hash *hash)
{
    enum reason reason;
    json_t *payload = payload_load_new(hub, frame, &reason);
    const json_t *value = json_object_get(payload, "hash");
    if (json_is_string(value))
        reason =
            hash_from_hex(json_string_value(value), json_string_length(value), hash, NULL)
                ? REASON_NONE
                : REASON_WRONG_HASH;
    json_decref(payload);
    return reason;
}

static void content_request(struct hub *hub, const struct request *request)
{
    struct page_hash hash;
    struct session *session = request->session;
    const struct hub_config *config = &hub->config;
    enum reason reason = read_asked_hash(hub, request->frame, &hash);
    if (reason == REASON_NONE && !hash_equal(&hash, &request->topic.hash))
        reason = REASON_WRONG_HASH;
    if (reason != REASON_NONE)
        topics_fail(hub, request->member, reason);
    else if (!limits_take(&session->asks, config->ask_rate, config->ask_burst, hub->now_ms))
        send_refusal(hub, session, request->frame, REASON_ASK_RATE);
    else
        relay_seek_again(hub, request->member);
}

/* Content is dealt with by intake.c while it arrives; this one began too late for that. */
static void content(struct hub *hub, const struct request *request)
{
    topics_bar(hub, request->session, &request->topic.hash);
    topics_fail(hub, request->member, REASON_BAD_PAYLOAD);
}

/* What a client may send: the rows of docs/protocol.md, section 3. */
static const struct event_row {
    enum topic_kind topic;
    const char *event;
    bool joined; /* only in a topic that was joined */
    void (*handle)(struct hub *hub, const struct request *request);
} event_rows[] = {
    {TOPIC_PHOENIX, "heartbeat", false, heartbeat},
    {TOPIC_ALL, "phx_join", false, join},
    {TOPIC_HAVE, "phx_join", false, join},
    {TOPIC_WANT, "phx_join", false, join},
    {TOPIC_ALL, "phx_leave", false, leave},
    {TOPIC_HAVE, "phx_leave", false, leave},
    {TOPIC_WANT, "phx_leave", false, leave},
    {TOPIC_WANT, "content_request", true, content_request},
    {TOPIC_HAVE, "content", true, content},
};

static const struct event_row *find_row(enum topic_kind topic, struct slice event)
{
    for (size_t i = 0; i < sizeof event_rows / sizeof event_rows[0]; i++)
        if (event_rows[i].topic == topic && slice_is(event, event_rows[i].event))
            return &event_rows[i];
    return NULL;
}

static void refuse_topic(struct hub *hub, const struct request *request)
{
    struct frame to = {.ref = request->frame->ref, .topic = request->frame->topic};
    send_refusal(hub, request->session, &to, REASON_UNMATCHED_TOPIC);
}

static enum reason dispatch(struct hub *hub, struct session *session,
                            const struct intake_message *message)
{
    struct frame frame;
    if (wire_decode(WIRE_CLIENT, message->form, message->bytes, message->size, &frame) !=
        WIRE_OK)
        return message->form == MESSAGE_TEXT ? REASON_BAD_JSON : REASON_BAD_BINARY;
    struct request request = {.session = session, .frame = &frame};
    request.topic = topic_parse(frame.topic);
    request.member = topics_find(session, &request.topic);
    const struct event_row *row = find_row(request.topic.kind, frame.event);
    bool addressed = row != NULL && (!row->joined || request.member != NULL);
    if (addressed)
        row->handle(hub, &request);
    else if (request.member != NULL)
        topics_fail(hub, request.member, REASON_UNKNOWN_EVENT);
    else
        refuse_topic(hub, &request);
    return REASON_NONE;
}

void hub_receive(struct hub *hub, session_id id, const struct hub_part *part,
                 uint64_t now_ms)
{
    const struct hub_config *config = &hub->config;
    struct session *session = sessions_find(hub, id);
    struct intake_message message = {0};
    hub->now_ms = now_ms;
    if (session == NULL) return;
    enum reason reason = intake_receive(hub, session, part, &message);
    if (reason == REASON_NONE && part->final) {
        hub->metrics.messages_received_total++;
        if (!limits_take(&session->messages, config->message_rate, config->message_burst,
                         now_ms))
            reason = REASON_MESSAGE_RATE;
        else if (message.bytes != NULL)
            reason = dispatch(hub, session, &message);
        intake_clear(hub, session);
    }
    if (reason != REASON_NONE) sessions_close(hub, session, reason);
    hub_settle(hub);
}

/* ---- time and the rest ---- */

void hub_tick(struct hub *hub, uint64_t now_ms)
{
    struct deadline *due;
    hub->now_ms = now_ms;
    while ((due = deadlines_first(&hub->deadlines)) != NULL && due->due_ms <= now_ms) {
        deadlines_unset(&hub->deadlines, due);
        switch (due->kind) {
        case DEADLINE_COUNT:
            presence_due(hub, MEMORY_OWNER(due, struct page, count_due));
            break;
        case DEADLINE_FETCH: relay_due(hub, MEMORY_OWNER(due, struct fetch, due)); break;
        case DEADLINE_AWAY:
            topics_away_due(hub, MEMORY_OWNER(due, struct slot, grace));
            break;
        case DEADLINE_LINE: line_due(hub); break;
        case DEADLINE_AWAIT: awaited_due(hub); break;
        case DEADLINE_ALIVE: cluster_alive_due(hub); break;
        case DEADLINE_WALK: interests_walk_due(hub); break;
        case DEADLINE_NODE: nodes_due(hub, MEMORY_OWNER(due, struct node, due)); break;
        case DEADLINE_INTEREST:
            interests_due(hub, MEMORY_OWNER(due, struct interest, due));
            break;
        case DEADLINE_ORDER: orders_due(hub, MEMORY_OWNER(due, struct order, due)); break;
        case DEADLINE_PARTNER:
            partners_due(hub, MEMORY_OWNER(due, struct partner, due));
            break;
        }
    }
    hub_settle(hub);
}

uint64_t hub_next_deadline(const struct hub *hub)
{
    const struct deadline *first = deadlines_first(&hub->deadlines);
    return first == NULL ? UINT64_MAX : first->due_ms;
}

bool hub_next_effect(struct hub *hub, struct effect *effect)
{
    if (hub->effects_count == 0) return next_lost(hub, effect);
    *effect = hub->effects[hub->effects_first];
    hub->effects_first = (hub->effects_first + 1) & (hub->effects_capacity - 1);
    hub->effects_count--;
    return true;
}

bool hub_is_busy(const struct hub *hub, session_id id)
{
    const struct session *session = sessions_find(hub, id);
    return session != NULL && (session->pending > 0 || session->active > 0);
}

uint32_t hub_holders(struct hub *hub, const struct page_hash *hash)
{
    const struct page *page = pages_find(hub, hash);
    if (page != NULL) return presence_count(hub, page);
    const struct interest *interest = hub->bus == NULL ? NULL : interests_find(hub, hash);
    return interest == NULL ? 0 : interest->others.visitors;
}

uint32_t hub_ask_holders(struct hub *hub, const struct page_hash *hash, uint64_t now_ms)
{
    hub->now_ms = now_ms;
    uint32_t wait_ms = interests_ask(hub, hash);
    hub_settle(hub);
    return wait_ms;
}

uint32_t hub_page_bytes(struct hub *hub, const struct page_hash *hash)
{
    const struct page *page = pages_find(hub, hash);
    return page == NULL ? 0 : page->bytes;
}

struct metrics *hub_metrics(struct hub *hub)
{
    return &hub->metrics;
}

const struct hub_config *hub_settings(const struct hub *hub)
{
    return &hub->config;
}

struct hub *hub_new(const struct hub_config *config, const uint64_t seed[2])
{
    struct hub *hub = memory_new(sizeof *hub);
    if (hub == NULL || !deadlines_admit(&hub->deadlines, HUB_DEADLINES)) {
        memory_free(hub);
        return NULL;
    }
    assert(config->holders_first_max >= 1 && config->holders_max >= 1);
    hub->config = *config;
    hub->page_bytes_highest = config->page_bytes_max;
    hub->secret[0] = seed[0];
    hub->secret[1] = seed[1];
    hub->chance = seed[0] ^ seed[1];
    hub->line_due.kind = DEADLINE_LINE;
    hub->await_due.kind = DEADLINE_AWAIT;
    if (config->node[0] != '\0' && !cluster_begin(hub)) {
        hub_free(hub);
        return NULL;
    }
    return hub;
}

static void drop_effects(struct hub *hub)
{
    struct effect effect;
    while (hub_next_effect(hub, &effect))
        message_unref(effect.message);
}

void hub_free(struct hub *hub)
{
    hub->config.grace_ms = 0;
    for (uint32_t i = 0; i < hub->places_count; i++)
        if (hub->places[i].session != NULL) free_session(hub, hub->places[i].session);
    cluster_end(hub);
    hub_tick(hub, UINT64_MAX);
    drop_effects(hub);
    table_clear(&hub->pages);
    table_clear(&hub->slots);
    table_clear(&hub->origins);
    deadlines_dismiss(&hub->deadlines, HUB_DEADLINES);
    deadlines_clear(&hub->deadlines);
    deny_free(hub->denied);
    memory_free(hub->places);
    memory_free(hub->effects);
    memory_free(hub);
}
