/* A hub that says back to each session what it said, and knows nothing else.

   It stands in the place of src/core/hub.c, under the program and the transport as they
   are: what conformance suites for WebSocket then meet is the transport that serves
   Whilst. Of the core's limits it keeps those of a message: its size, the number of its
   fragments, and UTF-8 as it arrives. */
#include "whilst/hub.h"

#include "json.h"
#include "memory.h"

struct session {
    bool used;
    uint32_t generation;
    struct message *message; /* the one that it is saying; NULL between two */
    uint32_t fragments;
    struct json_utf8 utf8;
};

struct hub {
    struct hub_config config;
    struct session *sessions;
    uint32_t count;
    struct effect *effects; /* a list that is emptied before it grows again */
    size_t effects_taken, effects_count, effects_capacity;
    struct metrics metrics;
};

struct hub_config hub_config_default(void)
{
    return (struct hub_config){
        .page_bytes_max = 1 << 20,
        .message_bytes_max = 16 << 20,
        .payload_bytes_max = 16 << 10,
        .fragments_max = 1000000,
        .in_flight_bytes_max = 256 << 20,
        .connections_max = UINT32_MAX,
        .holders_first_max = 1,
        .holders_max = 1,
    };
}

struct hub *hub_new(const struct hub_config *config, const uint64_t seed[2])
{
    struct hub *hub = memory_new(sizeof *hub);
    (void)seed;
    hub->config = *config;
    return hub;
}

static void end_message(struct session *session)
{
    message_unref(session->message);
    session->message = NULL;
    session->fragments = 0;
    session->utf8 = (struct json_utf8){0};
}

void hub_free(struct hub *hub)
{
    struct effect effect;
    while (hub_next_effect(hub, &effect))
        message_unref(effect.message);
    for (uint32_t i = 0; i < hub->count; i++)
        end_message(&hub->sessions[i]);
    memory_free(hub->sessions);
    memory_free(hub->effects);
    memory_free(hub);
}

/* ---- effects ---- */

static void queue_effect(struct hub *hub, struct effect effect)
{
    if (hub->effects_count == hub->effects_capacity) {
        hub->effects_capacity = hub->effects_capacity == 0 ? 16 : 2 * hub->effects_capacity;
        hub->effects =
            memory_resize(hub->effects, hub->effects_capacity * sizeof *hub->effects);
    }
    hub->effects[hub->effects_count++] = effect;
}

bool hub_next_effect(struct hub *hub, struct effect *effect)
{
    if (hub->effects_taken == hub->effects_count) {
        hub->effects_taken = hub->effects_count = 0;
        return false;
    }
    *effect = hub->effects[hub->effects_taken++];
    return true;
}

/* ---- sessions ---- */

static struct session *find_session(const struct hub *hub, session_id id)
{
    uint32_t at = (uint32_t)id;
    if (at >= hub->count || hub->sessions[at].generation != id >> 32) return NULL;
    return hub->sessions[at].used ? &hub->sessions[at] : NULL;
}

session_id hub_connect(struct hub *hub, const struct address *from, uint64_t now_ms,
                       enum reason *reason)
{
    uint32_t at = 0;
    (void)from, (void)now_ms;
    *reason = REASON_NONE;
    while (at < hub->count && hub->sessions[at].used)
        at++;
    if (at == hub->count) {
        hub->sessions = memory_resize(hub->sessions, ++hub->count * sizeof *hub->sessions);
        hub->sessions[at] = (struct session){0};
    }
    hub->sessions[at].used = true;
    hub->metrics.sessions++;
    hub->metrics.sessions_total++;
    return (session_id)++hub->sessions[at].generation << 32 | at;
}

void hub_await(struct hub *hub, uint64_t until_ms, uint64_t now_ms)
{
    (void)hub, (void)until_ms, (void)now_ms;
}

bool hub_awaits(const struct hub *hub)
{
    (void)hub;
    return false;
}

void hub_drained(struct hub *hub, session_id id, uint64_t now_ms)
{
    (void)hub;
    (void)id;
    (void)now_ms;
}

void hub_disconnect(struct hub *hub, session_id id, uint64_t now_ms)
{
    struct session *session = find_session(hub, id);
    (void)now_ms;
    if (session == NULL) return;
    end_message(session);
    session->used = false;
    hub->metrics.sessions--;
}

/* ---- messages ---- */

static enum reason take_part(const struct hub *hub, struct session *session,
                             const struct hub_part *part)
{
    if (session->message == NULL) session->message = message_new(part->form, 0, part->size);
    if (session->message == NULL || !message_reserve(&session->message, part->size))
        return REASON_BUSY;
    session->fragments += part->fragment ? 1 : 0;
    message_append(session->message, part->bytes, part->size);
    if (session->fragments > hub->config.fragments_max) return REASON_FRAGMENTS;
    if (session->message->size > hub->config.message_bytes_max) return REASON_MESSAGE_SIZE;
    if (session->message->form == MESSAGE_BINARY) return REASON_NONE;
    bool valid = part->size == 0 || json_feed_utf8(&session->utf8, part->bytes, part->size);
    return valid && !(part->final && session->utf8.wanted > 0) ? REASON_NONE
                                                               : REASON_BAD_UTF8;
}

