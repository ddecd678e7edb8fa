/* Any allocation of the core may fail: each alone, several in a row, all from one point on.

   The same conversation is played again and again, each time with other allocations refused.
   Whatever is refused: no byte is wrong, sessions that miss something are closed, nothing is
   left at the end, and when there is memory again the page is there for the next two. */
#include "faults.h"
#include "bus.h"
#include "unit.h"

#include "whilst/deny.h"
#include "whilst/hub.h"
#include "whilst/memory.h"
#include "whilst/wire.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* hello */
#define HELLO_UPPER "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"
#define JOIN(topic, payload) "[\"1\",\"1\",\"" topic "\",\"phx_join\"," payload "]"

enum { CLIENTS = 40 };

static struct hub *hub;
static uint64_t now_ms;
static bool asked[CLIENTS], served[CLIENTS], replied[CLIENTS];
static session_id sessions[CLIENTS]; /* 0: not connected, or closed by the hub */
static uint64_t wanted;              /* the last request to another node; 0: none yet */

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
    while (hub_next_bus_effect(hub, &effect)) {
        if (effect.kind == EFFECT_PUBLISH && effect.head[0] == BUS_ORDER)
            wanted = effect.reply.request;
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

static void arrive(int client)
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

static void say(int client, const char *text)
{
    say_part(client, MESSAGE_TEXT, text, strlen(text), true, true);
}

/* What has a ref is answered, or else the session is closed. */
static void call(int client, const char *text)
{
    replied[client] = false;
    say(client, text);
    assert_true(sessions[client] == 0 || replied[client]);
}

static void say_in_parts(int client, const char *text)
{
    size_t size = strlen(text);
    for (size_t at = 0; at < size; at += 16)
        say_part(client, MESSAGE_TEXT, text + at, size - at < 16 ? size - at : 16, true,
                 at + 16 >= size);
}

static void answer_binary(int client, const char *page)
{
    char bytes[128] = {0, 1, 1, 69, 7};
    int size = snprintf(bytes + 5, sizeof bytes - 5, "12have:" HELLO "content%s", page);
    say_part(client, MESSAGE_BINARY, bytes, 5 + (size_t)size, true, true);
}

static void drop(int client)
{
    if (sessions[client] == 0) return;
    faults->armed++;
    hub_disconnect(hub, sessions[client], now_ms);
    faults->armed--;
    sessions[client] = 0;
    settle();
}

static void pass(uint64_t ms)
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

static void block(const char *list)
{
    size_t line;
    faults->armed++;
    struct deny_list *denied = deny_parse_new(list, strlen(list), &line);
    if (denied != NULL) hub_take_deny_list(hub, denied, now_ms);
    faults->armed--;
    settle();
}

/* ---- the conversation ---- */

/* Comings, a liar, a crowd, an answer in parts, going away and coming back, a refused page. */
static void converse(void)
{
    for (int i = 0; i < 10; i++)
        arrive(i);
    call(0, JOIN("all", "{\"limits\":true}"));
    call(0, JOIN("have:" HELLO, "{\"token\":\"tokentoken\"}"));
    call(1, JOIN("want:" HELLO, "{\"binary\":true,\"status\":true}"));
    call(2, JOIN("want:" HELLO_UPPER, "{\"binary\":true}"));
    call(3, JOIN("want:" HELLO, "{}"));
    call(4, JOIN("have:" HELLO, "{}"));
    call(5, "[null,\"2\",\"phoenix\",\"heartbeat\",{}]");
    say_in_parts(5, "[null,\"3\",\"phoenix\",\"heartbeat\",{\"a\":[1,2,{\"b\":null}]}]");
    pass(1500); /* the second holder is asked beside the first */
    if (asked[4]) answer_binary(4, "jello");
    if (asked[0])
        say_in_parts(0, "[\"1\",\"2\",\"have:" HELLO "\",\"content\",{\"hash\":\"" HELLO
                        "\",\"content\":\"h\\u0065llo\"}]");
    say(1, "[\"1\",\"4\",\"want:" HELLO "\",\"content_request\",{\"hash\":\"" HELLO "\"}]");
    for (int i = 10; i < 30; i++) {
        arrive(i);
        call(i, i % 2 == 0 ? JOIN("have:" HELLO, "{\"token\":\"anothertoken\"}")
                           : JOIN("have:" HELLO, "{}"));
        if (i % 2 == 0) drop(i);
    }
    call(3, "[\"1\",\"5\",\"want:" HELLO "\",\"phx_leave\",{}]");
    call(3, JOIN("want:" HELLO, "{\"status\":true}"));
    pass(20000); /* all are silent: more and more are asked */
    for (int i = 11; i < 30; i += 2)
        if (asked[i]) answer_binary(i, "hello");
    drop(0);
    arrive(0);
    call(0, JOIN("have:" HELLO, "{\"token\":\"tokentoken\"}"));
    call(0, "[\"1\",\"9\",\"all\",\"phx_leave\",{}]");
    block(HELLO "\n");
    block("");
}

/* ---- and among other nodes ---- */

static void hear(enum bus_subject_kind kind, const struct bus_record *record,
                 const char *body)
{
    uint8_t bytes[BUS_HEAD_MAX + 8];
    size_t size = bus_record_write(record, bytes);
    struct bus_message message = {
        .subject = {.kind = kind,
                    .hash = hash_of("hello", 5),
                    .node = bus_node_of("a"),
                    .request = wanted},
        .reply = {.kind = BUS_INBOX, .node = bus_node_of("b"), .request = record->request},
        .bytes = bytes,
        .size = size + strlen(body)};
    memcpy(bytes + size, body, strlen(body));
    faults->armed++;
    hub_bus(hub, &message, now_ms);
    faults->armed--;
    settle();
}

static void hear_of(enum bus_kind kind, uint64_t incarnation, uint32_t count)
{
    struct bus_record record = {.kind = kind,
                                .node = bus_node_of("b"),
                                .incarnation = incarnation,
                                .seq = now_ms,
                                .request = now_ms,
                                .tally = {count, 0, count},
                                .hash = hash_of("hello", 5),
                                .page_max = 100,
                                .limit = 4,
                                .total = 5};
    hear(kind >= BUS_ALIVE   ? BUS_HEARTBEAT
         : kind == BUS_CHUNK ? BUS_INBOX
         : kind == BUS_ORDER ? BUS_WANT
                             : BUS_PRESENCE,
         &record, kind == BUS_CHUNK ? "hello" : "");
}

static void connect_bus(bool up)
{
    faults->armed++;
    hub_bus_up(hub, up, now_ms);
    faults->armed--;
    settle();
}

/* A page from another node, orders of it, cells, a node that dies and comes back. */
static void converse_among_nodes(void)
{
    wanted = 0;
    connect_bus(true);
    hear_of(BUS_ALIVE, 1, 0);
    for (int i = 0; i < 6; i++)
        arrive(i);
    call(1, JOIN("want:" HELLO, "{\"binary\":true,\"status\":true}"));
    call(2, JOIN("want:" HELLO, "{}"));
    pass(100);
    hear_of(BUS_CELL, 1, 2); /* if nobody was asked before, now somebody is */
    pass(100);
    if (wanted != 0) hear_of(BUS_CHUNK, 1, 0);
    call(3, JOIN("have:" HELLO, "{\"away\":true}"));
    hear_of(BUS_CELL_ASK, 1, 3);
    hear_of(BUS_ORDER, 1, 0);
    pass(1100);
    hear_of(BUS_ORDER, 1, 0);
    if (asked[3]) answer_binary(3, "hello");
    hear_of(BUS_CELL, 2, 1);
    connect_bus(false);
    pass(7000);
    connect_bus(true);
    hear_of(BUS_ALIVE, 2, 0);
    hear_of(BUS_CELL, 2, 4);
    call(4, JOIN("want:" HELLO, "{\"binary\":true}"));
    hear_of(BUS_GOING, 2, 0);
    hear_of(BUS_BYE, 2, 0);
    pass(3000);
    connect_bus(false);
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
}

static void play_as(const char *node, void (*conversation)(void), uint64_t first,
                    uint64_t last)
{
    static const uint64_t seed[2] = {1, 2};
    struct hub_config config = hub_config_default();
    snprintf(config.node, sizeof config.node, "%s", node);
    hub = hub_new(&config, seed);
    *faults = (struct faults){.first = first, .last = last};
    now_ms = 1000;
    conversation();
    faults->first = UINT64_MAX;
    expect_all_well();
    hub_free(hub);
}

static void play(uint64_t first, uint64_t last)
{
    play_as("", converse, first, last);
}

TEST(each_allocation_fails_alone)
{
    uint64_t n = 1;
    for (; n == 1 || faults->failed > 0; n++)
        play(n, n);
    printf("%llu allocations, each refused once\n", (unsigned long long)n - 2);
    assert_true(n > 150);
}

TEST(some_in_a_row_fail)
{
    for (uint64_t length = 2; length <= 64; length *= 2)
        for (uint64_t n = 1; n == 1 || faults->failed > 0; n += length / 2)
            play(n, n + length - 1);
}

TEST(from_one_point_on_all_fail)
{
    for (uint64_t n = 1; n == 1 || faults->failed > 0; n++)
        play(n, UINT64_MAX - 1);
}

TEST(among_other_nodes_too)
{
    uint64_t n = 1;
    for (; n == 1 || faults->failed > 0; n++) {
        play_as("a", converse_among_nodes, n, n);
        play_as("a", converse_among_nodes, n, n + 7);
        play_as("a", converse_among_nodes, n, UINT64_MAX - 1);
    }
    printf("%llu allocations among other nodes\n", (unsigned long long)n - 2);
    assert_true(n > 80);
}

TEST(a_hub_that_gets_no_memory_is_not_made)
{
    static const uint64_t seed[2] = {1, 2};
    struct hub_config config = hub_config_default();
    config.node[0] = 'a';
    for (uint64_t n = 1; n <= 3; n++) { /* itself, its deadlines, what it has for the bus */
        *faults = (struct faults){.first = n, .last = n, .armed = 1};
        assert_null(hub_new(&config, seed));
        faults->armed = 0;
    }
}

/* ---- the libraries of the core take their memory where it does ---- */

static void *take(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return memory_take(size);
}

static void *resize(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return memory_resize(memory, size);
}

static void give(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    memory_free(memory);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_allocation_fails_alone),
        cmocka_unit_test(some_in_a_row_fail),
        cmocka_unit_test(from_one_point_on_all_fail),
        cmocka_unit_test(among_other_nodes_too),
        cmocka_unit_test(a_hub_that_gets_no_memory_is_not_made),
    };
    if (CRYPTO_set_mem_functions(take, resize, give) != 1) return 1;
    json_set_alloc_funcs(memory_take, memory_free);
    hash_of("", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
