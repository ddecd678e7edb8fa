/* Any allocation of the core may fail: each alone, several in a row, all from one point on.

   The same conversation is played again and again, each time with other allocations refused.
   Whatever is refused: no byte is wrong, sessions that miss something are closed, nothing is
   left at the end, and when there is memory again the page is there for the next two. */
#include "refused.h"

#include "faults.h"
#include "unit.h"

#include "whilst/hub.h"
#include "whilst/memory.h"

#include <jansson.h>
#include <openssl/crypto.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
    struct bus_subject subject = {.kind = kind,
                                  .hash = hash_of("hello", 5),
                                  .node = bus_node_of("a"),
                                  .request = wanted};
    hear_on(&subject, record, body);
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

/* ---- and with a partner ---- */

static void hear_nobody(void)
{
    struct bus_message nobody = {
        .subject = {.kind = BUS_INBOX, .node = bus_node_of("a"), .request = wanted},
        .nobody = true};
    hear_message(&nobody);
}

static void hear_far(enum bus_kind kind, const char *page, uint64_t request)
{
    struct bus_subject subject = {.side = BUS_FROM,
                                  .partner = "beta",
                                  .node = bus_node_of("a"),
                                  .request = wanted_far};
    struct bus_record record = {.kind = kind,
                                .node = 7,
                                .request = request,
                                .page_max = 100,
                                .limit = 4,
                                .total = 5,
                                .tally.visitors = (uint32_t)request,
                                .hash = hash_of(page, strlen(page))};
    subject.kind = kind == BUS_FAR_ORDER                      ? BUS_WANT
                   : kind == BUS_SIGN || kind == BUS_CHUNK    ? BUS_INBOX
                   : kind == BUS_CREDIT || kind == BUS_CANCEL ? BUS_NODE
                                                              : BUS_CLAIMS;
    hear_on(&subject, &record, kind == BUS_CHUNK ? page : "");
}

/* A page from it, and to it; claims; orders of what nobody has; and it is not heard a
   while. */
static void converse_with_a_partner(void)
{
    wanted = wanted_far = 0;
    connect_bus(true);
    for (int i = 0; i < 4; i++)
        arrive(i);
    call(1, JOIN("want:" HELLO, "{\"binary\":true,\"status\":true}"));
    if (wanted != 0) hear_nobody();
    pass(100);
    if (wanted != 0) hear_nobody();
    hear_far(BUS_SIGN, "", 0);
    hear_far(BUS_CHUNK, "hello", 0);
    call(1, JOIN("have:" HELLO, "{\"claims\":true}"));
    pass(100);
    hear_far(BUS_CLAIM, "hello", 7);
    hear_far(BUS_CLAIM_ASK, "hello", 0);
    call(2, JOIN("have:" HELLO, "{\"claims\":true}"));
    hear_far(BUS_FAR_ORDER, "hello", 1);
    if (asked[1]) answer_binary(1, "hello");
    if (asked[2]) answer_binary(2, "hello");
    hear_far(BUS_FAR_ORDER, "nobody", 2);
    hear_far(BUS_FAR_ORDER, "no one", 3);
    pass(1500);
    hear_far(BUS_CANCEL, "", 2);
    pass(3000);
    hear_far(BUS_CLAIM, "hello", 8);
    for (int i = 0; i < 5; i++)
        hear_far(BUS_CREDIT, "", 100); /* of no order: refused */
    pass(1500);
    hear_far(BUS_FAR_ORDER, "nobody", 4);
    drop(1);
    connect_bus(false);
    pass(1000);
    connect_bus(true);
    pass(3000);
    connect_bus(false);
}

static void play(uint64_t first, uint64_t last)
{
    struct hub_config config = hub_config_default();
    play_with(&config, converse, first, last);
}

/* Each allocation fails alone, with some after it, and with all. */
static void play_all(const struct hub_config *config, void (*conversation)(void))
{
    uint64_t n = 1;
    for (; n == 1 || faults->failed > 0; n++) {
        play_with(config, conversation, n, n);
        play_with(config, conversation, n, n + 7);
        play_with(config, conversation, n, UINT64_MAX - 1);
    }
    printf("%llu allocations\n", (unsigned long long)n - 2);
    assert_true(n > 80);
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
    struct hub_config config = hub_config_default();
    config.node[0] = 'a';
    play_all(&config, converse_among_nodes);
}

TEST(with_a_partner_too)
{
    struct hub_config config = hub_config_default();
    config.node[0] = 'a';
    strcpy(config.partners[0], "beta");
    config.partners_have = config.partners_want = true;
    config.partner_refusal_rate = 3;
    play_all(&config, converse_with_a_partner);
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
        cmocka_unit_test(with_a_partner_too),
        cmocka_unit_test(a_hub_that_gets_no_memory_is_not_made),
    };
    if (CRYPTO_set_mem_functions(take, resize, give) != 1) return 1;
    json_set_alloc_funcs(memory_take, memory_free);
    hash_of("", 0);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
