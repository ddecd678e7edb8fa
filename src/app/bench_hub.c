/* The hub alone: millions of sessions without sockets, in this process.

   Clients' frames go in as bytes, and what comes out is decoded and, if it asks for a page,
   answered. The time that counts is that spent inside the hub's functions; each call is a
   step, of which the longest would have kept a real loop from everything else. The clock
   is the driver's own and moves a millisecond after every STEPS_PER_MS frames, so that
   counts fall due as they would at a million frames a second. */
#include "bench.h"

#include "whilst/hub.h"
#include "whilst/wire.h"

#include <inttypes.h>
#include <malloc.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define STEPS_PER_MS 1000
#define LONG_NS 1000000
#define FETCHES_MAX 200000
#define AUDIENCE_MAX 100000 /* who is told one thing at once */

struct bare {
    const struct bench_options *options;
    struct hub *hub;
    session_id *sessions;
    struct page_hash *hashes;
    uint64_t now_ms;
    uint32_t steps;   /* since the clock moved */
    uint64_t used_ns; /* CPU time when it did */
    struct result result;
    struct phase *phase;
    uint64_t replies, counts, contents;
    struct message *page; /* that is asked for */
    session_id asked;     /* a holder that is to answer, or 0 */
    char topic[80];       /* of that holder */
};

/* A long step may only be one in which another process had the core: it took no more than
   this one used since the clock last moved. */
static void count_step(struct bare *bare, uint64_t began_ns)
{
    uint64_t took = measure_now_ns() - began_ns;
    if (took > LONG_NS) {
        uint64_t used = measure_own_cpu_ns() - bare->used_ns;
        if (used < took) took = used;
    }
    bare->phase->wall_ns += took;
    histogram_add(bare->phase->times, took);
}

/* ---- what the hub says ---- */

static void hear(struct bare *bare, const struct effect *effect)
{
    struct frame frame;
    struct message *message = effect->message;
    if (effect->kind == EFFECT_CLOSE) {
        result_fault(&bare->result, reason_word(effect->reason));
        return;
    }
    if (wire_decode(WIRE_SERVER, message->form, message_bytes(message), message->size,
                    &frame) != WIRE_OK) {
        result_fault(&bare->result, "a frame that cannot be decoded");
    } else if (frame.kind == FRAME_REPLY) {
        bare->replies++;
        if (!slice_is(frame.status, "ok")) result_fault(&bare->result, "refused");
    } else if (slice_is(frame.event, "visitors_count")) {
        bare->counts++;
    } else if (slice_is(frame.event, "content")) {
        bare->contents++;
    } else if (slice_is(frame.event, "content_request")) {
        bare->asked = effect->session;
        memcpy(bare->topic, frame.topic.data, frame.topic.size);
        bare->topic[frame.topic.size] = '\0';
    }
    message_unref(message);
}

static void drain(struct bare *bare)
{
    struct effect effect;
    while (hub_next_effect(bare->hub, &effect))
        hear(bare, &effect);
}

/* ---- what goes in ---- */

static void pass_time(struct bare *bare)
{
    if (++bare->steps < STEPS_PER_MS) return;
    bare->steps = 0;
    bare->now_ms++;
    bare->used_ns = measure_own_cpu_ns();
    if (hub_next_deadline(bare->hub) > bare->now_ms) return;
    uint64_t began = measure_now_ns();
    hub_tick(bare->hub, bare->now_ms);
    count_step(bare, began);
    drain(bare);
}

static void give(struct bare *bare, session_id session, enum message_form form,
                 const void *bytes, size_t size)
{
    struct hub_part part = {
        .form = form, .bytes = bytes, .size = size, .fragment = true, .final = true};
    uint64_t began = measure_now_ns();
    hub_receive(bare->hub, session, &part, bare->now_ms);
    count_step(bare, began);
    drain(bare);
    pass_time(bare);
}

/* `["2","2","have:HASH","phx_join",{}]` and the like; the digits are put in by hand, for
   the driver should cost little beside the hub. */
static void send_page(struct bare *bare, session_id session, const char *before,
                      const struct page_hash *hash, const char *after)
{
    char text[200];
    size_t size = strlen(before), rest = strlen(after);
    memcpy(text, before, size);
    hash_to_hex(hash, 0, text + size);
    memcpy(text + size + HASH_HEX, after, rest);
    give(bare, session, MESSAGE_TEXT, text, size + HASH_HEX + rest);
}

