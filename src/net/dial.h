/* Connecting a stream's socket. */
#ifndef WHILST_NET_DIAL_H
#define WHILST_NET_DIAL_H

#include "stream.h"

/* Ends in stream_connected, or in `broken`. */
void dial(struct stream *stream);

#endif
