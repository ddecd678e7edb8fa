/* How much a session may be sent of the pages that it seeks. */
#ifndef WHILST_CORE_WINDOW_H
#define WHILST_CORE_WINDOW_H

#include "state.h"

/* Keeps room in the session for this seeker's page until window_release; false if there is
   none: then it waits. */
bool window_admit(struct hub *hub, struct membership *seeker);
/* Gives the room of one seeker, if it has any, to another of the same session and page. */
void window_move(struct membership *from, struct membership *to);
/* Whether the seeker, which has room, may be sent a message of this size. */
bool window_fits(const struct hub *hub, const struct membership *seeker, size_t bytes);
/* It may not: it waits until the session has read more. */
void window_wait(struct hub *hub, struct membership *seeker);
/* The seeker needs its room, or to wait for it, no more; it was sent so many bytes. */
void window_release(struct hub *hub, struct membership *seeker, size_t sent_bytes);
/* It was not served: those of its session that wait go first from now on. */
void window_give_way(struct hub *hub, struct membership *seeker);
/* The session has read what it was sent. */
void window_drained(struct hub *hub, struct session *session);
/* There may be room in the session for those who wait, who are let in by window_settle. */
void window_reconsider(struct hub *hub, struct session *session);
/* The session is about to be freed. */
void window_forget(struct hub *hub, struct session *session);
/* Lets those in who wait where there is room now. Called at the end of every input. */
void window_settle(struct hub *hub);

#endif
