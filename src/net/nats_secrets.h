/* How this node proves to the servers of the bus who it is. */
#ifndef WHILST_NET_NATS_SECRETS_H
#define WHILST_NET_NATS_SECRETS_H

#include "nats_servers.h"
#include "whilst/nats.h"
#include "whilst/nkey.h"

#define NATS_FILE_MAX ((size_t)16 << 10)

/* What the operator says; NULL: nothing. */
struct nats_secrets_config {
    const char *user, *password_file, *token_file;
    const char *credentials_file; /* a JWT and a seed, or a seed alone */
};

struct nats_secrets {
    const char *user;
    char password[NATS_SECRET_MAX + 1], token[NATS_SECRET_MAX + 1];
    struct nkey key;
    bool has_key;
    char jwt[NATS_FILE_MAX + 1];
};

/* Reads the files. NULL after a fault, which has been said in one line on standard error.
   The caller frees it. */
struct nats_secrets *nats_secrets_new(const struct nats_secrets_config *config);
void nats_secrets_free(struct nats_secrets *login); /* NULL is allowed */

/* Writes the CONNECT for a server, whose user goes before ours, that sent this nonce; returns
   its size, or 0 if it has no room or there is no memory. */
size_t nats_secrets_print(const struct nats_secrets *login,
                          const struct nats_server *server, const char *node,
                          struct slice nonce, bool tls, char *out, size_t size);

#endif
