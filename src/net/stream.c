/* Outgoing connections as streams of bytes.

   Life: IDLE - RESOLVING - CONNECTING (dial.c) - OPEN - ENDING - IDLE, with SECURING
   between two times OPEN if the owner wants TLS. A stream does not end by itself: it says
   that it is broken, and its owner closes it. `ended` is told from the handle's close
   callback, when the stream may be opened again or freed.

   Input buffers live for one call: libuv asks for one and hands it back with what came.
   What cannot be written at once is kept by the write request; the owner is expected to
   hold back by stream_waiting. */
#include "stream.h"

#include "dial.h"

#include <stdlib.h>
#include <string.h>

#define INPUT ((size_t)64 << 10)
#define RECORD ((size_t)16 << 10) /* the most that TLS has in one (RFC 8446, section 5.1) */

static bool is_up(const struct stream *stream)
{
    return stream->state == STREAM_SECURING || stream->state == STREAM_OPEN;
}

/* ---- the end ---- */

void stream_tell_ended(struct stream *stream)
{
    tls_free(stream->tls);
    uv_freeaddrinfo(stream->found);
    stream->tls = NULL;
    stream->found = stream->next = NULL;
    stream->has_handle = false;
    stream->state = STREAM_IDLE;
    stream->on->ended(stream);
}

static void on_closed(uv_handle_t *handle)
{
    stream_tell_ended(handle->data);
}

void stream_close(struct stream *stream)
{
    enum stream_state before = stream->state;
    if (before == STREAM_IDLE || before == STREAM_ENDING) return;
    stream->state = STREAM_ENDING;
    if (before == STREAM_RESOLVING)
        uv_cancel((uv_req_t *)&stream->request.lookup); /* its callback comes in any case */
    else if (!stream->has_handle)
        stream_tell_ended(stream);
    else if (!uv_is_closing(&stream->socket.handle)) /* dial.c does between addresses */
        uv_close(&stream->socket.handle, on_closed);
}

/* ---- writing ---- */

/* What a short write left over: messages whose bytes begin at `from` in the first. */
struct leftover {
    uv_write_t request;
    struct stream *stream;
    size_t count;
    struct message *messages[STREAM_BATCH];
};

size_t stream_waiting(const struct stream *stream)
{
    return is_up(stream) ? uv_stream_get_write_queue_size(&stream->socket.stream) : 0;
}

static void on_written(uv_write_t *request, int status)
{
    struct leftover *leftover = request->data;
    struct stream *stream = leftover->stream;
    for (size_t i = 0; i < leftover->count; i++)
        message_unref(leftover->messages[i]);
    free(leftover);
    if (!is_up(stream)) return;
    if (status < 0)
        stream->on->broken(stream, uv_strerror(status));
    else if (stream->state == STREAM_OPEN && stream_waiting(stream) == 0)
        stream->on->drained(stream);
}

static void write_later(struct stream *stream, struct message **messages, uv_buf_t *buffers,
                        size_t count)
{
    struct leftover *leftover = malloc(sizeof *leftover);
    if (leftover == NULL) abort();
    leftover->stream = stream;
    leftover->count = count;
    leftover->request.data = leftover;
    memcpy(leftover->messages, messages, count * sizeof(struct message *));
    int error = uv_write(&leftover->request, &stream->socket.stream, buffers,
                         (unsigned)count, on_written);
    if (error != 0) on_written(&leftover->request, error);
}

/* Writes at once what the socket takes. */
static void write_plain_take(struct stream *stream, struct message **messages,
                             uv_buf_t *buffers, size_t count)
{
    size_t first = 0;
    int written = uv_try_write(&stream->socket.stream, buffers, (unsigned)count);
    size_t left = written > 0 ? (size_t)written : 0;
    for (; first < count && left >= buffers[first].len; first++) {
        left -= buffers[first].len;
        message_unref(messages[first]);
    }
    if (first < count) {
        buffers[first].base += left;
        buffers[first].len -= left;
        write_later(stream, messages + first, buffers + first, count - first);
    }
}

static void write_plain(struct stream *stream, const void *bytes, size_t size)
{
    struct message *message = message_new(MESSAGE_BINARY, 0, size);
    if (message == NULL) abort();
    message_append(message, bytes, size);
    uv_buf_t buffer = uv_buf_init((char *)message_bytes(message), (unsigned)size);
    write_plain_take(stream, &message, &buffer, 1);
}

