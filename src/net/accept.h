/* Listening and accepting, by our own hand. */
#ifndef WHILST_NET_ACCEPT_H
#define WHILST_NET_ACCEPT_H

#include "passed.h"
#include "server_state.h"

/* Binds every address of the configuration. False when one cannot be had, which has been
   said on standard error. */
bool accept_open(struct server *server);
/* Once there is a loop: nobody is accepted yet. */
void accept_prepare(struct server *server);
/* Begins to accept, and says where. */
void accept_start(struct server *server);
/* Stops listening, but for the operator. What waits in a socket that was handed over is for
   the other process, and so is the operator; one that shares its address with others stays
   open, for those who are half-way in. */
void accept_stop(struct server *server, bool handed_over);
/* Whether there is such a socket; and its end, after all who wait in it were taken. */
bool accept_lingers(const struct server *server);
void accept_end(struct server *server);
/* Nobody is listened to any more. */
void accept_close(struct server *server);

/* Whether all listeners are there, for a look at ourselves. */
bool accept_is_listening(const struct server *server);

/* The i-th listener, to be passed on. */
struct passed accept_listener(const struct server *server, size_t i);

#endif
