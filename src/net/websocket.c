/* WebSocket connections: a socket, an outbox and the signs of life.

   A connection exists from the library's ESTABLISHED to its CLOSED. What the hub sends it
   waits in its outbox and is written at the end of the same turn of the loop. A client that
   takes nothing for write_ms, or whose outbox is full, is cut off. Time is kept in three
   rings ordered by age (quiet, pinged, waiting), of which only the first members are ever
   looked at: the library's own timers stand in one sorted list, which a crowd makes slow.
   There are as many connections as visitors: each byte of theirs counts. */
#include "websocket.h"

#include "callers.h"
#include "outbox.h"
#include "whilst/memory.h"
#include "whilst/wire.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

#define CLOSE_SECONDS 5              /* for the client to answer our close frame */
#define CUT_OFF_SECONDS 2            /* for one who does not read, to take a close frame */
#define LIFE_BYTES ((size_t)4 << 10) /* of a message: they count as a sign of life */

struct connection {
    enum owner owner;
    uint32_t part_bytes; /* received since the last sign of life */
    struct endpoint endpoint;
    struct lws *wsi;
    struct outbox outbox;
    struct connection *next_dirty;
    struct ring life;               /* in quiet or pinged */
    struct ring waiting;            /* in waiting whilst the client does not read */
    uint32_t heard_ms, progress_ms; /* moments */
    uint32_t heard_turn; /* the turn of the loop in which it last said something */
    uint16_t close_code; /* 0 until the connection is to be closed */
    uint8_t close_reason;
    bool dirty : 1, ping_due : 1, close_sent : 1, frame_open : 1, given_up : 1;
};

static struct connection *connection_of(struct lws *wsi)
{
    struct connection *connection = lws_get_opaque_user_data(wsi);
    return connection != NULL && connection->owner == OWNER_CONNECTION ? connection : NULL;
}

static void mark_dirty(struct connection *connection)
{
    struct server *server = server_of(connection->wsi);
    if (connection->dirty) return;
    connection->dirty = true;
    connection->next_dirty = server->dirty;
    server->dirty = connection;
}

/* ---- the end ---- */

static void drop_outbox(struct connection *connection)
{
    outbox_drop(&connection->outbox, server_of(connection->wsi));
    ring_remove(&connection->waiting);
}

/* For the hub it is gone; its socket ends by itself. */
static void end_session(struct connection *connection)
{
    drop_outbox(connection);
    ring_remove(&connection->life);
    server_disconnect(server_of(connection->wsi), &connection->endpoint);
}

/* Says goodbye with a code as soon as the outbox is empty. */
static void close_later(struct connection *connection, uint16_t code, enum reason reason)
{
    connection->endpoint.session = 0;
    if (connection->close_code != 0) return;
    connection->close_code = code;
    connection->close_reason = (uint8_t)reason;
    mark_dirty(connection);
}

static void on_close(struct endpoint *endpoint, uint16_t code, enum reason reason)
{
    close_later(NET_OWNER(endpoint, struct connection, endpoint), code, reason);
}

/* Counted once, though its socket may take a while to end: it may be silent as well, and
   still not read. */
static void give_up(struct connection *connection, enum reason reason)
{
    if (!connection->given_up)
        hub_metrics(server_of(connection->wsi)->hub)->refusals[reason]++;
    connection->given_up = true;
}

/* The client does not read, or there is no memory to queue what it should: no use in telling
   it more. */
static void cut_off(struct connection *connection, enum reason reason)
{
    struct server *server = server_of(connection->wsi);
    give_up(connection, reason);
    drop_outbox(connection);
    server_disconnect(server, &connection->endpoint);
    close_later(connection, reason == REASON_BUSY ? 1013 : 1008, reason);
    server_end_socket(connection->wsi, CUT_OFF_SECONDS);
}

static struct connection *slowest(const struct server *server)
{
    return ring_is_empty(&server->waiting)
               ? NULL
               : NET_OWNER(server->waiting.next, struct connection, waiting);
}

