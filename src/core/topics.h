/* Joining and leaving: the memberships of sessions. */
#ifndef WHILST_CORE_TOPICS_H
#define WHILST_CORE_TOPICS_H

#include "state.h"

/* The session's membership in a topic, or NULL. */
struct membership *topics_find(const struct session *session, const struct topic *topic);

/* Answers a phx_join. */
void topics_join(struct hub *hub, struct session *session, const struct topic *topic,
                 const struct frame *frame);
/* Answers a phx_leave; `member` is NULL if the topic is not joined. */
void topics_leave(struct hub *hub, struct session *session, struct membership *member,
                  const struct frame *frame);

/* Ends a membership for the client's fault: phx_error. */
void topics_fail(struct hub *hub, struct membership *member, enum reason reason);
/* The session may not be asked for this page again. */
void topics_bar(struct hub *hub, struct session *session, const struct page_hash *hash);

/* The connection dropped: holders with a token go away, all else leaves. */
void topics_drop_all(struct hub *hub, struct session *session);

/* Everybody at a page is told why, and is at it no more. Returns how many they were, those
   away left out. */
uint32_t topics_clear_page(struct hub *hub, const struct page_hash *hash,
                           enum reason reason);

/* A slot's grace is over. */
void topics_away_due(struct hub *hub, struct slot *slot);

#endif
