/* Connecting a link's socket. */
#ifndef WHILST_NET_DIAL_H
#define WHILST_NET_DIAL_H

#include "link.h"

/* Ends in link_connected, or in link_finish. */
void dial(struct link *link);

#endif
