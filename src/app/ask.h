/* One request to the operator's address of a server, and its answer. */
#ifndef WHILST_APP_ASK_H
#define WHILST_APP_ASK_H

#include <jansson.h>
#include <stdbool.h>

/* Whom to ask. */
struct ask {
    const char *address; /* HOST:PORT, http://HOST:PORT or unix:PATH */
    char token[300];     /* "" for none */
};

/* Reads the token's file, which may be NULL. False after a fault, which has been said. */
bool ask_open(struct ask *ask, const char *address, const char *token_file);

/* Asks, and waits for the answer. Returns its JSON, which is the caller's, with the HTTP
   status; or NULL with status 0 when there is no server or it is something else, which has
   been said. */
json_t *ask_new(const struct ask *ask, const char *method, const char *path, int *status);

#endif
