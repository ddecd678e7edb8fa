/* The server: libuv's loop, the library's context on it, and the hub in the middle.

   Every event of a socket becomes an input of the hub, and at once the hub's effects are
   carried out (server_settle). What they write is flushed at the end of the same turn of
   the loop. Two timers serve all connections: one stands at the hub's next deadline, one
   sweeps once a second whilst there is anybody. The library sets no timers of its own but
   for idle connections and close handshakes.

   Life: open (bind, context) - serve - drain (drain.c) - tear down until the loop is empty. */
#include "server_state.h"

#include "accept.h"
#include "bus.h"
#include "bytes.h"
#include "callers.h"
#include "deny_file.h"
#include "drain.h"
#include "http.h"
#include "libraries.h"
#include "log.h"
#include "notify.h"
#include "overrides.h"
#include "policy.h"
#include "privileges.h"
#include "reload.h"
#include "secure.h"
#include "successor.h"
#include "supervise.h"
#include "websocket.h"
#include "whilst/memory.h"

#include <assert.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#define SWEEP_MS 1000
#define STALL_MS (3 * SWEEP_MS)
#define WRONG 2 /* the exit code of what the operator said and is not right */

/* The sweep looks at the clock every second. If that was long ago, the process was stopped or
   had no processor, and what clients said meanwhile is not read yet: nobody is to be blamed
   for that time. */
uint64_t server_now_ms(struct server *server)
{
    uint64_t now = uv_now(&server->loop), passed = now - server->clock_ms;
    if (server->clock_ms != 0 && passed > STALL_MS) server->stalled_ms += passed - SWEEP_MS;
    server->clock_ms = now;
    return now - server->stalled_ms;
}

uint32_t server_moment(struct server *server)
{
    uint32_t moment = (uint32_t)server_now_ms(server);
    return moment != 0 ? moment : 1;
}

uint32_t server_age_ms(struct server *server, uint32_t moment)
{
    uint32_t now = server_moment(server);
    uint32_t age = now >= moment ? now - moment : UINT32_MAX - moment + now;
    uint64_t reloaded = server_now_ms(server) - server->reloaded_ms;
    return age < reloaded ? age : (uint32_t)reloaded;
}

struct server *server_of(struct lws *wsi)
{
    return lws_context_user(lws_get_context(wsi));
}

/* ---- the hub ---- */

static void on_hub_due(uv_timer_t *timer);

static void set_hub_timer(struct server *server)
{
    uint64_t due = hub_next_deadline(server->hub), now = server_now_ms(server);
    if (due == server->hub_due_ms) return;
    server->hub_due_ms = due;
    if (due == UINT64_MAX)
        uv_timer_stop(&server->hub_timer);
    else
        uv_timer_start(&server->hub_timer, on_hub_due, due > now ? due - now : 0, 0);
}

static struct endpoint *endpoint_of(const struct server *server, session_id session)
{
    struct endpoint *endpoint = server->endpoints[(uint32_t)session];
    return endpoint != NULL && endpoint->session == session ? endpoint : NULL;
}

static void close_endpoint(struct endpoint *endpoint, const struct effect *effect)
{
    log_event(LOG_SESSION_CLOSED, LOG_NUMBER("session", effect->session),
              LOG_NUMBER("code", effect->code),
              LOG_TEXT("reason", reason_word(effect->reason)));
    endpoint->kind->close(endpoint, effect->code, effect->reason);
}

static void perform(struct server *server, const struct effect *effect)
{
    struct endpoint *endpoint = endpoint_of(server, effect->session);
    if (endpoint == NULL)
        message_unref(effect->message);
    else if (effect->kind == EFFECT_SEND)
        endpoint->kind->take(endpoint, effect->message);
    else
        close_endpoint(endpoint, effect);
}

/* Carries out what the hub wants. Effects may bring inputs, whose effects wait in line. */
void server_settle(struct server *server)
{
    struct effect effect;
    if (server->settling) return;
    server->settling = true;
    while (hub_next_effect(server->hub, &effect))
        perform(server, &effect);
    if (server->bus != NULL) bus_settle(server);
    server->settling = false;
    set_hub_timer(server);
}

