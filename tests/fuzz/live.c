#include "live.h"

#include "must.h"
#include "net/bytes.h"
#include "net/server_state.h"
#include "net/upload.h"
#include "whilst/deny.h"
#include "whilst/wire.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ENDS_UNTIL_ANEW 2000 /* inputs after which the server is started anew */
#define TURNS_MAX 100000
#define IDLE_TURNS 2

/* A holder without a socket. */
struct holder {
    struct endpoint endpoint;
    struct page_hash hash;
    const char *page;
    size_t size;
};

static char listen_text[64];
static const char *listen_texts[] = {listen_text};
static const char *const origins[] = {"https://whilst.example"};
static struct server_config config;
static struct server server;
static unsigned ends;
static struct holder holders[] = {
    {.page = LIVE_TEXT_PAGE, .size = sizeof LIVE_TEXT_PAGE - 1},
    {.page = LIVE_BINARY_PAGE, .size = sizeof LIVE_BINARY_PAGE - 1}};
static struct endpoint seeker;
enum { HOLDERS = sizeof holders / sizeof holders[0] };

/* ---- the holders ---- */

static void receive(struct holder *holder, struct message *message)
{
    struct hub_part part = {message->form, message_bytes(message), message->size, true,
                            true};
    server_receive(&server, &holder->endpoint, &part);
    message_unref(message);
}

static struct frame frame_of(struct holder *holder, const char *event, char topic[80])
{
    char hex[HASH_HEX + 1];
    hash_to_hex(&holder->hash, 0, hex);
    snprintf(topic, 80, "have:%s", hex);
    return (struct frame){.join_ref = {REF_STRING, slice_of("1")},
                          .ref = {REF_STRING, slice_of("1")},
                          .topic = slice_of(topic),
                          .event = slice_of(event)};
}

static void on_take(struct endpoint *endpoint, struct message *message)
{
    struct holder *holder = NET_OWNER(endpoint, struct holder, endpoint);
    struct frame heard;
    char topic[80];
    MUST(wire_decode(WIRE_SERVER, message->form, message_bytes(message), message->size,
                     &heard) == WIRE_OK);
    if (slice_is(heard.event, "content_request")) {
        struct frame answer = frame_of(holder, "content", topic);
        answer.form = MESSAGE_BINARY;
        answer.payload = (struct slice){holder->page, holder->size};
        receive(holder, wire_encode_new(WIRE_CLIENT, &answer));
    }
    message_unref(message);
}

static void on_close(struct endpoint *endpoint, uint16_t code, enum reason reason)
{
    (void)code, (void)reason;
    MUST(endpoint == NULL); /* it gives no reason to be closed */
}

static void hold(struct holder *holder)
{
    static const struct address nowhere = {{0}};
    static const struct endpoint_kind kind = {on_take, on_close};
    enum reason reason;
    char topic[80];
    holder->endpoint = (struct endpoint){.kind = &kind};
    holder->hash = hash_of(holder->page, holder->size);
    MUST(server_connect(&server, &holder->endpoint, &nowhere, &reason));
    struct frame join = frame_of(holder, "phx_join", topic);
    join.payload = slice_of("{}");
    receive(holder, wire_encode_new(WIRE_CLIENT, &join));
}

/* ---- the seeker ---- */

static void on_found(struct endpoint *endpoint, struct message *message)
{
    struct frame heard;
    (void)endpoint;
    MUST(wire_decode(WIRE_SERVER, message->form, message_bytes(message), message->size,
                     &heard) == WIRE_OK);
    if (slice_is(heard.event, "content")) {
        MUST(heard.form == MESSAGE_BINARY);
        MUST(slice_is(heard.payload, LIVE_SOUGHT_PAGE));
    }
    message_unref(message);
}

void live_seek(void)
{
    static const struct address nowhere = {{0}};
    static const struct endpoint_kind kind = {on_found, on_close};
    enum reason reason;
    char hex[HASH_HEX + 1], text[160];
    struct page_hash hash = hash_of(LIVE_SOUGHT_PAGE, sizeof LIVE_SOUGHT_PAGE - 1);
    if (seeker.session != 0) return;
    seeker = (struct endpoint){.kind = &kind};
    MUST(server_connect(&server, &seeker, &nowhere, &reason));
    hash_to_hex(&hash, 0, hex);
    int size = snprintf(text, sizeof text,
                        "[\"1\",\"1\",\"want:%s\",\"phx_join\",{\"binary\":true}]", hex);
    struct hub_part part = {MESSAGE_TEXT, text, (size_t)size, true, true};
    server_receive(&server, &seeker, &part);
}

