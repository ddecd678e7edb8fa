/* Sessions, for the hub's other inputs than those that come from them. */
#ifndef WHILST_CORE_SESSIONS_H
#define WHILST_CORE_SESSIONS_H

#include "state.h"

struct session *sessions_find(const struct hub *hub, session_id id); /* or NULL */
/* Counts the refusal, and closes the connection. The session is gone, or lost. */
void sessions_close(struct hub *hub, struct session *session, enum reason reason);

#endif
