/* The relay: one fetch for each page that has seekers to serve and a holder to ask.

   All seekers of a page share its fetch (single flight). The fetch asks the holder with the
   fewest requests in flight; after hedge_ms another one beside it, up to
   holders_per_fetch_max at a time; it gives up a holder that sends no byte for answer_ms,
   and asks the next one at once when a holder leaves or fails. The first right answer
   serves everybody and ends the fetch; when there is nobody left to ask, the fetch ends and
   the seekers wait for a holder to come, or for a seeker to ask again.

   Invariants: a holder with ASK_PENDING stands in exactly one fetch, and not in its group's
   front; a fetch has seekers to serve and at least one pending holder, but inside functions
   of this file. */
#include "relay.h"

#include "intake.h"
#include "json.h"
#include "memory.h"
#include "pages.h"
#include "send.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

#define HOLDERS_COMPARED 8

/* A number below `below` (splitmix64; Steele, Lea and Flood, 2014). */
static uint32_t chance(struct hub *hub, uint32_t below)
{
    uint64_t z = hub->chance += UINT64_C(0x9e3779b97f4a7c15);
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return (uint32_t)((z ^ z >> 31) % below);
}

/* ---- telling seekers ---- */

struct status_text {
    char text[96];
};

static struct status_text status_of(const struct page *page)
{
    struct status_text status;
    bool searching = page->fetch != NULL;
    const char *reason = searching                             ? "null"
                         : page->failure == REASON_SILENT      ? "\"silent\""
                         : page->failure == REASON_WRONG_BYTES ? "\"wrong_bytes\""
                                                               : "\"no_holder\"";
    snprintf(status.text, sizeof status.text,
             "{\"state\":\"%s\",\"holders\":%" PRIu32 ",\"asked\":%" PRIu32
             ",\"reason\":%s}",
             searching ? "searching" : "nobody", page->holders.count,
             searching ? page->fetch->asked : 0, reason);
    return status;
}

static void tell(struct hub *hub, struct membership *seeker)
{
    struct status_text status = status_of(seeker->page);
    struct broadcast broadcast = {.event = "status", .payload = status.text};
    if (seeker->status) send_broadcast(hub, &broadcast, seeker);
    send_broadcast_clear(&broadcast);
}

static void tell_all(struct hub *hub, struct page *page)
{
    struct status_text status = status_of(page);
    struct broadcast broadcast = {.event = "status", .payload = status.text};
    for (uint32_t i = 0; i < page->seekers.front; i++)
        if (page->seekers.members[i]->status)
            send_broadcast(hub, &broadcast, page->seekers.members[i]);
    send_broadcast_clear(&broadcast);
}

/* ---- the life of a fetch ---- */

/* The holder with the fewest requests in flight among a few that chance names; NULL if
   nobody may be asked. */
static struct membership *choose(struct hub *hub, struct page *page)
{
    uint32_t front = page->holders.front;
    if (front == 0) return NULL;
    uint32_t first = chance(hub, front);
    struct membership *best = page->holders.members[first];
    for (uint32_t i = 1; i < HOLDERS_COMPARED && i < front; i++) {
        uint32_t at = front <= HOLDERS_COMPARED ? (first + i) % front : chance(hub, front);
        struct membership *other = page->holders.members[at];
        if (other->session->pending < best->session->pending) best = other;
    }
    return best;
}

static bool can_hedge(const struct hub *hub, const struct fetch *fetch)
{
    return fetch->pending < hub->config.holders_per_fetch_max &&
           fetch->page->holders.front > 0;
}

/* Sets when something is to be done about the fetch if nothing is heard. */
static void schedule(struct hub *hub, struct fetch *fetch)
{
    const struct hub_config *config = &hub->config;
    uint64_t due = can_hedge(hub, fetch) ? fetch->hedge_ms : UINT64_MAX;
    for (uint32_t i = 0; i < fetch->pending; i++) {
        uint64_t quiet = fetch->asks[i].heard_ms + config->answer_ms;
        uint64_t total = fetch->asks[i].asked_ms + config->answer_total_ms;
        if (quiet < due) due = quiet;
        if (total < due) due = total;
    }
    deadlines_set(&hub->deadlines, &fetch->due, due);
}

static bool ask_next(struct hub *hub, struct fetch *fetch)
{
    if (fetch->pending == hub->config.holders_per_fetch_max) return false;
    struct membership *holder = choose(hub, fetch->page);
    if (holder == NULL) return false;
    pages_set_front(fetch->page, holder, false);
    holder->ask = ASK_PENDING;
    holder->session->pending++;
    fetch->asks[fetch->pending++] = (struct pending){holder, hub->now_ms, hub->now_ms};
    fetch->asked++;
    fetch->hedge_ms = hub->now_ms + hub->config.hedge_ms;
    hub->metrics.asks_total++;
    send_push(hub, holder, "content_request", "{}");
    return true;
}

