/* The end of a server's life.

   Nobody new is accepted, but for the operator, who may watch, and that a socket beside
   others on its port closes only after half of LINGER_MS (accept.c). First those who speak
   HTTP: each answer says that the connection ends with it, and whoever is idle may ask once
   more for LINGER_MS, because a request may be on its way; meanwhile all holders are still
   here to answer. Then sessions are closed with 1012, evenly over what is left of drain_ms
   (but at least one each millisecond), so that clients come back one after the other. A
   session with something in flight is spared until that is over, for at most fetch_ms more.
   The loop stops when all sockets are gone, or GOODBYE_MS after the last was sent away. */
#include "drain.h"

#include "accept.h"
#include "bus.h"
#include "callers.h"
#include "http.h"
#include "log.h"
#include "notify.h"
#include "websocket.h"

#define TICK_MS 10
#define LINGER_MS 500
#define GOODBYE_MS 1000

static uint64_t linger_ms(const struct server *server)
{
    uint64_t quarter_ms = server->config->drain_ms / 4;
    return quarter_ms < LINGER_MS ? quarter_ms : LINGER_MS;
}

/* How many sessions should have been closed by now. */
static uint64_t closed_by(const struct server *server, uint64_t passed_ms)
{
    uint64_t all = server->drain.sessions;
    uint64_t spread_ms = server->config->drain_ms - linger_ms(server);
    if (spread_ms > all) spread_ms = all;
    return passed_ms >= spread_ms ? UINT32_MAX : all * passed_ms / spread_ms;
}

static void close_sessions(struct server *server, uint64_t passed_ms)
{
    struct drain *drain = &server->drain;
    uint64_t wanted = closed_by(server, passed_ms);
    uint64_t last_ms = (uint64_t)server->config->drain_ms + server->config->fetch_ms;
    if (drain->closed >= wanted) return;
    drain->closed += websocket_close_some(server, (uint32_t)(wanted - drain->closed),
                                          passed_ms >= last_ms);
}

static bool is_over(struct server *server, uint64_t now_ms)
{
    struct drain *drain = &server->drain;
    bool busy = server->metrics.callers > 0 || hub_metrics(server->hub)->sessions > 0;
    if (busy) drain->last_ms = now_ms;
    uint64_t most_ms = (uint64_t)server->config->drain_ms + server->config->fetch_ms;
    return (!busy && server->connections == 0) || now_ms - drain->last_ms >= GOODBYE_MS ||
           now_ms - drain->began_ms >= most_ms + GOODBYE_MS;
}

static void on_tick(uv_timer_t *timer)
{
    struct server *server = timer->data;
    struct drain *drain = &server->drain;
    uint64_t now_ms = server_now_ms(server);
    bool lingers = now_ms - drain->began_ms < linger_ms(server);
    bool awaited = server->metrics.callers > 0 || accept_lingers(server);
    if (now_ms - drain->began_ms >= linger_ms(server) / 2) accept_end(server);
    if (drain->closing_ms == 0 && lingers && awaited) return;
    if (drain->closing_ms == 0) {
        drain->closing_ms = now_ms;
        http_stop(server);
    }
    callers_end_idle(server);
    close_sessions(server, now_ms - drain->closing_ms);
    if (is_over(server, now_ms)) uv_stop(timer->loop);
}

void drain_begin(struct server *server, bool handed_over)
{
    uint64_t now_ms = server_now_ms(server);
    server->stopping = true;
    server->drain = (struct drain){
        .began_ms = now_ms, .last_ms = now_ms, .sessions = server->connections};
    if (!handed_over) notify_say("STOPPING=1");
    accept_stop(server, handed_over);
    bus_go(server);
    server->stop_timer.data = server;
    uv_timer_start(&server->stop_timer, on_tick, 0, TICK_MS);
}
