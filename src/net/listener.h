/* A listening socket. */
#ifndef WHILST_NET_LISTENER_H
#define WHILST_NET_LISTENER_H

#include "passed.h"
#include "server_state.h"

#define LISTENER_BACKLOG 4096

struct listener {
    uv_poll_t poll;
    struct server *server;
    int socket;
    const char
        *text; /* what it was asked for by, without tls:; or its name, if it was passed */
    char name[sizeof((struct passed){0}).name];
    bool asked;   /* by an option */
    bool removes; /* its file, when it closes */
    bool tls;
    bool admin;  /* it is the operator's */
    bool shared; /* with other processes */
    bool paused, closed;
};

/* Opens what an option says. False when it cannot be had, which has been said on standard
   error. */
bool listener_open(struct listener *listener, const char *text);
void listener_take(struct listener *listener, const struct passed *passed);

/* What it is opened for, for the process after this one: see passed.c. */
void listener_print(const struct listener *listener, char asked[PASSED_ASKED_MAX]);

#endif
