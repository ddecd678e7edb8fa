/* A hub whose allocations are refused: see refused.h. */
#include "refused.h"

#include "faults.h"
#include "unit.h"

#include "whilst/deny.h"
#include "whilst/wire.h"

#include <stdio.h>
#include <string.h>

static struct hub *hub;
uint64_t now_ms;
bool asked[CLIENTS];
static bool served[CLIENTS], replied[CLIENTS];
static session_id sessions[CLIENTS]; /* 0: not connected, or closed by the hub */
uint64_t wanted;                     /* the last request to another node; 0: none yet */
uint64_t wanted_far;                 /* the same, to a partner */

/* ---- what the hub says ---- */

static void check_message(int client, struct message *message)
{
    struct frame frame;
    assert_int_equal(wire_decode(WIRE_SERVER, message->form, message_bytes(message),
                                 message->size, &frame),
                     WIRE_OK);
    if (slice_is(frame.event, "content_request")) asked[client] = true;
    if (slice_is(frame.status, "ok") || slice_is(frame.status, "error"))
        replied[client] = true;
    if (!slice_is(frame.event, "content")) return;
    struct slice bytes = frame.payload;
    if (message->form == MESSAGE_TEXT) {
        bytes = wire_member(frame.payload, "content");
        assert_true(slice_is(bytes, "\"hello\""));
    } else {
        assert_true(slice_is(bytes, "hello"));
    }
    served[client] = true;
}

static int client_of(session_id session)
{
    for (int i = 0; i < CLIENTS; i++)
        if (sessions[i] == session) return i;
    return -1;
}

static void settle_bus(void)
{
    struct bus_effect effect;
    struct bus_record record;
    while (hub_next_bus_effect(hub, &effect)) {
        if (effect.kind == EFFECT_PUBLISH && effect.head[0] == BUS_ORDER)
            wanted = effect.reply.request;
        if (effect.kind == EFFECT_PUBLISH && effect.head[0] == BUS_FAR_ORDER &&
            bus_record_read(effect.head, effect.head_size, &record))
            wanted_far = record.request;
        message_unref(effect.body);
    }
}

static void settle(void)
{
    struct effect effect;
    settle_bus();
    for (;;) {
        faults->armed++;
        bool more = hub_next_effect(hub, &effect);
        faults->armed--;
        if (!more) return;
        int client = client_of(effect.session);
        if (client >= 0 && effect.kind == EFFECT_CLOSE) {
            assert_true(effect.reason == REASON_BUSY || effect.reason == REASON_BAD_JSON);
            sessions[client] = 0;
        } else if (client >= 0) {
            check_message(client, effect.message);
        }
        if (effect.kind == EFFECT_SEND) message_unref(effect.message);
    }
}

/* ---- what clients do ---- */

void arrive(int client)
{
    enum reason reason;
    struct address from = {{[10] = 0xff, [11] = 0xff, [15] = (uint8_t)(client / 4)}};
    faults->armed++;
    sessions[client] = hub_connect(hub, &from, now_ms, &reason);
    faults->armed--;
    if (sessions[client] == 0) assert_int_equal(reason, REASON_BUSY);
    asked[client] = served[client] = false;
    settle();
}

static void say_part(int client, enum message_form form, const char *bytes, size_t size,
                     bool first, bool final)
{
    struct hub_part part = {form, bytes, size, first, final};
    if (sessions[client] == 0) return;
    faults->armed++;
    hub_receive(hub, sessions[client], &part, now_ms);
    faults->armed--;
    settle();
}

void say(int client, const char *text)
{
    say_part(client, MESSAGE_TEXT, text, strlen(text), true, true);
}

/* What has a ref is answered, or else the session is closed. */
void call(int client, const char *text)
{
    replied[client] = false;
    say(client, text);
    assert_true(sessions[client] == 0 || replied[client]);
}

void say_in_parts(int client, const char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at += 16)
        say_part(client, MESSAGE_TEXT, text + at, size - at < 16 ? size - at : 16, true,
                 at + 16 >= size);
}

void answer_binary(int client, const char *page)
{
    char bytes[128] = {0, 1, 1, 69, 7};
    int size = snprintf(bytes + 5, sizeof bytes - 5, "12have:" HELLO "content%s", page);
    say_part(client, MESSAGE_BINARY, bytes, 5 + (size_t)size, true, true);
}