/* Takes the i-th holder out of the fetch; `late` if it may still answer without blame. */
static void forget(struct hub *hub, struct fetch *fetch, uint32_t i, bool late)
{
    struct membership *holder = fetch->asks[i].holder;
    fetch->asks[i] = fetch->asks[--fetch->pending];
    holder->ask = ASK_NONE;
    if (late && holder->late < UINT8_MAX) holder->late++;
    holder->session->pending--;
    intake_abandon(hub, holder);
}

/* All is over for this fetch; those who might still answer need not. */
static void end_fetch(struct hub *hub, struct fetch *fetch)
{
    while (fetch->pending > 0) {
        struct membership *holder = fetch->asks[0].holder;
        forget(hub, fetch, 0, true);
        pages_set_front(fetch->page, holder, true);
    }
    fetch->page->fetch = NULL;
    deadlines_unset(&hub->deadlines, &fetch->due);
    hub->metrics.fetches--;
    memory_free(fetch);
}

/* After a holder dropped out: the next one, or the end. */
static void go_on(struct hub *hub, struct fetch *fetch)
{
    struct page *page = fetch->page;
    ask_next(hub, fetch);
    if (fetch->pending > 0)
        schedule(hub, fetch);
    else
        end_fetch(hub, fetch);
    tell_all(hub, page);
}

/* False if there is a fetch already, or nobody to serve or to ask, or no memory. */
static bool begin(struct hub *hub, struct page *page)
{
    if (page->fetch != NULL || page->seekers.front == 0 || page->holders.front == 0)
        return false;
    struct fetch *fetch = memory_new(sizeof *fetch);
    if (fetch == NULL) return false;
    fetch->page = page;
    fetch->due.kind = DEADLINE_FETCH;
    page->fetch = fetch;
    page->failure = REASON_NONE;
    hub->metrics.fetches++;
    hub->metrics.fetches_total++;
    go_on(hub, fetch);
    return true;
}

/* Nobody fresh can be asked: those who once did not answer get another chance. */
static void revive_silent(struct page *page)
{
    if (page->fetch != NULL || page->holders.front > 0) return;
    for (uint32_t i = 0; i < page->holders.count; i++) {
        struct membership *holder = page->holders.members[i];
        if (!holder->silent || holder->session == NULL) continue;
        holder->silent = false;
        pages_set_front(page, holder, true);
    }
}

static void drop_silent(struct hub *hub, struct fetch *fetch, uint32_t i)
{
    fetch->asks[i].holder->silent = true;
    fetch->page->failure = REASON_SILENT;
    forget(hub, fetch, i, false);
}

static uint32_t find(const struct fetch *fetch, const struct membership *holder)
{
    uint32_t i = 0;
    while (fetch->asks[i].holder != holder)
        i++;
    assert(i < fetch->pending);
    return i;
}

/* ---- what happens to it ---- */

void relay_holder_came(struct hub *hub, struct page *page)
{
    begin(hub, page);
    if (page->fetch != NULL) schedule(hub, page->fetch);
}

void relay_holder_left(struct hub *hub, struct membership *holder)
{
    struct fetch *fetch = holder->page->fetch;
    if (holder->ask != ASK_PENDING) return;
    forget(hub, fetch, find(fetch, holder), false);
    go_on(hub, fetch);
}

void relay_seeker_came(struct hub *hub, struct membership *seeker)
{
    struct page *page = seeker->page;
    revive_silent(page);
    if (!begin(hub, page)) tell(hub, seeker);
}

void relay_seek_again(struct hub *hub, struct membership *seeker)
{
    struct page *page = seeker->page;
    bool served = seeker->index >= page->seekers.front;
    if (served) return;
    revive_silent(page);
    begin(hub, page);
}

void relay_seeker_left(struct hub *hub, struct page *page)
{
    if (page->fetch != NULL && page->seekers.front == 0) end_fetch(hub, page->fetch);
}

void relay_heard(struct hub *hub, struct membership *holder)
{
    struct fetch *fetch = holder->page->fetch;
    fetch->asks[find(fetch, holder)].heard_ms = hub->now_ms;
}

void relay_note_wrong(struct membership *holder)
{
    holder->page->failure = REASON_WRONG_BYTES;
}

