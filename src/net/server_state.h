/* What the files of net share: the server's state, and the way between sockets and the
   hub. */
#ifndef WHILST_NET_SERVER_STATE_H
#define WHILST_NET_SERVER_STATE_H

#include "admin.h"
#include "file_watch.h"
#include "inbox.h"
#include "net/server.h"
#include "pulse.h"
#include "whilst/ring.h"

#include <libwebsockets.h>
#include <uv.h>

/* X(type, field, help), as METRICS in whilst/metrics.h. */
#define NET_METRICS(X)                                                                     \
    X(counter, accepted_total, "Sockets accepted")                                         \
    X(counter, accept_failures_total,                                                      \
      "Times that accepting failed for want of descriptors or memory")                     \
    X(gauge, sockets, "Sockets of clients that are open now")                              \
    X(counter, upgrades_total, "WebSocket connections established")                        \
    X(counter, upgrades_refused_total,                                                     \
      "WebSocket upgrades refused by path, version or origin")                             \
    X(counter, http_requests_total, "HTTP requests answered")                              \
    X(gauge, callers, "Connections that are no sessions now: HTTP, and handshakes")        \
    X(counter, callers_ended_total, "Idle HTTP connections ended to make room")            \
    X(counter, log_lines_dropped_total,                                                    \
      "Log lines that standard error did not take at once")                                \
    X(gauge, uploads, "Pages held by a PUT now")                                           \
    X(counter, uploads_served_total, "Pages handed over by a PUT")                         \
    X(gauge, early_bytes, "Bytes that PUTs sent before they were asked")                   \
    X(gauge, reserve_used_bytes, "Bytes in use of the reserve of memory")                  \
    X(counter, memory_failures_total, "Times that the system had no memory to give")       \
    X(gauge, queued_bytes, "Bytes waiting for clients to read them, a shared page once")   \
    X(counter, shed_total, "Clients cut off because too much waited for all of them")      \
    X(counter, tls_handshakes_total, "TLS handshakes completed")                           \
    X(counter, tls_resumed_total, "Of which with a ticket of an earlier one")              \
    X(counter, tls_abandoned_total, "TLS handshakes that the client gave up")              \
    X(counter, tls_certificate_refused_total,                                              \
      "Times that a new certificate could not be used")                                    \
    X(gauge, tls_certificate_end_seconds,                                                  \
      "When the certificate expires, in seconds since 1970; 0: there is none")

struct net_metrics {
#define X(type, field, help) uint64_t field;
    NET_METRICS(X)
#undef X
};

/* One end of a session: a WebSocket connection, or an HTTP request for a page or with one. */
struct endpoint {
    session_id session; /* 0 when it has none, or none any more */
    const struct endpoint_kind *kind;
};

struct endpoint_kind {
    void (*take)(struct endpoint *endpoint, struct message *message);
    void (*close)(struct endpoint *endpoint, uint16_t code, enum reason reason);
};

/* What the library keeps for us with each socket begins with one of these: a socket may end
   half-way from the one to the other. */
enum owner { OWNER_CALLER = 1, OWNER_CONNECTION };

/* What listeners with TLS share. */
struct secure {
    struct ssl_ctx_st *current; /* with the certificate in force; NULL: there is no TLS */
    struct ssl_ctx_st *base;    /* the library's, without one; of all connections */
    struct lws_vhost *vhost;
    struct ring shaking; /* callers in the middle of a handshake, oldest first */
    uint64_t ticket_ms;  /* when the tickets' key was made */
    struct file_watch watch;
};

/* The end: see drain.c. Times are server_now_ms. */
struct drain {
    uint64_t began_ms, closing_ms; /* closing_ms: 0 until sessions are closed */
    uint64_t last_ms;              /* when somebody was last there to be served */
    uint32_t sessions;             /* when it began */
    uint32_t closed;
};

/* The process that is to serve after this one: see successor.c. */
struct successor {
    uv_process_t process;
    uv_poll_t poll; /* of the pair, whilst `asked` */
    int pair;
    uint64_t since_ms;
    bool asked, running, exited, serves;
};

#define SERVER_BATCH ((size_t)8 << 10) /* bytes of small messages in one write */

/* What may wait for clients to read it: what the configuration says, but for some time after a
   reload that made it less. */
struct server_room {
    uint32_t outbox_bytes, outbox_bytes_soft;
    size_t queued_bytes;
};

