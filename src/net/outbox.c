/* The outbox: shared messages that wait for one client.

   Small messages go out together, with their WebSocket headers, in one write: what a turn of
   the loop has for a client costs one system call. A large one goes out in fragments, as
   large as the socket takes whole: the library keeps what it does not take, so a slow reader
   costs one chunk, and control frames can pass between them. */
#include "outbox.h"

#include "whilst/memory.h"

#include <linux/sock_diag.h>
#include <string.h>
#include <sys/socket.h>

#define CHUNK ((size_t)32 << 10) /* bytes of a fragment, if the socket has no room for more */
#define SMALL ((size_t)4 << 10)  /* bytes of such a message */

struct parcel {
    struct parcel *next;
    struct message *message;
};

_Static_assert(LWS_PRE <= MESSAGE_HEADROOM, "the library needs its headroom");

static struct message *first_message(const struct outbox *outbox)
{
    return outbox->last->next->message;
}

static void drop_first(struct outbox *outbox, struct server *server)
{
    struct parcel *first = outbox->last->next;
    uint32_t size = (uint32_t)first->message->size;
    if (first == outbox->last)
        outbox->last = NULL;
    else
        outbox->last->next = first->next;
    outbox->sent = 0;
    outbox->bytes -= size;
    if (outbox->bytes <= server->room.outbox_bytes_soft) outbox->over_ms = 0;
    server_unqueue(server, first->message);
    message_unref(first->message);
    memory_free(first);
}

void outbox_drop(struct outbox *outbox, struct server *server)
{
    while (!outbox_is_empty(outbox))
        drop_first(outbox, server);
}

/* ---- in ---- */

/* Older news about the same that is not begun, or NULL. */
static struct parcel *find_older(const struct outbox *outbox, uint64_t subject)
{
    if (subject == 0 || outbox_is_empty(outbox)) return NULL;
    struct parcel *first = outbox->last->next, *parcel = first;
    do {
        bool begun = parcel == first && outbox->sent > 0;
        if (!begun && parcel->message->subject == subject) return parcel;
        parcel = parcel->next;
    } while (parcel != first);
    return NULL;
}

static void replace(struct outbox *outbox, struct server *server, struct parcel *parcel,
                    struct message *message)
{
    struct message *older = parcel->message;
    outbox->bytes += (uint32_t)(message->size - older->size);
    parcel->message = message;
    server_unqueue(server, older);
    message_unref(older);
}

/* Whether so many bytes more may wait. An empty outbox takes any message, and the message
   that is being written does not count for the soft limit: a slow line is no fault. */
static bool has_room(struct outbox *outbox, struct server *server, size_t more)
{
    if (outbox_is_empty(outbox)) return true;
    size_t bytes = outbox->bytes + more;
    const struct server_room *room = &server->room;
    if (bytes > room->outbox_bytes) return false;
    if (bytes - first_message(outbox)->size <= room->outbox_bytes_soft) return true;
    if (outbox->over_ms == 0) outbox->over_ms = server_moment(server);
    return server_age_ms(server, outbox->over_ms) <= server->config->write_ms;
}

static enum reason add(struct outbox *outbox, struct server *server,
                       struct message *message)
{
    if (!has_room(outbox, server, message->size)) return REASON_SLOW_READER;
    struct parcel *parcel = memory_take(sizeof *parcel);
    if (parcel == NULL) return REASON_BUSY;
    *parcel = (struct parcel){parcel, message};
    if (!outbox_is_empty(outbox)) {
        parcel->next = outbox->last->next;
        outbox->last->next = parcel;
    }
    outbox->last = parcel;
    outbox->bytes += (uint32_t)message->size;
    if (message->content) outbox->paged = true;
    return REASON_NONE;
}

