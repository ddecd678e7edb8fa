/* A new configuration in a running server. Whoever reads a value where it is needed has the new
   one; this file sees to the rest: the hub has a copy of its own, and limits that become lower
   must not cost those their session who were within the old ones. So nobody's silence before
   the change is counted (server_age_ms), and what waits to be read may be as much as before
   until everybody who reads has had --write-timeout to do so. */
#include "reload.h"

#include "deny_file.h"
#include "log.h"
#include "notify.h"
#include "secure.h"

static struct server_room room_of(const struct server_config *config)
{
    return (struct server_room){.outbox_bytes = config->outbox_bytes_max,
                                .outbox_bytes_soft = config->outbox_bytes_soft,
                                .queued_bytes = config->queued_bytes_max};
}

void reload_begin(struct server *server)
{
    server->room = room_of(server->config);
}

void reload_sweep(struct server *server)
{
    if (server_now_ms(server) - server->reloaded_ms > server->config->write_ms)
        server->room = room_of(server->config);
}

static void widen(struct server_room *room, const struct server_room *other)
{
    if (room->outbox_bytes < other->outbox_bytes) room->outbox_bytes = other->outbox_bytes;
    if (room->outbox_bytes_soft < other->outbox_bytes_soft)
        room->outbox_bytes_soft = other->outbox_bytes_soft;
    if (room->queued_bytes < other->queued_bytes) room->queued_bytes = other->queued_bytes;
}

static void take_config(struct server *server)
{
    struct server_room room = room_of(server->config);
    widen(&server->room, &room);
    server->reloaded_ms = server_now_ms(server);
    hub_take_config(server->hub, &server->config->hub, server->reloaded_ms);
    server_settle(server);
}

void reload_all(struct server *server)
{
    const struct server_config *config = server->config;
    notify_say("RELOADING=1\nMONOTONIC_USEC=%llu",
               (unsigned long long)(uv_hrtime() / 1000));
    if (config->reload != NULL && config->reload(config->owner)) take_config(server);
    deny_file_reload(server);
    secure_reload(server);
    notify_say("READY=1");
}
