/* Giving up what only the start needs. */
#ifndef WHILST_NET_PRIVILEGES_H
#define WHILST_NET_PRIVILEGES_H

#include <stdbool.h>

struct server;

/* Whether this is a user of the machine, NAME or NAME:GROUP; either may be a number. */
bool privileges_is_user(const char *text);

/* Finds the user that the server is to become, if it is to. False if there is none, or if
   only root could; which has been said on standard error. */
bool privileges_open(struct server *server);

/* Makes a file that was created here that user's. */
bool privileges_give(const struct server *server, const char *path);

/* Becomes that user, and can gain nothing any more. False if the system refuses, which has
   been said on standard error. */
bool privileges_drop(const struct server *server);

#endif
