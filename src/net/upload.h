/* Pages held over HTTP: a PUT is one more holder, until it has been asked once. */
#ifndef WHILST_NET_UPLOAD_H
#define WHILST_NET_UPLOAD_H

#include "server_state.h"

/* Begins to hold a page for a PUT, whose body is not read before somebody wants it. Of the
   request only its length and its expectations are still to be looked at. `body`: the
   library reads one. Returns what the callback must. */
int upload_request(struct lws *wsi, const struct page_hash *hash, bool body);

/* Events of the library; each returns what its callback must. */
int upload_body(struct lws *wsi, const void *bytes, size_t size);
int upload_body_complete(struct lws *wsi);
int upload_writeable(struct lws *wsi);
int upload_closed(struct lws *wsi);

/* Ends those whose client is gone. */
void upload_sweep(struct server *server);
/* Tells all that the server stops. */
void upload_stop_all(struct server *server);

#endif
