/* Receiving messages in parts, with bounded memory.

   Most messages come in one part and pass through untouched. Others are collected, up to
   message_bytes_max. Only the content of a page may be larger, and a page is the one thing
   that must not be kept from strangers: so as soon as the head of a message can be read it
   is decided whether this is the answer of a holder who was asked. If it is, the page's
   bytes alone are kept, without their envelope and escapes, and hashed as they come; if
   not, the rest of the message is skipped without being kept.

       HEAD ─ not content ─▶ WHOLE ─▶ dispatched
         │
         ├─ content, asked ─▶ BODY ─ (text: after the quote) ▶ TAIL ─▶ relay
         └─ content, not asked ─▶ SKIP ─▶ nothing

   What is being received is within in_flight_bytes_max, for all sessions together. When
   that is used up, the message that has been coming for longest is refused as busy. */
#include "intake.h"

#include "content.h"
#include "json.h"
#include "memory.h"
#include "relay.h"
#include "send.h"
#include "topics.h"

#include <assert.h>

#define HEAD_MAX 8192 /* bytes in which the content of a page must have begun */
#define TAIL_MAX 512  /* bytes that may follow the content string */
#define BODY_FIRST 4096

enum intake_state {
    INTAKE_HEAD,
    INTAKE_WHOLE,
    INTAKE_BODY,
    INTAKE_TAIL,
    INTAKE_SKIP,
};

struct intake {
    struct session *session;
    enum intake_state state;
    enum message_form form;
    uint32_t fragments;
    size_t received;
    size_t page_bytes_max, message_bytes_max; /* as they were when it began */
    uint32_t fragments_max;
    struct json_utf8 utf8; /* of the text so far */
    struct message *kept; /* HEAD, WHOLE: the message so far; BODY, TAIL: the page so far */
    size_t reserved;      /* what `kept` counts for in in_flight_bytes; 0 for a head */
    struct membership *holder;    /* BODY, TAIL: whose answer it is */
    struct intake *older, *newer; /* of those with something reserved */
    uint64_t begun_ms;            /* when it first had */
    struct hash_stream *stream;
    struct json_unescaper unescaper;
    size_t tail_size;
    char tail[TAIL_MAX];
    struct content_beside beside;
    enum ref_kind ref_kind; /* of the message, for a reply at its end */
    size_t ref_size;
    char ref[WIRE_REF_MAX];
};

/* Says how much of the budget is this intake's; those with any are in the hub's list. */
static void set_reserved(struct hub *hub, struct intake *intake, size_t bytes)
{
    hub->metrics.in_flight_bytes += bytes - intake->reserved;
    if (intake->reserved == 0 && bytes > 0) {
        intake->begun_ms = hub->now_ms;
        intake->older = hub->intakes_last;
        *(intake->older == NULL ? &hub->intakes_first : &intake->older->newer) = intake;
        hub->intakes_last = intake;
    } else if (intake->reserved > 0 && bytes == 0) {
        *(intake->older == NULL ? &hub->intakes_first : &intake->older->newer) =
            intake->newer;
        *(intake->newer == NULL ? &hub->intakes_last : &intake->newer->older) =
            intake->older;
        intake->older = intake->newer = NULL;
    }
    intake->reserved = bytes;
}

static void drop_kept(struct hub *hub, struct intake *intake)
{
    message_unref(intake->kept);
    hash_stream_free(intake->stream);
    set_reserved(hub, intake, 0);
    intake->kept = NULL;
    intake->stream = NULL;
}

void intake_clear(struct hub *hub, struct session *session)
{
    if (session->intake == NULL) return;
    drop_kept(hub, session->intake);
    memory_free(session->intake);
    session->intake = NULL;
}

/* There is no memory for this message now: what is left of it is skipped. Who sent it is
   told if so much has come that it can be addressed. */
static void skip_busy(struct hub *hub, struct intake *intake)
{
    struct frame frame, nobody = {0};
    bool addressed =
        intake->kept != NULL &&
        wire_decode_head(WIRE_CLIENT, intake->form, message_bytes(intake->kept),
                         intake->kept->size, &frame) == WIRE_OK;
    intake->state = INTAKE_SKIP;
    send_refusal(hub, intake->session, addressed ? &frame : &nobody, REASON_BUSY);
    drop_kept(hub, intake);
}

static void refuse_busy(struct hub *hub, struct intake *intake);

/* Drops the message that has been coming for longest, if that is long at all; false if
   there is none but `spared`. */
static bool shed(struct hub *hub, const struct intake *spared)
{
    struct intake *oldest = hub->intakes_first;
    if (oldest == NULL || oldest == spared ||
        hub->now_ms < oldest->begun_ms + hub->config.hedge_ms)
        return false;
    if (oldest->holder != NULL)
        refuse_busy(hub, oldest);
    else
        skip_busy(hub, oldest);
    return true;
}

