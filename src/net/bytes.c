/* A page's bytes over HTTP.

   The request is a seeker like any other: it opens a session, joins want:<hash> by the same
   frames, and answers with what the hub then sends: the bytes, whose hash the hub has
   checked before the first of them is written, or a status that says why there are none. An
   exchange exists from such a request to the end of its answer or of its connection.

   Whilst a request is being served the library reads nothing, but wakes up for each byte
   that waits: whilst the page is being sought the socket is held back, and whether the
   client is still there is looked up once a second. One that has said more, or gone, and
   does not read its answer either is cut off. */
#include "bytes.h"

#include "callers.h"
#include "http.h"

#include "whilst/memory.h"
#include "whilst/wire.h"

#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK ((size_t)64 << 10)
#define IMPATIENT_MS 1000

struct exchange {
    struct endpoint endpoint;
    struct server *server;
    struct lws *wsi;
    struct ring waiting; /* in the server's ring, by since_ms */
    uint64_t since_ms;   /* the request came, or the client last took something, or, whilst
                            counting, when that is over */
    struct page_hash hash;
    unsigned status;         /* 0 until there is an answer */
    struct message *message; /* holds the page's bytes, at its end */
    const uint8_t *bytes;
    size_t size, sent;
    bool head_sent;
    bool head;   /* the request was HEAD */
    bool absent; /* nobody holds the page, but somebody may come back with it */
};

/* ---- what a page is ---- */

/* Raster pictures, audio and video by their first bytes (WHATWG MIME Sniffing, section 6);
   `?` stands for any byte. Everything else is text or unknown. */
static const struct signature {
    const char *type;
    size_t length;
    const char *bytes;
} signatures[] = {
    {"image/png", 8, "\x89PNG\r\n\x1a\n"},
    {"image/jpeg", 3, "\xff\xd8\xff"},
    {"image/gif", 6, "GIF87a"},
    {"image/gif", 6, "GIF89a"},
    {"image/webp", 12, "RIFF????WEBP"},
    {"image/avif", 12, "????ftypavif"},
    {"image/bmp", 2, "BM"},
    {"audio/mpeg", 3, "ID3"},
    {"audio/wave", 12, "RIFF????WAVE"},
    {"audio/flac", 4, "fLaC"},
    {"application/ogg", 4, "OggS"},
    {"video/mp4", 8, "????ftyp"},
    {"video/webm", 4, "\x1a\x45\xdf\xa3"},
};

static bool has_signature(const struct exchange *exchange,
                          const struct signature *signature)
{
    if (exchange->size < signature->length) return false;
    for (size_t i = 0; i < signature->length; i++)
        if (signature->bytes[i] != '?' &&
            exchange->bytes[i] != (uint8_t)signature->bytes[i])
            return false;
    return true;
}

static const char *type_of(const struct exchange *exchange)
{
    if (wire_is_text(exchange->bytes, exchange->size)) return "text/plain;charset=utf-8";
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (has_signature(exchange, &signatures[i])) return signatures[i].type;
    return "application/octet-stream";
}

/* ---- answers ---- */

static void print_headers(const struct server *server, const struct page_hash *hash,
                          const char *type, char *out, size_t size)
{
    char hex[HASH_HEX + 1], base64[48], name[HASH_BASE64URL + 1];
    hash_to_hex(hash, 0, hex);
    hash_to_base64url(hash, name);
    EVP_EncodeBlock((unsigned char *)base64, hash->bytes, HASH_BYTES);
    snprintf(out, size,
             "Repr-Digest: sha-256=:%s:\r\nETag: \"sha256-%s\"\r\nVary: Accept\r\n"
             "Cache-Control: no-store, no-transform\r\n"
             "Content-Security-Policy: sandbox; default-src 'none'\r\n"
             "Cross-Origin-Resource-Policy: cross-origin\r\n"
             "Access-Control-Allow-Origin: *\r\n"
             "Link: <%s/.well-known/ni/sha-256/%s>; rel=\"alternate\"\r\n%s",
             base64, hex, server->config->base_path, name,
             strcmp(type, "application/octet-stream") == 0
                 ? "Content-Disposition: attachment\r\n"
                 : "");
}

static const struct refusal {
    unsigned status;
    const char *body;
} refusals[] = {
    {451, "the operator of this server does not relay this page\n"},
    {404, "nobody is holding this page right now\n"},
    {429, "there are too many connections from one address\n"},
    {502, "every holder of this page sent something else\n"},
    {503, "the server is full or stopping, try again later\n"},
    {504, "the holders of this page did not answer\n"},
};