static void join_page(struct bare *bare, session_id session, const struct page_hash *hash)
{
    send_page(bare, session, "[\"2\",\"2\",\"have:", hash, "\",\"phx_join\",{}]");
}

static void seek_page(struct bare *bare, session_id session, const struct page_hash *hash)
{
    send_page(bare, session, "[\"3\",\"3\",\"want:", hash,
              "\",\"phx_join\",{\"binary\":true}]");
}

static void leave_page(struct bare *bare, session_id session, const struct page_hash *hash)
{
    send_page(bare, session, "[\"3\",\"4\",\"want:", hash, "\",\"phx_leave\",{}]");
}

/* The holder that was asked sends the page. */
static void answer(struct bare *bare)
{
    struct frame frame = {
        .form = MESSAGE_BINARY,
        .join_ref = {REF_STRING, slice_of("2")},
        .ref = {REF_STRING, slice_of("5")},
        .topic = slice_of(bare->topic),
        .event = slice_of("content"),
        .payload = {(const char *)message_bytes(bare->page), bare->page->size}};
    struct message *message = wire_encode_new(WIRE_CLIENT, &frame);
    session_id holder = bare->asked;
    if (message == NULL) abort();
    bare->asked = 0;
    give(bare, holder, MESSAGE_BINARY, message_bytes(message), message->size);
    message_unref(message);
}

/* ---- phases ---- */

/* A phase's wall time is what count_step adds to it. */
static void begin(struct bare *bare, const char *name, const char *unit)
{
    bare->phase = result_begin(&bare->result, name, unit, 0);
}

static void end(struct bare *bare, uint64_t count)
{
    bare->phase->count += count;
}

static void note(struct bare *bare, const char *name, double value, const char *unit)
{
    result_note(&bare->result, name, value, unit);
}

static size_t heap_bytes(void)
{
    struct mallinfo2 info = mallinfo2();
    return info.uordblks + info.hblkhd;
}

/* Each session has an IPv4 address of its own. */
static void connect_all(struct bare *bare)
{
    uint32_t all = bare->options->sessions;
    begin(bare, "connect", "sessions");
    for (uint32_t i = 0; i < all; i++) {
        struct address from = {{[10] = 0xff, 0xff}};
        enum reason reason;
        uint32_t ipv4 = 0x0a000000 + i;
        for (int byte = 0; byte < 4; byte++)
            from.bytes[12 + byte] = (uint8_t)(ipv4 >> (24 - 8 * byte));
        uint64_t began = measure_now_ns();
        bare->sessions[i] = hub_connect(bare->hub, &from, bare->now_ms, &reason);
        count_step(bare, began);
        if (bare->sessions[i] == 0) result_fault(&bare->result, reason_word(reason));
        pass_time(bare);
    }
    end(bare, all);
}

static void join_all(struct bare *bare)
{
    static const char text[] = "[\"1\",\"1\",\"all\",\"phx_join\",{}]";
    uint32_t all = bare->options->sessions;
    begin(bare, "join all", "joins");
    for (uint32_t i = 0; i < all; i++)
        give(bare, bare->sessions[i], MESSAGE_TEXT, text, sizeof text - 1);
    end(bare, all);
    begin(bare, "hold a page", "joins");
    for (uint32_t i = 0; i < all; i++)
        join_page(bare, bare->sessions[i], &bare->hashes[i % bare->options->pages]);
    end(bare, all);
}

/* Lets the counts that wait be told. */
static void let_counts_out(struct bare *bare)
{
    begin(bare, "counts that waited", "messages");
    uint64_t before = bare->counts;
    for (uint64_t due; (due = hub_next_deadline(bare->hub)) != UINT64_MAX;) {
        bare->steps = STEPS_PER_MS;
        if (due > bare->now_ms + 1) bare->now_ms = due - 1;
        pass_time(bare);
    }
    end(bare, bare->counts - before);
}

static void fetch_some(struct bare *bare)
{
    const struct bench_options *options = bare->options;
    uint32_t fetches = options->sessions < FETCHES_MAX ? options->sessions : FETCHES_MAX;
    uint64_t before = bare->contents;
    begin(bare, "fetch", "pages");
    for (uint32_t i = 0; i < fetches; i++) {
        session_id seeker = bare->sessions[i];
        uint32_t page = (i + 1) % options->pages; /* not the one it holds */
        bare->page = bench_page_new(options, page, options->size, &bare->hashes[page]);
        seek_page(bare, seeker, &bare->hashes[page]);
        if (bare->asked != 0) answer(bare);
        hub_drained(bare->hub, seeker, bare->now_ms);
        leave_page(bare, seeker, &bare->hashes[page]);
        message_unref(bare->page);
    }
    end(bare, bare->contents - before);
}

