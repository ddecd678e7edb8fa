/* The mixes that flow: fetch, nobody, churn, frontpage. Things happen at a rate, whether
   the server keeps up or not: what begins late is timed from when it should have begun. */
#include "bench_mixes.h"

#include <math.h>
#include <stdio.h>

#define OWN (UINT64_C(1) << 32) /* numbers from here on are of pages that one visitor has */
#define OWN_BYTES 16
#define NEVER (UINT64_C(1) << 33) /* and from here on, of pages that nobody has */
#define SLICES 32                 /* a look at all visitors is spread over so many turns */

static uint64_t ns_of(uint32_t seconds)
{
    return (uint64_t)seconds * 1000000000;
}

/* When the next thing is due, after `begun` of them. */
static uint64_t due_ns(const struct load *load, uint64_t began_ns, uint64_t begun)
{
    return began_ns + begun * 1000000000 / load->options->rate;
}

/* ---- fetch ---- */

static uint32_t holders_of(const struct load *load)
{
    const struct bench_options *options = load->options;
    uint32_t holders = options->holders > 0 ? options->holders : options->visitors / 10;
    return holders > 0 ? holders : 1;
}

/* The pages are dealt to the holders in turn; with fewer pages than holders, a page has
   several. Who seeks is at a page of its own. Returns how many it holds. */
static uint32_t hold_share(struct visitor *visitor)
{
    const struct bench_options *options = visitor->load->options;
    uint32_t holders = holders_of(visitor->load), held = 0;
    if (visitor->number >= holders) {
        visitor_hold(visitor, OWN + visitor->number, OWN_BYTES);
        return 1;
    }
    for (uint32_t page = visitor->number; page < options->pages; page += holders, held++)
        visitor_hold(visitor, page, options->size);
    if (held > 0) return held;
    visitor_hold(visitor, visitor->number % options->pages, options->size);
    return 1;
}

static bool come_for_fetch(struct load *load)
{
    bool elsewhere = load->options->holders_server != NULL;
    load_begin(load, "come", "pages");
    for (uint32_t i = 0; i < load->visitors_count && !load->interrupted; i++) {
        struct visitor *visitor = &load->visitors[i];
        if (elsewhere && i < holders_of(load)) visitor->to = &load->holders_to;
        peer_visit(visitor_new(visitor));
        uint32_t held = hold_share(visitor);
        visitor_expect(visitor, load->phase, PEER_HOLDING, held, measure_now_ns());
        visitor_open(visitor);
        while (load->awaiting > load->options->at_once && load_turn(load)) {
        }
    }
    bool whole = load_wait(load);
    load_end(load);
    return whole && load_until_idle(load);
}

/* The next visitor from `first` on who is free to seek; NULL if nobody is. */
static struct visitor *find_seeker(struct load *load, uint32_t first, uint32_t *next)
{
    uint32_t seekers = load->visitors_count - first;
    for (uint32_t tried = 0; tried < seekers; tried++) {
        struct visitor *visitor = &load->visitors[first + (*next)++ % seekers];
        if (visitor->state == VISITOR_IN && visitor->awaiting == 0) return visitor;
    }
    return NULL;
}

static void seek(struct visitor *visitor, uint64_t number, enum peer_event_kind end,
                 uint64_t since_ns)
{
    struct load *load = visitor->load;
    struct page_hash hash;
    message_unref(bench_page_new(load->options, number, load->options->size, &hash));
    peer_seek(client_peer(visitor->client), &hash, false);
    visitor_expect(visitor, load->phase, end, 1, since_ns);
    client_settle(visitor->client);
}

/* Seeks a random page. */
static void fetch_one(struct visitor *visitor, uint64_t begun, uint64_t since_ns)
{
    (void)begun;
    seek(visitor, load_chance(visitor->load, visitor->load->options->pages), PEER_FOUND,
         since_ns);
}

/* Begins so many a second with the visitors from `first` on, until all have ended. */
static bool flow(struct load *load, uint32_t first,
                 void (*one)(struct visitor *visitor, uint64_t begun, uint64_t since_ns))
{
    uint64_t all = (uint64_t)load->options->rate * load->options->seconds, begun = 0;
    uint64_t began = measure_now_ns();
    uint32_t next = 0;
    while (begun < all && load_turn_until(load, due_ns(load, began, begun)))
        while (begun < all && due_ns(load, began, begun) <= measure_now_ns()) {
            struct visitor *visitor = find_seeker(load, first, &next);
            if (visitor == NULL) break;
            one(visitor, begun, due_ns(load, began, begun));
            begun++;
        }
    return load_wait(load);
}