bool websocket_slowest_ms(struct server *server, uint32_t *age_ms)
{
    const struct connection *connection = slowest(server);
    if (connection != NULL) *age_ms = server_age_ms(server, connection->progress_ms);
    return connection != NULL;
}

void websocket_cut_slowest(struct server *server)
{
    cut_off(slowest(server), REASON_SLOW_READER);
}

/* ---- writing ---- */

static void on_take(struct endpoint *endpoint, struct message *message)
{
    struct connection *connection = NET_OWNER(endpoint, struct connection, endpoint);
    if (connection->close_code != 0) {
        message_unref(message);
        return;
    }
    mark_dirty(connection);
    enum reason reason =
        outbox_put(&connection->outbox, server_of(connection->wsi), message);
    if (reason != REASON_NONE) cut_off(connection, reason);
}

/* The ping carries a byte: the library tells us of no pong that is empty. */
static bool write_ping(struct connection *connection)
{
    uint8_t buffer[LWS_PRE + 1] = {0};
    connection->ping_due = false;
    return lws_write(connection->wsi, buffer + LWS_PRE, 1, LWS_WRITE_PING) >= 0;
}

/* Writes the close frame (RFC 6455, section 5.5.1), as raw bytes. The library's own way,
   lws_close_reason and -1 from the callback, is no use: where it is built for debugging it
   closes twice, and the second time kills the socket before the frame is out. */
static bool write_close(struct connection *connection)
{
    uint8_t buffer[LWS_PRE + 4 + 64], *frame = buffer + LWS_PRE;
    const char *word = reason_word((enum reason)connection->close_reason);
    size_t size = strlen(word);
    frame[0] = 0x88;
    frame[1] = (uint8_t)(2 + size);
    frame[2] = (uint8_t)(connection->close_code >> 8);
    frame[3] = (uint8_t)connection->close_code;
    memcpy(frame + 4, word, size);
    connection->close_sent = true;
    ring_remove(&connection->life);
    server_end_socket(connection->wsi, CLOSE_SECONDS);
    return lws_write(connection->wsi, frame, 4 + size, LWS_WRITE_HTTP) >= 0;
}

/* Whether the library closes, as it does by itself after a frame that breaks RFC 6455; it
   tells us only when all is over. */
static bool library_closes(const struct connection *connection)
{
    return lws_get_close_length(connection->wsi) > 0;
}

/* Writes until the socket takes no more, or the turn is over; false if the socket is dead.
   The library's own close frame goes out in the turn after the fault: what the client said
   before is answered until then, and nothing is written behind it. */
static bool write_some(struct connection *connection)
{
    size_t turn = 0, written = 0;
    bool closes = library_closes(connection);
    if (closes && connection->heard_turn != server_of(connection->wsi)->turn)
        drop_outbox(connection);
    while (turn < OUTBOX_TURN && !connection->close_sent &&
           !lws_partial_buffered(connection->wsi)) {
        if (connection->ping_due && !closes) {
            if (!write_ping(connection)) return false;
        } else if (!outbox_is_empty(&connection->outbox)) {
            if (!outbox_write(&connection->outbox, connection->wsi, &written)) return false;
            turn += written > 0 ? written : 1;
        } else {
            return closes || connection->close_code == 0 || write_close(connection);
        }
    }
    return true;
}

static void drained(struct connection *connection)
{
    connection->outbox.paged = false;
    if (connection->endpoint.session != 0)
        server_drained(server_of(connection->wsi), &connection->endpoint);
}

static bool has_more(const struct connection *connection)
{
    return !outbox_is_empty(&connection->outbox) || lws_partial_buffered(connection->wsi);
}

