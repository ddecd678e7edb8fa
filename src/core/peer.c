/* The peer: what a well-behaved client does.

   Its wishes are items: one for "all", one for each page held or sought. An item is joined
   when the connection is open, joined again after a fault or a missing reply with growing
   pauses (1, 2, 5, 10 s), and joined anew after every reconnect. An item that seeks becomes
   one that holds, if it was told so, when the bytes have come and their hash is right. */
#include "whilst/peer.h"

#include "json.h"
#include "memory.h"
#include "topic.h"
#include "whilst/wire.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

enum item_state { ITEM_IDLE, ITEM_JOINING, ITEM_JOINED };

struct item {
    struct item *next;
    enum topic_kind kind;
    enum item_state state;
    struct page_hash hash;
    struct message *page; /* of a holder */
    bool then_hold;
    uint32_t tries;
    uint64_t join_ref;
    uint64_t due_ms; /* IDLE: when to join; JOINING: when to try again */
};

struct outgoing {
    struct outgoing *next;
    struct message *message;
};

struct incident {
    struct incident *next;
    struct peer_event event;
};

struct peer {
    struct peer_config config;
    bool open;
    uint64_t now_ms, heartbeat_ms, refs;
    struct item *items;
    struct outgoing *first_message, **last_message;
    struct incident *first_event, **last_event;
};

/* A client that has no memory cannot go on; the server has other ways. */
static void *new (size_t size)
{
    void *memory = memory_new(size);
    if (memory == NULL) abort();
    return memory;
}

struct peer_config peer_config_default(void)
{
    return (struct peer_config){.heartbeat_ms = 30000, .reply_ms = 10000};
}

struct peer *peer_new(const struct peer_config *config)
{
    struct peer *peer = new (sizeof *peer);
    peer->config = *config;
    peer->last_message = &peer->first_message;
    peer->last_event = &peer->first_event;
    return peer;
}

static void free_item(struct item *item)
{
    message_unref(item->page);
    memory_free(item);
}

void peer_set_token(struct peer *peer, const char *token)
{
    snprintf(peer->config.token, sizeof peer->config.token, "%s", token);
}

void peer_free(struct peer *peer)
{
    struct message *message;
    struct peer_event event;
    while ((message = peer_next_message(peer)) != NULL)
        message_unref(message);
    while (peer_next_event(peer, &event))
        message_unref(event.page);
    while (peer->items != NULL) {
        struct item *next = peer->items->next;
        free_item(peer->items);
        peer->items = next;
    }
    memory_free(peer);
}

struct message *peer_next_message(struct peer *peer)
{
    struct outgoing *first = peer->first_message;
    if (first == NULL) return NULL;
    struct message *message = first->message;
    peer->first_message = first->next;
    if (peer->first_message == NULL) peer->last_message = &peer->first_message;
    memory_free(first);
    return message;
}

bool peer_next_event(struct peer *peer, struct peer_event *event)
{
    struct incident *first = peer->first_event;
    if (first == NULL) return false;
    *event = first->event;
    peer->first_event = first->next;
    if (peer->first_event == NULL) peer->last_event = &peer->first_event;
    memory_free(first);
    return true;
}

static void tell(struct peer *peer, struct peer_event event)
{
    struct incident *incident = new (sizeof *incident);
    incident->event = event;
    *peer->last_event = incident;
    peer->last_event = &incident->next;
}

/* A JSON string's inside as the reason of an event. */
static void tell_reason(struct peer *peer, enum peer_event_kind kind,
                        const struct item *item, struct slice payload)
{
    struct peer_event event = {.kind = kind, .hash = item->hash};
    struct slice word = wire_member(payload, "reason");
    if (word.size >= 2 && word.data[0] == '"' && word.size - 2 < sizeof event.reason)
        for (size_t i = 0; i < word.size - 2; i++) /* it may be shown on a terminal */
            event.reason[i] = (uint8_t)word.data[i + 1] < 0x7f ? word.data[i + 1] : '?';
    tell(peer, event);
}

/* ---- speaking ---- */

static struct slice topic_of(const struct item *item, char text[TOPIC_TEXT_MAX])
{
    if (item->kind == TOPIC_ALL) return slice_of("all");
    return topic_print(item->kind, &item->hash, 0, text);
}

