/* The message that a session is sending us, part by part. */
#ifndef WHILST_CORE_INTAKE_H
#define WHILST_CORE_INTAKE_H

#include "state.h"

/* A complete message that is not a page's content, ready to be dispatched. */
struct intake_message {
    enum message_form form;
    const void *bytes;
    size_t size;
};

/* Takes a part. Returns the reason for which the connection must be closed, or REASON_NONE;
   message->bytes is set if a message became complete, and is valid until intake_clear. */
enum reason intake_receive(struct hub *hub, struct session *session,
                           const struct hub_part *part, struct intake_message *message);

/* Between messages, and at the end of the session. */
void intake_clear(struct hub *hub, struct session *session);

/* The answer that this holder may be sending is not wanted any more. */
void intake_abandon(struct hub *hub, struct membership *holder);

/* Drops the message that has been coming for longest, if that is longer than hedge_ms. */
void intake_shed(struct hub *hub);

#endif
