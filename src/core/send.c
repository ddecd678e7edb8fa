/* The hub's voice.

   Effects wait in a ring that grows; it holds references to messages, which pass to whoever
   drains it. Frames are built here and nowhere else, except the two forms of `content`,
   which relay.c makes from the bytes that came. */
#include "send.h"

#include "memory.h"

#include <assert.h>
#include <stdio.h>

static bool grow(struct hub *hub)
{
    size_t capacity = hub->effects_capacity == 0 ? 64 : 2 * hub->effects_capacity;
    struct effect *effects = memory_take(capacity * sizeof *effects);
    if (effects == NULL) return false;
    for (size_t i = 0; i < hub->effects_count; i++)
        effects[i] = hub->effects[(hub->effects_first + i) & (hub->effects_capacity - 1)];
    memory_free(hub->effects);
    hub->effects = effects;
    hub->effects_first = 0;
    hub->effects_capacity = capacity;
    return true;
}

static bool queue_effect(struct hub *hub, struct effect effect)
{
    if (hub->effects_count == hub->effects_capacity && !grow(hub)) return false;
    size_t last = (hub->effects_first + hub->effects_count) & (hub->effects_capacity - 1);
    hub->effects[last] = effect;
    hub->effects_count++;
    return true;
}

void send_lose(struct hub *hub, const struct session *session, enum reason reason)
{
    struct session *own = hub->places[(uint32_t)session->id].session;
    if (own->lost != REASON_NONE) return;
    own->lost = (uint8_t)reason;
    hub->lost++;
}

void send_take_message(struct hub *hub, const struct session *session,
                       struct message *message)
{
    struct effect effect = {
        .kind = EFFECT_SEND, .session = session->id, .message = message};
    if (message == NULL || session->lost != REASON_NONE || !queue_effect(hub, effect)) {
        message_unref(message);
        send_lose(hub, session, REASON_BUSY);
        return;
    }
    hub->metrics.messages_sent_total++;
}

bool send_close(struct hub *hub, const struct session *session, uint16_t code,
                enum reason reason)
{
    struct effect effect = {
        .kind = EFFECT_CLOSE, .session = session->id, .code = code, .reason = reason};
    if (queue_effect(hub, effect)) return true;
    send_lose(hub, session, reason);
    return false;
}

static void send_reply(struct hub *hub, const struct session *session,
                       const struct frame *to, const char *status, const char *response)
{
    if (to->ref.kind == REF_NULL) return;
    struct frame reply = {.kind = FRAME_REPLY,
                          .join_ref = to->join_ref,
                          .ref = to->ref,
                          .topic = to->topic,
                          .status = slice_of(status),
                          .payload = slice_of(response)};
    send_take_message(hub, session, wire_encode_new(WIRE_SERVER, &reply));
}

void send_ok(struct hub *hub, const struct session *session, const struct frame *to,
             const char *response)
{
    send_reply(hub, session, to, "ok", response);
}

void send_refusal(struct hub *hub, const struct session *session, const struct frame *to,
                  enum reason reason)
{
    char response[64];
    hub->metrics.refusals[reason]++;
    snprintf(response, sizeof response, "{\"reason\":\"%s\"}", reason_word(reason));
    send_reply(hub, session, to, "error", response);
}

struct slice send_topic(const struct membership *member, char text[TOPIC_TEXT_MAX])
{
    uint64_t upper = 0;
    if (member->kind == TOPIC_ALL) return slice_of("all");
    if (member->upper)
        memcpy(&upper, member->join_ref + member->join_ref_size, sizeof upper);
    return topic_print((enum topic_kind)member->kind, &member->page->hash, upper, text);
}

struct ref send_join_ref(const struct membership *member)
{
    return (struct ref){(enum ref_kind)member->join_ref_kind,
                        {member->join_ref, member->join_ref_size}};
}

void send_end(struct hub *hub, const struct membership *member, enum reason reason)
{
    char text[TOPIC_TEXT_MAX], payload[64] = "{}";
    struct ref join_ref = send_join_ref(member);
    if (reason != REASON_NONE) {
        hub->metrics.refusals[reason]++;
        snprintf(payload, sizeof payload, "{\"reason\":\"%s\"}", reason_word(reason));
    }
    struct frame end = {.join_ref = join_ref,
                        .ref = join_ref,
                        .topic = send_topic(member, text),
                        .event =
                            slice_of(reason == REASON_NONE ? "phx_close" : "phx_error"),
                        .payload = slice_of(payload)};
    send_take_message(hub, member->session, wire_encode_new(WIRE_SERVER, &end));
}

void send_push(struct hub *hub, const struct membership *member, const char *event,
               const char *payload)
{
    char text[TOPIC_TEXT_MAX];
    struct frame push = {.join_ref = send_join_ref(member),
                         .topic = send_topic(member, text),
                         .event = slice_of(event),
                         .payload = slice_of(payload)};
    send_take_message(hub, member->session, wire_encode_new(WIRE_SERVER, &push));
}

static struct message *broadcast_new(const struct broadcast *broadcast,
                                     const struct membership *member)
{
    char text[TOPIC_TEXT_MAX];
    struct frame frame = {.kind = FRAME_BROADCAST,
                          .topic = send_topic(member, text),
                          .event = slice_of(broadcast->event),
                          .payload = slice_of(broadcast->payload)};
    struct message *message = wire_encode_new(WIRE_SERVER, &frame);
    if (message != NULL) message->subject = broadcast->subject;
    return message;
}

void send_broadcast(struct hub *hub, struct broadcast *broadcast,
                    const struct membership *member)
{
    assert(member->session != NULL);
    if (member->upper) {
        send_take_message(hub, member->session, broadcast_new(broadcast, member));
        return;
    }
    if (broadcast->plain == NULL) broadcast->plain = broadcast_new(broadcast, member);
    send_take_message(hub, member->session,
                      broadcast->plain == NULL ? NULL : message_ref(broadcast->plain));
}

void send_broadcast_clear(struct broadcast *broadcast)
{
    message_unref(broadcast->plain);
    broadcast->plain = NULL;
}
