/* What waits to be written to one client. */
#ifndef WHILST_NET_OUTBOX_H
#define WHILST_NET_OUTBOX_H

#include "server_state.h"

#define OUTBOX_TURN ((size_t)256 << 10) /* bytes for one client before others have a turn */

/* Zeroed memory is an empty outbox. */
struct outbox {
    struct parcel *last; /* of a ring, whose next is the first; NULL: empty */
    uint32_t bytes;      /* of the messages that wait */
    uint32_t sent;       /* of the first one that are written */
    uint32_t over_ms;    /* since when it is over its soft limit; 0: it is not */
    bool paged;          /* a page is in it, or was since it was last empty */
};

/* Adds a message, or puts it in the place of older news about the same. Takes it.
   REASON_NONE, or why it was dropped: the client does not read (REASON_SLOW_READER), or
   there is no memory (REASON_BUSY). */
enum reason outbox_put(struct outbox *outbox, struct server *server,
                       struct message *message);
/* Writes something of what waits first; false if the socket is dead. */
bool outbox_write(struct outbox *outbox, struct lws *wsi, size_t *written);
void outbox_drop(struct outbox *outbox, struct server *server);

static inline bool outbox_is_empty(const struct outbox *outbox)
{
    return outbox->last == NULL;
}

#endif
