/* Clients: a peer, a link, and the one timer for all that both wait for.

   Everything that happens ends in client_settle, which hands the peer's events to the
   owner and its messages to the link until there are none, and sets the timer. Messages
   stay with the peer whilst the link is busy. The timer is only ever moved forward: when it
   rings too early nothing is due, and it is set again. */
#include "client.h"

#include <stdlib.h>

#define PAUSE_MS 500 /* before the second attempt; doubled until */
#define PAUSE_MAX_MS 30000
#define ENVELOPE_MAX ((size_t)64 << 10) /* around a page */
#define TURNED_AWAY_MS 5000 /* at least, after a server that is full or was offended */

struct client {
    struct link link;
    const struct client_config *config;
    void *owner;
    struct peer *peer;
    uv_timer_t timer;
    uint64_t armed_ms; /* when the timer rings; UINT64_MAX: it does not */
    uint64_t again_ms; /* when to connect again; UINT64_MAX: not */
    uint32_t tries;    /* since the server was heard */
    bool settling, corked, leaving, freed;
};

static struct client *client_of(struct link *link)
{
    return (struct client *)(void *)link; /* its first member */
}

static uint64_t now_ms(const struct client *client)
{
    return uv_now(client->config->link.loop);
}

/* ---- time ---- */

static void on_time(uv_timer_t *timer);

static void arm(struct client *client)
{
    uint64_t due = client->again_ms, other = link_next_deadline(&client->link);
    if (other < due) due = other;
    other = peer_next_deadline(client->peer);
    if (other < due) due = other;
    if (due >= client->armed_ms || client->freed) return;
    uint64_t now = now_ms(client);
    client->armed_ms = due;
    uv_timer_start(&client->timer, on_time, due > now ? due - now : 0, 0);
}

static void on_time(uv_timer_t *timer)
{
    struct client *client = timer->data;
    client->armed_ms = UINT64_MAX;
    if (client->again_ms <= now_ms(client)) {
        client->again_ms = UINT64_MAX;
        link_open(&client->link, (const struct sockaddr *)&client->link.stream.from);
    }
    link_tick(&client->link);
    peer_tick(client->peer, now_ms(client));
    client_settle(client);
}

/* ---- in and out ---- */

static void deliver(struct client *client)
{
    struct peer_event event;
    while (!client->freed && peer_next_event(client->peer, &event)) {
        client->config->event(client, &event);
        message_unref(event.page);
    }
}

static bool send_some(struct client *client)
{
    struct message *batch[LINK_BATCH];
    size_t count = 0;
    if (client->corked || client->link.state != LINK_OPEN || link_is_busy(&client->link))
        return false;
    while (count < LINK_BATCH && (batch[count] = peer_next_message(client->peer)) != NULL)
        count++;
    if (count == 0) return false;
    link_send_take(&client->link, batch, count);
    return true;
}

void client_settle(struct client *client)
{
    if (client->settling) return;
    client->settling = true;
    do
        deliver(client);
    while (send_some(client));
    client->settling = false;
    arm(client);
}

static void on_opened(struct link *link)
{
    struct client *client = client_of(link);
    peer_opened(client->peer, now_ms(client));
    if (client->config->opened != NULL) client->config->opened(client);
    client_settle(client);
}

static void on_message(struct link *link, enum message_form form, const uint8_t *bytes,
                       size_t size)
{
    struct client *client = client_of(link);
    client->tries = 0; /* not in on_opened: a full server accepts, says 1013 and hangs up */
    peer_receive(client->peer, form, bytes, size, now_ms(client));
    client_settle(client);
}

static void on_drained(struct link *link)
{
    client_settle(client_of(link));
}

/* ---- ends ---- */

static void on_timer_closed(uv_handle_t *handle)
{
    struct client *client = handle->data;
    void (*freed)(void *owner) = client->config->freed;
    void *owner = client->owner;
    peer_free(client->peer);
    free(client);
    if (freed != NULL) freed(owner);
}