static struct ref number(uint64_t value, char text[24])
{
    int size = snprintf(text, 24, "%" PRIu64, value);
    return (struct ref){REF_STRING, {text, (size_t)size}};
}

static void send_take(struct peer *peer, struct message *message)
{
    if (message == NULL) return;
    struct outgoing *outgoing = new (sizeof *outgoing);
    outgoing->message = message;
    *peer->last_message = outgoing;
    peer->last_message = &outgoing->next;
}

static void push(struct peer *peer, const struct item *item, const char *event,
                 const char *payload)
{
    char topic[TOPIC_TEXT_MAX], join_ref[24], ref[24];
    struct frame frame = {.join_ref = number(item->join_ref, join_ref),
                          .ref = number(++peer->refs, ref),
                          .topic = topic_of(item, topic),
                          .event = slice_of(event),
                          .payload = slice_of(payload)};
    send_take(peer, wire_encode_new(WIRE_CLIENT, &frame));
}

static void join(struct peer *peer, struct item *item)
{
    char payload[PEER_TOKEN_MAX + 32] = "{}";
    if (item->kind == TOPIC_HAVE && peer->config.token[0] != '\0')
        snprintf(payload, sizeof payload, "{\"token\":\"%s\"}", peer->config.token);
    if (item->kind == TOPIC_ALL && peer->config.limits)
        snprintf(payload, sizeof payload, "{\"limits\":true}");
    if (item->kind == TOPIC_WANT && !peer->config.as_text)
        snprintf(payload, sizeof payload, "{\"binary\":true,\"status\":true}");
    item->state = ITEM_JOINING;
    item->join_ref = peer->refs + 1;
    item->due_ms = peer->now_ms + peer->config.reply_ms;
    push(peer, item, "phx_join", payload);
}

static void answer(struct peer *peer, const struct item *item)
{
    char topic[TOPIC_TEXT_MAX], join_ref[24], ref[24];
    const uint8_t *bytes = message_bytes(item->page);
    struct frame frame = {.form = MESSAGE_BINARY,
                          .join_ref = number(item->join_ref, join_ref),
                          .ref = number(++peer->refs, ref),
                          .topic = topic_of(item, topic),
                          .event = slice_of("content"),
                          .payload = {(const char *)bytes, item->page->size}};
    struct message *message =
        peer->config.as_text && json_is_utf8(bytes, item->page->size)
            ? wire_content_new(&frame, bytes, item->page->size, &item->hash)
            : wire_encode_new(WIRE_CLIENT, &frame);
    send_take(peer, message);
    tell(peer, (struct peer_event){.kind = PEER_ASKED, .hash = item->hash});
}

/* ---- wishes ---- */

static struct item *find_item(const struct peer *peer, const struct topic *topic)
{
    struct item *item = peer->items;
    while (item != NULL &&
           !(item->kind == topic->kind &&
             (item->kind == TOPIC_ALL || hash_equal(&item->hash, &topic->hash))))
        item = item->next;
    return item;
}

static void unlink_item(struct peer *peer, struct item *item)
{
    struct item **at = &peer->items;
    while (*at != item)
        at = &(*at)->next;
    *at = item->next;
}

static void remove_item(struct peer *peer, struct item *item)
{
    unlink_item(peer, item);
    if (peer->open && item->state != ITEM_IDLE) push(peer, item, "phx_leave", "{}");
    free_item(item);
}

/* The server ended it: to join again would be to fight for a place. */
static void end_item(struct peer *peer, struct item *item)
{
    tell(peer, (struct peer_event){.kind = PEER_OVER, .hash = item->hash});
    unlink_item(peer, item);
    free_item(item);
}

static struct item *wish(struct peer *peer, const struct topic *topic)
{
    struct item *item = find_item(peer, topic), **last = &peer->items;
    if (item != NULL) return item;
    item = new (sizeof *item);
    item->kind = topic->kind;
    item->hash = topic->hash;
    while (*last != NULL)
        last = &(*last)->next;
    *last = item;
    if (peer->open) join(peer, item);
    return item;
}

void peer_visit(struct peer *peer)
{
    wish(peer, &(struct topic){.kind = TOPIC_ALL});
}

void peer_hold(struct peer *peer, const struct page_hash *hash, struct message *page)
{
    struct item *item = wish(peer, &(struct topic){.kind = TOPIC_HAVE, .hash = *hash});
    message_ref(page);
    message_unref(item->page);
    item->page = page;
}