void drop(int client)
{
    if (sessions[client] == 0) return;
    faults->armed++;
    hub_disconnect(hub, sessions[client], now_ms);
    faults->armed--;
    sessions[client] = 0;
    settle();
}

void pass(uint64_t ms)
{
    uint64_t end = now_ms + ms;
    while (hub_next_deadline(hub) <= end) {
        if (hub_next_deadline(hub) > now_ms) now_ms = hub_next_deadline(hub);
        faults->armed++;
        hub_tick(hub, now_ms);
        faults->armed--;
        settle();
    }
    now_ms = end;
}

void block(const char *list)
{
    size_t line;
    faults->armed++;
    struct deny_list *denied = deny_parse_new(list, strlen(list), &line);
    if (denied != NULL) hub_take_deny_list(hub, denied, now_ms);
    faults->armed--;
    settle();
}

/* ---- what the bus brings ---- */

void hear_message(const struct bus_message *message)
{
    faults->armed++;
    hub_bus(hub, message, now_ms);
    faults->armed--;
    settle();
}

void hear_on(const struct bus_subject *subject, const struct bus_record *record,
             const char *body)
{
    uint8_t bytes[BUS_HEAD_MAX + 8];
    size_t size = bus_record_write(record, bytes);
    struct bus_message message = {
        .subject = *subject,
        .reply = {.kind = BUS_INBOX, .node = bus_node_of("b"), .request = record->request},
        .bytes = bytes,
        .size = size + strlen(body)};
    memcpy(bytes + size, body, strlen(body));
    hear_message(&message);
}

void connect_bus(bool up)
{
    faults->armed++;
    hub_bus_up(hub, up, now_ms);
    faults->armed--;
    settle();
}

/* ---- whole conversations ---- */

/* Nothing of partners is under way, or known; and if nothing was refused, all has
   happened. */
static void expect_no_partners_left(void)
{
    static const char *const rows[] = {
        "asked{partner=\"beta\"} 0",        "orders{partner=\"beta\"} 0",
        "pages{partner=\"beta\"} 0",        "contents_total{partner=\"beta\"} 1",
        "served_total{partner=\"beta\"} 1", "claims_total{partner=\"beta\"} 2",
        "reason=\"partner_message\"} 4",    "reason=\"partner_deaf\"} 1"};
    size_t count = sizeof rows / sizeof rows[0];
    char text[1 << 13];
    struct print to = {.out = text, .size = sizeof text};
    if (hub_settings(hub)->partners[0][0] == '\0') return;
    hub_print_partners(&to, hub);
    for (size_t i = 0; i < (faults->failed == 0 ? count : 3); i++)
        if (strstr(text, rows[i]) == NULL) fail_msg("%s is not in:\n%s", rows[i], text);
}

/* There is memory again. Some may have been closed: two that are new can do all. */
static void expect_all_well(void)
{
    for (int i = 0; i < 30; i++)
        drop(i);
    pass(60000);
    block("");
    arrive(30);
    arrive(31);
    call(30, JOIN("have:" HELLO, "{}"));
    call(31, JOIN("want:" HELLO, "{\"binary\":true}"));
    assert_true(asked[30]);
    answer_binary(30, "hello");
    assert_true(served[31]);
    drop(30);
    drop(31);
    pass(60000);
    const struct metrics *metrics = hub_metrics(hub);
    assert_int_equal(metrics->sessions + metrics->pages + metrics->holders + metrics->away +
                         metrics->seekers + metrics->fetches + metrics->in_flight_bytes +
                         metrics->bus_interests + metrics->bus_cells + metrics->bus_nodes +
                         metrics->bus_wants + metrics->bus_orders,
                     0);
    expect_no_partners_left();
}

void play_with(const struct hub_config *config, void (*conversation)(void), uint64_t first,
               uint64_t last)
{
    static const uint64_t seed[2] = {1, 2};
    hub = hub_new(config, seed);
    *faults = (struct faults){.first = first, .last = last};
    now_ms = 1000;
    conversation();
    faults->first = UINT64_MAX;
    expect_all_well();
    hub_free(hub);
}