void intake_shed(struct hub *hub)
{
    shed(hub, NULL);
}

/* Makes room in what is kept, within the budget for pages in flight; what does not fit is
   for the caller to drop. A head is small and soon over: it does not count, so that what
   is then done with it does not hang on the budget. */
static bool reserve(struct hub *hub, struct intake *intake, size_t more)
{
    if (intake->kept == NULL)
        intake->kept =
            message_new(intake->form, intake->state == INTAKE_BODY ? WIRE_CONTENT_FRONT : 0,
                        more > BODY_FIRST ? more : BODY_FIRST);
    if (intake->kept == NULL || !message_reserve(&intake->kept, more)) return false;
    set_reserved(hub, intake, intake->state == INTAKE_HEAD ? 0 : intake->kept->capacity);
    while (hub->metrics.in_flight_bytes > hub->config.in_flight_bytes_max)
        if (!shed(hub, intake)) return false;
    return true;
}

/* ---- answers ---- */

/* Ends the answer of a holder that is to blame for it. */
static void fail(struct hub *hub, struct intake *intake, enum reason reason)
{
    struct membership *holder = intake->holder;
    intake->holder = NULL;
    intake->state = INTAKE_SKIP;
    drop_kept(hub, intake);
    topics_bar(hub, holder->session, &holder->page->hash);
    relay_note_wrong(holder);
    topics_fail(hub, holder, reason);
}

/* What a reply to the message needs of its frame; `text` holds the topic. */
static struct frame reply_target(const struct intake *intake,
                                 const struct membership *holder, char text[TOPIC_TEXT_MAX])
{
    return (struct frame){.join_ref = send_join_ref(holder),
                          .ref = {intake->ref_kind, {intake->ref, intake->ref_size}},
                          .topic = send_topic(holder, text)};
}

/* An answer that is not wanted, or not any more. */
static void decline(struct hub *hub, struct intake *intake, struct membership *holder)
{
    char text[TOPIC_TEXT_MAX];
    struct frame to = reply_target(intake, holder, text);
    intake->holder = NULL;
    intake->state = INTAKE_SKIP;
    drop_kept(hub, intake);
    if (holder->late > 0) {
        holder->late--;
        hub->metrics.late_total++;
        send_ok(hub, holder->session, &to, "{}");
    } else {
        send_refusal(hub, holder->session, &to, REASON_NOT_ASKED);
    }
}

void intake_abandon(struct hub *hub, struct membership *holder)
{
    struct intake *intake = holder->session->intake;
    if (intake != NULL && intake->holder == holder) decline(hub, intake, holder);
}

/* Nobody's fault: there is no memory for this answer now. */
static void refuse_busy(struct hub *hub, struct intake *intake)
{
    char text[TOPIC_TEXT_MAX];
    struct membership *holder = intake->holder;
    struct frame to = reply_target(intake, holder, text);
    intake->holder = NULL;
    intake->state = INTAKE_SKIP;
    drop_kept(hub, intake);
    send_refusal(hub, holder->session, &to, REASON_BUSY);
    relay_postpone(hub, holder);
}

static void keep_body(struct hub *hub, struct intake *intake, size_t size)
{
    struct message *page = intake->kept;
    hash_stream_update(intake->stream, message_bytes(page) + page->size, size);
    page->size += size;
    if (page->size > intake->page_bytes_max)
        fail(hub, intake, REASON_PAGE_SIZE);
    else
        relay_heard(hub, intake->holder);
}

static void receive_tail(struct hub *hub, struct intake *intake, const char *bytes,
                         size_t size)
{
    if (size > TAIL_MAX - intake->tail_size) {
        fail(hub, intake, REASON_BAD_PAYLOAD);
        return;
    }
    memcpy(intake->tail + intake->tail_size, bytes, size);
    intake->tail_size += size;
}

static enum reason receive_body(struct hub *hub, struct intake *intake, const char *bytes,
                                size_t size)
{
    size_t used = size, written = size;
    enum json_result result = JSON_MORE;
    if (!reserve(hub, intake, size + 3)) {
        refuse_busy(hub, intake);
        return REASON_NONE;
    }
    uint8_t *end = message_bytes(intake->kept) + intake->kept->size;
    if (intake->form == MESSAGE_BINARY)
        memcpy(end, bytes, size);
    else
        result = json_unescape(&intake->unescaper, bytes, size, &used, end, &written);
    if (result == JSON_BAD) return REASON_BAD_JSON;
    keep_body(hub, intake, written);
    if (result == JSON_OK && intake->state == INTAKE_BODY) {
        intake->state = INTAKE_TAIL;
        receive_tail(hub, intake, bytes + used, size - used);
    }
    return REASON_NONE;
}

