/* The mixes that hold still: idle, crowd, storm, fanout. What they have in common is that
   everybody comes, and then one thing happens to all. */
#include "bench_mixes.h"

/* Steps at which coming is measured by itself: its cost should not grow with who is there. */
static const uint32_t steps[] = {1000, 2000, 5000, 10000, UINT32_MAX};
static const char *const step_names[] = {"come, to 1000", "to 2000", "to 5000", "to 10000",
                                         "and more"};

#define COMMON (UINT64_C(1) << 32) /* numbers from here on are of pages for all */
#define OWN_BYTES 16               /* of a page that nobody else is at */

static bool all_in(const struct load *load, uint32_t first, uint32_t end)
{
    for (uint32_t i = first; i < end; i++)
        if (load->visitors[i].state != VISITOR_IN) return false;
    return true;
}

/* Visitors from `first` to `end` come, at_once of them at a time, each into "all" and to a
   page of its own; a phase of this name measures it. */
static bool come(struct load *load, const char *name, uint32_t first, uint32_t end)
{
    load_begin(load, name, "visitors");
    for (uint32_t next = first; next < end && !load->interrupted;) {
        while (next < end && load->awaiting < load->options->at_once) {
            struct visitor *visitor = &load->visitors[next++];
            peer_visit(visitor_new(visitor));
            visitor_hold(visitor, visitor->number, OWN_BYTES);
            visitor_expect(visitor, load->phase, PEER_HOLDING, 1, measure_now_ns());
            visitor_open(visitor);
        }
        load_turn(load);
    }
    bool whole = load_wait(load) && all_in(load, first, end);
    load_end(load);
    return whole;
}

static bool come_all(struct load *load)
{
    return come(load, "come", 0, load->visitors_count) && load_until_idle(load);
}

/* Has a share of the visitors act, and the loop a turn. */
static void take_turn(struct load *load, uint32_t number)
{
    if (number % 64 == 63) uv_run(&load->loop, UV_RUN_NOWAIT);
}

static bool come_in_steps(struct load *load)
{
    uint32_t here = 0, all = load->visitors_count;
    for (size_t i = 0; here < all; i++) {
        uint32_t end = steps[i] < all ? steps[i] : all;
        if (!come(load, step_names[i], here, end)) return false;
        here = end;
    }
    return true;
}

static void note_memory(struct load *load, const struct memory_use *before,
                        const struct memory_use *after)
{
    double visitors = load->visitors_count;
    result_note(&load->result, "server memory before", (double)before->resident, "bytes");
    result_note(&load->result, "server memory with visitors", (double)after->resident,
                "bytes");
    result_note(&load->result, "resident bytes each",
                ((double)after->resident - (double)before->resident) / visitors, "bytes");
    result_note(&load->result, "user bytes each",
                ((double)after->anonymous - (double)before->anonymous) / visitors, "bytes");
}

static void drop_all(struct load *load)
{
    for (uint32_t i = 0; i < load->visitors_count; i++)
        if (load->visitors[i].state == VISITOR_IN) visitor_leave(&load->visitors[i], false);
}

static bool all_out(struct load *load)
{
    while (load->alive > 0)
        if (!load_turn(load)) return false;
    return load_until_idle(load);
}

static bool leave_all(struct load *load)
{
    load_begin(load, "leave", "visitors");
    load->phase->count = load->alive;
    drop_all(load);
    bool whole = all_out(load);
    load_end(load);
    return whole;
}

bool mix_idle(struct load *load)
{
    struct memory_use before, after;
    pid_t server = (pid_t)load->options->server_pid;
    bool seen = server != 0 && measure_memory(server, &before);
    if (!come_in_steps(load) || !load_until_idle(load)) return false;
    if (seen && measure_memory(server, &after)) note_memory(load, &before, &after);
    load_begin(load, "silence", "visitors");
    load->phase->count = load->visitors_count;
    bool whole = load_sleep(load, load->options->seconds * UINT64_C(1000));
    load_end(load);
    return whole && leave_all(load);
}

/* ---- a crowd ---- */

static bool all_know(const struct load *load, uint32_t count)
{
    for (uint32_t i = 0; i < load->visitors_count; i++)
        if (load->visitors[i].count != count) return false;
    return true;
}

/* Until everybody was told the last count. */
static bool wait_for_count(struct load *load, uint32_t count)
{
    uint64_t begin = measure_now_ns();
    while (!all_know(load, count)) {
        if (!load_turn(load)) return false;
        if (measure_now_ns() - begin < UINT64_C(30000000000)) continue;
        result_fault(&load->result, "the last count was not told within 30 s");
        return false;
    }
    return true;
}

/* Everybody joins the page; true once all know how many they are. */
static bool join_one_page(struct load *load, const struct page_hash *hash,
                          struct message *page)
{
    for (uint32_t i = 0; i < load->visitors_count; i++) {
        struct visitor *visitor = &load->visitors[i];
        peer_hold(client_peer(visitor->client), hash, page);
        visitor_expect(visitor, load->phase, PEER_HOLDING, 1, measure_now_ns());
        client_settle(visitor->client);
        take_turn(load, i);
    }
    return load_wait(load) && wait_for_count(load, load->visitors_count);
}

