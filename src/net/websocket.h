/* WebSocket connections. */
#ifndef WHILST_NET_WEBSOCKET_H
#define WHILST_NET_WEBSOCKET_H

#include "server_state.h"

/* Events of the library; each returns what its callback must. */
int websocket_established(struct lws *wsi);
int websocket_received(struct lws *wsi, const void *bytes, size_t size);
int websocket_pong(struct lws *wsi);
int websocket_writeable(struct lws *wsi);
/* `payload` is that of the client's close frame. */
int websocket_peer_closes(struct lws *wsi, const uint8_t *payload, size_t size);
int websocket_closed(struct lws *wsi);

/* Writes what connections owe; once in each turn of the loop. */
void websocket_flush(struct server *server);
/* Pings, hangs up, cuts off: whatever is due. */
void websocket_sweep(struct server *server);
/* Closes so many sessions with 1012, or fewer: those with something in flight only if
   `busy_too`. How many. */
uint32_t websocket_close_some(struct server *server, uint32_t most, bool busy_too);

/* How long the client that has not read for longest has not; false if all have read. */
bool websocket_slowest_ms(struct server *server, uint32_t *age_ms);
void websocket_cut_slowest(struct server *server);

#endif
