/* The hub, with a byte string as the script of what happens to it.

   The first bytes choose limits; then each step is a byte for what happens and a few more
   for how. Clients say frames that are nearly right, whole or in parts, and anything at
   all. After every step the rules of `check` must hold, and at the end nothing may be
   left. */
#include "empty.h"
#include "must.h"
#include "said.h"
#include "whilst/hub.h"
#include "whilst/wire.h"

#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 6, PAGES = 4, MESSAGE_MAX = 700 };

struct input {
    const uint8_t *at, *end;
};

struct client {
    session_id id; /* 0: not connected */
    char message[MESSAGE_MAX];
    size_t size, sent; /* of the message that is being said; size 0 between messages */
    enum message_form form;
    bool raw_open; /* an unfinished message of any bytes */
};

struct run {
    struct hub *hub;
    uint64_t now_ms;
    struct client clients[CLIENTS];
    bool strange; /* bytes that may have joined any page were said */
    bool reads;   /* clients read what they are sent at once, not when time passes */
};

static const char *const pages[PAGES] = {"hello", "", "a\"\\\n\x01\xc3\xa9",
                                         "\xff\x80 no text"};

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static struct page_hash hash_of_page(int page)
{
    return hash_of(pages[page], strlen(pages[page]));
}

/* ---- what the hub says ---- */

static void check_message(struct message *message)
{
    MUST(message->refs > 0);
    said_check(message->form, message_bytes(message), message->size);
}

static struct client *client_of(struct run *run, session_id id)
{
    for (int i = 0; i < CLIENTS; i++)
        if (run->clients[i].id == id) return &run->clients[i];
    return NULL;
}

static void drain(struct run *run)
{
    struct effect effect;
    while (hub_next_effect(run->hub, &effect)) {
        struct client *client = client_of(run, effect.session);
        MUST(client != NULL); /* nothing is for those who are gone */
        if (effect.kind == EFFECT_SEND) {
            bool content = effect.message->content;
            check_message(effect.message);
            message_unref(effect.message);
            if (content && run->reads) hub_drained(run->hub, client->id, run->now_ms);
        } else {
            MUST(effect.code >= 1001 && effect.code <= 1013);
            MUST(effect.reason > REASON_NONE && effect.reason < REASONS_END);
            *client = (struct client){0};
        }
    }
}

/* ---- what must hold after every step ---- */

static void check(struct run *run)
{
    const struct metrics *metrics = hub_metrics(run->hub);
    const struct hub_config *config = hub_settings(run->hub);
    uint64_t sessions = 0, holders = 0, held = 0, open = 0;
    for (int i = 0; i < CLIENTS; i++) {
        sessions += run->clients[i].id != 0 ? 1 : 0;
        open += run->clients[i].size > 0 || run->clients[i].raw_open ? 1 : 0;
    }
    for (int page = 0; page < PAGES; page++) {
        struct page_hash hash = hash_of_page(page);
        uint32_t count = hub_holders(run->hub, &hash);
        holders += count;
        held += count > 0 ? 1 : 0;
    }
    MUST(metrics->sessions == sessions);
    MUST(sessions <= config->connections_max);
    MUST(run->strange || metrics->holders + metrics->away == holders);
    MUST(metrics->holders + metrics->away >= holders && metrics->pages >= held);
    MUST(metrics->pages <= metrics->holders + metrics->away + metrics->seekers);
    MUST(metrics->fetches <= metrics->pages && metrics->fetches <= metrics->seekers);
    MUST(metrics->fetches <= metrics->holders);
    MUST(metrics->in_flight_bytes <= config->in_flight_bytes_max);
    MUST(open > 0 || metrics->in_flight_bytes == 0);
    MUST(metrics->contents_total <= metrics->asks_total);
    uint64_t due = hub_next_deadline(run->hub);
    MUST((metrics->fetches == 0 && metrics->away == 0) || due != UINT64_MAX);
    MUST(metrics->fetches_waiting <= config->fetches_waiting_max);
    MUST(metrics->fetches_waiting == 0 || metrics->in_flight_bytes > 0);
    MUST(metrics->seekers_waiting <= metrics->seekers);
}

/* ---- what clients do ---- */

static void receive(struct run *run, struct client *client, const void *bytes, size_t size,
                    bool fragment, bool final)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    struct hub_part part = {client->form, size > 0 ? exact : NULL, size, fragment, final};
    if (size > 0) memcpy(exact, bytes, size);
    hub_receive(run->hub, client->id, &part, run->now_ms);
    free(exact);
    drain(run);
}

/* Says the next part of the client's message, or all of the rest if `step` is 0. */
static void say_on(struct run *run, struct client *client, size_t step)
{
    size_t left = client->size - client->sent,
           part = step == 0 || left < step ? left : step;
    const char *bytes = client->message + client->sent;
    bool fragment = client->sent == 0, final = part == left;
    client->sent += part;
    if (final) client->size = 0;
    receive(run, client, bytes, part, fragment, final);
}

