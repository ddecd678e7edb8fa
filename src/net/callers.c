/* Who is let in.

   A caller exists from accept to the upgrade that makes a session of it, or to its end. Their
   number is bounded: one address may have as many as it may have sessions, and of all together
   those make room who have asked for nothing for longest. An idle connection costs little, but
   the library keeps a timer for each in one sorted list, and descriptors are for sessions. */
#include "callers.h"

#include "secure.h"
#include "whilst/memory.h"

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
    caller->server->metrics.callers--;
    ring_remove(&caller->ring);
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

struct caller *callers_enter(struct server *server, int socket)
{
    struct address address = address_of_socket(socket);
    struct address network = address_network(&address);
    bool limited = is_limited(server, &address);
    enum reason reason = judge(server, &network, limited);
    struct caller *caller = reason == REASON_NONE ? memory_new(sizeof *caller) : NULL;
    if (caller == NULL) {
        hub_metrics(server->hub)->refusals[reason == REASON_NONE ? REASON_BUSY : reason]++;
        return NULL;
    }
    *caller = (struct caller){
        .owner = OWNER_CALLER, .server = server, .network = network, .limited = limited};
    ring_init(&caller->ring);
    ring_init(&caller->shaking);
    callers_note_request(caller);
    server->metrics.callers++;
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
    ring_append(&caller->server->callers, &caller->ring);
}

void callers_leave(struct lws *wsi)
{
    struct caller *caller = caller_of(wsi);
    if (caller != NULL) free_caller(caller);
}
