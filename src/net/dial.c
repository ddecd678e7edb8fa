/* Connecting a stream's socket: the look-up, each address in turn, and the address to come
   from. A handle serves one attempt: between two addresses it is closed and made anew. */
#include "dial.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <sys/socket.h>

static void try_next(struct stream *stream, int error);

static void on_connected(uv_connect_t *request, int status)
{
    struct stream *stream = request->data;
    if (stream->state != STREAM_CONNECTING) return;
    if (status < 0) {
        try_next(stream, status);
        return;
    }
    stream_connected(stream);
}

/* A port is chosen only when it is known where to: thousands of connections from one
   address then do not use up its ports. */
static int bind_from(struct stream *stream)
{
    int socket, one = 1;
    uv_fileno(&stream->socket.handle, &socket);
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return uv_tcp_bind(&stream->socket.tcp, (struct sockaddr *)&stream->from, 0);
}

static int connect_to(struct stream *stream, const struct sockaddr *address)
{
    uv_tcp_t *tcp = &stream->socket.tcp;
    int error = uv_tcp_init_ex(stream->config.loop, tcp, address->sa_family);
    if (error != 0) uv_tcp_init(stream->config.loop, tcp); /* so that it can be closed */
    stream->socket.handle.data = stream;
    stream->has_handle = true;
    stream->request.connect.data = stream;
    if (error == 0 && stream->from.ss_family == address->sa_family)
        error = bind_from(stream);
    if (error == 0)
        error = uv_tcp_connect(&stream->request.connect, tcp, address, on_connected);
    return error;
}

static void attempt(struct stream *stream, const struct sockaddr *address);

static void on_one_failed(uv_handle_t *handle)
{
    struct stream *stream = handle->data;
    if (stream->state == STREAM_ENDING) {
        stream_tell_ended(stream);
        return;
    }
    const struct addrinfo *address = stream->next;
    stream->next = address->ai_next;
    attempt(stream, address->ai_addr);
}

/* This address did not answer: the next one, if there is one. */
static void try_next(struct stream *stream, int error)
{
    if (stream->next == NULL)
        stream->on->broken(stream, uv_strerror(error));
    else
        uv_close(&stream->socket.handle, on_one_failed);
}

/* Some failures are told at once, such as that there is no way to IPv6 from here. */
static void attempt(struct stream *stream, const struct sockaddr *address)
{
    int error = connect_to(stream, address);
    if (error != 0) try_next(stream, error);
}

static void begin_connect(struct stream *stream, const struct sockaddr *address)
{
    stream->state = STREAM_CONNECTING;
    attempt(stream, address);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct stream *stream = request->data;
    if (stream->state == STREAM_ENDING || status < 0) {
        uv_freeaddrinfo(found);
        if (stream->state == STREAM_ENDING) {
            stream_tell_ended(stream);
        } else {
            stream->state = STREAM_CONNECTING; /* there is nothing to be cancelled */
            stream->on->broken(stream, uv_strerror(status));
        }
        return;
    }
    stream->found = found;
    stream->next = found->ai_next;
    begin_connect(stream, found->ai_addr);
}

static void open_unix(struct stream *stream)
{
    stream->state = STREAM_CONNECTING;
    uv_pipe_init(stream->config.loop, &stream->socket.pipe, 0);
    stream->socket.handle.data = stream;
    stream->has_handle = true;
    stream->request.connect.data = stream;
    uv_pipe_connect(&stream->request.connect, &stream->socket.pipe,
                    stream->config.target->host, on_connected);
}

static void look_up(struct stream *stream)
{
    const struct target *target = stream->config.target;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    stream->state = STREAM_RESOLVING;
    stream->request.lookup.data = stream;
    int error = uv_getaddrinfo(stream->config.loop, &stream->request.lookup, on_found,
                               target->host, target->port, &hints);
    if (error != 0) abort();
}

void dial(struct stream *stream)
{
    if (stream->config.target->is_unix)
        open_unix(stream);
    else if (stream->config.address != NULL)
        begin_connect(stream, stream->config.address);
    else
        look_up(stream);
}