static void put(struct client *client, const void *bytes, size_t size)
{
    if (client->size + size > MESSAGE_MAX) size = MESSAGE_MAX - client->size;
    memcpy(client->message + client->size, bytes, size);
    client->size += size;
}

static void put_text(struct client *client, const char *text)
{
    put(client, text, strlen(text));
}

static void put_topic(struct client *client, uint8_t choice)
{
    char hex[HASH_HEX + 1];
    struct page_hash hash = hash_of_page(choice >> 2 & 3);
    static const char *const others[] = {"all",     "phoenix", "all",
                                         "have:12", "want:",   "nothing"};
    if ((choice & 3) == 3) {
        put_text(client, others[(choice >> 2) % 6]);
        return;
    }
    hash_to_hex(&hash, (choice & 0x40) != 0 ? UINT64_MAX : 0, hex);
    put_text(client, (choice & 3) == 0 ? "want:" : "have:");
    put_text(client, hex);
}

static void put_hash(struct client *client, int page)
{
    char hex[HASH_HEX + 1];
    struct page_hash hash = hash_of_page(page);
    hash_to_hex(&hash, 0, hex);
    put_text(client, hex);
}

static void put_join_payload(struct client *client, uint8_t choice)
{
    static const char *const payloads[] = {"{}",
                                           "{\"token\":\"abcdefgh\"}",
                                           "{\"token\":\"abcdefgi\"}",
                                           "{\"binary\":true}",
                                           "{\"status\":true}",
                                           "{\"binary\":true,\"status\":true}",
                                           "{\"limits\":true}",
                                           "{\"token\":\"x\"}",
                                           "{\"token\":7}",
                                           "[]",
                                           "{\"a\":1,\"a\":2}",
                                           "{\"x\":[[]]}"};
    put_text(client, payloads[choice % (sizeof payloads / sizeof payloads[0])]);
}

static void put_frame(struct client *client, struct input *input)
{
    static const char *const refs[] = {"null", "\"1\"", "2", "\"\"", "\"\xc3\xa9\"", "-3"};
    static const char *const events[] = {
        "phx_join",        "phx_join",  "phx_join", "phx_leave",
        "content_request", "heartbeat", "content",  "odd"};
    uint8_t topic = next(input), how = next(input), event = how & 7;
    put_text(client, "[");
    put_text(client, refs[(how >> 3) % 6]);
    put_text(client, ",");
    put_text(client, refs[(how >> 4) % 6]);
    put_text(client, ",\"");
    put_topic(client, topic);
    put_text(client, "\",\"");
    put_text(client, events[event]);
    put_text(client, "\",");
    if (event == 4) {
        put_text(client, "{\"hash\":\"");
        put_hash(client, (topic >> (how & 0x80 ? 3 : 2)) & 3);
        put_text(client, "\"}");
    } else {
        put_join_payload(client, next(input));
    }
    put_text(client, "]");
}

/* A page as JSON text; every character escaped if `escape`. */
static void put_page(struct client *client, const char *page, bool escape)
{
    for (; *page != '\0'; page++) {
        char text[8];
        uint8_t c = (uint8_t)*page;
        if ((escape && c < 0x80) || c < 0x20 || c == '"' || c == '\\')
            snprintf(text, sizeof text, "\\u%04x", c);
        else
            snprintf(text, sizeof text, "%c", c);
        put_text(client, text);
    }
}

static void put_content_text(struct client *client, uint8_t topic, uint8_t how)
{
    int page = topic >> 2 & 3;
    put_text(client, how & 1 ? "[\"1\",\"9\",\"" : "[null,null,\"");
    put_topic(client, (uint8_t)((topic & ~3u) | 1u));
    put_text(client, "\",\"content\",{");
    if (how & 2) {
        put_text(client, "\"hash\":\"");
        put_hash(client, how & 4 ? page : 0);
        put_text(client, "\",");
    }
    put_text(client, "\"content\":\"");
    put_page(client, pages[how & 8 ? 0 : page], (how & 16) != 0);
    put_text(client, how & 32 ? "x\"" : "\"");
    if (how & 64) put_text(client, ",\"content\":\"\"");
    put_text(client, how & 128 ? "},1 ]" : "}]");
}

static void put_content_binary(struct client *client, uint8_t topic, uint8_t how)
{
    const char *page = pages[how & 8 ? 0 : topic >> 2 & 3];
    char head[5] = {0, (char)(how & 1), (char)(how & 1), 5 + HASH_HEX, 7};
    client->form = MESSAGE_BINARY;
    put(client, head, sizeof head);
    put(client, "12", how & 1 ? 2 : 0);
    put_topic(client, (uint8_t)((topic & ~3u) | 1u));
    put_text(client, "content");
    put_text(client, page);
    if (how & 32) put_text(client, "x");
}

