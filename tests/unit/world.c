/* A hub with clients on a virtual clock. */
#include "world.h"

#include "whilst/wire.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- messages on their way ---- */

/* The bytes of a content frame's payload, in memory of the caller's. */
static json_t *content_of(const struct frame *frame, struct slice *bytes)
{
    if (frame->form == MESSAGE_BINARY) {
        *bytes = frame->payload;
        return NULL;
    }
    json_t *payload =
        json_loadb(frame->payload.data, frame->payload.size, JSON_ALLOW_NUL, NULL);
    const json_t *content = json_object_get(payload, "content");
    assert_true(json_is_string(content));
    *bytes = (struct slice){json_string_value(content), json_string_length(content)};
    return payload;
}

static void check_content(const struct frame *frame)
{
    struct page_hash named, hash;
    struct slice bytes;
    assert_true(hash_from_hex(frame->topic.data + 5, HASH_HEX, &named, NULL));
    json_t *payload = content_of(frame, &bytes);
    hash = hash_of(bytes.data, bytes.size);
    assert_true(hash_equal(&hash, &named));
    json_decref(payload);
}

static void check_message(struct message *message)
{
    struct frame frame;
    assert_int_equal(wire_decode(WIRE_SERVER, message->form, message_bytes(message),
                                 message->size, &frame),
                     WIRE_OK);
    if (slice_is(frame.event, "content")) check_content(&frame);
}

static struct client *client_of(struct world *world, session_id id)
{
    size_t at = (size_t)(id & UINT32_MAX);
    struct client *client = at < world->at_count ? world->at[at] : NULL;
    return client != NULL && client->id == id ? client : NULL;
}

static void put_into(struct client *client, struct message *message)
{
    if (client->first + client->count == client->capacity) {
        if (client->count > 0)
            memmove(client->inbox, client->inbox + client->first,
                    client->count * sizeof *client->inbox);
        client->first = 0;
        client->capacity = 2 * client->count + 4;
        client->inbox = realloc(client->inbox, client->capacity * sizeof *client->inbox);
    }
    client->inbox[client->first + client->count++] = message;
}

void settle(struct world *world)
{
    struct effect effect;
    struct message *checked = NULL; /* one message often goes to many */
    while (hub_next_effect(world->hub, &effect)) {
        struct client *client = client_of(world, effect.session);
        if (client == NULL) fail_msg("an effect for a session that is gone");
        if (effect.kind == EFFECT_SEND) {
            if (effect.message != checked) check_message(effect.message);
            checked = effect.message;
            put_into(client, effect.message);
            if (effect.message->content && !client->unread)
                hub_drained(world->hub, client->id, world->now_ms);
        } else {
            client->id = 0;
            client->code = effect.code;
            client->reason = effect.reason;
        }
    }
    assert_true(metrics_of(world)->in_flight_bytes <=
                hub_settings(world->hub)->in_flight_bytes_max);
}

/* ---- the world ---- */

struct world *world_new(const struct hub_config *config)
{
    static const uint64_t seed[2] = {12, 34};
    struct hub_config usual = hub_config_default();
    struct world *world = calloc(1, sizeof *world);
    world->hub = hub_new(config != NULL ? config : &usual, seed);
    world->now_ms = 1000000;
    return world;
}

struct metrics *metrics_of(struct world *world)
{
    return hub_metrics(world->hub);
}

uint64_t refusals(struct world *world, enum reason reason)
{
    return metrics_of(world)->refusals[reason];
}

void world_free(struct world *world)
{
    for (size_t i = 0; i < world->count; i++)
        if (world->clients[i]->id != 0) drop(world->clients[i]);
    pass(world, 100000);
    const struct metrics *metrics = metrics_of(world);
#define gauge(field) assert_int_equal(metrics->field, 0);
#define counter(field)
#define X(type, field, help) type(field)
    METRICS(X)
#undef X
#undef counter
#undef gauge
    assert_true(hub_next_deadline(world->hub) == UINT64_MAX);
    for (size_t i = 0; i < world->count; i++) {
        ignore_inbox(world->clients[i]);
        free(world->clients[i]->inbox);
        free(world->clients[i]);
    }
    hub_free(world->hub);
    free(world->clients);
    free(world->at);
    free(world);
}

void pass(struct world *world, uint64_t ms)
{
    uint64_t until = world->now_ms + ms, next;
    while ((next = hub_next_deadline(world->hub)) <= until) {
        if (next > world->now_ms) world->now_ms = next;
        hub_tick(world->hub, world->now_ms);
        settle(world);
        assert_true(hub_next_deadline(world->hub) > world->now_ms);
    }
    world->now_ms = until;
    hub_tick(world->hub, world->now_ms);
    settle(world);
}