/* ---- the server ---- */

static struct server_config configure(void)
{
    struct server_config made = server_config_default();
    snprintf(listen_text, sizeof listen_text, "unix:/tmp/whilst-fuzz-%d.socket", getpid());
    made.listen = listen_texts;
    made.listen_count = 1;
    made.origins = origins;
    made.origins_count = 1;
    made.hub.connections_max = 100;
    made.hub.grace_ms = 0;
    made.hub.message_rate = made.hub.join_rate = made.hub.ask_rate = 0;
    return made;
}

static void deny(void)
{
    char hex[HASH_HEX + 1];
    size_t line;
    struct page_hash hash = hash_of(LIVE_DENIED_PAGE, sizeof LIVE_DENIED_PAGE - 1);
    hash_to_hex(&hash, 0, hex);
    hub_take_deny_list(server.hub, deny_parse_new(hex, HASH_HEX, &line),
                       server_now_ms(&server));
}

static void start(void)
{
    config = configure();
    MUST(server_open(&server, &config) == 0);
    deny();
    for (int i = 0; i < HOLDERS; i++)
        hold(&holders[i]);
}

static void stop(void)
{
    for (int i = 0; i < HOLDERS; i++)
        server_disconnect(&server, &holders[i].endpoint);
    server_close(&server);
}

void live_open(void)
{
    start();
    atexit(stop);
}

/* ---- clients ---- */

void live_connect(struct client *client)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    strcpy(address.sun_path, listen_text + strlen("unix:"));
    *client = (struct client){
        .socket = socket(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0)};
    MUST(connect(client->socket, (struct sockaddr *)&address, sizeof address) == 0);
}

static bool hear(struct client *client)
{
    if (client->socket < 0 || client->ended) return false;
    if (client->capacity - client->size < 65536) {
        client->capacity = 2 * client->capacity + 65536;
        client->got = realloc(client->got, client->capacity);
    }
    ssize_t got = recv(client->socket, client->got + client->size,
                       client->capacity - client->size, 0);
    if (got > 0) client->size += (size_t)got;
    client->ended = got == 0 || (got < 0 && errno != EAGAIN);
    return got > 0 || client->ended;
}

static bool turn(struct client *clients, size_t count)
{
    struct pollfd ready = {.fd = uv_backend_fd(&server.loop), .events = POLLIN};
    uv_run(&server.loop, UV_RUN_NOWAIT);
    bool busy = poll(&ready, 1, 0) > 0 || uv_backend_timeout(&server.loop) == 0;
    for (size_t i = 0; i < count; i++)
        busy |= hear(&clients[i]);
    return busy;
}

void live_settle(struct client *clients, size_t count)
{
    unsigned turns = 0;
    for (int idle = 0; idle < IDLE_TURNS; idle++) {
        if (turn(clients, count)) idle = -1;
        MUST(++turns < TURNS_MAX);
    }
}

void live_send(struct client *client, const void *bytes, size_t size, size_t step)
{
    const uint8_t *at = bytes;
    unsigned turns = 0;
    while (size > 0 && !client->ended) {
        size_t part = step == 0 || size < step ? size : step;
        ssize_t sent = send(client->socket, at, part, MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent > 0) at += sent, size -= (size_t)sent;
        turn(client, 1);
        MUST(++turns < TURNS_MAX);
    }
}

void live_shut(struct client *client)
{
    shutdown(client->socket, SHUT_WR);
}

void live_disconnect(struct client *client)
{
    if (client->socket >= 0) close(client->socket);
    free(client->got);
    *client = (struct client){.socket = -1};
}

void live_end(void)
{
    server_disconnect(&server, &seeker);
    upload_sweep(&server); /* for it is not the time for that */
    bytes_sweep(&server);
    live_settle(NULL, 0);
    const struct metrics *metrics = hub_metrics(server.hub);
    MUST(metrics->sessions == HOLDERS && metrics->holders == HOLDERS);
    MUST(metrics->pages == HOLDERS && metrics->seekers == 0 && metrics->fetches == 0);
    MUST(metrics->in_flight_bytes == 0 && server.metrics.queued_bytes == 0);
    MUST(server.metrics.uploads == 0 && server.metrics.early_bytes == 0);
    if (++ends % ENDS_UNTIL_ANEW != 0) return;
    stop();
    start();
}