static int send_refusal(struct lws *wsi, unsigned status, bool head)
{
    struct http_answer answer = {
        .status = status,
        .type = "text/plain;charset=utf-8",
        .headers = "Cache-Control: no-store\r\nRetry-After: 10\r\nVary: Accept\r\n"
                   "Content-Security-Policy: sandbox; default-src 'none'\r\n"
                   "Cross-Origin-Resource-Policy: cross-origin\r\n"
                   "Access-Control-Allow-Origin: *\r\n",
        .head = head};
    for (size_t i = 0; i < sizeof refusals / sizeof refusals[0]; i++)
        if (refusals[i].status == status) {
            answer.body = (const uint8_t *)refusals[i].body;
            answer.size = strlen(refusals[i].body);
        }
    return http_send(wsi, &answer);
}

/* For a HEAD, and for whoever has the page already; nobody is asked. */
static int send_without_body(struct lws *wsi, const struct page_hash *hash, unsigned status)
{
    struct server *server = server_of(wsi);
    uint32_t size = hub_page_bytes(server->hub, hash);
    char headers[1536];
    print_headers(server, hash, "", headers, sizeof headers);
    if (status == 200) {
        size_t length = strlen(headers);
        snprintf(headers + length, sizeof headers - length, "Whilst-Holders: %u\r\n",
                 (unsigned)hub_holders(server->hub, hash));
    }
    struct http_answer answer = {.status = status,
                                 .headers = headers,
                                 .size = size,
                                 .head = true,
                                 .length_unknown = size == 0};
    return http_send(wsi, &answer);
}

/* ---- exchanges ---- */

static struct exchange *exchange_of(struct lws *wsi)
{
    struct caller *caller = caller_of(wsi);
    return caller == NULL ? NULL : caller->exchange;
}

static void drop_page(struct exchange *exchange)
{
    ring_remove(&exchange->waiting);
    if (exchange->message == NULL) return;
    server_unqueue(exchange->server, exchange->message);
    message_unref(exchange->message);
    exchange->message = NULL;
}

static void free_exchange(struct exchange *exchange)
{
    server_disconnect(exchange->server, &exchange->endpoint);
    drop_page(exchange);
    caller_of(exchange->wsi)->exchange = NULL;
    callers_note_request(caller_of(exchange->wsi));
    memory_free(exchange);
}

static void note_progress(struct exchange *exchange)
{
    exchange->since_ms = server_now_ms(exchange->server);
    ring_append(exchange->status == 0 ? &exchange->server->asking
                                      : &exchange->server->writing,
                &exchange->waiting);
}

/* There is an answer: it is written when the socket takes it. */
static void answer(struct exchange *exchange, unsigned status)
{
    if (exchange->status != 0) return;
    exchange->status = status;
    note_progress(exchange);
    lws_rx_flow_control(exchange->wsi, 1);
    lws_callback_on_writable(exchange->wsi);
}

static void on_close(struct endpoint *endpoint, uint16_t code, enum reason reason)
{
    struct exchange *exchange = NET_OWNER(endpoint, struct exchange, endpoint);
    (void)code, (void)reason;
    endpoint->session = 0;
    answer(exchange, 503);
}

static void take_status(struct exchange *exchange, struct slice payload)
{
    bool searches = slice_is(wire_member(payload, "state"), "\"searching\"");
    bool held = !slice_is(wire_member(payload, "holders"), "0");
    if (searches && held && exchange->head) answer(exchange, 200);
    exchange->absent = searches && !held;
    if (!slice_is(wire_member(payload, "state"), "\"nobody\"")) return;
    struct slice reason = wire_member(payload, "reason");
    answer(exchange, slice_is(reason, "\"silent\"")        ? 504
                     : slice_is(reason, "\"wrong_bytes\"") ? 502
                                                           : 404);
}

static void on_take(struct endpoint *endpoint, struct message *message)
{
    struct exchange *exchange = NET_OWNER(endpoint, struct exchange, endpoint);
    struct frame frame;
    bool decoded = wire_decode(WIRE_SERVER, message->form, message_bytes(message),
                               message->size, &frame) == WIRE_OK;
    if (decoded && slice_is(frame.event, "content") && exchange->status == 0) {
        exchange->message = message_ref(message);
        exchange->bytes = (const uint8_t *)frame.payload.data;
        exchange->size = frame.payload.size;
        answer(exchange, 200);
        server_queue(exchange->server, message);
    } else if (decoded && slice_is(frame.event, "status")) {
        take_status(exchange, frame.payload);
    } else if (decoded && slice_is(frame.status, "error")) {
        answer(exchange, 503);
    } else if (decoded && slice_is(frame.event, "phx_error")) {
        answer(exchange, 451);
    } else if (decoded && slice_is(frame.event, "error")) {
        answer(exchange, 503);
    }
    message_unref(message);
}

