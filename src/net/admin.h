/* The operator's address. */
#ifndef WHILST_NET_ADMIN_H
#define WHILST_NET_ADMIN_H

#include "history.h"
#include "survey.h"
#include "whilst/print.h"
#include "whilst/ring.h"

struct lws;
struct request;

/* X(NAME, label): why a request was turned away, in whilst_admin_refusals_total. */
#define ADMIN_REFUSALS(X)                                                                  \
    X(CROWD, "crowd")   /* too many connections */                                         \
    X(HOST, "host")     /* a name that is not ours: DNS rebinding */                       \
    X(ORIGIN, "origin") /* another site's document asks */                                 \
    X(TOKEN, "token")                                                                      \
    X(FAULT, "fault") /* no request that we can read */

enum admin_refusal {
#define X(name, label) ADMIN_##name,
    ADMIN_REFUSALS(X)
#undef X
        ADMIN_REFUSALS_END
};

struct admin {
    struct page_hash token; /* the SHA-256 of the one that is wanted */
    bool has_token;
    uint32_t connections;
    struct ring callers; /* these */
    struct history *history;
    struct survey survey;
    uint64_t refusals[ADMIN_REFUSALS_END];
};

/* Reads a token's file. What is wrong with it, or NULL. */
const char *admin_read_token(const char *path, struct page_hash *token);
/* Reads the token, if there is to be one; false after a fault, which has been said on
   standard error. */
bool admin_open(struct server *server);
/* Begins to watch, once there are a loop and a context; false if there is no memory. */
bool admin_start(struct server *server);
void admin_close(struct server *server);

/* Whether one more may come; else that is counted. */
bool admin_has_room(struct server *server);
/* Whether a connection came to the operator's address. */
bool admin_owns(struct lws *wsi);

/* Returns what the callback must; `path` may hold a NUL within its size. */
int admin_request(struct lws *wsi, const char *path, size_t size);

void admin_print_metrics(struct print *to, const struct server *server);

/* What api.c answers below /api/; returns what the library's callback must. */
int api_serve(const struct request *request, bool post);

#endif
