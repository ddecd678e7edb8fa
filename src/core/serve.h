/* Handing a page's bytes to those who seek it. */
#ifndef WHILST_CORE_SERVE_H
#define WHILST_CORE_SERVE_H

#include "state.h"

/* Serves the active seekers of a page whose fetch is over. The message holds the page's
   bytes alone, with WIRE_CONTENT_FRONT in front. */
void serve_all(struct hub *hub, struct page *page, struct message *bytes);

#endif
