/* The server: one loop, one hub, and everything that connects the two. */
#ifndef WHILST_NET_SERVER_H
#define WHILST_NET_SERVER_H

#include "net/address.h"
#include "net/nats_client.h"
#include "whilst/hub.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Lists that end with NULL may be NULL. Everything is borrowed for the life of the
   server. */
struct server_config {
    struct hub_config hub;
    /* HOST:PORT, unix:PATH, or fd:NAME for a passed socket; tls: before it for TLS */
    const char *const *listen;
    size_t listen_count;
    bool listen_is_default;     /* sockets that were passed are served instead */
    bool reuse_port;            /* other processes listen at the same addresses */
    uint32_t unix_mode;         /* who may connect to unix sockets, as in chmod(2) */
    const char *const *origins; /* allowed beside the server's own */
    size_t origins_count;
    const char *const *embedders; /* sites that may show our pages in a frame */
    size_t embedders_count;
    struct proxies proxies;
    const char *base_path;        /* "" or "/path", without a slash at its end */
    const char *admin;            /* the operator's address, as in `listen`; NULL: none */
    const char *admin_token_file; /* NULL: none is wanted, and the address must be local */
    const char *deny_file;        /* NULL: none */
    const char *tls_certificate, *tls_key; /* PEM files; NULL: there is no TLS */
    uint32_t hsts_seconds; /* browsers are to use TLS alone for so long; 0: not told */
    struct nats_client_config bus; /* servers is NULL: this node is alone */
    bool bus_required;             /* do not begin to serve alone */
    bool require_origin;           /* refuse clients that are not browsers */
    size_t reserve_bytes;          /* memory set aside for when the system has none */
    uint32_t callers_max;          /* connections that are no sessions */
    uint32_t uploads_max;          /* pages held by HTTP requests */
    size_t early_bytes_max;    /* what these may send before they are asked, all together */
    uint32_t outbox_bytes_max; /* what may wait for one client */
    uint32_t outbox_bytes_soft; /* and for no longer than write_ms */
    size_t queued_bytes_max; /* what may wait for all of them; a shared page counts once */
    uint32_t write_ms;       /* a client that takes nothing for so long is a slow reader */
    uint32_t ping_ms;        /* a quiet client is pinged */
    uint32_t hang_up_ms;     /* and given up */
    uint32_t drain_ms;       /* the end takes so long, so that clients come back in turn */
    uint32_t fetch_ms;       /* an HTTP request waits so long for a page */
    uint32_t header_seconds;
    const char *user; /* NAME or NAME:GROUP to become once all is open; NULL: nobody else */
    bool core_dumps;  /* leave one behind after a crash */
    const char *const *files; /* that are read again while it serves, or by a successor */
    size_t files_count;
    /* At SIGHUP: reads the configuration again, and changes in this struct what may change in a
       running server; false if nothing did. NULL: there is nothing to read. */
    bool (*reload)(void *owner);
    void *owner;
};

struct server_config server_config_default(void);

/* Serves until SIGINT or SIGTERM. Returns what the process should exit with: 0, or when it
   could not start, which has been said on standard error, 1; 2 if the certificate or the user
   is wrong. */
int server_run(struct server_config *config);

#endif
