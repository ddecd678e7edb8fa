/* Frames and their bytes: Phoenix Channels v2, text arrays and binary push, reply,
   broadcast (docs/protocol.md, section 2). */
#ifndef WHILST_WIRE_H
#define WHILST_WIRE_H

#include "whilst/hash.h"
#include "whilst/message.h"
#include "whilst/slice.h"

#define WIRE_NAME_MAX 255     /* bytes of a topic or event */
#define WIRE_REF_MAX 64       /* characters of a reference */
#define WIRE_CONTENT_FRONT 96 /* room that wire_prepend_content needs at most */

/* Who wrote a frame: a binary push has a ref only from the client. */
enum wire_sender { WIRE_CLIENT, WIRE_SERVER };

enum wire_result {
    WIRE_OK,
    WIRE_MORE, /* right so far, but the head is not complete */
    WIRE_BAD,
};

enum ref_kind { REF_NULL, REF_STRING, REF_INTEGER };

/* A message's reference: a string without escapes, or an integer; kept as written. */
struct ref {
    enum ref_kind kind;
    struct slice text;
};

enum frame_kind { FRAME_PUSH, FRAME_REPLY, FRAME_BROADCAST };

/* A decoded frame. Its slices point into the bytes it was decoded from, or into `names`:
   it must not be copied. */
struct frame {
    enum frame_kind kind;
    enum message_form form;
    struct ref join_ref, ref;
    struct slice topic, event;        /* without escapes; event is empty in a reply */
    struct slice status;              /* of a reply */
    struct slice payload;             /* JSON text, or the bytes of a binary frame */
    char names[2][WIRE_NAME_MAX + 3]; /* topic and event, if they had escapes */
};

/* Decodes all but the payload, of which frame->payload holds what has come, to the end of
   the input. For text from the server the kind is always FRAME_PUSH. */
enum wire_result wire_decode_head(enum wire_sender from, enum message_form form,
                                  const void *bytes, size_t size, struct frame *frame);

/* Decodes a whole message: WIRE_OK or WIRE_BAD. */
enum wire_result wire_decode(enum wire_sender from, enum message_form form,
                             const void *bytes, size_t size, struct frame *frame);

/* The message of a frame, in the frame's form; NULL when there is no memory. The payload
   must be JSON if the form is text. */
struct message *wire_encode_new(enum wire_sender from, const struct frame *frame);

/* A text frame whose payload is {"content": text} and, if `hash` is not NULL, its hash.
   Text must be UTF-8. References and topic are the frame's. */
struct message *wire_content_new(const struct frame *frame, const uint8_t *text,
                                 size_t size, const struct page_hash *hash);

/* The JSON value of a member of a payload that wire_decode accepted; empty if absent. */
struct slice wire_member(struct slice payload, const char *key);

/* Whether bytes can travel in a text frame: UTF-8 (RFC 3629). */
bool wire_is_text(const uint8_t *bytes, size_t size);

/* Puts the head of a binary `content` broadcast before the body that the message holds. */
void wire_prepend_content(struct message *message, struct slice topic);

#endif