static enum reason end_answer(struct hub *hub, struct intake *intake)
{
    struct membership *holder = intake->holder;
    if (intake->state == INTAKE_BODY && intake->form == MESSAGE_TEXT)
        return REASON_BAD_JSON;
    if (intake->state == INTAKE_TAIL) {
        enum reason reason =
            content_read_tail((struct slice){intake->tail, intake->tail_size},
                              &holder->page->hash, &intake->beside);
        if (reason != REASON_NONE) return reason;
    }
    struct page_hash hash = hash_stream_finish(intake->stream);
    if (intake->beside.fault != REASON_NONE) {
        fail(hub, intake, intake->beside.fault);
    } else if (!hash_equal(&hash, &holder->page->hash)) {
        fail(hub, intake, REASON_WRONG_BYTES);
    } else {
        struct message *page = intake->kept;
        intake->kept = NULL;
        intake->holder = NULL;
        page->form = MESSAGE_BINARY;
        relay_take_answer(hub, holder, page);
    }
    return REASON_NONE;
}

/* ---- heads ---- */

static enum reason begin_answer(struct hub *hub, struct intake *intake,
                                struct membership *holder, struct slice first)
{
    enum reason reason = REASON_NONE;
    struct message *head = intake->kept; /* `first` points into it */
    intake->kept = NULL;
    intake->state = INTAKE_BODY;
    intake->holder = holder;
    intake->stream = hash_stream_new();
    if (intake->stream == NULL)
        refuse_busy(hub, intake);
    else
        reason = receive_body(hub, intake, first.data, first.size);
    message_unref(head);
    return reason;
}

/* The head of a `content` frame is known: is it an answer that we want? */
static enum reason sort_content(struct hub *hub, struct intake *intake,
                                const struct frame *frame, struct membership *holder)
{
    struct slice first = frame->payload;
    enum content_start start = CONTENT_FOUND;
    intake->ref_kind = frame->ref.kind;
    intake->ref_size = frame->ref.text.size;
    if (frame->ref.text.size > 0)
        memcpy(intake->ref, frame->ref.text.data, intake->ref_size);
    if (holder->ask != ASK_PENDING) {
        decline(hub, intake, holder);
        return REASON_NONE;
    }
    if (frame->form == MESSAGE_TEXT)
        start = content_find(frame->payload, &holder->page->hash, &intake->beside, &first);
    if (start == CONTENT_UNFINISHED && intake->kept->size < HEAD_MAX) return REASON_NONE;
    if (start == CONTENT_BAD) return REASON_BAD_JSON;
    if (start == CONTENT_FOUND) return begin_answer(hub, intake, holder, first);
    intake->holder = holder;
    fail(hub, intake, REASON_BAD_PAYLOAD);
    return REASON_NONE;
}

/* Looks at the head of what was kept so far. */
static enum reason sort(struct hub *hub, struct session *session, struct intake *intake)
{
    struct frame frame;
    const void *bytes = message_bytes(intake->kept);
    size_t size = intake->kept->size;
    enum wire_result result =
        wire_decode_head(WIRE_CLIENT, intake->form, bytes, size, &frame);
    if (result == WIRE_MORE && size >= HEAD_MAX) intake->state = INTAKE_WHOLE;
    if (result == WIRE_MORE) return REASON_NONE;
    if (result == WIRE_BAD)
        return intake->form == MESSAGE_TEXT ? REASON_BAD_JSON : REASON_BAD_BINARY;
    struct topic topic = topic_parse(frame.topic);
    if (topic.kind != TOPIC_HAVE || !slice_is(frame.event, "content")) {
        intake->state = INTAKE_WHOLE;
        return REASON_NONE;
    }
    struct membership *holder = topics_find(session, &topic);
    if (holder != NULL) return sort_content(hub, intake, &frame, holder);
    intake->state = INTAKE_SKIP;
    frame.join_ref = (struct ref){0};
    send_refusal(hub, session, &frame, REASON_UNMATCHED_TOPIC);
    drop_kept(hub, intake);
    return REASON_NONE;
}

/* ---- parts ---- */

static enum reason keep_whole(struct hub *hub, struct intake *intake, const char *bytes,
                              size_t size)
{
    size_t kept = intake->kept == NULL ? 0 : intake->kept->size;
    if (kept + size > intake->message_bytes_max) return REASON_MESSAGE_SIZE;
    if (reserve(hub, intake, size))
        message_append(intake->kept, bytes, size);
    else
        skip_busy(hub, intake);
    return REASON_NONE;
}

static enum reason receive(struct hub *hub, struct session *session, struct intake *intake,
                           const char *bytes, size_t size);