/* Keeps the ring of clients that do not read: ordered by when they last took something. */
static void note_progress(struct connection *connection)
{
    struct server *server = server_of(connection->wsi);
    if (!has_more(connection)) {
        ring_remove(&connection->waiting);
        if (connection->outbox.paged) drained(connection);
        return;
    }
    if (connection->given_up) return;
    connection->progress_ms = server_moment(server);
    ring_append(&server->waiting, &connection->waiting);
}

static void flush(struct connection *connection)
{
    if (lws_partial_buffered(connection->wsi)) {
        if (ring_is_empty(&connection->waiting)) note_progress(connection);
        lws_callback_on_writable(connection->wsi);
        return;
    }
    if (!write_some(connection)) {
        server_end_socket(connection->wsi, 0);
        return;
    }
    if (library_closes(connection)) end_session(connection);
    note_progress(connection);
    if (has_more(connection)) lws_callback_on_writable(connection->wsi);
}

void websocket_flush(struct server *server)
{
    while (server->dirty != NULL) {
        struct connection *connection = server->dirty;
        server->dirty = connection->next_dirty;
        connection->dirty = false;
        flush(connection);
    }
    server->turn++;
}

int websocket_writeable(struct lws *wsi)
{
    struct connection *connection = connection_of(wsi);
    if (connection == NULL || !write_some(connection)) return -1;
    note_progress(connection);
    if (has_more(connection)) lws_callback_on_writable(wsi);
    return 0;
}

/* ---- life ---- */

static void note_life(struct connection *connection)
{
    struct server *server = server_of(connection->wsi);
    connection->heard_ms = server_moment(server);
    connection->part_bytes = 0;
    ring_append(&server->quiet, &connection->life);
}

int websocket_established(struct lws *wsi)
{
    static const struct endpoint_kind kind = {on_take, on_close};
    struct server *server = server_of(wsi);
    callers_leave(wsi);
    struct connection *connection = memory_new(sizeof *connection);
    struct address from = callers_address(wsi);
    enum reason reason;
    if (connection == NULL) return -1;
    connection->owner = OWNER_CONNECTION;
    connection->endpoint.kind = &kind;
    connection->wsi = wsi;
    ring_init(&connection->life);
    ring_init(&connection->waiting);
    lws_set_opaque_user_data(wsi, connection);
    server->metrics.upgrades_total++;
    server->connections++;
    note_life(connection);
    if (server->stopping)
        close_later(connection, 1012, REASON_RESTART);
    else if (!server_connect(server, &connection->endpoint, &from, &reason))
        close_later(connection, 1013, reason);
    return 0;
}

int websocket_received(struct lws *wsi, const void *bytes, size_t size)
{
    struct server *server = server_of(wsi);
    struct connection *connection = connection_of(wsi);
    if (connection == NULL) return -1;
    struct hub_part part = {
        .form = lws_frame_is_binary(wsi) ? MESSAGE_BINARY : MESSAGE_TEXT,
        .bytes = bytes,
        .size = size,
        .fragment = !connection->frame_open,
        .final = lws_is_final_fragment(wsi) != 0,
    };
    connection->heard_turn = server->turn;
    connection->frame_open = lws_remaining_packet_payload(wsi) > 0;
    connection->part_bytes += (uint32_t)size;
    if (part.final || connection->part_bytes >= LIFE_BYTES) note_life(connection);
    if (connection->endpoint.session != 0)
        inbox_take(server, wsi, &connection->endpoint, &part, connection->frame_open);
    return 0;
}

int websocket_pong(struct lws *wsi)
{
    struct connection *connection = connection_of(wsi);
    if (connection != NULL) note_life(connection);
    return 0;
}

/* The code that a wrong close frame is answered with, or 0 (RFC 6455, sections 5.5.1 and
   7.4). The library has seen to the codes below 3000. */
static uint16_t close_fault(const uint8_t *payload, size_t size)
{
    if (size == 1) return 1002;
    if (size >= 2 && (payload[0] << 8 | payload[1]) >= 5000) return 1002;
    return size > 2 && !wire_is_text(payload + 2, size - 2) ? 1007 : 0;
}

