/* Connections that are no sessions: those that speak HTTP, or have said nothing yet. */
#ifndef WHILST_NET_CALLERS_H
#define WHILST_NET_CALLERS_H

#include "server_state.h"

struct caller {
    enum owner owner;
    struct ring ring; /* in the server's callers, those that asked longest ago first */
    struct server *server;
    struct lws *wsi;
    struct address network;
    bool limited;              /* its address is that of a visitor, not of a proxy */
    struct exchange *exchange; /* the page that it waits for, or NULL */
    struct ring shaking;       /* among the TLS handshakes that go on */
    uint32_t since_ms;         /* moment when its own began */
};

/* Lets somebody in who was just accepted: NULL if there are too many, of that address or in
   all, or if there is no memory. The socket is still the caller's of this. */
struct caller *callers_enter(struct server *server, int socket);
/* The library has taken the socket; NULL: it has not, and the caller is gone. */
void callers_bind(struct caller *caller, struct lws *wsi);

/* Whose HTTP connection this is; NULL if it is being ended. */
struct caller *caller_of(struct lws *wsi);
void callers_note_request(struct caller *caller);

/* The connection is a session now, or is gone. */
void callers_leave(struct lws *wsi);

#endif
