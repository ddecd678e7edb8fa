/* A hub among other nodes, with a byte string as the script of what the bus brings.

   Three nodes say what nodes may say, with any numbers in it, and strangers say anything;
   they answer what the hub asks, ask it for pages, and take them or do not. So does a
   partner, on subjects of its own. Beside them a few clients hold and seek. After every
   step the rules of `check` must hold: no wrong byte, no memory over its limits. At the
   end nothing may be left. */
#include "bus.h"
#include "empty.h"
#include "must.h"
#include "said.h"
#include "whilst/hub.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define PARTNER "m"

enum { CLIENTS = 4, PAGES = 3, OTHERS = 3, ASKED = 4, LARGE = 150000 };

struct input {
    const uint8_t *at, *end;
};

struct run {
    struct hub *hub;
    uint64_t now_ms;
    session_id clients[CLIENTS];
    uint64_t asked[ASKED]; /* requests of the hub, the last ones */
    uint32_t asked_count;
    uint32_t subscribed;
};

static uint8_t large[LARGE];

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static struct slice page_of(int page)
{
    static const struct slice pages[PAGES] = {
        {"hello", 5}, {"", 0}, {(const char *)large, LARGE}};
    return pages[page];
}

static struct page_hash hash_of_page(int page)
{
    static struct page_hash hashes[PAGES];
    static bool known;
    for (int i = 0; i < PAGES && !known; i++)
        hashes[i] = hash_of(page_of(i).data, page_of(i).size);
    known = true;
    return hashes[page];
}

/* ---- what the hub wants ---- */

static void take_publish(struct run *run, const struct bus_effect *effect)
{
    struct bus_record record;
    char text[BUS_SUBJECT_MAX + 1];
    size_t size = effect->head_size + effect->body_size;
    uint8_t *bytes = malloc(size);
    struct bus_subject read;
    MUST(size <= BUS_MESSAGE_MAX);
    MUST(bus_subject_read((struct slice){text, bus_subject_write(&effect->subject, text)},
                          &read));
    memcpy(bytes, effect->head, effect->head_size);
    if (effect->body != NULL)
        memcpy(bytes + effect->head_size, message_bytes(effect->body) + effect->body_at,
               effect->body_size);
    MUST(bus_record_read(bytes, size, &record));
    MUST((record.kind >= BUS_FAR_ORDER) <= (effect->subject.side == BUS_TO));
    if (record.kind == BUS_ORDER) {
        MUST(effect->reply.kind == BUS_INBOX);
        run->asked[run->asked_count++ % ASKED] = effect->reply.request;
    }
    if (record.kind == BUS_FAR_ORDER)
        run->asked[run->asked_count++ % ASKED] = record.request;
    free(bytes);
}

static void drain(struct run *run)
{
    struct effect effect;
    struct bus_effect bus;
    while (hub_next_effect(run->hub, &effect)) {
        if (effect.kind == EFFECT_CLOSE) {
            for (int i = 0; i < CLIENTS; i++)
                if (run->clients[i] == effect.session) run->clients[i] = 0;
            continue;
        }
        said_check(effect.message->form, message_bytes(effect.message),
                   effect.message->size);
        bool content = effect.message->content;
        message_unref(effect.message);
        if (content) hub_drained(run->hub, effect.session, run->now_ms);
    }
    while (hub_next_bus_effect(run->hub, &bus)) {
        MUST(hub_bus_state(run->hub) == BUS_UP);
        if (bus.kind == EFFECT_PUBLISH) take_publish(run, &bus);
        if (bus.kind == EFFECT_SUBSCRIBE) run->subscribed++;
        if (bus.kind == EFFECT_UNSUBSCRIBE) MUST(run->subscribed-- > 3);
        if (bus.kind == EFFECT_DEAF) MUST(strcmp(bus.subject.partner, PARTNER) == 0);
        message_unref(bus.body);
    }
}

/* ---- what must hold after every step ---- */

static void check(struct run *run)
{
    const struct metrics *metrics = hub_metrics(run->hub);
    const struct hub_config *config = hub_settings(run->hub);
    MUST(metrics->in_flight_bytes <= config->in_flight_bytes_max);
    MUST(metrics->bus_orders <= config->bus_orders_max);
    MUST(metrics->bus_orders_bytes <= config->bus_orders_bytes_max);
    MUST(metrics->bus_nodes <= config->bus_nodes_max);
    MUST(metrics->bus_cells <= metrics->bus_interests * config->bus_nodes_max);
    MUST(metrics->bus_interests <= metrics->pages + config->bus_lingering_max);
    MUST(metrics->bus_wants == 0 || metrics->fetches > 0);
    MUST(metrics->sessions <= CLIENTS);
    MUST(hub_next_deadline(run->hub) > 0);
}

/* ---- clients ---- */

static void say(struct run *run, int client, const void *bytes, size_t size,
                enum message_form form)
{
    struct hub_part part = {form, bytes, size, true, true};
    if (run->clients[client] == 0) return;
    hub_receive(run->hub, run->clients[client], &part, run->now_ms);
    drain(run);
}