static void place(struct world *world, struct client *client)
{
    size_t at = (size_t)(client->id & UINT32_MAX);
    if (at >= world->at_count) {
        size_t count = 2 * at + 16;
        world->at = realloc(world->at, count * sizeof *world->at);
        memset(world->at + world->at_count, 0,
               (count - world->at_count) * sizeof *world->at);
        world->at_count = count;
    }
    world->at[at] = client;
}

struct client *arrive_as(struct world *world, const char *name, const struct address *from)
{
    struct client *client = calloc(1, sizeof *client);
    if ((world->count & (world->count + 1)) == 0)
        world->clients =
            realloc(world->clients, 2 * (world->count + 1) * sizeof *world->clients);
    world->clients[world->count++] = client;
    client->world = world;
    client->name = name;
    client->id = hub_connect(world->hub, from, world->now_ms, &client->reason);
    if (client->id != 0) place(world, client);
    settle(world);
    return client;
}

struct client *arrive(struct world *world, const char *name)
{
    static const struct address nowhere = {{0}};
    return arrive_as(world, name, &nowhere);
}

struct client *arrive_from(struct world *world, const char *name, uint8_t n)
{
    struct address from = {{0}};
    memset(from.bytes + 10, 0xff, 2);
    from.bytes[15] = n;
    return arrive_as(world, name, &from);
}

void drop(struct client *client)
{
    session_id id = client->id;
    client->id = 0;
    hub_disconnect(client->world->hub, id, client->world->now_ms);
    settle(client->world);
}

void drain(struct client *client)
{
    hub_drained(client->world->hub, client->id, client->world->now_ms);
    settle(client->world);
}

/* ---- saying ---- */

void say_part(struct client *client, enum message_form form, const void *bytes, size_t size,
              bool fragment, bool final)
{
    uint8_t *exact = malloc(size > 0 ? size : 1); /* so that reading on is noticed */
    struct hub_part part = {form, exact, size, fragment, final};
    if (size > 0) memcpy(exact, bytes, size);
    hub_receive(client->world->hub, client->id, &part, client->world->now_ms);
    free(exact);
    settle(client->world);
}

void say_bytes(struct client *client, enum message_form form, const void *bytes,
               size_t size)
{
    say_part(client, form, bytes, size, true, true);
}

void say_in_parts(struct client *client, enum message_form form, const void *bytes,
                  size_t size, size_t step)
{
    size_t at = 0;
    do {
        size_t part = size - at < step ? size - at : step;
        say_part(client, form, (const char *)bytes + at, part, at == 0, at + part == size);
        at += part;
    } while (at < size);
}

/* The formatted text with " for '; the caller frees it. */
static char *quote_new(const char *format, va_list arguments)
{
    va_list again;
    va_copy(again, arguments);
    size_t size = (size_t)vsnprintf(NULL, 0, format, arguments) + 1;
    char *text = malloc(size);
    vsnprintf(text, size, format, again);
    va_end(again);
    for (char *at = text; (at = strchr(at, '\'')) != NULL;)
        *at = '"';
    return text;
}

void say(struct client *client, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = quote_new(format, arguments);
    va_end(arguments);
    say_bytes(client, MESSAGE_TEXT, text, strlen(text));
    free(text);
}

/* ---- expecting ---- */

struct message *take(struct client *client)
{
    if (client->count == 0) fail_msg("%s was sent nothing", client->name);
    client->count--;
    return client->inbox[client->first++];
}

void expect(struct client *client, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    char *text = quote_new(format, arguments);
    va_end(arguments);
    if (client->count == 0) fail_msg("%s was sent nothing, not %s", client->name, text);
    struct message *message = take(client);
    const char *got = (const char *)message_bytes(message);
    if (message->form != MESSAGE_TEXT) fail_msg("%s was sent binary", client->name);
    json_t *expected = json_loads(text, JSON_ALLOW_NUL, NULL);
    json_t *actual = json_loadb(got, message->size, JSON_ALLOW_NUL, NULL);
    assert_non_null(expected);
    if (!json_equal(expected, actual))
        fail_msg("%s was sent %.*s, not %s", client->name, (int)message->size, got, text);
    json_decref(expected);
    json_decref(actual);
    message_unref(message);
    free(text);
}

void expect_binary(struct client *client, const char *hash, const void *page, size_t size)
{
    struct frame frame;
    struct message *message = take(client);
    assert_int_equal(message->form, MESSAGE_BINARY);
    assert_int_equal(wire_decode(WIRE_SERVER, MESSAGE_BINARY, message_bytes(message),
                                 message->size, &frame),
                     WIRE_OK);
    assert_int_equal(frame.kind, FRAME_BROADCAST);
    assert_int_equal(frame.topic.size, 5 + HASH_HEX);
    assert_memory_equal(frame.topic.data, "want:", 5);
    assert_memory_equal(frame.topic.data + 5, hash, HASH_HEX);
    assert_true(slice_is(frame.event, "content"));
    assert_int_equal(frame.payload.size, size);
    if (size > 0) assert_memory_equal(frame.payload.data, page, size);
    message_unref(message);
}

