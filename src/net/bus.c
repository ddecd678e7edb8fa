/* The bus: between the hub and the client of NATS.

   The hub names subjects by structs; here they become text, and text becomes structs. The
   client tells when there is a connection; the hub then subscribes in steps of its own. When
   another node has our name, the connection is closed, and this node serves alone. */
#include "bus.h"

#include "log.h"
#include "passed.h"
#include "server_state.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

#define NAME_CHANCE 4 /* bytes of chance at the end of a name that we choose */

/* ---- what comes ---- */

static void on_up(void *owner, bool up)
{
    struct server *server = owner;
    hub_bus_up(server->hub, up, server_now_ms(server));
    if (up) server_serve(server);
    server_settle(server);
}

static const enum reason told[] = {REASON_BUS_MESSAGE, REASON_BUS_CHUNK, REASON_BUS_BYTES,
                                   REASON_BUS_RATE, REASON_BUS_NODES};
enum { TOLD = sizeof told / sizeof told[0] };

/* Says what was refused since `before`. */
static void tell_refused(const uint64_t *refusals, const uint64_t before[TOLD],
                         struct slice subject)
{
    for (int i = 0; i < TOLD; i++)
        if (refusals[told[i]] != before[i])
            log_event(LOG_BUS_REFUSED, LOG_TEXT("reason", metrics_reason_label(told[i])),
                      LOG_BYTES("subject", subject.data, subject.size));
}

static void on_message(void *owner, const struct nats_event *event)
{
    struct server *server = owner;
    const uint64_t *refusals = hub_metrics(server->hub)->refusals;
    uint64_t before[TOLD];
    struct bus_message message = {.nobody = event->status == NATS_NO_RESPONDERS,
                                  .bytes = event->payload,
                                  .size = event->size};
    if (!bus_subject_read(event->subject, &message.subject))
        message.subject.kind = BUS_NOTHING;
    if (event->reply.size == 0 || !bus_subject_read(event->reply, &message.reply))
        message.reply.kind = BUS_NOTHING;
    for (int i = 0; i < TOLD; i++)
        before[i] = refusals[told[i]];
    hub_bus(server->hub, &message, server_now_ms(server));
    tell_refused(refusals, before, event->subject);
    server_settle(server);
}

/* With --bus-required a node does not begin to serve alone. The text may be a server's. */
static void on_unreachable(void *owner, const char *text)
{
    struct server *server = owner;
    char line[200];
    if (!server->config->bus_required) {
        log_event(LOG_BUS_ALONE, LOG_TEXT("message", text));
        server_serve(server);
        return;
    }
    snprintf(line, sizeof line, "%s", text);
    for (char *c = line; *c != '\0'; c++)
        if (*c < ' ' || *c == 0x7f) *c = '?';
    fprintf(stderr, "whilst: --bus-required: the bus cannot be had: %s\n", line);
    server->fault = 1;
    server_stop(server, "bus_required");
}

/* ---- what the hub wants ---- */

static void publish(struct nats_client *client, const struct bus_effect *effect)
{
    char subject[BUS_SUBJECT_MAX + 1], reply[BUS_SUBJECT_MAX + 1];
    struct slice body = {"", 0}, answer = {"", 0};
    size_t size = bus_subject_write(&effect->subject, subject);
    if (effect->reply.kind != BUS_NOTHING)
        answer = (struct slice){reply, bus_subject_write(&effect->reply, reply)};
    if (effect->body != NULL)
        body = (struct slice){(const char *)message_bytes(effect->body) + effect->body_at,
                              effect->body_size};
    nats_client_publish(client, (struct slice){subject, size}, answer,
                        (struct slice){(const char *)effect->head, effect->head_size},
                        body);
    message_unref(effect->body);
}

static void subscribe(struct nats_client *client, const struct bus_effect *effect)
{
    char subject[BUS_SUBJECT_MAX + 1];
    size_t size = bus_subject_write(&effect->subject, subject);
    nats_client_subscribe(client, effect->subscription, (struct slice){subject, size},
                          slice_of(effect->group ? BUS_GROUP : ""));
}

