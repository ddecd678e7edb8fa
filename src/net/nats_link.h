/* A connection to one server of the bus, from INFO to the end. It does not come back by
   itself; nats_client.c sees to that. */
#ifndef WHILST_NET_NATS_LINK_H
#define WHILST_NET_NATS_LINK_H

#include "nats_secrets.h"
#include "stream.h"

/* How a connection ended. The words stand in the log and in /metrics. */
#define NATS_FAULTS(X)                                                                     \
    X(WANTED, "wanted")           /* we closed it */                                       \
    X(UNREACHABLE, "unreachable") /* nobody could be connected to, or not be trusted */    \
    X(FOREIGN, "foreign")         /* whoever is there is no NATS server that we can use */ \
    X(REFUSED, "refused")         /* the server does not let us in */                      \
    X(LOST, "lost")               /* it broke, or the server ended it */                   \
    X(SILENT, "silent")           /* the server does not answer any more */                \
    X(FULL, "full")               /* the server does not read what it must be told */

enum nats_fault {
#define X(name, word) NATS_FAULT_##name,
    NATS_FAULTS(X)
#undef X
        NATS_FAULTS_END
};

const char *nats_fault_word(enum nats_fault fault);

struct nats_link;

/* Called from the loop; every one of them may close the link. */
struct nats_link_callbacks {
    void (*up)(struct nats_link *link);
    void (*message)(struct nats_link *link, const struct nats_event *event);
    void (*too_large)(struct nats_link *link, const struct nats_event *event);
    /* The server's INFO, the first one included. */
    void (*info)(struct nats_link *link, const struct nats_info *info);
    /* It refuses something and goes on. */
    void (*error)(struct nats_link *link, struct slice text);
    void (*ended)(struct nats_link *link); /* idle again; `fault` and `text` say why */
};

/* Borrowed for the link's life. */
struct nats_link_config {
    uv_loop_t *loop;
    const struct nats_secrets *login;
    const char *node; /* our name */
    struct tls_context *tls;
    size_t payload_bytes_max; /* of a message that we take */
    size_t waiting_bytes_max; /* to be written, before the link is given up */
};

enum nats_link_state {
    NATS_LINK_IDLE,
    NATS_LINK_OPENING, /* until the first INFO */
    NATS_LINK_SECURING,
    NATS_LINK_JOINING, /* CONNECT is sent, and a PING */
    NATS_LINK_UP,
    NATS_LINK_ENDING,
};

struct nats_link {
    struct stream stream; /* the first member */
    const struct nats_link_config *config;
    const struct nats_link_callbacks *on;
    void *owner;
    struct nats_server *server; /* NULL after the end, if the owner says so */
    enum nats_link_state state;
    struct nats nats;
    struct message *out;      /* what is written at the end of the turn; NULL: nothing */
    size_t payload_bytes_max; /* of what the server takes */
    char name[64], nonce[128];
    uint64_t due_ms, heard_ms, up_ms;
    uint64_t pinged_ns;     /* when the PING was sent that is not answered; 0: none is */
    uint64_t round_trip_ns; /* of the last one that was */
    bool lame;              /* the server said that it will stop */
    enum nats_fault fault;
    char text[160];
};

/* The configuration's login, node and tls are read at each opening. */
void nats_link_init(struct nats_link *link, const struct nats_link_config *config,
                    const struct nats_link_callbacks *on, void *owner);

/* Opens an idle link. `up` or `ended` follows. The server is borrowed until then. */
void nats_link_open(struct nats_link *link, struct nats_server *server);
void nats_link_close(struct nats_link *link);

/* Adds to what is written by nats_link_flush; false if the link is not up, has no room or
   there is no memory. What is `needed` ends a link that has none. */
bool nats_link_write(struct nats_link *link, const void *bytes, size_t size, bool needed);
bool nats_link_publish(struct nats_link *link, struct slice subject, struct slice reply,
                       struct slice head, struct slice body);
void nats_link_flush(struct nats_link *link);
/* Bytes that the server has not read yet. */
size_t nats_link_waiting(const struct nats_link *link);

/* When nats_link_tick has work, or UINT64_MAX. */
uint64_t nats_link_next_deadline(const struct nats_link *link);
void nats_link_tick(struct nats_link *link);

#endif