void expect_nothing(struct client *client)
{
    if (client->code != 0)
        fail_msg("%s was closed: %s", client->name, reason_word(client->reason));
    if (client->count == 0) return;
    struct message *message = client->inbox[client->first];
    fail_msg("%s was sent %.*s", client->name, (int)message->size,
             (const char *)message_bytes(message));
}

void expect_closed(struct client *client, uint16_t code, enum reason reason)
{
    if (client->count > 0) fail_msg("%s was sent something before its close", client->name);
    assert_int_equal(client->id, 0);
    assert_int_equal(client->code, code);
    assert_string_equal(reason_word(client->reason), reason_word(reason));
}

void ignore_inbox(struct client *client)
{
    while (client->count > 0)
        message_unref(take(client));
}

size_t count_events(const struct client *client, const char *event)
{
    size_t found = 0;
    for (size_t i = 0; i < client->count; i++) {
        struct message *message = client->inbox[client->first + i];
        struct frame frame;
        wire_decode(WIRE_SERVER, message->form, message_bytes(message), message->size,
                    &frame);
        found += slice_is(frame.event, event) ? 1 : 0;
    }
    return found;
}

/* ---- what clients often do ---- */

void expect_reply(struct client *client, const char *topic, const char *hash,
                  const char *ref, const char *reason)
{
    const char *status = reason == NULL ? "ok" : "error";
    char response[100] = "{}";
    if (reason != NULL) snprintf(response, sizeof response, "{'reason':'%s'}", reason);
    expect(client, "['1','%s','%s:%s','phx_reply',{'status':'%s','response':%s}]", ref,
           topic, hash, status, response);
}

void hold(struct client *client, const char *hash, const char *payload)
{
    say(client, "['1','1','have:%s','phx_join',%s]", hash, payload);
    expect_reply(client, "have", hash, "1", NULL);
}

void seek(struct client *client, const char *hash, const char *payload)
{
    struct page_hash page;
    hash_from_hex(hash, HASH_HEX, &page, NULL);
    say(client, "['1','1','want:%s','phx_join',%s]", hash, payload);
    expect(client,
           "['1','1','want:%s','phx_reply',{'status':'ok','response':{'holders':%u}}]",
           hash, hub_holders(client->world->hub, &page));
}

void hold_quietly(struct client *client, const char *hash)
{
    hold(client, hash, "{}");
    ignore_inbox(client);
}

void seek_quietly(struct client *client, const char *hash)
{
    seek(client, hash, "{}");
    ignore_inbox(client);
}

void expect_asked(struct client *client, const char *hash)
{
    expect(client, "['1',null,'have:%s','content_request',{}]", hash);
}

void answer(struct client *client, const char *hash, const char *text)
{
    say(client, "['1','2','have:%s','content',{'content':'%s','hash':'%s'}]", hash, text,
        hash);
}

void answer_binary(struct client *client, const char *hash, const void *page, size_t size)
{
    char topic[80];
    snprintf(topic, sizeof topic, "have:%s", hash);
    struct frame frame = {.kind = FRAME_PUSH,
                          .form = MESSAGE_BINARY,
                          .join_ref = {REF_STRING, slice_of("1")},
                          .ref = {REF_STRING, slice_of("2")},
                          .topic = slice_of(topic),
                          .event = slice_of("content"),
                          .payload = {page, size}};
    struct message *message = wire_encode_new(WIRE_CLIENT, &frame);
    say_bytes(client, MESSAGE_BINARY, message_bytes(message), message->size);
    message_unref(message);
}

/* ---- many holders ---- */

size_t count_asked(struct client *const *clients, size_t count)
{
    size_t asked = 0;
    for (size_t i = 0; i < count; i++) {
        asked += count_events(clients[i], "content_request");
        ignore_inbox(clients[i]);
    }
    return asked;
}

struct client *who_is_asked(struct client *const *clients, size_t count)
{
    struct client *found = NULL;
    for (size_t i = 0; i < count; i++) {
        if (count_events(clients[i], "content_request") > 0) {
            assert_null(found);
            found = clients[i];
        }
        ignore_inbox(clients[i]);
    }
    assert_non_null(found);
    return found;
}

void hold_all(struct world *world, const char *hash, struct client **clients, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        clients[i] = arrive(world, "holder");
        hold_quietly(clients[i], hash);
    }
    pass(world, 300);
    for (size_t i = 0; i < count; i++)
        ignore_inbox(clients[i]);
}
