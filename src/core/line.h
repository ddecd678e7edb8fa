/* The line of fetches that wait for memory. */
#ifndef WHILST_CORE_LINE_H
#define WHILST_CORE_LINE_H

#include "state.h"

/* Whether there is memory for so many pages more at their largest. */
bool line_has_memory(const struct hub *hub, size_t pages);
bool line_is_full(const struct hub *hub);

void line_enter(struct hub *hub, struct fetch *fetch);
void line_leave(struct hub *hub, struct fetch *fetch); /* also if it does not stand there */

/* Fetches stand in line: what has been coming for too long makes room. */
void line_due(struct hub *hub);

#endif
