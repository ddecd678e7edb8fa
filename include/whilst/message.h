/* The bytes of one WebSocket message: written once, then shared by count and never changed.

   A message has room in front of its bytes, so that a transport can put its header there,
   and so that the head of a frame can be put before a body that arrived without it. */
#ifndef WHILST_MESSAGE_H
#define WHILST_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MESSAGE_HEADROOM 16 /* bytes in front that the transport may use for each send */

enum message_form { MESSAGE_TEXT, MESSAGE_BINARY };

struct message {
    uint32_t refs;
    uint32_t queued; /* outboxes that it waits in; kept by the transport */
    enum message_form form;
    bool content;     /* a page for a seeker: hub_drained is to follow */
    uint64_t subject; /* 0, or what it is news of: a newer one makes it worthless */
    size_t capacity;  /* of storage */
    size_t start;     /* of the bytes in storage; at least MESSAGE_HEADROOM */
    size_t size;      /* of the bytes */
    uint8_t storage[];
};

/* An empty message, held once, with room for `front` bytes to be put before its bytes
   later and `capacity` bytes of its own; NULL when there is no memory. */
struct message *message_new(enum message_form form, size_t front, size_t capacity);

struct message *message_ref(struct message *message);
void message_unref(struct message *message); /* NULL is allowed; the last one frees it */

uint8_t *message_bytes(struct message *message);

/* The following are for the only holder of a message. */

/* Makes room for `more` bytes behind the present ones, moving the message if need be; on
   failure *message is untouched. */
bool message_reserve(struct message **message, size_t more);
void message_append(struct message *message, const void *bytes, size_t size);
void message_prepend(struct message *message, const void *bytes, size_t size);

#endif