bool mix_fetch(struct load *load)
{
    if (holders_of(load) >= load->visitors_count) {
        result_fault(&load->result, "nobody is left to seek");
        return false;
    }
    if (!come_for_fetch(load)) return false;
    load_begin(load, "fetch", "pages");
    const struct phase *fetch = load->phase;
    bool whole = flow(load, holders_of(load), fetch_one);
    load_end(load);
    result_note(&load->result, "bytes fetched a second",
                (double)(fetch->count * load->options->size) * 1e9 / (double)fetch->wall_ns,
                "bytes");
    return whole;
}

/* ---- nobody ---- */

/* Leaves what the visitor sought before, and seeks what nobody has. */
static void miss_one(struct visitor *visitor, uint64_t begun, uint64_t since_ns)
{
    if (visitor->visits++ > 0) {
        struct page_hash hash;
        message_unref(bench_page_new(visitor->load->options, visitor->missed,
                                     visitor->load->options->size, &hash));
        peer_leave(client_peer(visitor->client), &hash);
    }
    visitor->missed = NEVER + begun;
    seek(visitor, visitor->missed, PEER_NOBODY, since_ns);
}

bool mix_nobody(struct load *load)
{
    if (!come_for_fetch(load)) return false;
    load_begin(load, "nobody", "answers");
    bool whole = flow(load, 0, miss_one);
    load_end(load);
    return whole;
}

/* ---- coming and going ---- */

/* A time drawn from the exponential distribution. */
static uint64_t draw_ns(struct load *load, double mean_ms)
{
    return (uint64_t)(-log(1 - load_fraction(load)) * mean_ms * 1e6);
}

/* The next place that is free, or NULL. */
static struct visitor *find_free(struct load *load, uint32_t first, uint32_t *next)
{
    uint32_t places = load->visitors_count - first;
    for (uint32_t tried = 0; tried < places; tried++) {
        struct visitor *visitor = &load->visitors[first + (*next)++ % places];
        if (visitor->state == VISITOR_OUT && !visitor->returning) return visitor;
    }
    return NULL;
}

/* Half of those who go say so. */
static void churn_slice(struct load *load, uint32_t turn)
{
    uint64_t now = measure_now_ns();
    for (uint32_t i = turn % SLICES; i < load->visitors_count; i += SLICES) {
        struct visitor *visitor = &load->visitors[i];
        if (visitor->state == VISITOR_IN && visitor->due_ns <= now)
            visitor_leave(visitor, load_chance(load, 2) == 0);
    }
}

bool mix_churn(struct load *load)
{
    const struct bench_options *options = load->options;
    uint64_t begun = 0, began = measure_now_ns(), end = began + ns_of(options->seconds);
    uint32_t next = 0, turn = 0;
    load_begin(load, "come and go", "visitors");
    while (measure_now_ns() < end && load_turn_until(load, due_ns(load, began, begun))) {
        for (; due_ns(load, began, begun) <= measure_now_ns(); begun++) {
            struct visitor *visitor = find_free(load, 0, &next);
            if (visitor == NULL) break;
            peer_visit(visitor_new(visitor));
            visitor_hold(visitor, OWN + visitor->number, OWN_BYTES);
            visitor->due_ns = measure_now_ns() + draw_ns(load, options->stay_ms);
            visitor_expect(visitor, load->phase, PEER_HOLDING, 1,
                           due_ns(load, began, begun));
            visitor_open(visitor);
        }
        churn_slice(load, turn++);
    }
    load_end(load);
    return !load->interrupted;
}

/* ---- a day on the front page ---- */

#define RELOADS 5             /* one in so many of those who go is only reloading */
#define RELOAD_MS 300         /* what that takes on average */
#define FULL 0.8              /* share of the places that are taken at noon */
#define NIGHT 0.1             /* share of noon's arrivals that come at night */
#define DAY_ARRIVALS_MAX 1000 /* of one turn */

struct day {
    struct load *load;
    struct phase *fetches;
    uint32_t authors, next, turn, reloads;
    double owed, due; /* arrivals by now, and when there is one more */
};

/* A few pages are very popular: Zipf's law. */
static uint32_t draw_page(struct day *day)
{
    double rank = pow((double)day->authors, load_fraction(day->load));
    return (uint32_t)rank % day->authors;
}

static void show_token(struct visitor *visitor)
{
    char token[PEER_TOKEN_MAX + 1];
    snprintf(token, sizeof token, "bench-%08u-%08u", visitor->number, visitor->visits);
    peer_set_token(client_peer(visitor->client), token);
}