static void join(struct exchange *exchange)
{
    char text[160], hex[HASH_HEX + 1];
    hash_to_hex(&exchange->hash, 0, hex);
    int size = snprintf(text, sizeof text,
                        "[\"1\",\"1\",\"want:%s\",\"phx_join\","
                        "{\"binary\":true,\"status\":true}]",
                        hex);
    struct hub_part part = {.form = MESSAGE_TEXT,
                            .bytes = text,
                            .size = (size_t)size,
                            .fragment = true,
                            .final = true};
    server_receive(exchange->server, &exchange->endpoint, &part);
}

static struct exchange *exchange_new(struct lws *wsi, const struct page_hash *hash,
                                     bool head)
{
    static const struct endpoint_kind kind = {on_take, on_close};
    struct server *server = server_of(wsi);
    struct exchange *exchange = memory_new(sizeof *exchange);
    if (exchange == NULL) return NULL;
    exchange->endpoint.kind = &kind;
    exchange->server = server;
    exchange->wsi = wsi;
    exchange->hash = *hash;
    exchange->head = head;
    ring_init(&exchange->waiting);
    note_progress(exchange);
    caller_of(wsi)->exchange = exchange;
    lws_set_timeout(wsi, NO_PENDING_TIMEOUT, 0); /* ours is bytes_sweep */
    callers_hold_back(wsi);
    return exchange;
}

static int begin(struct lws *wsi, const struct page_hash *hash, bool head)
{
    struct server *server = server_of(wsi);
    struct address from = callers_address(wsi);
    struct exchange *exchange = exchange_new(wsi, hash, head);
    enum reason reason;
    if (exchange == NULL) return -1;
    if (server_connect(server, &exchange->endpoint, &from, &reason))
        join(exchange);
    else
        answer(exchange, reason == REASON_ADDRESS_CONNECTIONS ? 429 : 503);
    return 0;
}

/* Other nodes have had time to tell their counts, and those asked before all others. */
static void on_counted(uv_timer_t *timer)
{
    struct server *server = timer->data;
    while (!ring_is_empty(&server->counting)) {
        struct exchange *first = NET_OWNER(server->counting.next, struct exchange, waiting);
        uint64_t now = server_now_ms(server);
        if (first->since_ms > now) {
            uv_timer_start(timer, on_counted, first->since_ms - now, 0);
            return;
        }
        answer(first, hub_holders(server->hub, &first->hash) > 0 ? 200 : 404);
    }
}

/* A HEAD for a page that nobody here is at: other nodes may say that somebody is. */
static int begin_counting(struct lws *wsi, const struct page_hash *hash, uint32_t wait_ms)
{
    struct server *server = server_of(wsi);
    struct exchange *exchange = exchange_new(wsi, hash, true);
    if (exchange == NULL) return -1;
    exchange->since_ms += wait_ms;
    ring_append(&server->counting, &exchange->waiting);
    if (!uv_is_active((uv_handle_t *)&server->count_timer))
        uv_timer_start(&server->count_timer, on_counted, wait_ms, 0);
    return 0;
}

int bytes_request(struct lws *wsi, const struct page_hash *hash, bool head, bool known)
{
    struct server *server = server_of(wsi);
    if (known && !hub_denies(server->hub, hash)) return send_without_body(wsi, hash, 304);
    if (hub_denies(server->hub, hash)) return send_refusal(wsi, 451, head);
    bool held = hub_holders(server->hub, hash) > 0;
    if (!head || (!held && hub_awaits(server->hub))) return begin(wsi, hash, head);
    uint32_t wait_ms = held ? 0 : hub_ask_holders(server->hub, hash, server_now_ms(server));
    if (!held) server_settle(server);
    if (wait_ms > 0) return begin_counting(wsi, hash, wait_ms);
    if (!held) return send_refusal(wsi, 404, true);
    return send_without_body(wsi, hash, 200);
}

static bool write_head(struct exchange *exchange)
{
    uint8_t buffer[LWS_PRE + HTTP_HEAD_MAX];
    char headers[1536];
    const char *type = type_of(exchange);
    print_headers(exchange->server, &exchange->hash, type, headers, sizeof headers);
    struct http_answer answer = {
        .status = 200, .type = type, .size = exchange->size, .headers = headers};
    size_t size =
        http_print_head(exchange->wsi, &answer, (char *)buffer + LWS_PRE, HTTP_HEAD_MAX);
    exchange->head_sent = true;
    exchange->server->metrics.http_requests_total++;
    return lws_write(exchange->wsi, buffer + LWS_PRE, size, LWS_WRITE_HTTP_HEADERS) >= 0;
}

