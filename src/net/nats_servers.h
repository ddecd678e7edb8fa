/* The servers of the bus: those that the operator named, and those that they told of. */
#ifndef WHILST_NET_NATS_SERVERS_H
#define WHILST_NET_NATS_SERVERS_H

#include "target.h"
#include "whilst/slice.h"

#include <stdint.h>

#define NATS_SERVERS_MAX 64
#define NATS_SECRET_MAX 255

struct nats_server {
    struct target target; /* secure: TLS is wanted, whatever the server says */
    char tls_host[TARGET_HOST_MAX + 1]; /* whom its certificate must name */
    char user[NATS_SECRET_MAX + 1], password[NATS_SECRET_MAX + 1]; /* "": of the login */
    bool learnt;       /* another one told of it */
    bool told;         /* of those: it was in the last list */
    bool complained;   /* its failure was logged, and it was not up since */
    uint64_t avoid_ms; /* until then others are preferred: it said that it will stop */
};

/* Zeroed memory is an empty list. */
struct nats_servers {
    struct nats_server *all[NATS_SERVERS_MAX];
    size_t count, next; /* which is to be tried next */
};

/* Adds nats:// or tls://[USER:PASSWORD@]HOST[:PORT], or several with commas between them.
   False, with *wrong saying why, if one is none of these or there are too many. */
bool nats_servers_add(struct nats_servers *servers, const char *text, const char **wrong);

/* What a server tells of others, as HOST:PORT: call begin, then learn for each, then end,
   which forgets those that were learnt before and are not told of any more, `used` aside.
   They are reached as `from` is. */
void nats_servers_begin_learning(struct nats_servers *servers);
void nats_servers_learn(struct nats_servers *servers, const struct nats_server *from,
                        struct slice text);
void nats_servers_end_learning(struct nats_servers *servers,
                               const struct nats_server *used[2]);

/* The next one to be tried, in turn; another than `but` (which may be NULL) and none that is
   to be avoided, if there is one. NULL only if `but` is the only one. */
struct nats_server *nats_servers_next(struct nats_servers *servers,
                                      const struct nats_server *but, uint64_t now_ms);

void nats_servers_clear(struct nats_servers *servers);

#endif
