/* One outgoing WebSocket connection: handshake and frames on a stream. Messages go in and
   come out; what they mean is not known here. */
#ifndef WHILST_NET_LINK_H
#define WHILST_NET_LINK_H

#include "stream.h"
#include "whilst/framing.h"
#include "whilst/handshake.h"

#define LINK_BATCH STREAM_BATCH /* messages in one send */

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
    LINK_OPENING, /* its stream is connecting, or TLS begins */
    LINK_UPGRADING,
    LINK_OPEN,
    LINK_GOODBYE, /* our close frame is sent */
    LINK_ENDING,  /* its stream is being closed */
};

struct link {
    struct stream stream; /* the first member */
    const struct link_config *config;
    const struct link_callbacks *on;
    enum link_state state;
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

/* Random bytes that nobody can foresee. */
void link_random(void *bytes, size_t size);

#endif
