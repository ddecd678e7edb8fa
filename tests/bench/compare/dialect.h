/* How each server wants to be spoken to. */
#ifndef WHILST_COMPARE_DIALECT_H
#define WHILST_COMPARE_DIALECT_H

#include "whilst/framing.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#define BARE_MESSAGE_BYTES                                                                 \
    116 /* on the wire: what Whilst's counts have, with their frame */

enum fetch_role { FETCH_NONE, FETCH_HOLDER, FETCH_SEEKER };

struct conn {
    int socket;
    uint32_t index, topics, replies;
    bool upgraded, ready, publisher;
    bool fetched;       /* a seeker: the page is there */
    uint8_t fetch;      /* enum fetch_role */
    size_t fetch_bytes; /* of a page */
    size_t got;         /* of the one that comes, where there are no frames */
    void (*on_bytes)(struct conn *conn, const uint8_t *bytes, size_t size); /* or NULL */
    struct framing framing;
};

struct dialect {
    const char *name;
    bool publisher_each; /* a connection for each topic that is published to */
    /* Writes the request line and headers of its own; NULL: there is no handshake. */
    void (*path)(const struct conn *conn, char *out, size_t size);
    /* After the upgrade. conn->topics 0: one topic of its own. */
    void (*greet)(struct conn *conn);
    /* A message; returns how many publications are in it. */
    uint64_t (*hear)(struct conn *conn, const uint8_t *bytes, size_t size);
    void (*publish)(struct conn *publishers, uint32_t topics, uint32_t round);
    void (*bulk_hold)(struct conn *holder, size_t size, uint32_t round);
    void (*bulk_seek)(struct conn *conns, uint32_t count);
    void (*bulk_leave)(struct conn *conns, uint32_t count, struct conn *holder);
    void (*fetch_seek)(struct conn *seeker);
    void (*fetch_end)(struct conn *seeker);
};

const struct dialect *dialect_find(const char *name);

/* Of a bare pair: what one end gets from the other. */
void bare_take(struct conn *conn, const uint8_t *bytes, size_t size);

/* What load.c offers. */
_Noreturn void compare_fail(const char *format, ...) __attribute__((format(printf, 1, 2)));
void compare_write(struct conn *conn, const void *bytes, size_t size);
void compare_send(struct conn *conn, uint8_t opcode, const void *bytes, size_t size);
void compare_cork(struct conn *conn);
void compare_uncork(struct conn *conn);
void compare_say(struct conn *conn, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
void compare_ready(struct conn *conn);

#endif
