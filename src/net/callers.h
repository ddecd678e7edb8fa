/* Connections that are no sessions: those that speak HTTP, or have said nothing yet. */
#ifndef WHILST_NET_CALLERS_H
#define WHILST_NET_CALLERS_H

#include "server_state.h"

struct caller {
    enum owner owner;
    bool admin;       /* it came to the operator's address */
    bool limited;     /* its address is that of a visitor, not of a proxy */
    struct ring ring; /* in the server's or the operator's, who asked longest ago first */
    struct server *server;
    struct lws *wsi;
    struct address network;
    uint32_t since_ms; /* moment: it came, or its TLS or its last request began or ended */
    uint32_t skips_ms; /* moment: since when what it sends is skipped; 0: it is not */
    struct ring answered; /* in the server's, until the turn in which it was is over */
    uint64_t anew_turn; /* of the loop: from when on it sends what it did not send before */
    struct exchange *exchange; /* the page that it waits for, or NULL */
    struct upload *upload;     /* the page that it holds, or NULL: else it is a session */
    struct ring shaking;       /* among the TLS handshakes that go on */
};

/* Lets somebody in who was just accepted: NULL if there are too many, of that address or in
   all, or if there is no memory. The socket is still the caller's of this. Those of the
   operator are counted apart. */
struct caller *callers_enter(struct server *server, int socket, bool admin);
/* The library has taken the socket; NULL: it has not, and the caller is gone. */
void callers_bind(struct caller *caller, struct lws *wsi);

/* Whose HTTP connection this is; NULL if it is being ended. */
struct caller *caller_of(struct lws *wsi);
void callers_note_request(struct caller *caller);

/* Its request has been answered, and the connection goes on: what the callback must
   return. */
int callers_answered(struct lws *wsi);
/* Lets the library read on from those who were; once in a turn, when it does not run. */
void callers_go_on(struct server *server);
/* Whether its request came behind the answer to the one before; if it was sent together
   with that one, the library must not read its body. */
bool callers_read_anew(const struct caller *caller);

/* Whilst it is a session it is not counted here; and then it is again. */
void callers_lend(struct caller *caller);
void callers_take_back(struct caller *caller);

/* Whom a request comes from, proxies aside; while its headers are there. */
struct address callers_address(struct lws *wsi);

/* Reads nothing more from the client until lws_rx_flow_control lets it. */
void callers_hold_back(struct lws *wsi);

/* Whether the client has closed its end, or is cut off; for sockets that are not read. */
bool callers_gone(struct lws *wsi);
/* Whether it has said something that nobody reads, or is gone. */
bool callers_waits_to_be_read(struct lws *wsi);

/* The answer has been written, and is the last; what the client is still sending is read
   and dropped for a moment, so that it reads the answer before its connection breaks. */
void callers_skip(struct lws *wsi);
/* A part of a body that nobody wants: what the callback must return. */
int callers_skipped(struct lws *wsi);

/* Ends those whose headers take too long. */
void callers_sweep(struct server *server);

/* Ends those that wait for nothing, and have sent nothing that was not read. */
void callers_end_idle(struct server *server);

/* The connection is a session now, or is gone. */
void callers_leave(struct lws *wsi);

#endif
