/* Rates of one session, and what one address may have. */
#ifndef WHILST_CORE_LIMITS_H
#define WHILST_CORE_LIMITS_H

#include "state.h"

/* Takes one from a bucket that fills at `rate` a second and holds `burst`; false when it is
   empty. Zeroed memory is a full bucket; a rate of 0 is no limit. */
bool limits_take(struct bucket *bucket, uint32_t rate, uint32_t burst, uint64_t now_ms);

/* A bucket of one second that may be overdrawn: whether anything is left in it; takes so
   much, whether or not. A rate of 0 is no limit. */
bool limits_has_left(const struct bucket *bucket, uint64_t now_ms);
void limits_overdraw(struct bucket *bucket, size_t rate, size_t amount, uint64_t now_ms);

/* Counts a new session. *origin is NULL for an address without limits. */
enum reason limits_enter(struct hub *hub, const struct address *address,
                         struct origin **origin);
void limits_leave(struct hub *hub, struct origin *origin);

/* Counts a holder that goes away; false if its address has too many of them. */
bool limits_go_away(struct hub *hub, struct origin *origin);
void limits_come_back(struct hub *hub, struct origin *origin);

#endif
