/* Listeners.

   The library's own listener spins when descriptors run out. Ours keeps one spare
   descriptor: when accept fails for want of one, the spare is given up, the waiting
   connection is taken and closed, and the spare is taken back, so that nobody waits for an
   answer that cannot come. Accepted sockets are adopted by the library.

   When there is still none, or no memory, nobody can be taken, and the socket would be
   readable for ever: its callers wait for PAUSE_MS before it is looked at again.

   With --reuse-port several processes have a socket each at one address, and the kernel
   deals connections to them. What waits in one of these is lost when it closes, so a
   process that leaves first lets new callers pass: their first packet is dropped, and when
   it is repeated, after a second, this socket is gone and another takes it. Who is half-way
   in meanwhile is taken. */
#include "accept.h"

#include "callers.h"
#include "listener.h"
#include "log.h"
#include "secure.h"
#include "whilst/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/filter.h>
#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPTED_AT_ONCE 64
#define PAUSE_MS 100
#define ADDRESS_MAX (NI_MAXHOST + NI_MAXSERV + 256) /* with the base path */

static struct listener *next_listener(struct server *server, bool admin)
{
    struct listener *listener = &server->listeners[server->listeners_count];
    *listener = (struct listener){.server = server, .admin = admin, .socket = -1};
    return listener;
}

static bool open_asked(struct server *server, const char *text, bool admin)
{
    bool open = listener_open(next_listener(server, admin), text);
    server->listeners_count += open;
    return open;
}

/* Nobody said where: wherever somebody opened a socket for us. */
static void open_passed(struct server *server)
{
    struct passed passed;
    while ((passed = passed_take_any()).socket >= 0) {
        struct listener *listener = next_listener(server, false);
        listener_take(listener, &passed);
        listener->text = listener->name;
        server->listeners_count++;
    }
}

static void close_rest(void)
{
    size_t closed = passed_close_rest();
    if (closed > 0)
        log_event(LOG_SOCKETS_NOT_USED, LOG_NUMBER("count", closed),
                  LOG_TEXT("advice", "add --listen"));
}

bool accept_open(struct server *server)
{
    const struct server_config *config = server->config;
    size_t passed = passed_read(), asked = config->listen_count;
    server->listeners = memory_new((passed + asked + 1) * sizeof *server->listeners);
    if (server->listeners == NULL) return false;
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    uint64_t now_ms = server_now_ms(server);
    /* Nothing is known yet of the holders of an earlier process, and of other nodes. */
    if (passed > 0 || config->bus.servers != NULL)
        hub_await(server->hub, now_ms + config->hub.grace_ms, now_ms);
    if (config->admin != NULL && !open_asked(server, config->admin, true)) return false;
    size_t own = server->listeners_count;
    if (config->listen_is_default) open_passed(server);
    bool served = server->listeners_count > own;
    for (size_t i = 0; i < asked && !served; i++)
        if (!open_asked(server, config->listen[i], false)) return false;
    close_rest();
    return true;
}

/* Out of descriptors: turns the first caller away rather than let all wait; false if even
   that cannot be done. */
static bool turn_away(struct server *server, int socket)
{
    log_event(LOG_DESCRIPTORS_EXHAUSTED, LOG_TEXT("advice", "lower --max-connections"));
    if (server->spare >= 0) close(server->spare);
    int caller = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
    if (caller >= 0) close(caller);
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
    return caller >= 0;
}

static void on_pause_over(uv_timer_t *timer);

static void pause_listener(struct listener *listener)
{
    struct server *server = listener->server;
    uv_poll_stop(&listener->poll);
    listener->paused = true;
    if (!uv_is_active((const uv_handle_t *)&server->accept_timer))
        uv_timer_start(&server->accept_timer, on_pause_over, PAUSE_MS, 0);
}

/* Errors of the one connection that was to be accepted (accept(2)) are over with it. */
static bool is_over(int error)
{
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR ||
           error == ECONNABORTED || error == EPROTO;
}

static void bear_failure(struct listener *listener, int error)
{
    bool descriptors = error == EMFILE || error == ENFILE;
    if (is_over(error)) return;
    listener->server->metrics.accept_failures_total++;
    if (descriptors && turn_away(listener->server, listener->socket)) return;
    if (!descriptors) log_event(LOG_ACCEPT_FAILED, LOG_TEXT("reason", strerror(error)));
    pause_listener(listener);
}

static void adopt(const struct listener *listener, int socket)
{
    int one = 1;
    struct server *server = listener->server;
    struct caller *caller = callers_enter(server, socket, listener->admin);
    if (caller == NULL) {
        close(socket);
        return;
    }
    setsockopt(socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    struct lws_vhost *vhost = listener->tls ? server->secure.vhost : server->vhost;
    /* The library closes it if it fails. */
    struct lws *wsi = lws_adopt_socket_vhost(vhost, socket);
    callers_bind(caller, wsi);
    if (wsi != NULL && listener->tls) secure_begin(caller);
}

/* Whether there was anybody. */
static bool take_caller(struct listener *listener)
{
    int caller = accept4(listener->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (caller < 0) {
        bear_failure(listener, errno);
        return false;
    }
    listener->server->metrics.accepted_total++;
    adopt(listener, caller);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    struct listener *listener = NET_OWNER(poll, struct listener, poll);
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPTED_AT_ONCE && take_caller(listener); i++) {
    }
}

static void on_pause_over(uv_timer_t *timer)
{
    struct server *server = timer->data;
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (!listener->paused || listener->closed) continue;
        listener->paused = false;
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
    }
}

