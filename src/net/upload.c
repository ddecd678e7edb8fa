/* A page held over HTTP: PUT /<hash>.

   The request is a holder like any other: it opens a session, joins have:<hash> by the same
   frames, and waits. Its body is not read, by flow control, until the hub asks for the
   page; then it is passed on as it comes, as the session's one answer, and the hub checks
   its hash. A client can send its body only once, so that the session leaves behind its
   answer.

       waiting ─ content_request ─▶ asked ─ the whole body ─▶ leaving ─ reply ─▶ 201
          │                           │                          │
          └───────────────────────────┴──── a refusal ───────────┴─▶ its status

   What a client sends at once behind its headers the library has read already; it is kept,
   in a budget for all uploads together. A client that goes away is noticed by a look at its
   socket once a second, for the library does not look at one that it may not read. One that
   does not send what is wanted is given up by the hub, which says so.

   Whilst a socket is held back the library lets nothing be written either: it is let go
   when the body is wanted and when there is an answer. */
#include "upload.h"

#include "callers.h"
#include "http.h"
#include "policy.h"
#include "whilst/memory.h"
#include "whilst/wire.h"

#include <ctype.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define JOIN "1" /* references of the three messages that an upload sends */
#define CONTENT "2"
#define LEAVE "3"

struct upload {
    struct endpoint endpoint;
    struct server *server;
    struct lws *wsi;
    struct ring ring; /* in the server's uploads */
    struct page_hash hash;
    size_t size, came; /* of the body: as announced, and so far */
    uint8_t *early;    /* what came before it was wanted: all of `came` */
    unsigned status;   /* 0 until there is an answer */
    const char *why;   /* the answer's text */
    bool expects;      /* the client waits for "100 Continue" */
    bool asked;        /* somebody wants the page */
};

/* ---- answers ---- */

static const char text_late[] =
    "late: nobody waited for these bytes any more; send them again to be asked again\n";

/* What the hub's refusals, and ours, are in HTTP. */
static const struct refusal {
    enum reason reason;
    unsigned status;
    const char *why;
} refusals[] = {
    {REASON_NOT_ASKED, 408, "not_asked: the bytes were wanted, and did not come in time\n"},
    {REASON_PAGE_SIZE, 413, "page_size: this server relays no pages of that size\n"},
    {REASON_WRONG_BYTES, 422, "wrong_bytes: these bytes have another SHA-256\n"},
    {REASON_ADDRESS_CONNECTIONS, 429, "address_connections: too many from one address\n"},
    {REASON_JOIN_RATE, 429, "join_rate: too many at once\n"},
    {REASON_BLOCKED, 451,
     "blocked: the operator of this server does not relay this page\n"},
    {REASON_CONNECTIONS, 503, "connections: the server is full\n"},
    {REASON_RESTART, 503, "restart: the server is stopping\n"},
    {REASON_BUSY, 503, "busy: the server has no memory for this now\n"}, /* and others */
};

static const struct refusal *refusal_of(enum reason reason)
{
    size_t i = 0, last = sizeof refusals / sizeof refusals[0] - 1;
    while (i < last && refusals[i].reason != reason)
        i++;
    return &refusals[i];
}

/* `left`: some of the request's body has not come yet. */
static int send_answer(struct lws *wsi, unsigned status, const char *text, bool left)
{
    bool again = status == 408 || status == 429 || status == 503;
    struct http_answer answer = {
        .status = status,
        .type = "text/plain;charset=utf-8",
        .body = (const uint8_t *)text,
        .size = strlen(text),
        .headers = again ? "Cache-Control: no-store\r\nRetry-After: 10\r\n" POLICY_PLAIN
                         : "Cache-Control: no-store\r\n" POLICY_PLAIN,
        .close = left || status == 400 || status == 411 || server_of(wsi)->stopping,
        .body_left = left};
    return http_send(wsi, &answer);
}

static int refuse(struct lws *wsi, enum reason reason, bool left)
{
    const struct refusal *refusal = refusal_of(reason);
    hub_metrics(server_of(wsi)->hub)->refusals[reason]++;
    return send_answer(wsi, refusal->status, refusal->why, left);
}

/* ---- the life of an upload ---- */

static struct upload *upload_of(struct lws *wsi)
{
    struct caller *caller = caller_of(wsi);
    return caller == NULL ? NULL : caller->upload;
}