/* Half of a pause that doubles with every failure, and up to as much again by chance: what
   was thrown out together does not come back together. A server that restarts is no
   failure, however often: its pages are out of reach until their holders are back. */
static uint64_t pause_ms(const struct client *client, const struct link_end *end)
{
    uint64_t most = (uint64_t)PAUSE_MS << (client->tries < 6 ? client->tries : 6);
    uint32_t chance;
    bool turned_away =
        end->fault == LINK_CLOSED && (end->code == 1008 || end->code == 1013);
    if (turned_away && most < TURNED_AWAY_MS) most = TURNED_AWAY_MS;
    if (most > PAUSE_MAX_MS) most = PAUSE_MAX_MS;
    link_random(&chance, sizeof chance);
    return most / 2 + chance % (most / 2 + 1);
}

static void on_ended(struct link *link)
{
    struct client *client = client_of(link);
    uint64_t pause = UINT64_MAX;
    bool final = link->end.fault == LINK_CLOSED && link->end.code == 1000;
    peer_closed(client->peer);
    if (client->freed) {
        uv_close((uv_handle_t *)&client->timer, on_timer_closed);
        return;
    }
    if (client->config->reconnect && !client->leaving && !final) {
        pause = pause_ms(client, &link->end);
        client->tries++;
        client->again_ms = now_ms(client) + pause;
    }
    if (client->config->ended != NULL) client->config->ended(client, &link->end, pause);
    client_settle(client);
}

static const struct link_callbacks callbacks = {on_opened, on_message, on_drained,
                                                on_ended};

struct client_config client_config_default(uv_loop_t *loop, const struct target *target,
                                           struct tls_context *tls)
{
    return (struct client_config){
        .link = {.loop = loop,
                 .target = target,
                 .tls = tls,
                 .message_bytes_max = CLIENT_PAGE_MAX + ENVELOPE_MAX},
        .peer = peer_config_default()};
}

struct client *client_new(const struct client_config *config, void *owner)
{
    struct client *client = calloc(1, sizeof *client);
    if (client == NULL) abort();
    link_init(&client->link, &config->link, &callbacks);
    client->config = config;
    client->owner = owner;
    client->peer = peer_new(&config->peer);
    client->armed_ms = client->again_ms = UINT64_MAX;
    uv_timer_init(config->link.loop, &client->timer);
    client->timer.data = client;
    return client;
}

void client_free(struct client *client)
{
    if (client->freed) return;
    client->freed = true;
    client->again_ms = UINT64_MAX;
    if (client->link.state == LINK_IDLE)
        uv_close((uv_handle_t *)&client->timer, on_timer_closed);
    else
        link_drop(&client->link);
}

void *client_owner(const struct client *client)
{
    return client->owner;
}

struct peer *client_peer(const struct client *client)
{
    return client->peer;
}

bool client_is_open(const struct client *client)
{
    return client->link.state == LINK_OPEN;
}

void client_draw_token(struct client *client)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_-";
    uint8_t random[24];
    char token[sizeof random + 1] = {0};
    link_random(random, sizeof random);
    for (size_t i = 0; i < sizeof random; i++)
        token[i] = letters[random[i] % 64];
    peer_set_token(client->peer, token);
}

size_t client_received(const struct client *client)
{
    return framing_received(&client->link.framing);
}

void client_open(struct client *client, const struct sockaddr *from)
{
    client->leaving = false;
    link_open(&client->link, from);
    arm(client);
}

void client_cork(struct client *client, bool corked)
{
    client->corked = corked;
    if (!corked) client_settle(client);
}

void client_close(struct client *client)
{
    client->leaving = true;
    client->again_ms = UINT64_MAX;
    while (send_some(client)) {
    }
    link_close(&client->link, 1000);
    arm(client);
}

void client_drop(struct client *client)
{
    link_drop(&client->link);
}
