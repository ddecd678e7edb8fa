/* The client of NATS: which server it is connected to, and what becomes of the connection.

   There are two links. One is `current` whilst the bus is up; the other is used to come
   back, or to move: when the current server says that it will stop (lame duck), a
   connection to another is made first. Then the owner is told down and up, and subscribes
   anew; what the old server still brings is taken for DRAIN_MS more.

   A failed attempt is followed by the next server in the list; pauses begin when all were
   tried, and grow. A connection that lasted is looked for again almost at once. Each
   server's failure is logged once between two connections. */
#include "nats_client.h"

#include "log.h"
#include "whilst/memory.h"
#include "whilst/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PAUSE_MS 100 /* after all servers were tried; doubled until */
#define PAUSE_MAX_MS 5000
#define SPREAD_MS 50 /* before the first attempt to come back: all nodes lost it together */
#define STEADY_MS 1000 /* a connection that lasted so long ends the doubling */
#define AVOID_MS 30000 /* a server that said that it will stop */
#define DRAIN_MS 1000

struct nats_client {
    const struct nats_client_config *config;
    struct nats_link_config link_config;
    const struct nats_client_callbacks *on;
    void *owner;
    struct nats_servers servers;
    struct nats_secrets *login;
    struct tls_context *tls;
    struct nats_link links[2];
    struct nats_link *current; /* NULL: the bus is down */
    uv_timer_t timer;
    uv_prepare_t flush;
    uint64_t armed_ms; /* when the timer rings; UINT64_MAX: it does not */
    uint64_t again_ms; /* when the next attempt is made; UINT64_MAX: none */
    uint64_t drain_ms; /* when the link that we moved from is closed */
    uint32_t failures; /* since the last connection that lasted */
    bool was_up, closing, told;
    int handles; /* that are still to be closed */
    struct nats_metrics metrics;
};

static uint64_t now_ms(const struct nats_client *client)
{
    return uv_now(client->link_config.loop);
}

static struct nats_client *client_of(struct nats_link *link)
{
    return link->owner;
}

static const char *name_of(const struct nats_server *server)
{
    return server->target.authority;
}

/* ---- time ---- */

static void on_time(uv_timer_t *timer);

static void arm(struct nats_client *client)
{
    uint64_t due = client->again_ms, now = now_ms(client);
    if (client->drain_ms < due) due = client->drain_ms;
    for (int i = 0; i < 2; i++) {
        uint64_t link_due = nats_link_next_deadline(&client->links[i]);
        if (link_due < due) due = link_due;
    }
    if (due >= client->armed_ms || client->closing) return;
    client->armed_ms = due;
    uv_timer_start(&client->timer, on_time, due > now ? due - now : 0, 0);
}

/* ---- attempts ---- */

/* Half of the longest pause, and up to as much again by chance. */
static uint64_t spread(uint64_t most)
{
    uint32_t chance = 0;
    uv_random(NULL, NULL, &chance, sizeof chance, 0, NULL);
    return most / 2 + chance % (most / 2 + 1);
}

static uint64_t pause_ms(const struct nats_client *client)
{
    uint32_t rounds = client->failures / (uint32_t)client->servers.count;
    if (client->failures == 0) return spread(SPREAD_MS);
    if (client->failures % client->servers.count != 0) return 0;
    uint64_t most = (uint64_t)PAUSE_MS << (rounds < 7 ? rounds - 1 : 6);
    return spread(most < PAUSE_MAX_MS ? most : PAUSE_MAX_MS);
}

static bool is_trying(const struct nats_client *client)
{
    for (int i = 0; i < 2; i++)
        if (client->links[i].state >= NATS_LINK_OPENING &&
            client->links[i].state < NATS_LINK_UP)
            return true;
    return false;
}

/* Opens a link to a server, to another one than the current. */
static void attempt(struct nats_client *client)
{
    struct nats_link *link = &client->links[client->links[0].state != NATS_LINK_IDLE];
    const struct nats_server *but =
        client->current == NULL ? NULL : client->current->server;
    struct nats_server *server = nats_servers_next(&client->servers, but, now_ms(client));
    client->again_ms = UINT64_MAX;
    if (server == NULL || is_trying(client)) return;
    if (link->state == NATS_LINK_IDLE)
        nats_link_open(link, server);
    else
        client->again_ms = now_ms(client) + PAUSE_MS;
}

