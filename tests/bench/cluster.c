/* What many nodes cost one of them: memory of a page that is shared, and the time in which it
   comes to the bus, and in which it forgets another node.

       build/release/tests/bench/bench_cluster [PAGES]                                       */
#include "bus.h"

#include "whilst/hub.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define PAGES_OF_SESSION 100

static struct hub *hub;
static uint64_t now_ms = 1000;
static uint64_t subscribed;

/* Of work: others may use the machine too. */
static double clock_ms(void)
{
    struct timespec time;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time);
    return (double)time.tv_sec * 1e3 + (double)time.tv_nsec / 1e6;
}

static void drain(void)
{
    struct effect effect;
    struct bus_effect bus;
    while (hub_next_effect(hub, &effect))
        message_unref(effect.message);
    while (hub_next_bus_effect(hub, &bus)) {
        subscribed += bus.kind == EFFECT_SUBSCRIBE ? 1 : 0;
        message_unref(bus.body);
    }
}

static struct page_hash page_of(int i)
{
    return hash_of(&i, sizeof i);
}

static void hold(session_id session, int i)
{
    char hex[HASH_HEX + 1], text[200];
    struct page_hash hash = page_of(i);
    hash_to_hex(&hash, 0, hex);
    int size =
        snprintf(text, sizeof text, "[\"1\",\"1\",\"have:%s\",\"phx_join\",{}]", hex);
    struct hub_part part = {MESSAGE_TEXT, text, (size_t)size, true, true};
    hub_receive(hub, session, &part, now_ms);
    drain();
}

static void begin(const char *node, int pages)
{
    static const struct address nowhere = {{0}};
    static const uint64_t seed[2] = {1, 2};
    struct hub_config config = hub_config_default();
    enum reason reason;
    session_id session = 0;
    config.join_rate = config.message_rate = 0;
    config.incarnation = 1;
    snprintf(config.node, sizeof config.node, "%s", node);
    hub = hub_new(&config, seed);
    for (int i = 0; i < pages; i++) {
        if (i % PAGES_OF_SESSION == 0)
            session = hub_connect(hub, &nowhere, now_ms, &reason);
        hold(session, i);
    }
}

static void hear_cell(int i)
{
    uint8_t head[BUS_HEAD_MAX];
    struct bus_record cell = {.kind = BUS_CELL,
                              .node = 5,
                              .incarnation = 1,
                              .seq = (uint64_t)i + 1,
                              .tally = {1, 0, 1}};
    struct bus_message message = {.subject = {.kind = BUS_PRESENCE, .hash = page_of(i)},
                                  .bytes = head};
    message.size = bus_record_write(&cell, head);
    hub_bus(hub, &message, now_ms);
    drain();
}

/* Lets time pass until `*count` is `wanted`. */
static void pass_until(const char *what, const uint64_t *count, uint64_t wanted)
{
    double begun = clock_ms(), worst = 0;
    uint64_t begun_ms = now_ms, steps = 0;
    for (; *count != wanted; steps++) {
        if (hub_next_deadline(hub) > now_ms) now_ms = hub_next_deadline(hub);
        double step = clock_ms();
        hub_tick(hub, now_ms);
        drain();
        if (clock_ms() - step > worst) worst = clock_ms() - step;
    }
    printf("%-16s after %" PRIu64 " ms in %" PRIu64
           " steps, %.0f ms of work, %.1f ms at most in one\n",
           what, now_ms - begun_ms, steps, clock_ms() - begun, worst);
}

static size_t used(void)
{
    return mallinfo2().uordblks;
}

int main(int count, char **arguments)
{
    int pages = count > 1 ? atoi(arguments[1]) : 100000;
    size_t before = used(), alone, named, told;
    begin("", pages);
    alone = used() - before;
    hub_free(hub);
    before = used();
    begin("a", pages);
    named = used() - before;
    hub_bus_up(hub, true, now_ms);
    drain();
    pass_until("joined", &subscribed, 2 * (uint64_t)pages + 3);
    for (int i = 0; i < pages; i++)
        hear_cell(i);
    told = used() - before;
    pass_until("a node forgotten", &hub_metrics(hub)->bus_cells, 0);
    printf("bytes a page: %.0f alone, %.0f more with a name, %.0f more with a cell\n",
           (double)alone / pages, (double)(named - alone) / pages,
           (double)(told - named) / pages);
    hub_free(hub);
    return 0;
}