static bool write_chunk(struct exchange *exchange)
{
    size_t left = exchange->size - exchange->sent;
    size_t size = left < CHUNK ? left : CHUNK;
    /* The library does not write into an HTTP body; its pointer is not const for other
     * roles. */
    uint8_t *at = (uint8_t *)(uintptr_t)(exchange->bytes + exchange->sent);
    exchange->sent += size;
    return lws_write(exchange->wsi, at, size,
                     size == left ? LWS_WRITE_HTTP_FINAL : LWS_WRITE_HTTP) >= 0;
}

int bytes_writeable(struct lws *wsi)
{
    struct exchange *exchange = exchange_of(wsi);
    if (exchange == NULL || exchange->status == 0) return 0;
    if (exchange->status == 200 && exchange->head) {
        struct page_hash hash = exchange->hash;
        free_exchange(exchange);
        return send_without_body(wsi, &hash, 200);
    }
    if (exchange->status == 200 && exchange->message == NULL) return -1; /* cut off */
    if (exchange->status != 200) {
        unsigned status = exchange->status;
        bool head = exchange->head;
        free_exchange(exchange);
        return send_refusal(wsi, status, head);
    }
    if (!exchange->head_sent && !write_head(exchange)) return -1;
    if (exchange->sent < exchange->size && !lws_partial_buffered(wsi) &&
        !write_chunk(exchange))
        return -1;
    note_progress(exchange);
    if (exchange->sent < exchange->size) {
        lws_callback_on_writable(wsi);
        return 0;
    }
    free_exchange(exchange);
    return server_of(wsi)->stopping ? -1 : callers_answered(wsi);
}

int bytes_closed(struct lws *wsi)
{
    struct exchange *exchange = exchange_of(wsi);
    if (exchange != NULL) free_exchange(exchange);
    return 0;
}

static void cut(struct exchange *exchange)
{
    hub_metrics(exchange->server->hub)->refusals[REASON_SLOW_READER]++;
    drop_page(exchange);
    server_end_socket(exchange->wsi, 0);
}

/* The oldest of a ring if it has been there for so long, or NULL. */
static struct exchange *overdue(struct server *server, struct ring *ring, uint32_t after_ms)
{
    struct exchange *oldest = NET_OWNER(ring->next, struct exchange, waiting);
    if (ring_is_empty(ring) || oldest->since_ms + after_ms > server_now_ms(server))
        return NULL;
    return oldest;
}

/* They are taken out first: the end of one may be the answer to others, which leave the
   ring. */
static void end_gone(struct server *server)
{
    struct ring *next, gone;
    ring_init(&gone);
    for (struct ring *at = server->asking.next; at != &server->asking; at = next) {
        next = at->next;
        if (callers_gone(NET_OWNER(at, struct exchange, waiting)->wsi))
            ring_append(&gone, at);
    }
    while (!ring_is_empty(&gone)) {
        struct exchange *exchange = NET_OWNER(gone.next, struct exchange, waiting);
        ring_remove(&exchange->waiting);
        server_disconnect(server, &exchange->endpoint);
        server_end_socket(exchange->wsi, 0);
    }
}

/* They keep the loop awake. */
static void cut_impatient(struct server *server)
{
    uint64_t now_ms = server_now_ms(server);
    struct ring *next;
    for (struct ring *at = server->writing.next; at != &server->writing; at = next) {
        struct exchange *exchange = NET_OWNER(at, struct exchange, waiting);
        next = at->next;
        if (now_ms < exchange->since_ms + IMPATIENT_MS) return;
        if (callers_waits_to_be_read(exchange->wsi)) cut(exchange);
    }
}

void bytes_sweep(struct server *server)
{
    struct exchange *exchange;
    end_gone(server);
    cut_impatient(server);
    while ((exchange = overdue(server, &server->asking, server->config->fetch_ms)) != NULL)
        answer(exchange, exchange->absent ? 404 : 504);
    while (overdue(server, &server->writing, server->config->write_ms) != NULL)
        bytes_cut_slowest(server);
}

bool bytes_slowest_ms(struct server *server, uint32_t *age_ms)
{
    const struct ring *first = server->writing.next;
    if (first == &server->writing) return false;
    uint64_t since_ms = NET_OWNER(first, struct exchange, waiting)->since_ms;
    *age_ms = (uint32_t)(server_now_ms(server) - since_ms);
    return true;
}

void bytes_cut_slowest(struct server *server)
{
    cut(NET_OWNER(server->writing.next, struct exchange, waiting));
}