void hub_receive(struct hub *hub, session_id id, const struct hub_part *part,
                 uint64_t now_ms)
{
    struct session *session = find_session(hub, id);
    if (session == NULL) return;
    enum reason reason = take_part(hub, session, part);
    if (reason != REASON_NONE) {
        uint16_t code = reason == REASON_BAD_UTF8       ? 1007
                        : reason == REASON_MESSAGE_SIZE ? 1009
                                                        : 1008;
        hub->metrics.refusals[reason]++;
        queue_effect(hub, (struct effect){EFFECT_CLOSE, id, NULL, code, reason});
        hub_disconnect(hub, id, now_ms);
    } else if (part->final) {
        hub->metrics.messages_received_total++;
        hub->metrics.messages_sent_total++;
        queue_effect(hub, (struct effect){EFFECT_SEND, id, message_ref(session->message), 0,
                                          REASON_NONE});
        end_message(session);
    }
}

/* ---- what an echo has no use for ---- */

void hub_tick(struct hub *hub, uint64_t now_ms)
{
    (void)hub, (void)now_ms;
}

uint64_t hub_next_deadline(const struct hub *hub)
{
    (void)hub;
    return UINT64_MAX;
}

void hub_take_deny_list(struct hub *hub, struct deny_list *list, uint64_t now_ms)
{
    (void)hub, (void)now_ms;
    deny_free(list);
}

bool hub_deny_page(struct hub *hub, const struct page_hash *hash, uint64_t now_ms)
{
    (void)hub, (void)hash, (void)now_ms;
    return false;
}

uint32_t hub_drop_page(struct hub *hub, const struct page_hash *hash, uint64_t now_ms)
{
    (void)hub, (void)hash, (void)now_ms;
    return 0;
}

bool hub_drop_session(struct hub *hub, session_id id, uint64_t now_ms)
{
    (void)hub, (void)id, (void)now_ms;
    return false;
}

uint64_t hub_walk_pages(const struct hub *hub, uint64_t from, uint32_t most,
                        uint64_t now_ms,
                        void (*tell)(const struct hub_page *page, void *context),
                        void *context)
{
    (void)hub, (void)from, (void)most, (void)now_ms, (void)tell, (void)context;
    return 0;
}

uint64_t hub_walk_sessions(const struct hub *hub, uint64_t from, uint32_t most,
                           uint64_t now_ms,
                           void (*tell)(const struct hub_session *session, void *context),
                           void *context)
{
    (void)hub, (void)from, (void)most, (void)now_ms, (void)tell, (void)context;
    return 0;
}

bool hub_is_busy(const struct hub *hub, session_id session)
{
    (void)hub, (void)session;
    return false;
}

bool hub_denies(const struct hub *hub, const struct page_hash *hash)
{
    (void)hub, (void)hash;
    return false;
}

uint32_t hub_holders(struct hub *hub, const struct page_hash *hash)
{
    (void)hub, (void)hash;
    return 0;
}

uint32_t hub_ask_holders(struct hub *hub, const struct page_hash *hash, uint64_t now_ms)
{
    (void)hub, (void)hash, (void)now_ms;
    return 0;
}

void hub_list_nodes(const struct hub *hub, uint64_t now_ms,
                    void (*tell)(const struct hub_node *node, void *context), void *context)
{
    (void)hub, (void)now_ms, (void)tell, (void)context;
}

uint32_t hub_page_bytes(struct hub *hub, const struct page_hash *hash)
{
    (void)hub, (void)hash;
    return 0;
}

/* It is alone. */
void hub_bus_up(struct hub *hub, bool up, uint64_t now_ms)
{
    (void)hub, (void)up, (void)now_ms;
}

void hub_bus(struct hub *hub, const struct bus_message *message, uint64_t now_ms)
{
    (void)hub, (void)message, (void)now_ms;
}

bool hub_next_bus_effect(struct hub *hub, struct bus_effect *effect)
{
    (void)hub, (void)effect;
    return false;
}

void hub_print_partners(struct print *to, struct hub *hub)
{
    (void)to, (void)hub;
}

void hub_bus_go(struct hub *hub, uint64_t now_ms)
{
    (void)hub, (void)now_ms;
}

void hub_bus_leave(struct hub *hub, uint64_t now_ms)
{
    (void)hub, (void)now_ms;
}

enum bus_state hub_bus_state(const struct hub *hub)
{
    (void)hub;
    return BUS_NONE;
}

struct metrics *hub_metrics(struct hub *hub)
{
    return &hub->metrics;
}

void hub_take_config(struct hub *hub, const struct hub_config *config, uint64_t now_ms)
{
    (void)now_ms;
    hub->config = *config;
}

const struct hub_config *hub_settings(const struct hub *hub)
{
    return &hub->config;
}