bool mix_crowd(struct load *load)
{
    struct page_hash hash;
    if (!come_all(load)) return false;
    struct message *page = bench_page_new(load->options, COMMON, OWN_BYTES, &hash);
    uint64_t counts = load->counts;
    load_begin(load, "join one page", "visitors");
    bool whole = join_one_page(load, &hash, page);
    load_end(load);
    result_note(&load->result, "counts told to each",
                (double)(load->counts - counts) / load->visitors_count, "messages");
    message_unref(page);
    return whole;
}

/* ---- a storm ---- */

bool mix_storm(struct load *load)
{
    if (!come_all(load)) return false;
    load_begin(load, "lose all", "visitors");
    load->phase->count = load->visitors_count;
    drop_all(load);
    while (load->alive > 0 && load_turn(load)) {
    }
    load_end(load);
    return come(load, "come back", 0, load->visitors_count);
}

/* ---- one to all ---- */

/* The number of a page that goes out in a round. */
static uint64_t page_of(const struct load *load, uint32_t round, uint32_t index)
{
    return COMMON + 1 + (uint64_t)round * load->options->in_flight + index;
}

/* Everybody but visitor 0 seeks a page that nobody holds, and is told so. */
static void seek_nothing(struct load *load, uint64_t number)
{
    struct page_hash hash;
    message_unref(bench_page_new(load->options, number, load->options->size, &hash));
    for (uint32_t i = 1; i < load->visitors_count; i++) {
        struct visitor *visitor = &load->visitors[i];
        peer_seek(client_peer(visitor->client), &hash, false);
        visitor_expect(visitor, NULL, PEER_NOBODY, 1, 0);
        client_settle(visitor->client);
        take_turn(load, i);
    }
}

static void cork_all(struct load *load, bool corked)
{
    for (uint32_t i = 1; i < load->visitors_count; i++)
        client_cork(load->visitors[i].client, corked);
}

/* Visitor 0 holds what all seek. It is measured how long it takes until everybody has
   everything; nobody says anything else meanwhile. */
static bool serve_all(struct load *load, uint32_t round)
{
    uint32_t pages = load->options->in_flight;
    struct visitor *holder = &load->visitors[0];
    cork_all(load, true);
    load_begin(load, "fan out", "pages");
    uint64_t begin = measure_now_ns();
    for (uint32_t i = 1; i < load->visitors_count; i++)
        visitor_expect(&load->visitors[i], load->phase, PEER_FOUND, pages, begin);
    for (uint32_t i = 0; i < pages; i++)
        visitor_hold(holder, page_of(load, round, i), load->options->size);
    client_settle(holder->client);
    bool whole = load_wait(load);
    load_end(load);
    cork_all(load, false);
    return whole;
}

static void leave_pages(struct load *load, uint32_t round)
{
    struct visitor *holder = &load->visitors[0];
    for (uint32_t i = 0; i < load->options->in_flight; i++) {
        struct page_hash hash;
        uint64_t number = page_of(load, round, i);
        message_unref(bench_page_new(load->options, number, load->options->size, &hash));
        peer_leave(client_peer(holder->client), &hash);
    }
    client_settle(holder->client);
}

static bool fan_out_pages(struct load *load)
{
    for (uint32_t round = 0; round < load->options->rounds; round++) {
        for (uint32_t i = 0; i < load->options->in_flight; i++)
            seek_nothing(load, page_of(load, round, i));
        if (!load_wait(load) || !load_until_idle(load) || !serve_all(load, round))
            return false;
        leave_pages(load, round);
        if (!load_until_idle(load)) return false;
    }
    return true;
}

/* Everybody holds one page. Visitor 0 leaves it, or comes back, and all are told. */
static bool change_count(struct load *load, const struct page_hash *hash,
                         struct message *page, bool back)
{
    struct visitor *walker = &load->visitors[0];
    load_begin(load, "fan out", "counts");
    uint64_t begin = measure_now_ns();
    for (uint32_t i = 1; i < load->visitors_count; i++)
        visitor_expect(&load->visitors[i], load->phase, PEER_COUNT, 1, begin);
    if (back)
        peer_hold(client_peer(walker->client), hash, page);
    else
        peer_leave(client_peer(walker->client), hash);
    client_settle(walker->client);
    bool whole = load_wait(load);
    load_end(load);
    return whole;
}

static bool fan_out_counts(struct load *load)
{
    struct page_hash hash;
    struct message *page = bench_page_new(load->options, COMMON, OWN_BYTES, &hash);
    load_begin(load, "join one page", "visitors");
    bool whole = join_one_page(load, &hash, page);
    load_end(load);
    for (uint32_t round = 0; whole && round < load->options->rounds; round++)
        whole = load_until_idle(load) && change_count(load, &hash, page, round % 2 == 1);
    message_unref(page);
    return whole;
}

bool mix_fanout(struct load *load)
{
    if (load->visitors_count < 2) {
        result_fault(&load->result, "fanout wants two visitors at least");
        return false;
    }
    if (!come_all(load)) return false;
    return load->options->counts ? fan_out_counts(load) : fan_out_pages(load);
}