static void write_encrypted(struct stream *stream)
{
    char cipher[RECORD];
    size_t size;
    while (is_up(stream) && (size = tls_drain(stream->tls, cipher, sizeof cipher)) > 0)
        write_plain(stream, cipher, size);
}

void stream_write_take(struct stream *stream, struct message **messages, uv_buf_t *buffers,
                       size_t count)
{
    bool whole = true;
    if (stream->tls == NULL && is_up(stream)) {
        write_plain_take(stream, messages, buffers, count);
        return;
    }
    for (size_t i = 0; i < count; i++) {
        whole = whole && is_up(stream) &&
                tls_write(stream->tls, buffers[i].base, buffers[i].len);
        message_unref(messages[i]);
    }
    if (!is_up(stream)) return;
    if (whole)
        write_encrypted(stream);
    else
        stream->on->broken(stream, tls_fault(stream->tls));
}

void stream_write(struct stream *stream, const void *bytes, size_t size)
{
    if (!is_up(stream)) return;
    if (stream->tls == NULL)
        write_plain(stream, bytes, size);
    else if (tls_write(stream->tls, bytes, size))
        write_encrypted(stream);
    else
        stream->on->broken(stream, tls_fault(stream->tls));
}

void stream_say_end(struct stream *stream)
{
    if (stream->tls == NULL) return;
    tls_end(stream->tls);
    write_encrypted(stream);
}

/* ---- reading ---- */

static void shake(struct stream *stream)
{
    enum tls_result result = tls_shake(stream->tls);
    write_encrypted(stream);
    if (stream->state != STREAM_SECURING) return;
    if (result == TLS_DONE) {
        stream->state = STREAM_OPEN;
        stream->on->secured(stream);
    } else if (result != TLS_MORE) {
        stream->on->broken(stream, tls_fault(stream->tls));
    }
}

static void hear_encrypted(struct stream *stream, const char *bytes, size_t size)
{
    char plain[RECORD];
    size_t got;
    enum tls_result result = TLS_DONE;
    if (!tls_feed(stream->tls, bytes, size)) abort();
    if (stream->state == STREAM_SECURING) shake(stream);
    while (stream->state == STREAM_OPEN &&
           (result = tls_read(stream->tls, plain, sizeof plain, &got)) == TLS_DONE)
        stream->on->heard(stream, plain, got);
    if (stream->state == STREAM_OPEN) write_encrypted(stream);
    if (stream->state != STREAM_OPEN) return;
    if (result == TLS_CLOSED) stream->on->broken(stream, "the server hung up");
    if (result == TLS_FAILED) stream->on->broken(stream, tls_fault(stream->tls));
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    char *input = malloc(INPUT);
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(input, input == NULL ? 0 : INPUT);
}

/* The stream may be gone when what came has been heard. */
static void on_read(uv_stream_t *socket, ssize_t size, const uv_buf_t *buffer)
{
    struct stream *stream = socket->data;
    char *input = buffer->base;
    if (is_up(stream) && size < 0)
        stream->on->broken(stream,
                           size == UV_EOF ? "the server hung up" : uv_strerror((int)size));
    else if (is_up(stream) && size > 0 && stream->tls != NULL)
        hear_encrypted(stream, input, (size_t)size);
    else if (is_up(stream) && size > 0)
        stream->on->heard(stream, input, (size_t)size);
    free(input);
}

/* ---- life ---- */

void stream_connected(struct stream *stream)
{
    if (!stream->config.target->is_unix) uv_tcp_nodelay(&stream->socket.tcp, 1);
    stream->state = STREAM_OPEN;
    uv_read_start(&stream->socket.stream, on_allocate, on_read);
    stream->on->opened(stream);
}

void stream_secure(struct stream *stream, const char *host)
{
    stream->tls = tls_new(stream->config.tls, host);
    if (stream->tls == NULL) abort();
    stream->state = STREAM_SECURING;
    shake(stream);
}

void stream_init(struct stream *stream, const struct stream_config *config,
                 const struct stream_callbacks *on)
{
    *stream = (struct stream){.config = *config, .on = on};
}

void stream_open(struct stream *stream, const struct sockaddr *from)
{
    struct sockaddr_storage own = {0};
    if (from != NULL && from->sa_family != 0) /* it may be stream->from */
        memcpy(&own, from,
               from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                          : sizeof(struct sockaddr_in6));
    stream->from = own;
    dial(stream);
}
