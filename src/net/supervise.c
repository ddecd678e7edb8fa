/* What the service manager is told whilst the server runs: that it is ready, how many are
   there, and, if it watches, that all is well. That is said from the loop and only after a
   look at ourselves: a session of our own asks the hub for a heartbeat, and every listener
   must be there. A process whose loop stands, whose hub is mute or which nobody can reach is
   so found dead, and replaced. */
#include "supervise.h"

#include "accept.h"
#include "log.h"
#include "notify.h"

#include "whilst/wire.h"

#include <string.h>

#define STATUS_MS 5000

struct probe {
    struct endpoint endpoint;
    bool answered;
};

static void on_take(struct endpoint *endpoint, struct message *message)
{
    struct probe *probe = NET_OWNER(endpoint, struct probe, endpoint);
    struct frame frame;
    if (wire_decode(WIRE_SERVER, message->form, message_bytes(message), message->size,
                    &frame) == WIRE_OK)
        probe->answered = slice_is(frame.status, "ok");
    message_unref(message);
}

static void on_close(struct endpoint *endpoint, uint16_t code, enum reason reason)
{
    (void)code, (void)reason;
    endpoint->session = 0;
}

/* A hub that says that it is full answers too. */
static bool hub_answers(struct server *server)
{
    static const struct endpoint_kind kind = {on_take, on_close};
    static const struct address nowhere = {{0}};
    static const char heartbeat[] = "[null,\"1\",\"phoenix\",\"heartbeat\",{}]";
    struct probe probe = {.endpoint.kind = &kind};
    struct hub_part part = {.form = MESSAGE_TEXT,
                            .bytes = heartbeat,
                            .size = sizeof heartbeat - 1,
                            .fragment = true,
                            .final = true};
    enum reason reason;
    if (!server_connect(server, &probe.endpoint, &nowhere, &reason)) return true;
    server_receive(server, &probe.endpoint, &part);
    server_disconnect(server, &probe.endpoint);
    return probe.answered;
}

static bool is_well(struct server *server)
{
    bool listens = server->stopping || accept_is_listening(server);
    bool answers = hub_answers(server);
    if (listens && answers) return true;
    log_event(LOG_SELF_CHECK_FAILED, LOG_TEXT("listeners", listens ? "ok" : "lost"),
              LOG_TEXT("hub", answers ? "ok" : "mute"));
    return false;
}

static void on_time(uv_timer_t *timer)
{
    struct server *server = timer->data;
    const struct metrics *metrics = hub_metrics(server->hub);
    if (notify_watchdog_ms() > 0 && is_well(server)) notify_say("WATCHDOG=1");
    if (server->stopping) return;
    notify_say("STATUS=%llu sessions, %llu pages, %llu holders, %llu fetches",
               (unsigned long long)metrics->sessions, (unsigned long long)metrics->pages,
               (unsigned long long)metrics->holders, (unsigned long long)metrics->fetches);
}

void supervise_start(struct server *server)
{
    uint64_t often_ms = notify_watchdog_ms() / 3;
    if (often_ms == 0 || often_ms > STATUS_MS) often_ms = STATUS_MS;
    notify_say("READY=1");
    server->manager_timer.data = server;
    uv_timer_start(&server->manager_timer, on_time, often_ms, often_ms);
}