static void on_hub_due(uv_timer_t *timer)
{
    struct server *server = timer->data;
    server->hub_due_ms = UINT64_MAX;
    hub_tick(server->hub, server_now_ms(server));
    server_settle(server);
    set_hub_timer(server);
}

bool server_connect(struct server *server, struct endpoint *endpoint,
                    const struct address *from, enum reason *reason)
{
    endpoint->session = hub_connect(server->hub, from, server_now_ms(server), reason);
    if (endpoint->session != 0) {
        server->endpoints[(uint32_t)endpoint->session] = endpoint;
        log_event(LOG_SESSION_OPENED, LOG_NUMBER("session", endpoint->session),
                  LOG_ADDRESS("address", from));
    } else {
        log_event(LOG_SESSION_REFUSED, LOG_TEXT("reason", reason_word(*reason)),
                  LOG_ADDRESS("address", from));
    }
    server_settle(server);
    return endpoint->session != 0;
}

void server_receive(struct server *server, const struct endpoint *endpoint,
                    const struct hub_part *part)
{
    hub_receive(server->hub, endpoint->session, part, server_now_ms(server));
    server_settle(server);
}

void server_drained(struct server *server, const struct endpoint *endpoint)
{
    hub_drained(server->hub, endpoint->session, server_now_ms(server));
    server_settle(server);
}

void server_disconnect(struct server *server, struct endpoint *endpoint)
{
    session_id session = endpoint->session;
    if (session == 0) return;
    endpoint->session = 0;
    if (server->endpoints[(uint32_t)session] == endpoint)
        server->endpoints[(uint32_t)session] = NULL;
    log_event(LOG_SESSION_GONE, LOG_NUMBER("session", session));
    hub_disconnect(server->hub, session, server_now_ms(server));
    server_settle(server);
}

static void shed(struct server *server)
{
    while (server->metrics.queued_bytes > server->room.queued_bytes) {
        uint32_t socket_ms = 0, bytes_ms = 0;
        bool sockets = websocket_slowest_ms(server, &socket_ms);
        bool bytes = bytes_slowest_ms(server, &bytes_ms);
        if (!sockets && !bytes) return;
        server->metrics.shed_total++;
        if (sockets && (!bytes || socket_ms >= bytes_ms))
            websocket_cut_slowest(server);
        else
            bytes_cut_slowest(server);
    }
}

void server_queue(struct server *server, struct message *message)
{
    if (message->queued++ == 0) server->metrics.queued_bytes += message->size;
    shed(server);
}

void server_unqueue(struct server *server, struct message *message)
{
    if (--message->queued == 0) server->metrics.queued_bytes -= message->size;
}

/* The library looks at a new timer only after its next event: it is given one. */
void server_end_socket(struct lws *wsi, int seconds)
{
    lws_set_timeout(wsi, PENDING_TIMEOUT_USER_REASON_BASE,
                    seconds == 0 ? LWS_TO_KILL_ASYNC : seconds);
    lws_cancel_service(lws_get_context(wsi));
}

/* ---- the library ---- */

static int on_event(struct lws *wsi, enum lws_callback_reasons reason, void *user, void *in,
                    size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_ESTABLISHED: return websocket_established(wsi);
    case LWS_CALLBACK_RECEIVE: return websocket_received(wsi, in, size);
    case LWS_CALLBACK_RECEIVE_PONG: return websocket_pong(wsi);
    case LWS_CALLBACK_SERVER_WRITEABLE: return websocket_writeable(wsi);
    case LWS_CALLBACK_WS_PEER_INITIATED_CLOSE: return websocket_peer_closes(wsi, in, size);
    case LWS_CALLBACK_CLOSED: return websocket_closed(wsi);
    case LWS_CALLBACK_WSI_CREATE: server_of(wsi)->metrics.sockets++; return 0;
    case LWS_CALLBACK_WSI_DESTROY:
        server_of(wsi)->metrics.sockets--;
        callers_leave(wsi);
        return 0;
    case LWS_CALLBACK_OPENSSL_LOAD_EXTRA_SERVER_VERIFY_CERTS:
        return secure_context_made(server_of(wsi), user);
    case LWS_CALLBACK_RAW_ADOPT:
    case LWS_CALLBACK_RAW_RX: return -1; /* a CONNECT request, or no HTTP at all */
    default: return http_event(wsi, reason, in, size);
    }
}

