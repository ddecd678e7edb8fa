/* Everything the hub says: the queue of effects, and the frames that go into it. */
#ifndef WHILST_CORE_SEND_H
#define WHILST_CORE_SEND_H

#include "state.h"

/* The topic of a membership as it was joined; `text` holds it. */
struct slice send_topic(const struct membership *member, char text[TOPIC_TEXT_MAX]);

struct ref send_join_ref(const struct membership *member);

/* A session that misses something which it should know is closed as soon as all effects
   before are carried out: it needs no memory to say so. */
void send_lose(struct hub *hub, const struct session *session, enum reason reason);

/* Takes the message; NULL (no memory) loses the session. */
void send_take_message(struct hub *hub, const struct session *session,
                       struct message *message);

/* Queues the close of a connection, whose session is then to be freed. False if the session
   is lost instead. */
bool send_close(struct hub *hub, const struct session *session, uint16_t code,
                enum reason reason);

/* The reply to a frame that has a ref: ok with `response` (JSON), or the reason. */
void send_ok(struct hub *hub, const struct session *session, const struct frame *to,
             const char *response);
void send_refusal(struct hub *hub, const struct session *session, const struct frame *to,
                  enum reason reason);

/* phx_close, or with a reason phx_error: the end of a membership, seen from the client. */
void send_end(struct hub *hub, const struct membership *member, enum reason reason);

/* An event for one member: a push carries its join_ref. */
void send_push(struct hub *hub, const struct membership *member, const char *event,
               const char *payload);

/* The same event for several members: the message is made once for each way in which the
   topic was written. Zeroed memory but for event and payload; clear when done. */
struct broadcast {
    const char *event, *payload;
    uint64_t subject; /* of the messages */
    struct message *plain;
};
void send_broadcast(struct hub *hub, struct broadcast *broadcast,
                    const struct membership *member);
void send_broadcast_clear(struct broadcast *broadcast);

#endif