static void drop_early(struct upload *upload)
{
    if (upload->early == NULL) return;
    upload->server->metrics.early_bytes -= upload->came;
    memory_free(upload->early);
    upload->early = NULL;
}

/* The page is not held any more. */
static void end_session(struct upload *upload)
{
    server_disconnect(upload->server, &upload->endpoint);
    drop_early(upload);
    ring_remove(&upload->ring);
}

static void free_upload(struct upload *upload)
{
    struct caller *caller = caller_of(upload->wsi);
    end_session(upload);
    upload->server->metrics.uploads--;
    caller->upload = NULL;
    callers_take_back(caller);
    memory_free(upload);
}

/* There is an answer: it is written when the socket takes it. */
static void answer(struct upload *upload, unsigned status, const char *why)
{
    if (upload->status != 0) return;
    upload->status = status;
    upload->why = why;
    end_session(upload);
    lws_rx_flow_control(upload->wsi, 1);
    lws_callback_on_writable(upload->wsi);
}

static void fail(struct upload *upload, enum reason reason)
{
    const struct refusal *refusal = refusal_of(reason);
    answer(upload, refusal->status, refusal->why);
}

/* ---- frames ---- */

static void say(struct upload *upload, enum message_form form, const void *bytes,
                size_t size, bool first, bool last)
{
    struct hub_part part = {form, bytes, size, first, last};
    if (upload->endpoint.session != 0)
        server_receive(upload->server, &upload->endpoint, &part);
}

static void say_event(struct upload *upload, const char *ref, const char *event)
{
    char text[160], hex[HASH_HEX + 1];
    hash_to_hex(&upload->hash, 0, hex);
    int size = snprintf(text, sizeof text, "[\"" JOIN "\",\"%s\",\"have:%s\",\"%s\",{}]",
                        ref, hex, event);
    say(upload, MESSAGE_TEXT, text, (size_t)size, true, true);
}

/* The head of the answer, as a message whose payload is still to come. */
static void begin_content(struct upload *upload)
{
    char topic[5 + HASH_HEX + 1] = "have:";
    hash_to_hex(&upload->hash, 0, topic + 5);
    struct frame frame = {.kind = FRAME_PUSH,
                          .form = MESSAGE_BINARY,
                          .join_ref = {REF_STRING, slice_of(JOIN)},
                          .ref = {REF_STRING, slice_of(CONTENT)},
                          .topic = slice_of(topic),
                          .event = slice_of("content")};
    struct message *head = wire_encode_new(WIRE_CLIENT, &frame);
    if (head == NULL) {
        fail(upload, REASON_BUSY);
        return;
    }
    say(upload, MESSAGE_BINARY, message_bytes(head), head->size, true, false);
    message_unref(head);
}

/* Passes a part of the body on; behind its last byte the session leaves. The right bytes
   are not answered, but leaving is: so it is known what became of them. */
static void pass_on(struct upload *upload, const void *bytes, size_t size)
{
    bool last = upload->came == upload->size;
    say(upload, MESSAGE_BINARY, bytes, size, false, last);
    if (last) say_event(upload, LEAVE, "phx_leave");
}

static void on_asked(struct upload *upload)
{
    if (upload->asked) return;
    upload->asked = true;
    if (upload->came > 0) upload->expects = false; /* RFC 9110, section 10.1.1 */
    begin_content(upload);
    if (upload->came > 0 || upload->size == 0) pass_on(upload, upload->early, upload->came);
    drop_early(upload);
    if (upload->came == upload->size || upload->status != 0) return;
    lws_rx_flow_control(upload->wsi, 1);
    if (upload->expects) lws_callback_on_writable(upload->wsi);
}

/* The reason whose word stands in a payload as {"reason": WORD}. */
static enum reason reason_in(struct slice payload)
{
    struct slice word = wire_member(payload, "reason");
    if (word.size < 2) return REASON_BUSY;
    struct slice bare = {word.data + 1, word.size - 2};
    for (int reason = REASON_NONE + 1; reason < REASONS_END; reason++)
        if (slice_is(bare, reason_word((enum reason)reason))) return (enum reason)reason;
    return REASON_BUSY;
}

static void on_reply(struct upload *upload, const struct frame *frame)
{
    if (slice_is(frame->status, "error"))
        fail(upload, reason_in(frame->payload));
    else if (slice_is(frame->ref.text, CONTENT))
        answer(upload, 503, text_late);
    else if (slice_is(frame->ref.text, LEAVE))
        answer(upload, 201, "somebody has the page now\n");
}

