/* One outgoing WebSocket connection: look-up, connect, TLS, handshake, frames. Messages go
   in and come out; what they mean is not known here. */
#ifndef WHILST_NET_LINK_H
#define WHILST_NET_LINK_H

#include "target.h"
#include "tls.h"
#include "whilst/framing.h"
#include "whilst/handshake.h"

#include <netdb.h>
#include <uv.h>

#define LINK_BATCH 32 /* messages in one send */

/* How a connection ended. */
enum link_fault {
    LINK_WANTED,      /* we closed or dropped it */
    LINK_UNREACHABLE, /* nobody could be connected to, or not be trusted */
    LINK_FOREIGN,     /* whoever is there is no Whilst server */
    LINK_CLOSED,      /* the server closed it: `code` and its reason in `text` */
    LINK_LOST,        /* it broke */
    LINK_TOO_LARGE,   /* the server sent a message over message_bytes_max */
};

struct link_end {
    enum link_fault fault;
    uint16_t code;   /* of LINK_CLOSED: RFC 6455, section 7.4 */
    unsigned status; /* of LINK_FOREIGN, if an HTTP answer came */
    char text[160];
};

struct link;

/* Called from the loop; every one of them may drop the link. */
struct link_callbacks {
    void (*opened)(struct link *link);
    void (*message)(struct link *link, enum message_form form, const uint8_t *bytes,
                    size_t size);
    void (*drained)(struct link *link); /* it is not busy any more */
    void (*ended)(struct link *link);   /* idle again; link->end says why */
};

/* What links of one kind share. Borrowed for their lives. */
struct link_config {
    uv_loop_t *loop;
    const struct target *target;
    struct tls_context *tls;        /* if the target is secure */
    const struct sockaddr *address; /* of the target, if it is known already */
    size_t message_bytes_max;       /* of one that is received */
};

enum link_state {
    LINK_IDLE,
    LINK_RESOLVING,
    LINK_CONNECTING,
    LINK_SECURING,
    LINK_UPGRADING,
    LINK_OPEN,
    LINK_GOODBYE, /* our close frame is sent */
    LINK_ENDING,  /* its handle is being closed */
};

struct link {
    const struct link_config *config;
    const struct link_callbacks *on;
    enum link_state state;
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
    struct message *answer; /* of the handshake, so far */
    char key[HANDSHAKE_KEY + 1];
    struct framing framing;
    uint64_t due_ms, heard_ms;
    struct link_end end;
};

void link_init(struct link *link, const struct link_config *config,
               const struct link_callbacks *on);

/* Opens an idle link. `from` is an address to connect from, or NULL. `opened` or `ended`
   follows, never before this returns. */
void link_open(struct link *link, const struct sockaddr *from);

/* Sends messages, at most LINK_BATCH, as one write; takes the references, which must be the
   only ones. The link must be open. */
void link_send_take(struct link *link, struct message **messages, size_t count);
/* Whether what was sent still waits for the server to read. */
bool link_is_busy(const struct link *link);

/* Says goodbye; the end comes when the server has answered, or soon after. */
void link_close(struct link *link, uint16_t code);
/* Ends at once. */
void link_drop(struct link *link);

/* When link_tick has work, or UINT64_MAX: opening, goodbyes and silence have their time. */
uint64_t link_next_deadline(const struct link *link);
void link_tick(struct link *link);

/* For dial.c: the socket is connected; the link is over; and its `ended` is told, once its
   handle is closed or was never made. */
void link_connected(struct link *link);
void link_finish(struct link *link, enum link_fault fault, const char *text);
void link_tell_ended(struct link *link);

/* Random bytes that nobody can foresee. */
void link_random(void *bytes, size_t size);

#endif