/* Whom the server becomes (privileges.c). */
struct identity {
    bool changes; /* it is another one than now */
    bool is_named;
    char name[64];
    uid_t user;
    gid_t group;
};

struct server {
    const struct server_config *config;
    struct identity identity;
    uv_loop_t loop;
    struct lws_context *context;
    struct lws_vhost *vhost;
    struct hub *hub;
    uv_timer_t hub_timer, count_timer, sweep_timer, stop_timer, manager_timer, accept_timer;
    uv_prepare_t flush; /* before the loop waits, timers included */
    uv_signal_t signals[4];
    struct file_watch deny_watch;
    struct secure secure;
    struct server_room room; /* what may wait to be read, by now */
    uint64_t reloaded_ms; /* when the configuration changed; ages are counted from there */
    uint64_t hub_due_ms;  /* what hub_timer is set to */
    uint64_t clock_ms,
        stalled_ms; /* the loop's time when last asked; what does not count of it */
    struct drain drain;
    struct successor successor;
    uv_poll_t predecessor; /* whilst `succeeds` */
    uint32_t connections;  /* that are or were sessions */
    struct listener *listeners;
    size_t listeners_count;
    int spare; /* a descriptor kept for the moment when there is no other */
    struct endpoint **endpoints; /* by the low half of their session */
    struct ring quiet, pinged;   /* connections, those heard longest ago first */
    struct ring waiting;         /* connections whose client does not read, likewise */
    struct ring callers;         /* connections that are no sessions, idle ones first */
    struct ring answered;        /* of them, those answered in this turn */
    struct ring asking;          /* HTTP requests that wait for a page, oldest first */
    struct ring counting; /* those that wait for other nodes' counts of a page, likewise */
    struct ring writing;  /* and those being answered, by when they last took something */
    struct ring uploads;  /* HTTP requests that hold a page */
    struct connection *dirty; /* connections with something to write in this turn */
    uint32_t turn;            /* of the loop; they are counted */
    uint64_t turns;           /* of the loop, each once */
    struct net_metrics metrics;
    struct inbox inbox;
    struct pulse pulse;
    struct admin admin;
    struct nats_client *bus;               /* NULL: there is none */
    int fault;                             /* what the process exits with */
    int64_t began_s;                       /* since 1970 */
    uint8_t batch[LWS_PRE + SERVER_BATCH]; /* frames that are about to be written */
    bool settling, serves, stopping, succeeds;
};

/* The two ends of server_run; between them the loop runs. The configuration is adjusted to
   what the process may have, and is borrowed. 0, or what the process should exit with after
   a fault, which has been said on standard error. */
int server_open(struct server *server, struct server_config *config);
void server_close(struct server *server);

/* Milliseconds since some moment, but those in which the process stood still. */
uint64_t server_now_ms(struct server *server);
/* Now in half the bytes, never 0; and how long such a moment is ago, up to 49 days, and
   at most since the configuration changed: new limits do not judge the time before. */
uint32_t server_moment(struct server *server);
uint32_t server_age_ms(struct server *server, uint32_t moment);

/* Opens a session for an endpoint; false with the reason when the hub refuses. */
bool server_connect(struct server *server, struct endpoint *endpoint,
                    const struct address *from, enum reason *reason);
void server_receive(struct server *server, const struct endpoint *endpoint,
                    const struct hub_part *part);
/* The endpoint has nothing left to write, and wrote a page. */
void server_drained(struct server *server, const struct endpoint *endpoint);
void server_disconnect(struct server *server, struct endpoint *endpoint);
/* Begins to accept, once. */
void server_serve(struct server *server);
/* Begins to stop: nobody new is accepted, those who are here are told. `why` goes to the
   log. The second time it stops at once. */
void server_stop(struct server *server, const char *why);
/* Carries out what the hub wants, after an input that did not come from an endpoint. */
void server_settle(struct server *server);

/* A message waits for one more client to read it, or for one less. A page that many read
   counts once. When too much waits in all, those are cut off that have not read for
   longest. */
void server_queue(struct server *server, struct message *message);
void server_unqueue(struct server *server, struct message *message);

/* Ends a socket within the given seconds, or without a word at once (0), from wherever it
   is called. */
void server_end_socket(struct lws *wsi, int seconds);

/* The server of a socket. */
struct server *server_of(struct lws *wsi);

#define NET_OWNER(pointer, type, field)                                                    \
    ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

#endif
