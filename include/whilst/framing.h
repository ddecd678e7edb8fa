/* A client's side of WebSocket framing (RFC 6455, section 5): a stream of bytes into
   messages and control frames, and back. It does no I/O and speaks no extension. */
#ifndef WHILST_FRAMING_H
#define WHILST_FRAMING_H

#include "whilst/message.h"
#include "whilst/slice.h"

#define FRAMING_CONTROL_MAX 125                        /* bytes in a control frame */
#define FRAMING_CONTROL_SIZE (6 + FRAMING_CONTROL_MAX) /* of one that a client sends */

enum framing_kind {
    FRAMING_MORE,    /* all bytes are used up */
    FRAMING_MESSAGE, /* a whole message */
    FRAMING_PING,    /* to be answered with the same bytes */
    FRAMING_PONG,
    FRAMING_CLOSE, /* `code` as the server sent it, 1005 if it sent none; bytes: the reason */
    FRAMING_BROKEN, /* the server broke the protocol: close with `code` and read no more */
};

struct framing_event {
    enum message_form form; /* of a message */
    uint16_t code;          /* of CLOSE and BROKEN: RFC 6455, section 7.4.1 */
    const uint8_t *bytes;   /* valid until framing_next is called again */
    size_t size;
};

/* What has come of a message and of a frame. Zeroed memory but for message_bytes_max is the
   start of a stream. */
struct framing {
    size_t message_bytes_max;
    struct message *kept; /* the message so far, if it did not come in one piece */
    uint64_t frame_left;  /* bytes of the present frame's payload that are to come */
    bool in_frame, final, begun, given; /* given: `kept` was handed out by the last call */
    uint8_t opcode, control_size, head_size;
    enum message_form form;
    uint8_t head[10], control[FRAMING_CONTROL_MAX];
};

/* Takes bytes from *at, which it moves, until something is whole or `end` is reached. */
enum framing_kind framing_next(struct framing *framing, const uint8_t **at,
                               const uint8_t *end, struct framing_event *event);

/* Bytes of the message that is arriving now. */
size_t framing_received(const struct framing *framing);

void framing_clear(struct framing *framing);

/* Turns a message that nobody shares into the one frame that a client sends for it: the
   head is put into the headroom, and the bytes are masked in place with four bytes that
   nobody can foresee (section 10.3). The slice is the message's storage. */
struct slice framing_seal(struct message *message, const uint8_t mask[4]);

/* Writes a control frame; `kind` is PING, PONG or CLOSE. Returns its size. */
size_t framing_control(enum framing_kind kind, const uint8_t *bytes, size_t size,
                       const uint8_t mask[4], uint8_t out[FRAMING_CONTROL_SIZE]);
/* A close frame with a code. */
size_t framing_close(uint16_t code, const uint8_t mask[4],
                     uint8_t out[FRAMING_CONTROL_SIZE]);

#endif