static void name_address(const struct listener *listener, char name[ADDRESS_MAX])
{
    union {
        struct sockaddr any;
        struct sockaddr_un local;
        struct sockaddr_storage room;
    } address = {0};
    socklen_t size = sizeof address;
    char host[NI_MAXHOST], port[NI_MAXSERV];
    const char *path = listener->admin ? "" : listener->server->config->base_path;
    getsockname(listener->socket, &address.any, &size);
    if (address.any.sa_family == AF_UNIX) {
        snprintf(name, ADDRESS_MAX, "%sunix:%s", listener->tls ? "tls:" : "",
                 address.local.sun_path);
        return;
    }
    getnameinfo(&address.any, size, host, sizeof host, port, sizeof port,
                NI_NUMERICHOST | NI_NUMERICSERV);
    bool brackets = strchr(host, ':') != NULL;
    snprintf(name, ADDRESS_MAX, "%s://%s%s%s:%s%s", listener->tls ? "https" : "http",
             brackets ? "[" : "", host, brackets ? "]" : "", port, path);
}

/* As text it is a line for whoever started the program. */
static void say_listening(const struct listener *listener)
{
    char name[ADDRESS_MAX], line[ADDRESS_MAX + 16];
    name_address(listener, name);
    snprintf(line, sizeof line, "%s on %s", listener->admin ? "admin" : "listening", name);
    if (log_settings()->format == LOG_FORMAT_TEXT)
        log_say(line);
    else
        log_event(LOG_LISTENING, LOG_TEXT("address", name),
                  LOG_TEXT("for", listener->admin ? "operators" : "visitors"));
}

void accept_prepare(struct server *server)
{
    uv_timer_init(&server->loop, &server->accept_timer);
    server->accept_timer.data = server;
    for (size_t i = 0; i < server->listeners_count; i++)
        uv_poll_init(&server->loop, &server->listeners[i].poll,
                     server->listeners[i].socket);
}

void accept_start(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        uv_poll_start(&server->listeners[i].poll, UV_READABLE, on_readable);
        say_listening(&server->listeners[i]);
    }
}

static void on_closed(uv_handle_t *handle)
{
    close(NET_OWNER(handle, struct listener, poll)->socket);
}

static void remove_file(const struct listener *listener)
{
    struct sockaddr_un address = {0};
    socklen_t size = sizeof address;
    if (getsockname(listener->socket, (struct sockaddr *)&address, &size) == 0 &&
        address.sun_family == AF_UNIX)
        unlink(address.sun_path);
}

/* The socket takes no packet that begins a connection (SYN without ACK); others, such as
   the last one of a handshake, it does. */
static bool let_pass(const struct listener *listener)
{
    struct sock_filter rows[] = {
        BPF_STMT(BPF_LD | BPF_B | BPF_ABS, 13), /* flags, in the header of TCP */
        BPF_STMT(BPF_ALU | BPF_AND | BPF_K, 0x12),
        BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, 0x02, 0, 1),
        BPF_STMT(BPF_RET | BPF_K, 0),
        BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
    };
    struct sock_fprog filter = {.len = sizeof rows / sizeof rows[0], .filter = rows};
    return setsockopt(listener->socket, SOL_SOCKET, SO_ATTACH_FILTER, &filter,
                      sizeof filter) == 0;
}

static void close_listener(struct listener *listener)
{
    if (listener->closed) return;
    listener->closed = true;
    uv_close((uv_handle_t *)&listener->poll, on_closed);
}

static void stop_listener(struct listener *listener, bool handed_over)
{
    bool own = listener->removes && !handed_over;
    listener->removes = false;
    if (own) remove_file(listener);
    if (!own || !listener->shared || !let_pass(listener)) close_listener(listener);
}

void accept_stop(struct server *server, bool handed_over)
{
    for (size_t i = 0; i < server->listeners_count; i++)
        if (handed_over || !server->listeners[i].admin)
            stop_listener(&server->listeners[i], handed_over);
}

void accept_end(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];
        if (listener->admin) continue;
        for (int n = 0; !listener->closed && n < LISTENER_BACKLOG && take_caller(listener);
             n++) {
        }
        close_listener(listener);
    }
}

void accept_close(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        stop_listener(&server->listeners[i], false);
        close_listener(&server->listeners[i]);
    }
    uv_close((uv_handle_t *)&server->accept_timer, NULL);
    if (server->spare >= 0) close(server->spare);
    server->spare = -1;
}

bool accept_lingers(const struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++)
        if (!server->listeners[i].closed && !server->listeners[i].admin) return true;
    return false;
}

bool accept_is_listening(const struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        const struct listener *listener = &server->listeners[i];
        int listens = 0;
        socklen_t size = sizeof listens;
        bool polls = uv_is_active((const uv_handle_t *)&listener->poll) != 0;
        if ((!polls && !listener->paused) ||
            getsockopt(listener->socket, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) != 0 ||
            listens == 0)
            return false;
    }
    return true;
}

struct passed accept_listener(const struct server *server, size_t i)
{
    const struct listener *listener = &server->listeners[i];
    struct passed passed = {.socket = listener->socket};
    memcpy(passed.name, listener->name, sizeof passed.name);
    if (listener->asked) listener_print(listener, passed.asked);
    return passed;
}