static void on_library_log(int level, const char *line)
{
    size_t length = strcspn(line, "\n");
    (void)level;
    log_event(LOG_LIBRARY, LOG_BYTES("message", line, length));
}

static bool make_context(struct server *server)
{
    static const struct lws_protocols protocols[] = {{.name = "whilst",
                                                      .callback = on_event,
                                                      .rx_buffer_size = 128,
                                                      .tx_packet_size = 1 << 20},
                                                     {0}};
    static const lws_retry_bo_t no_timers = {0};
    void *loops[] = {&server->loop};
    struct lws_context_creation_info info = {
        .port = CONTEXT_PORT_NO_LISTEN,
        .protocols = protocols,
        .headers = policy_library_headers(),
        .foreign_loops = loops,
        .user = server,
        .options = LWS_SERVER_OPTION_LIBUV | LWS_SERVER_OPTION_UV_NO_SIGSEGV_SIGFPE_SPIN |
                   LWS_SERVER_OPTION_EXPLICIT_VHOSTS,
        .gid = -1,
        .uid = -1,
        .pt_serv_buf_size = 64 << 10,
        .keepalive_timeout = 5,
        .timeout_secs = server->config->header_seconds,
        .timeout_secs_ah_idle = 365 * 24 * 3600, /* ours is callers_sweep */
        .retry_and_idle_policy = &no_timers,
    };
    struct lws_context_creation_info all = info;
    all.options |= secure_options(server);
    lws_set_log_level(OVERRIDES_LOGGED, on_library_log);
    server->context = lws_create_context(&all);
    if (server->context == NULL) return false;
    server->vhost = lws_create_vhost(server->context, &info);
    return server->vhost != NULL && secure_make_vhost(server, &info);
}

/* ---- the loop ---- */

static void on_sweep(uv_timer_t *timer)
{
    server_now_ms(timer->data);
    log_tick();
    reload_sweep(timer->data);
    websocket_sweep(timer->data);
    secure_sweep(timer->data);
    successor_sweep(timer->data);
    http_sweep(timer->data);
}

static void on_turn_end(uv_prepare_t *prepare)
{
    struct server *server = prepare->data;
    server->turns++;
    callers_go_on(server);
    inbox_read(server);
    websocket_flush(server);
}

void server_stop(struct server *server, const char *why)
{
    if (server->stopping || !server->serves) {
        uv_stop(&server->loop);
        return;
    }
    log_event(LOG_STOPPING, LOG_TEXT("why", why),
              LOG_NUMBER("sessions", hub_metrics(server->hub)->sessions));
    drain_begin(server, false);
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct server *server = signal->data;
    if (number == SIGHUP)
        reload_all(server);
    else if (number == SIGUSR2)
        successor_start(server);
    else
        server_stop(server, number == SIGINT ? "SIGINT" : "SIGTERM");
}

void server_serve(struct server *server)
{
    if (server->serves || server->stopping) return;
    server->serves = true;
    accept_start(server);
    supervise_start(server);
    successor_took_over(server);
}

