/* Who is let in.

   A caller exists from accept to the upgrade that makes a session of it, or to its end.
   Their number is bounded: one address may have as many as it may have sessions, and of all
   together those make room who have asked for nothing for longest. An idle connection costs
   little, but the library keeps a timer for each in one sorted list, and descriptors are
   for sessions. */
#include "callers.h"

#include "overrides.h"
#include "secure.h"
#include "whilst/memory.h"

#include <poll.h>
#include <sys/socket.h>

#define SKIP_MS 2000

static bool is_limited(const struct server *server, const struct address *address)
{
    static const struct address local = {{0}};
    const struct server_config *config = server->config;
    return config->hub.connections_per_address_max != 0 &&
           memcmp(address, &local, sizeof local) != 0 &&
           !address_in(address, config->proxies.ranges, config->proxies.count);
}

static uint32_t count_of(const struct server *server, const struct address *network)
{
    uint32_t count = 0;
    const struct ring *at = server->callers.next;
    for (; at != &server->callers; at = at->next) {
        const struct caller *caller = NET_OWNER(at, struct caller, ring);
        count += caller->limited && memcmp(&caller->network, network, sizeof *network) == 0;
    }
    return count;
}

static void free_caller(struct caller *caller)
{
    callers_lend(caller);
    ring_remove(&caller->answered);
    secure_end(caller);
    if (caller->wsi != NULL) lws_set_opaque_user_data(caller->wsi, NULL);
    memory_free(caller);
}

/* Ends the connection that has been idle for longest; false if nobody is idle. */
static bool make_room(struct server *server)
{
    for (struct ring *at = server->callers.next; at != &server->callers; at = at->next) {
        struct caller *caller = NET_OWNER(at, struct caller, ring);
        if (caller->exchange != NULL || caller->wsi == NULL) continue;
        server->metrics.callers_ended_total++;
        server_end_socket(caller->wsi, 0);
        free_caller(caller);
        return true;
    }
    return false;
}

static enum reason judge(struct server *server, const struct address *network, bool limited)
{
    const struct server_config *config = server->config;
    if (memory_is_short()) return REASON_BUSY;
    if (limited && count_of(server, network) >= config->hub.connections_per_address_max)
        return REASON_ADDRESS_CONNECTIONS;
    if (server->metrics.callers >= config->callers_max && !make_room(server))
        return REASON_CONNECTIONS;
    return REASON_NONE;
}

struct caller *callers_enter(struct server *server, int socket, bool admin)
{
    struct address address = address_of_socket(socket);
    struct address network = address_network(&address);
    bool limited = !admin && is_limited(server, &address);
    if (admin && !admin_has_room(server)) return NULL;
    enum reason reason = admin ? REASON_NONE : judge(server, &network, limited);
    struct caller *caller = reason == REASON_NONE ? memory_new(sizeof *caller) : NULL;
    if (caller == NULL) {
        hub_metrics(server->hub)->refusals[reason == REASON_NONE ? REASON_BUSY : reason]++;
        return NULL;
    }
    *caller = (struct caller){.owner = OWNER_CALLER,
                              .server = server,
                              .network = network,
                              .limited = limited,
                              .admin = admin};
    ring_init(&caller->ring);
    ring_init(&caller->shaking);
    ring_init(&caller->answered);
    callers_take_back(caller);
    return caller;
}

void callers_bind(struct caller *caller, struct lws *wsi)
{
    caller->wsi = wsi;
    if (wsi == NULL)
        free_caller(caller);
    else
        lws_set_opaque_user_data(wsi, caller);
}

struct caller *caller_of(struct lws *wsi)
{
    struct caller *caller = lws_get_opaque_user_data(wsi);
    return caller != NULL && caller->owner == OWNER_CALLER ? caller : NULL;
}

void callers_note_request(struct caller *caller)
{
    caller->since_ms = server_moment(caller->server);
    ring_append(caller->admin ? &caller->server->admin.callers : &caller->server->callers,
                &caller->ring);
}

static void count(struct caller *caller, bool more)
{
    struct server *server = caller->server;
    if (caller->admin)
        server->admin.connections += more ? 1 : UINT32_MAX;
    else
        server->metrics.callers += more ? 1 : UINT64_MAX;
}

void callers_lend(struct caller *caller)
{
    if (ring_is_empty(&caller->ring)) return;
    count(caller, false);
    ring_remove(&caller->ring);
}

void callers_take_back(struct caller *caller)
{
    count(caller, true);
    callers_note_request(caller);
}

struct address callers_address(struct lws *wsi)
{
    static const char name[] = "forwarded:";
    const struct proxies *proxies = &server_of(wsi)->config->proxies;
    char forwarded[512];
    struct address peer = address_of_socket(lws_get_socket_fd(wsi));
    int size =
        proxies->header == PROXY_FORWARDED
            ? lws_hdr_custom_copy(wsi, forwarded, sizeof forwarded, name, sizeof name - 1)
            : lws_hdr_copy(wsi, forwarded, sizeof forwarded, WSI_TOKEN_X_FORWARDED_FOR);
    return address_of_client(&peer, size > 0 ? forwarded : NULL, proxies);
}

