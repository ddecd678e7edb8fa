/* Pages over HTTP: a request is one more seeker. */
#ifndef WHILST_NET_BYTES_H
#define WHILST_NET_BYTES_H

#include "server_state.h"

/* Answers a GET or HEAD for a page's bytes, now or when they have come. `known` says that
   the client names the page in If-None-Match. Returns what the callback must. */
int bytes_request(struct lws *wsi, const struct page_hash *hash, bool head, bool known);

int bytes_writeable(struct lws *wsi);
int bytes_closed(struct lws *wsi);

/* Answers the requests that have waited too long, and ends those that nobody reads. */
void bytes_sweep(struct server *server);

/* How long the client that has not read for longest has not; false if all have read. */
bool bytes_slowest_ms(struct server *server, uint32_t *age_ms);
void bytes_cut_slowest(struct server *server);

#endif