/* Nobody is to be mistaken for another. */
static void leave(struct server *server)
{
    log_event(LOG_BUS_NAME_TAKEN, LOG_TEXT("node", server->config->hub.node));
    nats_client_close(server->bus);
    server->bus = NULL;
}

void bus_settle(struct server *server)
{
    struct bus_effect effect;
    if (server->bus == NULL) return;
    while (hub_next_bus_effect(server->hub, &effect)) {
        switch (effect.kind) {
        case EFFECT_PUBLISH: publish(server->bus, &effect); break;
        case EFFECT_SUBSCRIBE: subscribe(server->bus, &effect); break;
        case EFFECT_UNSUBSCRIBE:
            nats_client_unsubscribe(server->bus, effect.subscription);
            break;
        case EFFECT_DEAF:
            log_event(LOG_PARTNER_DEAF, LOG_TEXT("partner", effect.subject.partner),
                      LOG_NUMBER("ms", effect.deaf_ms));
            break;
        }
    }
    if (hub_bus_state(server->hub) == BUS_NAME_TAKEN) leave(server);
}

/* Who takes over from another process lets it serve until pages can be found here from
   other nodes too. */
bool bus_is_awaited(const struct server *server)
{
    return server->bus != NULL &&
           (server->config->bus_required || passed_predecessor() >= 0);
}

void bus_print(struct print *to, const struct server *server)
{
    if (server->bus != NULL) nats_client_print_metrics(to, server->bus);
    hub_print_partners(to, server->hub);
}

/* ---- life ---- */

/* HOST-XXXXXXXX, without what may not stand in a name. */
static void choose_name(char name[BUS_NAME_MAX + 1])
{
    char host[BUS_NAME_MAX - 2 * NAME_CHANCE] = "node";
    uint32_t chance = 0;
    gethostname(host, sizeof host - 1);
    host[sizeof host - 1] = '\0';
    if (getrandom(&chance, NAME_CHANCE, 0) != NAME_CHANCE) chance = (uint32_t)getpid();
    snprintf(name, BUS_NAME_MAX + 1, "%s-%08x", host, chance);
    for (char *c = name; *c != '\0'; c++)
        if (!bus_name_is_valid((char[2]){*c, '\0'})) *c = '-';
}

void bus_name_node(struct server_config *config)
{
    struct timespec now;
    struct hub_config *hub = &config->hub;
    if (config->bus.servers == NULL) return;
    const char *before = getenv(BUS_PREDECESSOR);
    if (config->bus.node == NULL) {
        choose_name(hub->node);
        config->bus.node = hub->node;
    } else if (before != NULL && strcmp(before, config->bus.node) == 0) {
        snprintf(hub->node, sizeof hub->node, "%.*s.2", BUS_NAME_MAX - 2, config->bus.node);
    } else {
        snprintf(hub->node, sizeof hub->node, "%s", config->bus.node);
    }
    unsetenv(BUS_PREDECESSOR);
    clock_gettime(CLOCK_REALTIME, &now);
    hub->incarnation = (uint64_t)now.tv_sec * 1000 + (uint64_t)now.tv_nsec / 1000000;
}

bool bus_open(struct server *server)
{
    static const struct nats_client_callbacks on = {on_up, on_message, on_unreachable};
    const struct nats_client_config *config = &server->config->bus;
    if (config->servers == NULL) return true;
    server->bus = nats_client_open(&server->loop, config, &on, server);
    return server->bus != NULL;
}

void bus_go(struct server *server)
{
    hub_bus_go(server->hub, server_now_ms(server));
    server_settle(server);
}

void bus_close(struct server *server)
{
    if (server->bus == NULL) return;
    hub_bus_leave(server->hub, server_now_ms(server));
    bus_settle(server);
    if (server->bus != NULL) nats_client_close(server->bus);
    server->bus = NULL;
}
