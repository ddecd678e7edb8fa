/* TLS of the listeners that ask for it. */
#ifndef WHILST_NET_SECURE_H
#define WHILST_NET_SECURE_H

#include "callers.h"

/* Reads certificate and key, if the configuration names them. False after a fault, which has
   been said on standard error. */
bool secure_open(struct server *server);
void secure_close(struct server *server);

/* The library's options for its context. */
uint64_t secure_options(const struct server *server);
/* Makes the place where the library takes connections that speak TLS, if there are to be any;
   `info` is that of the plain ones. False if there is no memory. */
bool secure_make_vhost(struct server *server, const struct lws_context_creation_info *info);
/* The library made a context of OpenSSL's for it; what its callback must return. */
int secure_context_made(struct server *server, SSL_CTX *context);

/* A handshake begins on a connection that was accepted. */
void secure_begin(struct caller *caller);
/* The caller is gone, be it in the middle of its handshake. */
void secure_end(struct caller *caller);
/* Once a second: ends handshakes that take too long, and changes the tickets' key. */
void secure_sweep(struct server *server);

/* Reads certificate and key again whenever their files change; what cannot be used changes
   nothing, and is logged. */
void secure_watch(struct server *server);
/* And now, from the files that the configuration names now. */
void secure_reload(struct server *server);

#endif
