/* A client of the servers of NATS. It connects, comes back after every loss, and moves before
   a server stops; what is said on the bus is not known here. */
#ifndef WHILST_NET_NATS_CLIENT_H
#define WHILST_NET_NATS_CLIENT_H

#include "nats_link.h"

/* X(type, field, help), as METRICS in whilst/metrics.h. */
#define NATS_METRICS(X)                                                                    \
    X(gauge, bus_up, "1 whilst there is a connection to the bus")                          \
    X(gauge, bus_servers, "Servers of the bus that are known, those learnt included")      \
    X(gauge, bus_waiting_bytes, "Bytes that wait for the bus's server to read them")       \
    X(counter, bus_connections_total, "Connections to the bus that were established")      \
    X(counter, bus_moves_total, "Moves to another server before one stops")                \
    X(counter, bus_subscriptions_total, "Subscriptions made on the bus")                   \
    X(counter, bus_received_bytes_total, "Bytes of payload received from the bus")         \
    X(counter, bus_published_bytes_total, "Bytes of payload published on the bus")         \
    X(counter, bus_too_large_total, "Messages from the bus passed over for their size")    \
    X(counter, bus_errors_total, "Times that the bus's server refused something")

/* Why something was not published. */
#define NATS_DROPS(X)                                                                      \
    X(DOWN, "down") /* there is no connection */                                           \
    X(FULL, "full") /* the server does not read fast enough */                             \
    X(SIZE, "size") /* the server takes no message so large */

enum nats_drop {
#define X(name, word) NATS_DROP_##name,
    NATS_DROPS(X)
#undef X
        NATS_DROPS_END
};

struct nats_metrics {
#define X(type, field, help) uint64_t field;
    NATS_METRICS(X)
#undef X
    uint64_t drops[NATS_DROPS_END];
    uint64_t ends[NATS_FAULTS_END]; /* of connections and of attempts, by their reason */
};

struct nats_client;

/* Called from the loop. */
struct nats_client_callbacks {
    /* There is a connection without any subscription; or there is none any more. A move to
       another server tells both. */
    void (*up)(void *owner, bool up);
    void (*message)(void *owner, const struct nats_event *event); /* borrowed */
    /* All servers were tried and the bus was never up; may be NULL. */
    void (*unreachable)(void *owner, const char *text);
};

/* Borrowed for the bus's life. */
struct nats_client_config {
    const char *servers; /* nats:// or tls://, with commas between them */
    const char *node;    /* our name */
    const char *ca_file; /* NULL: the system's authorities */
    struct nats_secrets_config login;
    size_t payload_bytes_max; /* of a message that is taken */
    size_t waiting_bytes_max; /* what may wait for the server to read it */
};

struct nats_client_config nats_client_config_default(void);

/* Begins to connect. NULL after a fault, which has been said in one line on standard
   error. */
struct nats_client *nats_client_open(uv_loop_t *loop,
                                     const struct nats_client_config *config,
                                     const struct nats_client_callbacks *on, void *owner);
/* Says what was published, ends, and frees once the loop has let go. */
void nats_client_close(struct nats_client *client);

/* All of these need a connection; without one they do nothing, but count. What they say is
   written at the end of the loop's turn. The caller names subscriptions by numbers; `group`
   is empty, or one among those that share the messages. */
void nats_client_subscribe(struct nats_client *client, uint64_t subscription,
                           struct slice subject, struct slice group);
void nats_client_unsubscribe(struct nats_client *client, uint64_t subscription);
/* The payload is head and body, one after the other. */
void nats_client_publish(struct nats_client *client, struct slice subject,
                         struct slice reply, struct slice head, struct slice body);

const struct nats_metrics *nats_client_metrics(struct nats_client *client);
/* The server that it is connected to, NULL if there is none; and the last round trip to
   it. */
const char *nats_client_server(const struct nats_client *client);
uint64_t nats_client_round_trip_ns(const struct nats_client *client);
void nats_client_print_metrics(struct print *to, struct nats_client *client);

#endif