/* Keeps what a head may take, looks at it, and passes the rest on: how much came together does
   not matter. A head that is longer than a message may be is refused by keep_whole. */
static enum reason keep_head(struct hub *hub, struct session *session,
                             struct intake *intake, const char *bytes, size_t size)
{
    size_t kept = intake->kept == NULL ? 0 : intake->kept->size;
    size_t most =
        intake->message_bytes_max < HEAD_MAX ? intake->message_bytes_max : HEAD_MAX;
    size_t taken = kept < most && most - kept < size ? most - kept : size;
    enum reason reason = keep_whole(hub, intake, bytes, taken);
    if (reason == REASON_NONE && intake->state == INTAKE_HEAD)
        reason = sort(hub, session, intake);
    if (reason == REASON_NONE && taken < size)
        reason = receive(hub, session, intake, bytes + taken, size - taken);
    return reason;
}

/* What a message may be at the most: a page, each byte of it written as \u00XX. Who holds one
   from the time when pages could be larger is told page_size, and is not closed for it. */
static size_t received_max(const struct hub *hub, const struct intake *intake)
{
    return 6 * hub->page_bytes_highest + intake->message_bytes_max;
}

static enum reason receive(struct hub *hub, struct session *session, struct intake *intake,
                           const char *bytes, size_t size)
{
    switch (intake->state) {
    case INTAKE_HEAD: return keep_head(hub, session, intake, bytes, size);
    case INTAKE_WHOLE: return keep_whole(hub, intake, bytes, size);
    case INTAKE_BODY: return receive_body(hub, intake, bytes, size);
    case INTAKE_TAIL: receive_tail(hub, intake, bytes, size); break;
    case INTAKE_SKIP: break;
    }
    return REASON_NONE;
}

/* A message that came in one part and is no page needs no copy. */
static bool passes_through(const struct hub *hub, const struct session *session,
                           const struct hub_part *part)
{
    struct frame frame;
    if (session->intake != NULL || !part->final ||
        part->size > hub->config.message_bytes_max)
        return false;
    enum wire_result result =
        wire_decode_head(WIRE_CLIENT, part->form, part->bytes, part->size, &frame);
    return result != WIRE_OK || !slice_is(frame.event, "content");
}

static enum reason count_part(const struct hub *hub, struct intake *intake,
                              const struct hub_part *part)
{
    if (intake->received == 0) intake->form = part->form;
    intake->fragments += part->fragment ? 1 : 0;
    intake->received += part->size;
    if (intake->fragments > intake->fragments_max) return REASON_FRAGMENTS;
    if (intake->received > received_max(hub, intake)) return REASON_MESSAGE_SIZE;
    if (intake->form == MESSAGE_TEXT &&
        (!json_feed_utf8(&intake->utf8, part->bytes, part->size) ||
         (part->final && intake->utf8.wanted > 0)))
        return REASON_BAD_UTF8;
    return REASON_NONE;
}

static struct intake *intake_new(const struct hub *hub, struct session *session)
{
    struct intake *intake = memory_new(sizeof *intake);
    if (intake == NULL) return NULL;
    intake->session = session;
    intake->page_bytes_max = hub->config.page_bytes_max;
    intake->message_bytes_max = hub->config.message_bytes_max;
    intake->fragments_max = hub->config.fragments_max;
    return intake;
}

static enum reason receive_part(struct hub *hub, struct session *session,
                                const struct hub_part *part, struct intake_message *message)
{
    if (passes_through(hub, session, part)) {
        *message = (struct intake_message){part->form, part->bytes, part->size};
        bool valid = part->form == MESSAGE_BINARY || json_is_utf8(part->bytes, part->size);
        return valid ? REASON_NONE : REASON_BAD_UTF8;
    }
    if (session->intake == NULL) session->intake = intake_new(hub, session);
    if (session->intake == NULL) return REASON_BUSY;
    struct intake *intake = session->intake;
    enum reason reason = count_part(hub, intake, part);
    if (reason == REASON_NONE)
        reason = receive(hub, session, intake, part->bytes, part->size);
    if (reason != REASON_NONE || !part->final) return reason;
    if (intake->holder != NULL) return end_answer(hub, intake);
    if (intake->state == INTAKE_SKIP) return REASON_NONE;
    const char *kept = intake->kept == NULL ? "" : (char *)message_bytes(intake->kept);
    *message = (struct intake_message){intake->form, kept,
                                       intake->kept == NULL ? 0 : intake->kept->size};
    return REASON_NONE;
}

enum reason intake_receive(struct hub *hub, struct session *session,
                           const struct hub_part *part, struct intake_message *message)
{
    struct hub_part addressed = *part; /* an empty one may come without an address */
    if (part->size == 0) addressed.bytes = "";
    return receive_part(hub, session, &addressed, message);
}