/* Many wait for one page; then somebody holds it. */
static void fan_out(struct bare *bare)
{
    const struct bench_options *options = bare->options;
    uint32_t audience = options->sessions < AUDIENCE_MAX ? options->sessions : AUDIENCE_MAX;
    struct page_hash hash;
    uint64_t before;
    bare->page = bench_page_new(options, UINT32_MAX, options->size, &hash);
    begin(bare, "wait for a page", "joins");
    for (uint32_t i = 1; i < audience; i++)
        seek_page(bare, bare->sessions[i], &hash);
    end(bare, audience - 1);
    before = bare->contents;
    begin(bare, "fan out", "pages");
    join_page(bare, bare->sessions[0], &hash);
    if (bare->asked != 0) answer(bare);
    end(bare, bare->contents - before);
    if (bare->contents - before != audience - 1)
        result_fault(&bare->result, "some were not served");
    message_unref(bare->page);
}

static void disconnect_all(struct bare *bare)
{
    uint32_t all = bare->options->sessions;
    begin(bare, "disconnect", "sessions");
    for (uint32_t i = 0; i < all; i++) {
        uint64_t began = measure_now_ns();
        hub_disconnect(bare->hub, bare->sessions[i], bare->now_ms);
        count_step(bare, began);
        drain(bare);
        pass_time(bare);
    }
    end(bare, all);
}

static void note_memory(struct bare *bare, size_t before)
{
    struct memory_use use;
    double bytes = (double)(heap_bytes() - before);
    note(bare, "heap", bytes, "bytes");
    note(bare, "heap each session", bytes / bare->options->sessions, "bytes");
    if (measure_memory(getpid(), &use))
        note(bare, "memory in all, the driver's own included", (double)use.anonymous,
             "bytes");
}

/* What a page costs by itself: pages that one session each is at. */
static void note_page(struct bare *bare)
{
    const struct bench_options *options = bare->options;
    uint32_t pages =
        options->pages < options->sessions ? options->pages : options->sessions;
    size_t before = heap_bytes();
    begin(bare, "hold one more page", "joins");
    for (uint32_t i = 0; i < pages; i++) {
        struct page_hash hash;
        message_unref(bench_page_new(options, UINT64_C(1) << 33 | i, 8, &hash));
        join_page(bare, bare->sessions[i], &hash);
    }
    end(bare, pages);
    note(bare, "heap each page, with its one holder",
         (double)(heap_bytes() - before) / pages, "bytes");
}

static void play(struct bare *bare)
{
    size_t before = heap_bytes();
    connect_all(bare);
    note(bare, "heap each session, only connected",
         (double)(heap_bytes() - before) / bare->options->sessions, "bytes");
    join_all(bare);
    let_counts_out(bare);
    note_memory(bare, before);
    note_page(bare);
    let_counts_out(bare);
    fetch_some(bare);
    fan_out(bare);
    disconnect_all(bare);
    let_counts_out(bare);
    note(bare, "heap left when all are gone", (double)heap_bytes() - (double)before,
         "bytes");
}

static void note_longest(struct bare *bare)
{
    uint64_t most = 0;
    for (size_t i = 0; i < bare->result.phases_count; i++)
        if (bare->result.phases[i].times->most > most)
            most = bare->result.phases[i].times->most;
    note(bare, "longest step", (double)most / 1e6, "ms");
}

int bench_hub_run(const struct bench_options *options)
{
    struct bare bare = {.options = options, .now_ms = 1000};
    struct hub_config config = hub_config_default();
    const uint64_t seed[2] = {options->seed, 0x77686973};
    config.message_rate = config.join_rate = config.ask_rate = 0;
    bare.sessions = calloc(options->sessions, sizeof *bare.sessions);
    bare.hashes = calloc(options->pages, sizeof *bare.hashes);
    if (bare.sessions == NULL || bare.hashes == NULL) abort();
    for (uint32_t i = 0; i < options->pages; i++)
        message_unref(bench_page_new(options, i, options->size, &bare.hashes[i]));
    bare.hub = hub_new(&config, seed);
    play(&bare);
    note_longest(&bare);
    hub_free(bare.hub);
    result_print(&bare.result, options, "in-process", stdout);
    int code = bare.result.faults_count == 0 ? 0 : 1;
    result_clear(&bare.result);
    free(bare.sessions);
    free(bare.hashes);
    return code;
}