enum reason outbox_put(struct outbox *outbox, struct server *server,
                       struct message *message)
{
    enum reason reason = REASON_NONE;
    struct parcel *older = find_older(outbox, message->subject);
    if (older != NULL)
        replace(outbox, server, older, message);
    else
        reason = add(outbox, server, message);
    if (reason == REASON_NONE)
        server_queue(server, message);
    else
        message_unref(message);
    return reason;
}

/* ---- out ---- */

/* Bytes that the socket takes at once; 0 if it does not say. */
static size_t socket_room(int handle)
{
    uint32_t memory[SK_MEMINFO_VARS] = {0};
    socklen_t size = sizeof memory;
    if (getsockopt(handle, SOL_SOCKET, SO_MEMINFO, memory, &size) != 0) return 0;
    uint32_t all = memory[SK_MEMINFO_SNDBUF], taken = memory[SK_MEMINFO_WMEM_QUEUED];
    if (memory[SK_MEMINFO_WMEM_ALLOC] > taken) taken = memory[SK_MEMINFO_WMEM_ALLOC];
    return taken < all ? all - taken : 0;
}

static size_t chunk_size(struct lws *wsi, size_t left)
{
    if (left <= CHUNK) return left;
    size_t size = socket_room(lws_get_socket_fd(wsi));
    if (size < CHUNK) size = CHUNK;
    if (size > OUTBOX_TURN) size = OUTBOX_TURN;
    return size < left ? size : left;
}

/* Writes the next chunk of the first message. The library puts its header in front of a
   chunk, which for all but the first is over bytes of the message that others still
   need. */
static bool write_chunk(struct outbox *outbox, struct lws *wsi, size_t *written)
{
    struct message *message = first_message(outbox);
    uint8_t saved[LWS_PRE], *at = message_bytes(message) + outbox->sent;
    size_t left = message->size - outbox->sent, size = chunk_size(wsi, left);
    int kind = outbox->sent > 0                  ? LWS_WRITE_CONTINUATION
               : message->form == MESSAGE_BINARY ? LWS_WRITE_BINARY
                                                 : LWS_WRITE_TEXT;
    if (size < left) kind |= LWS_WRITE_NO_FIN;
    memcpy(saved, at - LWS_PRE, LWS_PRE);
    int result = lws_write(wsi, at, size, (enum lws_write_protocol)kind);
    memcpy(at - LWS_PRE, saved, LWS_PRE);
    if (result < 0) return false;
    *written = size;
    outbox->sent += (uint32_t)size;
    if (outbox->sent == message->size) drop_first(outbox, server_of(wsi));
    return true;
}

/* A frame's header (RFC 6455, section 5.2), of a whole small message. */
static size_t put_header(uint8_t *out, const struct message *message)
{
    size_t size = message->size;
    out[0] = message->form == MESSAGE_BINARY ? 0x82 : 0x81;
    out[1] = size < 126 ? (uint8_t)size : 126;
    if (size < 126) return 2;
    out[2] = (uint8_t)(size >> 8);
    out[3] = (uint8_t)size;
    return 4;
}

static bool write_batch(struct outbox *outbox, struct lws *wsi, size_t *written)
{
    struct server *server = server_of(wsi);
    uint8_t *frames = server->batch + LWS_PRE;
    size_t size = 0;
    while (!outbox_is_empty(outbox)) {
        struct message *message = first_message(outbox);
        if (message->size > SMALL || size + 4 + message->size > SERVER_BATCH) break;
        size += put_header(frames + size, message);
        memcpy(frames + size, message_bytes(message), message->size);
        size += message->size;
        drop_first(outbox, server);
    }
    *written = size;
    return lws_write(wsi, frames, size, LWS_WRITE_HTTP) >= 0;
}

bool outbox_write(struct outbox *outbox, struct lws *wsi, size_t *written)
{
    bool small = outbox->sent == 0 && first_message(outbox)->size <= SMALL;
    return small ? write_batch(outbox, wsi, written) : write_chunk(outbox, wsi, written);
}