static void say_frame(struct run *run, struct client *client, struct input *input,
                      bool content)
{
    uint8_t step = next(input);
    if (client->raw_open) return;
    if (client->size == 0) {
        client->sent = 0;
        client->form = MESSAGE_TEXT;
        if (!content) {
            put_frame(client, input);
        } else {
            uint8_t topic = next(input), how = next(input);
            if (step & 0x80)
                put_content_binary(client, topic, how);
            else
                put_content_text(client, topic, how);
        }
    }
    say_on(run, client, step & 0x7f);
}

static void say_anything(struct run *run, struct client *client, struct input *input)
{
    uint8_t how = next(input), size = next(input);
    char bytes[256];
    if (client->size > 0) return;
    if (!client->raw_open) client->form = how & 1 ? MESSAGE_BINARY : MESSAGE_TEXT;
    for (int i = 0; i < size; i++)
        bytes[i] = (char)next(input);
    client->raw_open = (how & 2) != 0;
    run->strange = true;
    receive(run, client, bytes, size, (how & 4) != 0, (how & 2) == 0);
}

/* ---- the script ---- */

static void come_or_go(struct run *run, struct client *client, uint8_t from)
{
    struct address address = {{0}};
    enum reason reason = REASON_NONE;
    if (client->id != 0) {
        session_id id = client->id;
        *client = (struct client){0};
        hub_disconnect(run->hub, id, run->now_ms);
    } else {
        memset(address.bytes, from & 3, sizeof address.bytes);
        client->id = hub_connect(run->hub, &address, run->now_ms, &reason);
        MUST((client->id == 0) == (reason != REASON_NONE));
    }
    drain(run);
}

static void pass_time(struct run *run, uint8_t choice)
{
    static const uint32_t jumps[] = {0,    1,    20,   249,   250,  999,
                                     1000, 5000, 9999, 10000, 60000};
    uint64_t due = hub_next_deadline(run->hub);
    if ((choice & 0x80) != 0 && due != UINT64_MAX && due > run->now_ms)
        run->now_ms = due;
    else
        run->now_ms += jumps[(choice & 0x7f) % (sizeof jumps / sizeof jumps[0])];
    hub_tick(run->hub, run->now_ms);
    drain(run);
    for (int i = 0; i < CLIENTS; i++)
        if (run->clients[i].id != 0) hub_drained(run->hub, run->clients[i].id, run->now_ms);
    drain(run);
    MUST(hub_next_deadline(run->hub) > run->now_ms);
}

static void take_step(struct run *run, struct input *input)
{
    uint8_t step = next(input);
    struct client *client = &run->clients[(step >> 3) % CLIENTS];
    switch (step & 7) {
    case 0: come_or_go(run, client, next(input)); break;
    case 1: pass_time(run, next(input)); break;
    case 2: say_anything(run, client, input); break;
    case 3:
    case 4: say_frame(run, client, input, true); break;
    default: say_frame(run, client, input, false); break;
    }
    check(run);
}

static struct hub_config choose_limits(struct input *input)
{
    struct hub_config config = hub_config_default();
    uint8_t choice = next(input), more = next(input), most = next(input);
    if (choice & 1) config.page_bytes_max = 5;
    if (choice & 2) config.message_bytes_max = 200;
    if (choice & 4) config.in_flight_bytes_max = 100u << (choice >> 5);
    if (choice & 8) config.fragments_max = 3;
    if (choice & 16) config.connections_max = 4;
    if (more & 1) config.connections_per_address_max = 2;
    if (more & 2) config.away_per_address_max = 1;
    if (more & 4) config.topics_max = 3;
    if (more & 8) config.message_rate = config.join_rate = config.ask_rate = 0;
    if (more & 16) config.holders_first_max = config.holders_max = 1;
    if (more & 32) config.hedge_ms = config.answer_ms = 1; /* the least there is */
    if (more & 64) config.grace_ms = 0;
    if (more & 128) config.count_per_second = 1;
    if (most & 1) config.window_bytes = 12;
    if (most & 2) config.fetches_waiting_max = most >> 6;
    if (most & 4) config.holders_max = 2;
    return config;
}

/* Everybody goes and all time passes: no gauge may stay. */
static void end(struct run *run)
{
    for (int i = 0; i < CLIENTS; i++)
        if (run->clients[i].id != 0) come_or_go(run, &run->clients[i], 0);
    run->now_ms += 1000000;
    hub_tick(run->hub, run->now_ms);
    drain(run);
    must_be_empty(run->hub);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct hub_config config = choose_limits(&input);
    static const uint64_t seed[2] = {1, 2};
    struct run run = {.hub = hub_new(&config, seed), .now_ms = 1, .reads = size % 3 != 0};
    while (input.at < input.end)
        take_step(&run, &input);
    if (size % 2 == 0) end(&run);
    hub_free(run.hub); /* in the middle of everything, half of the time */
    return 0;
}