void peer_seek(struct peer *peer, const struct page_hash *hash, bool then_hold)
{
    struct item *item = wish(peer, &(struct topic){.kind = TOPIC_WANT, .hash = *hash});
    item->then_hold = then_hold;
}

void peer_leave(struct peer *peer, const struct page_hash *hash)
{
    static const enum topic_kind kinds[] = {TOPIC_HAVE, TOPIC_WANT};
    for (size_t i = 0; i < 2; i++) {
        struct item *item =
            find_item(peer, &(struct topic){.kind = kinds[i], .hash = *hash});
        if (item != NULL) remove_item(peer, item);
    }
}

void peer_leave_all(struct peer *peer)
{
    while (peer->items != NULL)
        remove_item(peer, peer->items);
}

/* ---- hearing ---- */

/* The item is out of its topic: it joins again after a pause that grows. */
static void rejoin_later(struct peer *peer, struct item *item)
{
    static const uint64_t pauses_ms[] = {1000, 2000, 5000, 10000};
    size_t last = sizeof pauses_ms / sizeof pauses_ms[0] - 1;
    item->state = ITEM_IDLE;
    item->due_ms = peer->now_ms + pauses_ms[item->tries < last ? item->tries : last];
    item->tries++;
}

static bool is_for(const struct item *item, const struct ref *join_ref)
{
    char text[24];
    return join_ref->kind == REF_NULL ||
           slice_equal(join_ref->text, number(item->join_ref, text).text);
}

/* A member that is a number without sign or fraction; 0 if it is none. */
static uint32_t count_of(struct slice payload, const char *key)
{
    struct slice digits = wire_member(payload, key);
    uint32_t count = 0;
    for (size_t i = 0; i < digits.size && i < 9; i++) {
        if (digits.data[i] < '0' || digits.data[i] > '9') return 0;
        count = 10 * count + (uint32_t)(digits.data[i] - '0');
    }
    return count;
}

static void hear_joined(struct peer *peer, struct item *item, const struct frame *frame)
{
    item->state = ITEM_JOINED;
    item->tries = 0;
    if (item->kind == TOPIC_HAVE)
        tell(peer, (struct peer_event){.kind = PEER_HOLDING, .hash = item->hash});
    if (item->kind == TOPIC_ALL && peer->config.limits)
        tell(peer,
             (struct peer_event){.kind = PEER_LIMITS,
                                 .count = count_of(frame->payload, "page_bytes_max")});
}

static void hear_reply(struct peer *peer, struct item *item, const struct frame *frame)
{
    char text[24];
    bool to_join = slice_equal(frame->ref.text, number(item->join_ref, text).text);
    if (slice_is(frame->status, "ok")) {
        if (to_join) hear_joined(peer, item, frame);
        return;
    }
    tell_reason(peer, PEER_REFUSED, item, frame->payload);
    if (to_join) rejoin_later(peer, item);
}

static void hear_count(struct peer *peer, const struct item *item,
                       const struct frame *frame)
{
    tell(peer, (struct peer_event){.kind = PEER_COUNT,
                                   .hash = item->hash,
                                   .count = count_of(frame->payload, "count")});
}

/* The page in a content frame, without its escapes; NULL if it has none. */
static struct message *content_of(const struct frame *frame)
{
    struct slice value = frame->payload;
    size_t used, written = value.size;
    if (frame->form == MESSAGE_TEXT) {
        value = wire_member(frame->payload, "content");
        if (value.size < 2 || value.data[0] != '"') return NULL;
    }
    struct message *page = message_new(MESSAGE_BINARY, 0, value.size + 3);
    if (page == NULL) return NULL;
    if (frame->form == MESSAGE_BINARY) {
        message_append(page, value.data, value.size);
        return page;
    }
    struct json_unescaper unescaper = {0};
    json_unescape(&unescaper, value.data + 1, value.size - 1, &used, message_bytes(page),
                  &written);
    page->size = written;
    return page;
}

static void hear_content(struct peer *peer, struct item *item, const struct frame *frame)
{
    struct message *page = content_of(frame);
    struct page_hash hash = item->hash;
    struct page_hash right =
        page == NULL ? (struct page_hash){{0}} : hash_of(message_bytes(page), page->size);
    if (page == NULL || !hash_equal(&hash, &right)) {
        message_unref(page);
        tell(peer, (struct peer_event){.kind = PEER_WRONG, .hash = hash});
        return;
    }
    bool then_hold = item->then_hold;
    remove_item(peer, item);
    if (then_hold) peer_hold(peer, &hash, page);
    tell(peer, (struct peer_event){.kind = PEER_FOUND, .hash = hash, .page = page});
}