static void on_take(struct endpoint *endpoint, struct message *message)
{
    struct upload *upload = NET_OWNER(endpoint, struct upload, endpoint);
    struct frame frame;
    bool decoded = wire_decode(WIRE_SERVER, message->form, message_bytes(message),
                               message->size, &frame) == WIRE_OK;
    if (decoded && slice_is(frame.event, "content_request"))
        on_asked(upload);
    else if (decoded && frame.kind == FRAME_REPLY)
        on_reply(upload, &frame);
    else if (decoded && slice_is(frame.event, "phx_error"))
        fail(upload, reason_in(frame.payload));
    message_unref(message);
}

static void on_close(struct endpoint *endpoint, uint16_t code, enum reason reason)
{
    (void)code;
    endpoint->session = 0;
    fail(NET_OWNER(endpoint, struct upload, endpoint), reason);
}

/* ---- requests ---- */

enum length { LENGTH_KNOWN, LENGTH_MISSING, LENGTH_BAD };

/* Digits and nothing else (RFC 9110, section 8.6); what is no number that fits is the
   largest that does. */
static enum length read_length(struct lws *wsi, size_t *length)
{
    char text[64];
    int size = lws_hdr_copy(wsi, text, sizeof text, WSI_TOKEN_HTTP_CONTENT_LENGTH);
    if (size == 0) return LENGTH_MISSING;
    if (size < 0) return LENGTH_BAD;
    *length = 0;
    for (int i = 0; i < size; i++) {
        if (!isdigit((unsigned char)text[i])) return LENGTH_BAD;
        if (*length < SIZE_MAX / 16) *length = 10 * *length + (size_t)(text[i] - '0');
    }
    return LENGTH_KNOWN;
}

/* RFC 9110, section 10.1.1: HTTP/1.0 has no such thing. */
static bool expects_continue(struct lws *wsi)
{
    char expect[32], version[16];
    return lws_hdr_copy(wsi, expect, sizeof expect, WSI_TOKEN_HTTP_EXPECT) > 0 &&
           lws_hdr_copy(wsi, version, sizeof version, WSI_TOKEN_HTTP) > 0 &&
           strcasecmp(expect, "100-continue") == 0 && strcmp(version, "HTTP/1.1") == 0;
}

/* A client that is cut off without a word is noticed in the time of a WebSocket's. */
static void watch_over(const struct upload *upload)
{
    const struct server_config *config = upload->server->config;
    int socket = lws_get_socket_fd(upload->wsi), one = 1, probes = 3;
    int idle = (int)(config->ping_ms / 1000) + 1;
    int interval = (int)(config->hang_up_ms > config->ping_ms
                             ? (config->hang_up_ms - config->ping_ms) / 3000
                             : 0) +
                   1;
    setsockopt(socket, SOL_SOCKET, SO_KEEPALIVE, &one, sizeof one);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPIDLE, &idle, sizeof idle);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPINTVL, &interval, sizeof interval);
    setsockopt(socket, IPPROTO_TCP, TCP_KEEPCNT, &probes, sizeof probes);
}

static struct upload *upload_new(struct lws *wsi, const struct page_hash *hash, size_t size)
{
    static const struct endpoint_kind kind = {on_take, on_close};
    struct upload *upload = memory_new(sizeof *upload);
    if (upload == NULL) return NULL;
    upload->endpoint.kind = &kind;
    upload->server = server_of(wsi);
    upload->wsi = wsi;
    upload->hash = *hash;
    upload->size = size;
    upload->expects = expects_continue(wsi);
    ring_init(&upload->ring);
    ring_append(&upload->server->uploads, &upload->ring);
    upload->server->metrics.uploads++;
    caller_of(wsi)->upload = upload;
    callers_lend(caller_of(wsi));
    watch_over(upload);
    return upload;
}

static int begin(struct lws *wsi, const struct page_hash *hash, size_t size)
{
    struct server *server = server_of(wsi);
    struct address from = callers_address(wsi);
    enum reason reason;
    struct upload *upload = upload_new(wsi, hash, size);
    if (upload == NULL) return refuse(wsi, REASON_BUSY, size > 0);
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* ours is upload_sweep */
    callers_hold_back(wsi);
    if (server_connect(server, &upload->endpoint, &from, &reason))
        say_event(upload, JOIN, "phx_join");
    else
        fail(upload, reason);
    return 0;
}

