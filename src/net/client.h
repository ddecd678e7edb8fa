/* A peer on a connection: it speaks, hears, keeps time and, if wanted, comes back. */
#ifndef WHILST_NET_CLIENT_H
#define WHILST_NET_CLIENT_H

#include "link.h"
#include "whilst/peer.h"

#define CLIENT_PAGE_MAX ((size_t)8 << 20) /* the largest page that any server relays */

struct client;

/* What clients of one kind share. Borrowed for their lives. */
struct client_config {
    struct link_config link;
    struct peer_config peer;
    bool reconnect; /* after every end that the server did not want, with growing pauses */
    /* Called from the loop. All may be NULL but `event`; each may call the peer, and
       close, drop or free the client. */
    void (*opened)(struct client *client);
    /* The page of an event is borrowed. */
    void (*event)(struct client *client, const struct peer_event *event);
    /* A connection ended, or could not be had. again_ms: when the next one is tried, from
       now; UINT64_MAX: never. */
    void (*ended)(struct client *client, const struct link_end *end, uint64_t again_ms);
    void (*freed)(void *owner);
};

/* Without callbacks. */
struct client_config client_config_default(uv_loop_t *loop, const struct target *target,
                                           struct tls_context *tls);

/* An idle client. `owner` is whatever the callbacks need. */
struct client *client_new(const struct client_config *config, void *owner);
/* Ends at once, and frees when the loop has let go; then `freed` is called. */
void client_free(struct client *client);

void *client_owner(const struct client *client);
struct peer *client_peer(const struct client *client);
bool client_is_open(const struct client *client);
/* Gives its peer a token that nobody else has. */
void client_draw_token(struct client *client);
/* Bytes of the message that is arriving. */
size_t client_received(const struct client *client);

/* Connects an idle client; `from` is an address to come from, or NULL. */
void client_open(struct client *client, const struct sockaddr *from);
/* To be called after the peer was told to do something, outside of the callbacks. */
void client_settle(struct client *client);
/* Nothing is sent until it is uncorked. */
void client_cork(struct client *client, bool corked);
/* Sends what the peer has to say, says goodbye, and does not come back. */
void client_close(struct client *client);
/* Loses the connection, as a broken line would; it comes back if it is one that does. */
void client_drop(struct client *client);

#endif
