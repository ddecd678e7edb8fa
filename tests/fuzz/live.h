/* A real server in this process, whose loop turns when it is told to. Its clients are
   sockets of this process; two pages are held, and one may be sought, by clients that are
   none. */
#ifndef WHILST_TESTS_LIVE_H
#define WHILST_TESTS_LIVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct client {
    int socket;   /* -1: not connected */
    uint8_t *got; /* what the server sent */
    size_t size, capacity;
    bool ended; /* by the server */
};

#define LIVE_TEXT_PAGE "hello"
#define LIVE_BINARY_PAGE "\x89PNG\r\n\x1a\n no picture"
#define LIVE_DENIED_PAGE "denied"
#define LIVE_SOUGHT_PAGE "to be put here"

/* Starts the server; it is started anew from time to time when there is nobody. */
void live_open(void);

void live_connect(struct client *client);
/* Sends, in pieces of `step` bytes (0: in one), each of which the server sees by itself. */
void live_send(struct client *client, const void *bytes, size_t size, size_t step);
/* Ends what the client sends; it still hears. */
void live_shut(struct client *client);
void live_disconnect(struct client *client);

/* Lets the loop turn until nothing more happens by itself. */
void live_settle(struct client *clients, size_t count);

/* Somebody wants LIVE_SOUGHT_PAGE from now on; what comes must be it. */
void live_seek(void);

/* Everybody must be disconnected: the server must forget them. */
void live_end(void);

#endif