/* ---- what links tell ---- */

static void begin_drain(struct nats_client *client, const struct nats_link *old)
{
    client->drain_ms = now_ms(client) + DRAIN_MS;
    client->metrics.bus_moves_total++;
    log_event(LOG_BUS_MOVES, LOG_TEXT("from", name_of(old->server)));
    client->on->up(client->owner, false);
}

static void on_up(struct nats_link *link)
{
    struct nats_client *client = client_of(link);
    bool moves = client->current != NULL;
    if (moves) begin_drain(client, client->current);
    client->current = link;
    client->was_up = true;
    client->again_ms = UINT64_MAX;
    for (size_t i = 0; i < client->servers.count; i++)
        client->servers.all[i]->complained = false;
    client->metrics.bus_connections_total++;
    log_event(LOG_BUS_UP, LOG_TEXT("server", name_of(link->server)),
              LOG_TEXT("name", link->name),
              LOG_TEXT("tls", link->stream.tls != NULL ? "yes" : "no"));
    client->on->up(client->owner, true);
    arm(client);
}

static void on_message(struct nats_link *link, const struct nats_event *event)
{
    struct nats_client *client = client_of(link);
    client->metrics.bus_received_bytes_total += event->size;
    client->on->message(client->owner, event);
}

static void on_too_large(struct nats_link *link, const struct nats_event *event)
{
    struct nats_client *client = client_of(link);
    client->metrics.bus_too_large_total++;
    log_event(LOG_BUS_TOO_LARGE, LOG_NUMBER("bytes", event->size),
              LOG_BYTES("subject", event->subject.data, event->subject.size));
}

static void on_error(struct nats_link *link, struct slice text)
{
    struct nats_client *client = client_of(link);
    client->metrics.bus_errors_total++;
    log_event(LOG_BUS_ERROR, LOG_TEXT("server", name_of(link->server)),
              LOG_BYTES("message", text.data, text.size));
}

/* The server is about to stop: another one is looked for whilst this one still serves. */
static void leave_soon(struct nats_client *client, struct nats_link *link)
{
    link->server->avoid_ms = now_ms(client) + AVOID_MS;
    if (link == client->current) attempt(client);
}

static void on_info(struct nats_link *link, const struct nats_info *info)
{
    struct nats_client *client = client_of(link);
    struct slice urls = info->connect_urls, url;
    const struct nats_server *used[2] = {client->links[0].server, client->links[1].server};
    if (urls.size > 0) {
        nats_servers_begin_learning(&client->servers);
        while (nats_next_url(&urls, &url))
            nats_servers_learn(&client->servers, link->server, url);
        nats_servers_end_learning(&client->servers, used);
    }
    if (info->lame_duck) leave_soon(client, link);
    arm(client);
}

/* One line for each server and connection, however often it is tried. */
static void complain(struct nats_link *link)
{
    enum log_event event = link->server->complained ? LOG_BUS_FAILED_AGAIN : LOG_BUS_FAILED;
    link->server->complained = true;
    log_event(event, LOG_TEXT("server", name_of(link->server)),
              LOG_TEXT("reason", nats_fault_word(link->fault)),
              LOG_TEXT("message", link->text));
}

static void on_lost(struct nats_client *client, struct nats_link *link)
{
    bool lasted = now_ms(client) - link->up_ms >= STEADY_MS;
    client->current = NULL;
    client->failures = lasted ? 0 : client->failures + 1;
    log_event(LOG_BUS_DOWN, LOG_TEXT("server", name_of(link->server)),
              LOG_TEXT("reason", nats_fault_word(link->fault)),
              LOG_TEXT("message", link->text));
    client->on->up(client->owner, false);
}

static void on_failed(struct nats_client *client, struct nats_link *link)
{
    client->failures++;
    complain(link);
    if (client->was_up || client->told || client->failures < client->servers.count) return;
    client->told = true;
    if (client->on->unreachable != NULL) client->on->unreachable(client->owner, link->text);
}