void relay_give_up(struct hub *hub, struct membership *holder)
{
    struct fetch *fetch = holder->page->fetch;
    drop_silent(hub, fetch, find(fetch, holder));
    go_on(hub, fetch);
}

void relay_due(struct hub *hub, struct fetch *fetch)
{
    const struct hub_config *config = &hub->config;
    bool changed = false;
    for (uint32_t i = fetch->pending; i-- > 0;) {
        struct pending *ask = &fetch->asks[i];
        if (hub->now_ms < ask->heard_ms + config->answer_ms &&
            hub->now_ms < ask->asked_ms + config->answer_total_ms)
            continue;
        hub->metrics.given_up_total++;
        drop_silent(hub, fetch, i);
        changed = true;
    }
    if (!changed && hub->now_ms >= fetch->hedge_ms && can_hedge(hub, fetch)) {
        hub->metrics.hedges_total++;
        changed = true;
    }
    if (changed)
        go_on(hub, fetch);
    else
        schedule(hub, fetch);
}

/* ---- serving ---- */

/* A page's bytes on their way to its seekers, in the forms that they take. */
struct delivery {
    const uint8_t *bytes;
    size_t size;
    struct message *binary; /* for the usual spelling of the topic */
    struct message *text;
    bool is_text;
};

static struct message *binary_for(const struct delivery *delivery,
                                  const struct membership *seeker)
{
    char topic[TOPIC_TEXT_MAX];
    if (seeker->upper == 0) return message_ref(delivery->binary);
    struct message *own = message_new(MESSAGE_BINARY, WIRE_CONTENT_FRONT, delivery->size);
    if (own == NULL) return NULL;
    message_append(own, delivery->bytes, delivery->size);
    wire_prepend_content(own, send_topic(seeker, topic));
    return own;
}

static struct message *text_for(struct delivery *delivery, const struct membership *seeker)
{
    char topic[TOPIC_TEXT_MAX];
    struct frame frame = {.kind = FRAME_BROADCAST,
                          .topic = send_topic(seeker, topic),
                          .event = slice_of("content")};
    if (seeker->upper == 0 && delivery->text != NULL) return message_ref(delivery->text);
    struct message *text = wire_content_new(&frame, delivery->bytes, delivery->size, NULL);
    if (seeker->upper == 0 && text != NULL) delivery->text = message_ref(text);
    return text;
}

static void refuse(struct hub *hub, const struct membership *seeker, enum reason reason)
{
    char payload[64];
    struct broadcast broadcast = {.event = "error", .payload = payload};
    snprintf(payload, sizeof payload, "{\"reason\":\"%s\"}", reason_word(reason));
    hub->metrics.refusals[reason]++;
    send_broadcast(hub, &broadcast, seeker);
    send_broadcast_clear(&broadcast);
}

static void serve(struct hub *hub, struct delivery *delivery, struct membership *seeker)
{
    if (!seeker->binary && !delivery->is_text) {
        refuse(hub, seeker, REASON_NOT_TEXT);
        return;
    }
    struct message *message =
        seeker->binary ? binary_for(delivery, seeker) : text_for(delivery, seeker);
    if (message == NULL) {
        refuse(hub, seeker, REASON_BUSY);
        return;
    }
    hub->metrics.served_total++;
    send_take_message(hub, seeker->session, message);
}

static bool anyone_takes_text(const struct page *page)
{
    for (uint32_t i = 0; i < page->seekers.front; i++)
        if (!page->seekers.members[i]->binary) return true;
    return false;
}

void relay_take_answer(struct hub *hub, struct membership *holder, struct message *bytes)
{
    struct page *page = holder->page;
    struct fetch *fetch = page->fetch;
    struct delivery delivery = {.size = bytes->size, .binary = bytes};
    char topic[TOPIC_TEXT_MAX];
    hub->metrics.contents_total++;
    hub->metrics.content_bytes_total += bytes->size;
    wire_prepend_content(bytes, topic_print(TOPIC_WANT, &page->hash, 0, topic));
    delivery.bytes = message_bytes(bytes) + bytes->size - delivery.size;
    if (anyone_takes_text(page))
        delivery.is_text = json_is_utf8(delivery.bytes, delivery.size);

    forget(hub, fetch, find(fetch, holder), false);
    pages_set_front(page, holder, true);
    end_fetch(hub, fetch);
    while (page->seekers.front > 0) {
        struct membership *seeker = page->seekers.members[page->seekers.front - 1];
        pages_set_front(page, seeker, false);
        serve(hub, &delivery, seeker);
    }
    message_unref(delivery.text);
    message_unref(bytes);
}
