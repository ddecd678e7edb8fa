/* What clients say, on its way from the library to the hub.

   The library reads little at a time, so that a connection that says nothing costs little,
   and it asks the system anew before each time. Of a frame that is longer, the rest is read
   here, as much as there is, and goes to the hub in one part. */
#ifndef WHILST_NET_INBOX_H
#define WHILST_NET_INBOX_H

#include "whilst/hub.h"

#include <libwebsockets.h>

struct server;
struct endpoint;

#define INBOX_BYTES ((size_t)16 << 10) /* of one connection in one turn of the loop */
#define INBOX_OPEN 32                  /* connections; others wait for the next turn */

struct inbox {
    struct lws *open[INBOX_OPEN]; /* in the middle of a frame, heard in this turn */
    unsigned open_count;
    const struct endpoint *endpoint; /* whose bytes these are; NULL: there are none */
    struct hub_part part;            /* so far */
    uint64_t received;               /* bytes, ever */
    uint8_t bytes[INBOX_BYTES];
};

/* A part that came from the library. `more`: its frame goes on. */
void inbox_take(struct server *server, struct lws *wsi, const struct endpoint *endpoint,
                const struct hub_part *part, bool more);
/* Reads on where frames are open; to be called once in a turn, when the library does not
   run. */
void inbox_read(struct server *server);
/* The connection is gone. */
void inbox_forget(struct server *server, const struct lws *wsi,
                  const struct endpoint *endpoint);

#endif