static void try_again(struct nats_client *client)
{
    if (client->closing || is_trying(client)) return;
    if (client->current == NULL)
        client->again_ms = now_ms(client) + pause_ms(client);
    else if (client->current->lame)
        client->again_ms = now_ms(client) + PAUSE_MS;
}

static void on_handle_closed(uv_handle_t *handle);

static void end_handles(struct nats_client *client)
{
    if (client->handles > 0 || client->links[0].state != NATS_LINK_IDLE ||
        client->links[1].state != NATS_LINK_IDLE)
        return;
    client->handles = 2;
    uv_close((uv_handle_t *)&client->timer, on_handle_closed);
    uv_close((uv_handle_t *)&client->flush, on_handle_closed);
}

static void on_ended(struct nats_link *link)
{
    struct nats_client *client = client_of(link);
    bool left = link != client->current && link->up_ms != 0; /* we had moved from it */
    client->metrics.ends[left ? NATS_FAULT_WANTED : link->fault]++;
    if (client->closing) {
        end_handles(client);
        return;
    }
    if (link == client->current)
        on_lost(client, link);
    else if (!left)
        on_failed(client, link);
    link->server = NULL;
    try_again(client);
    arm(client);
}

static const struct nats_link_callbacks callbacks = {on_up,   on_message, on_too_large,
                                                     on_info, on_error,   on_ended};

/* ---- the loop ---- */

static void on_time(uv_timer_t *timer)
{
    struct nats_client *client = timer->data;
    uint64_t now = now_ms(client);
    client->armed_ms = UINT64_MAX;
    bool drained = client->drain_ms <= now;
    if (drained) client->drain_ms = UINT64_MAX;
    for (int i = 0; i < 2; i++) {
        struct nats_link *link = &client->links[i];
        bool old = link->state == NATS_LINK_UP && link != client->current;
        nats_link_tick(link);
        if (drained && old) nats_link_close(link);
    }
    if (client->again_ms <= now) attempt(client);
    arm(client);
}

static void on_turn_end(uv_prepare_t *prepare)
{
    struct nats_client *client = prepare->data;
    nats_link_flush(&client->links[0]);
    nats_link_flush(&client->links[1]);
}

/* ---- what the owner wants ---- */

void nats_client_subscribe(struct nats_client *client, uint64_t subscription,
                           struct slice subject, struct slice group)
{
    char line[NATS_COMMAND_MAX];
    size_t size = nats_write_subscribe(subject, group, subscription, line);
    if (client->current == NULL || !nats_link_write(client->current, line, size, true))
        return;
    client->metrics.bus_subscriptions_total++;
}

void nats_client_unsubscribe(struct nats_client *client, uint64_t subscription)
{
    char line[NATS_COMMAND_MAX];
    if (client->current == NULL) return;
    nats_link_write(client->current, line, nats_write_unsubscribe(subscription, 0, line),
                    true);
}

void nats_client_publish(struct nats_client *client, struct slice subject,
                         struct slice reply, struct slice head, struct slice body)
{
    struct nats_link *link = client->current;
    if (link == NULL) {
        client->metrics.drops[NATS_DROP_DOWN]++;
    } else if (head.size + body.size > link->payload_bytes_max) {
        client->metrics.drops[NATS_DROP_SIZE]++;
    } else if (!nats_link_publish(link, subject, reply, head, body)) {
        client->metrics.drops[NATS_DROP_FULL]++;
    } else {
        client->metrics.bus_published_bytes_total += head.size + body.size;
    }
}

/* ---- metrics ---- */

const struct nats_metrics *nats_client_metrics(struct nats_client *client)
{
    const struct nats_link *link = client->current;
    client->metrics.bus_up = link != NULL;
    client->metrics.bus_servers = client->servers.count;
    client->metrics.bus_waiting_bytes = link == NULL ? 0 : nats_link_waiting(link);
    return &client->metrics;
}

const char *nats_client_server(const struct nats_client *client)
{
    return client->current == NULL ? NULL : name_of(client->current->server);
}

uint64_t nats_client_round_trip_ns(const struct nats_client *client)
{
    return client->current == NULL ? 0 : client->current->round_trip_ns;
}