int upload_request(struct lws *wsi, const struct page_hash *hash, bool body)
{
    struct server *server = server_of(wsi);
    size_t size;
    enum length length = read_length(wsi, &size);
    if (length == LENGTH_MISSING)
        return send_answer(wsi, 411, "say in Content-Length how long the page is\n", body);
    if (length == LENGTH_BAD) return send_answer(wsi, 400, "this is no length\n", body);
    if (size > hub_settings(server->hub)->page_bytes_max)
        return refuse(wsi, REASON_PAGE_SIZE, body);
    if (server->stopping) return refuse(wsi, REASON_RESTART, body);
    if (server->metrics.uploads >= server->config->uploads_max)
        return refuse(wsi, REASON_CONNECTIONS, body);
    if (memory_is_short()) return refuse(wsi, REASON_BUSY, body);
    return begin(wsi, hash, size);
}

/* ---- events ---- */

/* Keeps what came before it was wanted. */
static bool keep_early(struct upload *upload, const void *bytes, size_t size)
{
    struct server *server = upload->server;
    if (server->metrics.early_bytes + size > server->config->early_bytes_max) return false;
    uint8_t *early = memory_resize(upload->early, upload->came + size);
    if (early == NULL) return false;
    memcpy(early + upload->came, bytes, size);
    upload->early = early;
    upload->came += size;
    server->metrics.early_bytes += size;
    return true;
}

int upload_body(struct lws *wsi, const void *bytes, size_t size)
{
    struct upload *upload = upload_of(wsi);
    if (upload == NULL) return callers_skipped(wsi);
    if (upload->status != 0) {
        upload->came += size;
    } else if (upload->asked) {
        upload->came += size;
        pass_on(upload, bytes, size);
    } else if (!keep_early(upload, bytes, size)) {
        hub_metrics(upload->server->hub)->refusals[REASON_BUSY]++;
        fail(upload, REASON_BUSY); /* before they count: what was kept is given back */
        upload->came += size;
    }
    return 0;
}

/* What may follow is the next request. The library would ask for it again and again. */
int upload_body_complete(struct lws *wsi)
{
    const struct upload *upload = upload_of(wsi);
    if (upload == NULL) return -1;
    if (upload->status == 0) callers_hold_back(wsi);
    return 0;
}

static int write_continue(struct upload *upload)
{
    static const char line[] = "HTTP/1.1 100 Continue\r\n\r\n";
    uint8_t buffer[LWS_PRE + sizeof line];
    upload->expects = false;
    memcpy(buffer + LWS_PRE, line, sizeof line - 1);
    return lws_write(upload->wsi, buffer + LWS_PRE, sizeof line - 1, LWS_WRITE_HTTP) < 0
               ? -1
               : 0;
}

int upload_writeable(struct lws *wsi)
{
    struct upload *upload = upload_of(wsi);
    if (upload->status == 0)
        return upload->expects && upload->asked ? write_continue(upload) : 0;
    unsigned status = upload->status;
    const char *why = upload->why;
    bool left = upload->came < upload->size;
    if (status == 201) upload->server->metrics.uploads_served_total++;
    free_upload(upload);
    return send_answer(wsi, status, why, left);
}

int upload_closed(struct lws *wsi)
{
    struct upload *upload = upload_of(wsi);
    if (upload != NULL) free_upload(upload);
    return 0;
}

/* ---- time ---- */

/* Those that have gone are taken out first: the end of one may be the answer to others,
   which leave the ring. */
void upload_sweep(struct server *server)
{
    struct ring *next, gone;
    ring_init(&gone);
    for (struct ring *at = server->uploads.next; at != &server->uploads; at = next) {
        struct lws *wsi = NET_OWNER(at, struct upload, ring)->wsi;
        next = at->next;
        /* The library sets one again behind each part of a body. */
        lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0);
        if (callers_gone(wsi)) ring_append(&gone, at);
    }
    while (!ring_is_empty(&gone)) {
        struct upload *upload = NET_OWNER(gone.next, struct upload, ring);
        end_session(upload);
        server_end_socket(upload->wsi, 0);
    }
}

void upload_stop_all(struct server *server)
{
    while (!ring_is_empty(&server->uploads))
        fail(NET_OWNER(server->uploads.next, struct upload, ring), REASON_RESTART);
}