static bool has_event(struct lws *wsi, short events)
{
    struct pollfd look = {.fd = lws_get_socket_fd(wsi), .events = events};
    return poll(&look, 1, 0) > 0;
}

/* Behind an answer the library waits until the socket can be written to, and reads nothing
   before. That took a turn of the loop and four system calls for each answer; but what was
   taken whole needs no waiting, so that it is told at once. */
int callers_answered(struct lws *wsi)
{
    struct caller *caller = caller_of(wsi);
    bool whole = caller != NULL && !lws_partial_buffered(wsi);
    if (caller != NULL) caller->anew_turn = UINT64_MAX;
    if (whole) overrides_hush(wsi);
    bool ends = lws_http_transaction_completed(wsi) != 0;
    overrides_unhush();
    if (whole && !ends) ring_append(&caller->server->answered, &caller->answered);
    return ends ? -1 : 0;
}

/* Whether the library has kept what somebody sent behind a request. */
static bool keeps_input(struct server *server)
{
    return lws_service_adjust_timeout(server->context, 1, 0) == 0;
}

/* What it has kept it reads before the next turn. */
static void go_on(struct caller *caller)
{
    struct server *server = caller->server;
    struct lws_pollfd writable = {.fd = lws_get_socket_fd(caller->wsi),
                                  .events = LWS_POLLOUT,
                                  .revents = LWS_POLLOUT};
    if (lws_service_fd(server->context, &writable) != 0) return;
    caller->anew_turn = 0;
    if (!keeps_input(server)) return;
    caller->anew_turn = server->turns + 1;
    lws_cancel_service(server->context);
}

/* Where it has kept something already, it cannot be told whose is new. */
void callers_go_on(struct server *server)
{
    while (!ring_is_empty(&server->answered)) {
        struct caller *caller = NET_OWNER(server->answered.next, struct caller, answered);
        ring_remove(&caller->answered);
        if (!keeps_input(server)) {
            go_on(caller);
            continue;
        }
        if (has_event(caller->wsi, POLLOUT)) caller->anew_turn = server->turns + 1;
        lws_callback_on_writable(caller->wsi);
    }
}

/* Of a request that was kept, and has a body, the library takes the headers for the body,
   and reads memory that it has freed. */
bool callers_read_anew(const struct caller *caller)
{
    return caller->server->turns >= caller->anew_turn;
}

/* Whilst the library holds a socket back it does nothing about it, not even write; but with
   something kept behind the request, it asks to be told when it could: turn after turn. */
void callers_hold_back(struct lws *wsi)
{
    overrides_hush(wsi);
    lws_rx_flow_control(wsi, 0);
    overrides_unhush();
}

bool callers_gone(struct lws *wsi)
{
    return has_event(wsi, POLLRDHUP);
}

bool callers_waits_to_be_read(struct lws *wsi)
{
    return has_event(wsi, POLLIN);
}

void callers_skip(struct lws *wsi)
{
    caller_of(wsi)->skips_ms = server_moment(server_of(wsi));
    if (!lws_partial_buffered(wsi)) shutdown(lws_get_socket_fd(wsi), SHUT_WR);
    lws_rx_flow_control(wsi, 1);
}

int callers_skipped(struct lws *wsi)
{
    const struct caller *caller = caller_of(wsi);
    bool skips = caller != NULL && caller->skips_ms != 0 &&
                 server_age_ms(caller->server, caller->skips_ms) < SKIP_MS;
    return skips ? 0 : -1;
}

/* Whether it is not its own doing that it has no new request. */
static bool is_served(const struct caller *caller)
{
    return caller->exchange != NULL ||
           (caller->skips_ms == 0 && lws_partial_buffered(caller->wsi));
}

static void sweep(struct server *server, struct ring *callers)
{
    uint32_t limit_ms = server->config->header_seconds * 1000;
    while (!ring_is_empty(callers)) {
        struct caller *caller = NET_OWNER(callers->next, struct caller, ring);
        if (server_age_ms(server, caller->since_ms) < limit_ms) return;
        callers_note_request(caller);
        if (!is_served(caller)) server_end_socket(caller->wsi, 0);
    }
}

void callers_sweep(struct server *server)
{
    sweep(server, &server->callers);
    sweep(server, &server->admin.callers);
}

void callers_leave(struct lws *wsi)
{
    struct caller *caller = caller_of(wsi);
    if (caller != NULL) free_caller(caller);
}

void callers_end_idle(struct server *server)
{
    struct ring *next, *at = server->callers.next;
    for (; at != &server->callers; at = next) {
        struct caller *caller = NET_OWNER(at, struct caller, ring);
        next = at->next;
        if (caller->exchange != NULL || caller->wsi == NULL ||
            callers_waits_to_be_read(caller->wsi))
            continue;
        server_end_socket(caller->wsi, 0);
        free_caller(caller);
    }
}