static void join(struct run *run, int client, const char *topic, int page, uint8_t how)
{
    static const char *const payloads[] = {"{}", "{\"binary\":true,\"status\":true}",
                                           "{\"token\":\"abcdefgh\"}", "{\"away\":true}"};
    char text[256], hex[HASH_HEX + 1];
    struct page_hash hash = hash_of_page(page);
    hash_to_hex(&hash, 0, hex);
    int size = snprintf(text, sizeof text, "[\"1\",\"1\",\"%s:%s\",\"%s\",%s]", topic, hex,
                        how & 4 ? "phx_leave" : "phx_join", payloads[how & 3]);
    say(run, client, text, (size_t)size, MESSAGE_TEXT);
}

static void answer(struct run *run, int client, int page, bool right)
{
    static char message[LARGE + 200];
    char head[6] = {0, 0, 0, 5 + HASH_HEX, 7}, hex[HASH_HEX + 1];
    struct page_hash hash = hash_of_page(page);
    struct slice bytes = page_of(page);
    hash_to_hex(&hash, 0, hex);
    memcpy(message, head, 5);
    size_t size = 5 + (size_t)sprintf(message + 5, "have:%scontent", hex);
    if (bytes.size > 0) memcpy(message + size, bytes.data, bytes.size);
    size += bytes.size;
    if (!right) message[size++] = 'x';
    say(run, client, message, size, MESSAGE_BINARY);
}

static void client_acts(struct run *run, struct input *input)
{
    static const struct address nowhere = {{0}};
    enum reason reason;
    uint8_t who = next(input), how = next(input);
    int client = who % CLIENTS, page = (who >> 2) % PAGES;
    if (run->clients[client] == 0) {
        run->clients[client] = hub_connect(run->hub, &nowhere, run->now_ms, &reason);
        drain(run);
    } else if (how >= 240) {
        hub_disconnect(run->hub, run->clients[client], run->now_ms);
        run->clients[client] = 0;
        drain(run);
    } else if (how >= 200) {
        answer(run, client, page, how < 230);
    } else {
        join(run, client, how & 8 ? "have" : "want", page, how);
    }
}

/* ---- the bus ---- */

static uint64_t number(struct input *input)
{
    uint8_t how = next(input);
    uint64_t number = how & 63;
    if (how >= 192)
        for (int i = 0; i < 8; i++)
            number = number << 8 | next(input);
    return number;
}

static uint64_t node(uint8_t choice)
{
    static const char *const names[OTHERS] = {"b", "c", "d"};
    return bus_node_of(choice == 239 ? "a" : names[choice % OTHERS]);
}

static struct bus_subject subject_of(struct run *run, struct input *input, int page)
{
    uint8_t choice = next(input);
    struct bus_subject subject = {.kind = (enum bus_subject_kind)(choice % 6),
                                  .every = choice == 255,
                                  .hash = hash_of_page(page),
                                  .node = bus_node_of("a")};
    if (subject.kind == BUS_INBOX) subject.request = run->asked[choice >> 3 & 3];
    if (choice >= 200 && subject.kind == BUS_NODE) subject.node = number(input);
    if (choice >= 128 && choice < 200) {
        subject.side = BUS_FROM;
        subject.partner[0] = PARTNER[0];
        if (choice >= 190) subject.kind = BUS_CLAIMS;
    }
    return subject;
}

static void hand(struct run *run, const struct bus_subject *subject, uint8_t reply,
                 const void *bytes, size_t size, bool nobody)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    struct bus_message message = {
        .subject = *subject, .nobody = nobody, .bytes = exact, .size = size};
    if (size > 0) memcpy(exact, bytes, size);
    if (reply < 240)
        message.reply =
            (struct bus_subject){.kind = BUS_INBOX, .node = node(reply), .request = reply};
    hub_bus(run->hub, &message, run->now_ms);
    free(exact);
    drain(run);
}

/* A part of a page, as it should be or nearly so. */
static size_t fill_chunk(struct bus_record *record, uint8_t *body, int page, uint8_t how)
{
    struct slice bytes = page_of(page);
    size_t at = (size_t)(how & 3) * BUS_CHUNK_BYTES;
    record->index = how & 3;
    record->total = (uint32_t)bytes.size + (how >= 250 ? 1 : 0);
    if (at > bytes.size) at = bytes.size;
    size_t size = bytes.size - at < BUS_CHUNK_BYTES ? bytes.size - at : BUS_CHUNK_BYTES;
    if (size > 0) memcpy(body, bytes.data + at, size);
    if (size > 0 && how >= 240 && how < 250) body[0] ^= 1;
    return size;
}