/* A busy server is asked again later. */
static void hear_error(struct peer *peer, struct item *item, const struct frame *frame)
{
    tell_reason(peer, PEER_REFUSED, item, frame->payload);
    if (slice_is(wire_member(frame->payload, "reason"), "\"busy\""))
        rejoin_later(peer, item);
}

static void hear_fault(struct peer *peer, struct item *item, const struct frame *frame)
{
    tell_reason(peer, PEER_REFUSED, item, frame->payload);
    rejoin_later(peer, item);
}

static void hear_event(struct peer *peer, struct item *item, const struct frame *frame)
{
    bool have = item->kind == TOPIC_HAVE, want = item->kind == TOPIC_WANT;
    if (have && slice_is(frame->event, "content_request"))
        answer(peer, item);
    else if (have && slice_is(frame->event, "visitors_count"))
        hear_count(peer, item, frame);
    else if (want && slice_is(frame->event, "content"))
        hear_content(peer, item, frame);
    else if (want && slice_is(frame->event, "error"))
        hear_error(peer, item, frame);
    else if (want && slice_is(wire_member(frame->payload, "state"), "\"nobody\""))
        tell_reason(peer, PEER_NOBODY, item, frame->payload);
    else if (slice_is(frame->event, "phx_error"))
        hear_fault(peer, item, frame);
    else if (slice_is(frame->event, "phx_close"))
        end_item(peer, item);
}

void peer_receive(struct peer *peer, enum message_form form, const void *bytes, size_t size,
                  uint64_t now_ms)
{
    struct frame frame;
    peer->now_ms = now_ms;
    if (wire_decode(WIRE_SERVER, form, bytes, size, &frame) != WIRE_OK) {
        tell(peer, (struct peer_event){.kind = PEER_GARBLED});
        return;
    }
    struct topic topic = topic_parse(frame.topic);
    struct item *item = find_item(peer, &topic);
    if (item == NULL || !is_for(item, &frame.join_ref)) return;
    if (frame.kind == FRAME_REPLY)
        hear_reply(peer, item, &frame);
    else
        hear_event(peer, item, &frame);
}

/* ---- time and the connection ---- */

void peer_opened(struct peer *peer, uint64_t now_ms)
{
    peer->open = true;
    peer->now_ms = now_ms;
    peer->heartbeat_ms = now_ms + peer->config.heartbeat_ms;
    for (struct item *item = peer->items; item != NULL; item = item->next)
        join(peer, item);
}

void peer_closed(struct peer *peer)
{
    struct message *message;
    peer->open = false;
    while ((message = peer_next_message(peer)) != NULL)
        message_unref(message);
    for (struct item *item = peer->items; item != NULL; item = item->next) {
        item->state = ITEM_IDLE;
        item->tries = 0;
    }
}

static void beat(struct peer *peer)
{
    char ref[24];
    struct frame frame = {.ref = number(++peer->refs, ref),
                          .topic = slice_of("phoenix"),
                          .event = slice_of("heartbeat"),
                          .payload = slice_of("{}")};
    peer->heartbeat_ms = peer->now_ms + peer->config.heartbeat_ms;
    send_take(peer, wire_encode_new(WIRE_CLIENT, &frame));
}

void peer_tick(struct peer *peer, uint64_t now_ms)
{
    peer->now_ms = now_ms;
    if (!peer->open) return;
    if (peer->config.heartbeat_ms != 0 && peer->heartbeat_ms <= now_ms) beat(peer);
    for (struct item *item = peer->items; item != NULL; item = item->next) {
        if (item->state == ITEM_JOINED || item->due_ms > now_ms) continue;
        join(peer, item);
    }
}

uint64_t peer_next_deadline(const struct peer *peer)
{
    uint64_t due = UINT64_MAX;
    if (!peer->open) return due;
    if (peer->config.heartbeat_ms != 0) due = peer->heartbeat_ms;
    for (const struct item *item = peer->items; item != NULL; item = item->next)
        if (item->state != ITEM_JOINED && item->due_ms < due) due = item->due_ms;
    return due;
}