static void start_loop(struct server *server)
{
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP, SIGUSR2};
    uv_timer_init(&server->loop, &server->hub_timer);
    uv_timer_init(&server->loop, &server->count_timer);
    uv_timer_init(&server->loop, &server->sweep_timer);
    uv_timer_init(&server->loop, &server->stop_timer);
    uv_timer_init(&server->loop, &server->manager_timer);
    uv_prepare_init(&server->loop, &server->flush);
    server->count_timer.data = server;
    server->hub_timer.data = server->sweep_timer.data = server->flush.data = server;
    server->hub_due_ms = UINT64_MAX;
    pulse_open(&server->pulse, &server->loop);
    uv_timer_start(&server->sweep_timer, on_sweep, SWEEP_MS, SWEEP_MS);
    uv_prepare_start(&server->flush, on_turn_end);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        uv_signal_init(&server->loop, &server->signals[i]);
        server->signals[i].data = server;
        uv_signal_start(&server->signals[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
    deny_file_watch(server);
    secure_watch(server);
    accept_prepare(server);
    if (!bus_is_awaited(server)) server_serve(server);
    server_settle(server);
}

static void close_handles(struct server *server)
{
    uv_handle_t *handles[] = {
        (uv_handle_t *)&server->count_timer,   (uv_handle_t *)&server->hub_timer,
        (uv_handle_t *)&server->sweep_timer,   (uv_handle_t *)&server->stop_timer,
        (uv_handle_t *)&server->manager_timer, (uv_handle_t *)&server->flush,
        (uv_handle_t *)&server->signals[0],    (uv_handle_t *)&server->signals[1],
        (uv_handle_t *)&server->signals[2],    (uv_handle_t *)&server->signals[3]};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        uv_close(handles[i], NULL);
    accept_close(server);
    pulse_close(&server->pulse);
    successor_close(server);
    file_watch_close(&server->deny_watch);
    file_watch_close(&server->secure.watch);
    admin_close(server);
}

/* An impatient signal in the last moment must not spoil the exit code. */
static void block_signals(void)
{
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigprocmask(SIG_BLOCK, &set, NULL);
}

/* The library needs the loop to run between the two halves of its end. */
void server_close(struct server *server)
{
    bus_close(server);
    if (server->serves) accept_end(server);
    block_signals();
    lws_context_destroy(server->context);
    close_handles(server);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    lws_context_destroy(server->context);
    int left = uv_loop_close(&server->loop);
    assert(left == 0);
    secure_close(server);
    hub_free(server->hub);
    memory_free(server->endpoints);
    memory_free(server->listeners);
}

static void init_rings(struct server *server)
{
    struct ring *rings[] = {&server->quiet,    &server->pinged,         &server->waiting,
                            &server->callers,  &server->asking,         &server->counting,
                            &server->writing,  &server->secure.shaking, &server->uploads,
                            &server->answered, &server->admin.callers};
    for (size_t i = 0; i < sizeof rings / sizeof rings[0]; i++)
        ring_init(rings[i]);
}

/* Takes what must not be wanting later. */
static bool prepare(struct server *server, int descriptors)
{
    uint64_t seed[2];
    const struct server_config *config = server->config;
    if (getrandom(seed, sizeof seed, 0) != sizeof seed) return false;
    server->hub = hub_new(&config->hub, seed);
    server->endpoints = memory_new(config->hub.connections_max * sizeof(struct endpoint *));
    return server->hub != NULL && server->endpoints != NULL &&
           libraries_make_room(&server->loop, descriptors);
}

static void give_up(struct server *server)
{
    bus_close(server);
    uv_run(&server->loop, UV_RUN_DEFAULT);
    uv_loop_close(&server->loop);
    secure_close(server);
    if (server->hub != NULL) hub_free(server->hub);
    memory_free(server->endpoints);
    memory_free(server->listeners);
}

static int fail_for_memory(void)
{
    fprintf(stderr, "whilst: there is not enough memory to start\n");
    return 1;
}

/* First what is read, then what the system gives: nobody is served before all of it is
   right. */
static int open_all(struct server *server, int descriptors)
{
    if (!secure_open(server) || !admin_open(server)) return WRONG;
    if (!prepare(server, descriptors)) return fail_for_memory();
    if (!deny_file_open(server) || !bus_open(server)) return WRONG;
    return accept_open(server) && privileges_drop(server) ? 0 : 1;
}

int server_open(struct server *server, struct server_config *config)
{
    *server = (struct server){.config = config, .spare = -1, .began_s = time(NULL)};
    int descriptors = libraries_limit_descriptors(config);
    bus_name_node(config);
    init_rings(server);
    reload_begin(server);
    if (!privileges_open(server)) return WRONG;
    if (uv_loop_init(&server->loop) != 0) return fail_for_memory();
    int fault = open_all(server, descriptors);
    if (fault != 0) {
        give_up(server);
        return fault;
    }
    if (!make_context(server)) {
        fprintf(stderr, "whilst: the WebSocket library could not start; "
                        "is libwebsockets-evlib-uv installed?\n");
        return 1;
    }
    if (!admin_start(server)) return fail_for_memory();
    start_loop(server);
    return 0;
}

int server_run(struct server_config *config)
{
    struct server server;
    if (!libraries_lend_memory(config->reserve_bytes)) return fail_for_memory();
    int fault = server_open(&server, config);
    if (fault != 0) return fault;
    uv_run(&server.loop, UV_RUN_DEFAULT);
    server_close(&server);
    return server.fault;
}
