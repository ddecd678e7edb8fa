/* One outgoing connection as a stream of bytes: look-up, connect, TLS, and what waits to be
   written. What the bytes mean is not known here. */
#ifndef WHILST_NET_STREAM_H
#define WHILST_NET_STREAM_H

#include "target.h"
#include "tls.h"
#include "whilst/message.h"

#include <netdb.h>
#include <uv.h>

#define STREAM_BATCH 32 /* messages in one write */

struct stream;

/* Called from the loop; every one of them may close the stream. */
struct stream_callbacks {
    void (*opened)(struct stream *stream);  /* connected; stream_secure may follow */
    void (*secured)(struct stream *stream); /* what stream_secure began is done */
    void (*heard)(struct stream *stream, const char *bytes, size_t size);
    void (*drained)(struct stream *stream); /* nothing waits to be written any more */
    /* It cannot be had, not be trusted, or is lost: the owner is to close it. */
    void (*broken)(struct stream *stream, const char *text);
    void (*ended)(struct stream *stream); /* idle again, after it was closed */
};

/* Borrowed for the stream's life. */
struct stream_config {
    uv_loop_t *loop;
    const struct target *target;
    struct tls_context *tls;        /* for stream_secure */
    const struct sockaddr *address; /* of the target, if it is known already */
};

enum stream_state {
    STREAM_IDLE,
    STREAM_RESOLVING,
    STREAM_CONNECTING,
    STREAM_SECURING,
    STREAM_OPEN,
    STREAM_ENDING, /* its handle is being closed */
};

struct stream {
    struct stream_config config;
    const struct stream_callbacks *on;
    enum stream_state state;
    bool has_handle;
    union {
        uv_handle_t handle;
        uv_stream_t stream;
        uv_tcp_t tcp;
        uv_pipe_t pipe;
    } socket;
    union {
        uv_getaddrinfo_t lookup;
        uv_connect_t connect;
    } request;
    struct addrinfo *found, *next; /* addresses, and which is to be tried next */
    struct sockaddr_storage from;  /* to be bound to; ss_family 0: any */
    struct tls *tls;
};

void stream_init(struct stream *stream, const struct stream_config *config,
                 const struct stream_callbacks *on);

/* Opens an idle stream. `from` is an address to connect from, or NULL. `opened` or `broken`
   follows. */
void stream_open(struct stream *stream, const struct sockaddr *from);
/* Begins TLS on an open stream; the certificate must name `host`. */
void stream_secure(struct stream *stream, const char *host);

/* Writes messages, at most STREAM_BATCH, each by its buffer, and takes their references.
   What the socket does not take at once waits. */
void stream_write_take(struct stream *stream, struct message **messages, uv_buf_t *buffers,
                       size_t count);
void stream_write(struct stream *stream, const void *bytes, size_t size);
/* Nothing more will be written: TLS has a word for it. */
void stream_say_end(struct stream *stream);

/* Bytes that wait for the other side to read. */
size_t stream_waiting(const struct stream *stream);

/* Ends at once; `ended` follows, from within this call if there was nobody to connect to. */
void stream_close(struct stream *stream);

/* For dial.c: the socket is connected; it is closed, or was never made. */
void stream_connected(struct stream *stream);
void stream_tell_ended(struct stream *stream);

#endif