void nats_client_print_metrics(struct print *to, struct nats_client *client)
{
    static const char *const drops[] = {
#define X(name, word) word,
        NATS_DROPS(X)
#undef X
    };
    const struct nats_metrics *metrics = nats_client_metrics(client);
#define X(type, field, help)                                                               \
    metrics_print_row(to, "whilst_" #field, #type, help, (double)metrics->field);
    NATS_METRICS(X)
#undef X
    metrics_print_row(to, "whilst_bus_round_trip_seconds", "gauge",
                      "Last way to the bus's server and back",
                      (double)nats_client_round_trip_ns(client) / 1e9);
    print(to, "# HELP whilst_bus_dropped_total Messages not published on the bus, by why\n"
              "# TYPE whilst_bus_dropped_total counter\n");
    for (size_t i = 0; i < NATS_DROPS_END; i++)
        print(to, "whilst_bus_dropped_total{reason=\"%s\"} %" PRIu64 "\n", drops[i],
              metrics->drops[i]);
    print(to, "# HELP whilst_bus_ends_total Ends of connections and of attempts, by why\n"
              "# TYPE whilst_bus_ends_total counter\n");
    for (size_t i = 0; i < NATS_FAULTS_END; i++)
        print(to, "whilst_bus_ends_total{reason=\"%s\"} %" PRIu64 "\n",
              nats_fault_word((enum nats_fault)i), metrics->ends[i]);
}

/* ---- life ---- */

struct nats_client_config nats_client_config_default(void)
{
    return (struct nats_client_config){
        .payload_bytes_max = (size_t)128 << 10,
        .waiting_bytes_max = (size_t)32 << 20,
    };
}

static void release(struct nats_client *client)
{
    nats_servers_clear(&client->servers);
    nats_secrets_free(client->login);
    tls_context_free(client->tls);
    memory_free(client);
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct nats_client *client = handle->data;
    if (--client->handles == 0) release(client);
}

/* A server may want TLS whatever its address says, so there is a context in any case. */
static bool prepare(struct nats_client *client)
{
    const struct nats_client_config *config = client->config;
    const char *wrong;
    if (!nats_servers_add(&client->servers, config->servers, &wrong)) {
        fprintf(stderr, "whilst: --bus: '%s' is not %s\n", config->servers, wrong);
        return false;
    }
    client->tls = tls_context_new(config->ca_file);
    if (client->tls == NULL) {
        fprintf(stderr,
                "whilst: --bus-ca: %s has no certificates in PEM form; check the path\n",
                config->ca_file != NULL ? config->ca_file : "the system");
        return false;
    }
    client->login = nats_secrets_new(&config->login);
    return client->login != NULL;
}

struct nats_client *nats_client_open(uv_loop_t *loop,
                                     const struct nats_client_config *config,
                                     const struct nats_client_callbacks *on, void *owner)
{
    struct nats_client *client = memory_new(sizeof *client);
    if (client == NULL) {
        fprintf(stderr, "whilst: there is not enough memory to start\n");
        return NULL;
    }
    client->config = config;
    client->on = on;
    client->owner = owner;
    client->armed_ms = client->again_ms = client->drain_ms = UINT64_MAX;
    if (!prepare(client)) {
        release(client);
        return NULL;
    }
    client->link_config = (struct nats_link_config){loop,
                                                    client->login,
                                                    config->node,
                                                    client->tls,
                                                    config->payload_bytes_max,
                                                    config->waiting_bytes_max};
    for (int i = 0; i < 2; i++)
        nats_link_init(&client->links[i], &client->link_config, &callbacks, client);
    uv_timer_init(loop, &client->timer);
    uv_prepare_init(loop, &client->flush);
    client->timer.data = client->flush.data = client;
    uv_prepare_start(&client->flush, on_turn_end);
    client->servers.next =
        (size_t)(spread(2 * client->servers.count) % client->servers.count);
    attempt(client);
    arm(client);
    return client;
}

void nats_client_close(struct nats_client *client)
{
    client->closing = true;
    client->current = NULL;
    uv_timer_stop(&client->timer);
    uv_prepare_stop(&client->flush);
    for (int i = 0; i < 2; i++)
        nats_link_close(&client->links[i]);
    end_handles(client);
}
