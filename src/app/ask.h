/* One request to the operator's address of a server, and its answer. */
#ifndef WHILST_APP_ASK_H
#define WHILST_APP_ASK_H

#include <jansson.h>
#include <stdbool.h>

/* Whom to ask. */
struct ask {
    const char *address;     /* HOST:PORT or unix:PATH */
    struct tls_context *tls; /* NULL: in the clear */
    char token[300];         /* "" for none */
};

/* The address is one of these, or has http:// or https:// before it. Reads the files of the
   token and of the authorities, which may be NULL. False after a fault, which has been
   said. */
bool ask_open(struct ask *ask, const char *address, const char *token_file,
              const char *ca_file);
void ask_close(struct ask *ask);

/* Asks, and waits for the answer. Returns its JSON, which is the caller's, with the HTTP
   status; or NULL with status 0 when there is no server or it is something else, which has
   been said. */
json_t *ask_new(const struct ask *ask, const char *method, const char *path, int *status);

#endif