static void node_speaks(struct run *run, struct input *input)
{
    static uint8_t bytes[BUS_MESSAGE_MAX + 1];
    uint8_t kind = next(input), who = next(input), how = next(input);
    int page = (who >> 2) % PAGES;
    struct bus_subject subject = subject_of(run, input, page);
    struct bus_record record = {.kind = (enum bus_kind)(BUS_CELL + kind % 15),
                                .node = node(who),
                                .incarnation = number(input),
                                .seq = number(input),
                                .request = (uint64_t)(how % 240),
                                .tally = {how, how & 3 & (how >> 2), how & 0xf0},
                                .hash = hash_of_page(how == 255 ? 0 : page),
                                .page_max = how == 254 ? 3 : 1 << 20,
                                .limit = (uint32_t)number(input),
                                .reason = how % BUS_NO_ENDS,
                                .rest = slice_of("a name")};
    size_t body = 0, head;
    if (record.kind == BUS_CHUNK) {
        body = fill_chunk(&record, bytes + 17, page, how);
        head = bus_record_write(&record, bytes);
        MUST(head == 17);
    } else {
        head = bus_record_write(&record, bytes);
    }
    hand(run, &subject, who, bytes, head + body, false);
}

static void stranger_speaks(struct run *run, struct input *input)
{
    uint8_t bytes[256], size = next(input), reply = next(input);
    struct bus_subject subject = subject_of(run, input, reply % PAGES);
    for (int i = 0; i < size; i++)
        bytes[i] = next(input);
    hand(run, &subject, reply, bytes, size, false);
}

static void connection_changes(struct run *run, uint8_t how)
{
    run->subscribed = 0;
    hub_bus_up(run->hub, false, run->now_ms);
    drain(run);
    if (how & 1) hub_bus_up(run->hub, true, run->now_ms);
    drain(run);
    if (how & 4) hub_bus_go(run->hub, run->now_ms);
    drain(run);
    if (how & 2) hub_bus_leave(run->hub, run->now_ms);
    drain(run);
}

/* ---- the script ---- */

static void pass_time(struct run *run, uint8_t choice)
{
    static const uint32_t jumps[] = {1, 20, 50, 250, 1000, 3000, 5000, 10000, 30000};
    uint64_t due = hub_next_deadline(run->hub);
    uint64_t jump = jumps[choice % (sizeof jumps / sizeof jumps[0])];
    run->now_ms =
        choice >= 128 && due != UINT64_MAX && due > run->now_ms ? due : run->now_ms + jump;
    hub_tick(run->hub, run->now_ms);
    drain(run);
    MUST(hub_next_deadline(run->hub) > run->now_ms);
}

static void take_step(struct run *run, struct input *input)
{
    uint8_t step = next(input);
    struct bus_subject inbox = {.kind = BUS_INBOX, .node = bus_node_of("a")};
    switch (step & 7) {
    case 0: pass_time(run, next(input)); break;
    case 1: stranger_speaks(run, input); break;
    case 2:
        if (step >= 200) connection_changes(run, next(input));
        inbox.request = run->asked[step >> 3 & 3];
        hand(run, &inbox, 255, "", 0, true);
        break;
    case 3:
    case 4: client_acts(run, input); break;
    default: node_speaks(run, input); break;
    }
    check(run);
}

static struct hub_config choose_limits(struct input *input)
{
    struct hub_config config = hub_config_default();
    uint8_t choice = next(input);
    config.node[0] = 'a';
    config.partners[0][0] = PARTNER[0];
    config.partners_have = choice % 5 != 0;
    config.partners_want = choice % 7 != 0;
    config.partner_orders_max = 2;
    config.partner_pages_max = 2;
    config.partner_refusal_rate = choice % 3 == 0 ? 0 : 10;
    config.incarnation = 10;
    config.message_rate = config.join_rate = config.ask_rate = 0;
    if (choice & 1) config.page_bytes_max = 5;
    if (choice & 2) config.in_flight_bytes_max = 160000;
    if (choice & 4) config.bus_orders_max = 2;
    if (choice & 8) config.bus_orders_bytes_max = LARGE;
    if (choice & 16) config.bus_nodes_max = 2;
    if (choice & 32) config.bus_lingering_max = 1;
    if (choice & 64) config.bus_want_rate = config.bus_want_burst = 1;
    if (choice & 128) config.fetches_waiting_max = 1;
    return config;
}

/* Everybody goes, the bus too, and all time passes: nothing may stay. */
static void end(struct run *run)
{
    hub_bus_up(run->hub, false, run->now_ms);
    for (int i = 0; i < CLIENTS; i++)
        if (run->clients[i] != 0) hub_disconnect(run->hub, run->clients[i], run->now_ms);
    for (int i = 0; i < 20; i++) {
        run->now_ms += 10000;
        hub_tick(run->hub, run->now_ms);
        drain(run);
    }
    must_be_empty(run->hub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct hub_config config = choose_limits(&input);
    static const uint64_t seed[2] = {1, 2};
    struct run run = {.hub = hub_new(&config, seed), .now_ms = 1000};
    hub_bus_up(run.hub, true, run.now_ms);
    drain(&run);
    while (input.at < input.end)
        take_step(&run, &input);
    if (size % 2 == 0) end(&run);
    hub_free(run.hub); /* in the middle of everything, half of the time */
    return 0;
}