/* Somebody follows a link: seeks a page, reads it, and is one of its holders meanwhile. */
static void arrive(struct day *day, struct visitor *visitor)
{
    struct load *load = day->load;
    struct page_hash hash;
    struct peer *peer = visitor_new(visitor);
    visitor->visits++;
    visitor->page = draw_page(day);
    visitor->due_ns = measure_now_ns() + draw_ns(load, load->options->stay_ms);
    message_unref(bench_page_new(load->options, visitor->page, load->options->size, &hash));
    show_token(visitor);
    peer_visit(peer);
    peer_seek(peer, &hash, true);
    visitor_expect(visitor, day->fetches, PEER_FOUND, 1, measure_now_ns());
    visitor_open(visitor);
    load->phase->count++;
}

/* The page is still in the tab that was reloaded. */
static void come_back(struct day *day, struct visitor *visitor)
{
    struct load *load = day->load;
    peer_visit(visitor_new(visitor));
    show_token(visitor);
    visitor_hold(visitor, visitor->page, load->options->size);
    visitor_expect(visitor, NULL, PEER_HOLDING, 1, 0);
    visitor->returning = false;
    visitor->due_ns = measure_now_ns() + draw_ns(load, load->options->stay_ms);
    visitor_open(visitor);
    load->phase->count++;
}

static void look_at(struct day *day, struct visitor *visitor, uint64_t now)
{
    struct load *load = day->load;
    if (visitor->due_ns > now) return;
    if (visitor->state == VISITOR_OUT && visitor->returning) come_back(day, visitor);
    if (visitor->state != VISITOR_IN) return;
    if (load_chance(load, RELOADS) == 0) {
        day->reloads++;
        visitor->returning = true;
        visitor->due_ns = now + draw_ns(load, RELOAD_MS);
        visitor_leave(visitor, false);
    } else {
        visitor_leave(visitor, load_chance(load, 2) == 0);
    }
}

/* Arrivals are a Poisson process whose rate goes up to noon and down again. */
static void pass_time(struct day *day, double part_of_day, double seconds)
{
    const struct bench_options *options = day->load->options;
    double noon = FULL * (options->visitors - day->authors) * 1000.0 / options->stay_ms;
    double height = sin(3.14159265358979 * part_of_day);
    day->owed += noon * (NIGHT + (1 - NIGHT) * height * height) * seconds;
    for (uint32_t i = 0; day->owed >= day->due && i < DAY_ARRIVALS_MAX; i++) {
        struct visitor *visitor = find_free(day->load, day->authors, &day->next);
        if (visitor == NULL) return;
        day->due += -log(1 - load_fraction(day->load));
        arrive(day, visitor);
    }
}

static bool authors_come(struct day *day)
{
    struct load *load = day->load;
    load_begin(load, "authors come", "visitors");
    for (uint32_t i = 0; i < day->authors; i++) {
        struct visitor *visitor = &load->visitors[i];
        peer_visit(visitor_new(visitor));
        visitor_hold(visitor, i, load->options->size);
        visitor_expect(visitor, load->phase, PEER_HOLDING, 1, measure_now_ns());
        visitor_open(visitor);
        while (load->awaiting > load->options->at_once && load_turn(load)) {
        }
    }
    bool whole = load_wait(load);
    load_end(load);
    return whole;
}

static bool live_a_day(struct day *day)
{
    struct load *load = day->load;
    uint64_t began = measure_now_ns(), all = ns_of(load->options->seconds), now = began;
    while (now - began < all && load_turn(load)) {
        uint64_t before = now;
        now = measure_now_ns();
        pass_time(day, (double)(now - began) / (double)all, (double)(now - before) / 1e9);
        for (uint32_t i = day->authors + day->turn % SLICES; i < load->visitors_count;
             i += SLICES)
            look_at(day, &load->visitors[i], now);
        day->turn++;
    }
    return !load->interrupted;
}

bool mix_frontpage(struct load *load)
{
    const struct bench_options *options = load->options;
    uint32_t quarter = options->visitors / 4;
    struct day day = {.load = load};
    day.authors = options->pages < quarter ? options->pages : quarter;
    if (day.authors == 0) {
        result_fault(&load->result, "frontpage wants four visitors at least");
        return false;
    }
    if (!authors_come(&day)) return false;
    load_begin(load, "the day", "visits");
    day.fetches = result_begin(&load->result, "of which fetches", "pages", 0);
    bool whole = live_a_day(&day);
    result_end(day.fetches, 0);
    load_end(load);
    result_note(&load->result, "reloads", day.reloads, "visits");
    result_note(&load->result, "told that nobody holds a page", (double)load->nobodies,
                "times");
    result_note(&load->result, "counts told", (double)load->counts, "messages");
    return whole;
}