static int refuse_close(struct connection *connection, uint16_t code)
{
    enum reason reason = code == 1007 ? REASON_BAD_UTF8 : REASON_NONE;
    if (reason != REASON_NONE)
        hub_metrics(server_of(connection->wsi)->hub)->refusals[reason]++;
    connection->close_code = code;
    connection->close_reason = (uint8_t)reason;
    write_close(connection);
    return -1;
}

/* The library answers. What little still waits for the client goes before that. */
int websocket_peer_closes(struct lws *wsi, const uint8_t *payload, size_t size)
{
    struct connection *connection = connection_of(wsi);
    if (connection == NULL || connection->close_sent) return -1;
    uint16_t fault = close_fault(payload, size);
    if (fault != 0) return refuse_close(connection, fault);
    if (connection->outbox.bytes <= OUTBOX_TURN && !write_some(connection)) return -1;
    if (connection->close_sent) return -1;
    end_session(connection);
    return 0;
}

static void clean(struct connection *connection)
{
    struct connection **at = &server_of(connection->wsi)->dirty;
    while (connection->dirty && *at != connection)
        at = &(*at)->next_dirty;
    if (connection->dirty) *at = connection->next_dirty;
    connection->dirty = false;
}

int websocket_closed(struct lws *wsi)
{
    struct connection *connection = connection_of(wsi);
    if (connection == NULL) return 0;
    drop_outbox(connection);
    inbox_forget(server_of(wsi), wsi, &connection->endpoint);
    server_disconnect(server_of(wsi), &connection->endpoint);
    clean(connection);
    server_of(wsi)->connections--;
    ring_remove(&connection->life);
    lws_set_opaque_user_data(wsi, NULL);
    memory_free(connection);
    return 0;
}

/* ---- time ---- */

static void ping_quiet(struct server *server)
{
    while (!ring_is_empty(&server->quiet)) {
        struct connection *connection =
            NET_OWNER(server->quiet.next, struct connection, life);
        if (server_age_ms(server, connection->heard_ms) < server->config->ping_ms) return;
        ring_append(&server->pinged, &connection->life);
        connection->ping_due = true;
        mark_dirty(connection);
    }
}

static void hang_up_silent(struct server *server)
{
    while (!ring_is_empty(&server->pinged)) {
        struct connection *connection =
            NET_OWNER(server->pinged.next, struct connection, life);
        if (server_age_ms(server, connection->heard_ms) < server->config->hang_up_ms)
            return;
        give_up(connection, REASON_SILENT);
        end_session(connection);
        server_end_socket(connection->wsi, 0);
    }
}

static void cut_off_slow(struct server *server)
{
    uint32_t age_ms;
    while (websocket_slowest_ms(server, &age_ms) && age_ms >= server->config->write_ms)
        websocket_cut_slowest(server);
}

void websocket_sweep(struct server *server)
{
    ping_quiet(server);
    hang_up_silent(server);
    cut_off_slow(server);
    websocket_flush(server);
}

static uint32_t close_some(struct server *server, struct ring *head, uint32_t most,
                           bool busy_too)
{
    uint32_t closed = 0;
    for (struct ring *at = head->next, *next; at != head && closed < most; at = next) {
        struct connection *connection = NET_OWNER(at, struct connection, life);
        next = at->next;
        if (connection->close_code != 0) continue;
        if (!busy_too && hub_is_busy(server->hub, connection->endpoint.session)) continue;
        server_disconnect(server, &connection->endpoint);
        close_later(connection, 1012, REASON_RESTART);
        closed++;
    }
    return closed;
}

uint32_t websocket_close_some(struct server *server, uint32_t most, bool busy_too)
{
    uint32_t closed = close_some(server, &server->quiet, most, busy_too);
    closed += close_some(server, &server->pinged, most - closed, busy_too);
    websocket_flush(server);
    return closed;
}
