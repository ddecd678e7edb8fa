/* Listeners.

   The library's own listener spins when descriptors run out. Ours keeps one spare
   descriptor: when accept fails for want of one, the spare is given up, the waiting
   connection is taken and closed, and the spare is taken back, so that nobody waits for an
   answer that cannot come. Accepted sockets are adopted by the library.

   A socket that was passed to the process and is bound to an address of ours is used in its
   place; so connections may wait in it from one process to the next.

   With --reuse-port several processes have a socket each at one address, and the kernel
   deals connections to them. What waits in one of these is lost when it closes, so a process
   that leaves first lets new callers pass: their first packet is dropped, and when it is
   repeated, after a second, this socket is gone and another takes it. Who is half-way in
   meanwhile is taken. */
#include "accept.h"

#include "admin.h"
#include "callers.h"
#include "log.h"
#include "passed.h"
#include "privileges.h"
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
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define ACCEPTED_AT_ONCE 64
#define BACKLOG 4096
#define ADDRESS_MAX (NI_MAXHOST + NI_MAXSERV + 256) /* with the base path */

struct listener {
    uv_poll_t poll;
    struct server *server;
    int socket;
    const char
        *text; /* what it was asked for by, without tls:; or its name, if it was passed */
    char name[sizeof((struct passed){0}).name];
    bool removes; /* its file, when it closes */
    bool tls;
    bool admin;          /* it is the operator's */
    bool shared, closed; /* with other processes; it takes nobody any more */
};

static bool say_failed(const char *text, const char *why, const char *advice)
{
    fprintf(stderr, "whilst: cannot listen on %s: %s; %s\n", text, why, advice);
    return false;
}

static bool say_exposed(const struct listener *listener)
{
    return say_failed(listener->text, "others could act as the operator",
                      "give --admin-token-file too, or a loopback address");
}

static void take_passed(struct listener *listener, const struct passed *passed)
{
    listener->socket = passed->socket;
    memcpy(listener->name, passed->name, sizeof listener->name);
    listener->removes = strcmp(passed->name, PASSED_BOUND) == 0;
}

static bool bind_to(struct listener *listener, const struct sockaddr *address,
                    socklen_t size)
{
    int one = 1;
    int handle = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (handle < 0) return false;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (listener->shared) setsockopt(handle, SOL_SOCKET, SO_REUSEPORT, &one, sizeof one);
    if (bind(handle, address, size) != 0 || listen(handle, BACKLOG) != 0) {
        int error = errno;
        close(handle);
        errno = error;
        return false;
    }
    take_passed(listener, &(struct passed){.socket = handle, .name = PASSED_BOUND});
    return true;
}

static bool find_passed(struct listener *listener, const struct sockaddr *address)
{
    struct passed passed = passed_take_address(address);
    if (passed.socket >= 0) take_passed(listener, &passed);
    return passed.socket >= 0;
}

/* A socket file that nobody answers on is a left-over of an earlier run. */
static bool is_left_over(const struct sockaddr_un *address)
{
    struct stat status;
    if (stat(address->sun_path, &status) != 0 || !S_ISSOCK(status.st_mode)) return false;
    int probe = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bool refused = connect(probe, (const struct sockaddr *)address, sizeof *address) != 0 &&
                   errno == ECONNREFUSED;
    close(probe);
    return refused;
}

static bool open_unix(struct listener *listener, const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    if (strlen(path) >= sizeof address.sun_path)
        return say_failed(listener->text, "the path is too long", "choose a shorter one");
    strcpy(address.sun_path, path);
    if (find_passed(listener, (struct sockaddr *)&address)) return true;
    if (is_left_over(&address)) unlink(path);
    mode_t mode =
        listener->admin ? S_IRUSR | S_IWUSR : (mode_t)listener->server->config->unix_mode;
    mode_t before = umask(0777 & ~mode);
    bool open = bind_to(listener, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (open && privileges_give(listener->server, path)) return true;
    return say_failed(listener->text, strerror(errno), "choose another path with --listen");
}

static bool is_loopback(const struct sockaddr *address)
{
    if (address->sa_family == AF_INET) {
        const struct sockaddr_in *four = (const void *)address;
        return ntohl(four->sin_addr.s_addr) >> 24 == 127;
    }
    const struct sockaddr_in6 *six = (const void *)address;
    return address->sa_family == AF_INET6 && IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
}

/* Whoever reaches the operator's address is the operator, unless it wants a token. */
static bool may_listen(const struct listener *listener, const struct sockaddr *address)
{
    return !listener->admin || listener->server->config->admin_token_file != NULL ||
           address->sa_family == AF_UNIX || is_loopback(address);
}

static bool open_named(struct listener *listener, const char *name)
{
    union {
        struct sockaddr any;
        struct sockaddr_storage room;
    } address = {0};
    socklen_t size = sizeof address;
    struct passed passed = passed_take_name(name);
    if (passed.socket < 0)
        return say_failed(listener->text, "no socket of this name was passed",
                          "check FileDescriptorName= in the socket unit");
    take_passed(listener, &passed);
    getsockname(passed.socket, &address.any, &size);
    return may_listen(listener, &address.any) || say_exposed(listener);
}

static bool open_host(struct listener *listener)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_PASSIVE}, *found;
    char host[256];
    const char *colon = strrchr(listener->text, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - listener->text);
    const char *begin = listener->text;
    if (size == 0 || size >= sizeof host)
        return say_failed(listener->text, "it is not HOST:PORT", "check the host");
    if (begin[0] == '[' && begin[size - 1] == ']') {
        begin++;
        size -= 2;
    }
    memcpy(host, begin, size);
    host[size] = '\0';
    int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0)
        return say_failed(listener->text, gai_strerror(error),
                          "check the host and the port");
    listener->shared = listener->server->config->reuse_port && !listener->admin;
    bool allowed = may_listen(listener, found->ai_addr);
    bool open = allowed && (find_passed(listener, found->ai_addr) ||
                            bind_to(listener, found->ai_addr, found->ai_addrlen));
    int reason = errno;
    freeaddrinfo(found);
    if (open) return true;
    if (!allowed) return say_exposed(listener);
    return say_failed(listener->text, strerror(reason),
                      reason != EADDRINUSE ? "choose another --listen"
                      : listener->shared
                          ? "the other server must have --reuse-port and the same user"
                          : "stop the other server or choose another --listen");
}

static struct listener *next_listener(struct server *server, const char *text)
{
    struct listener *listener = &server->listeners[server->listeners_count];
    *listener = (struct listener){.server = server, .text = text, .socket = -1};
    return listener;
}

static bool open_asked(struct server *server, const char *text, bool admin)
{
    bool tls = strncmp(text, "tls:", 4) == 0;
    if (tls) text += 4;
    struct listener *listener = next_listener(server, text);
    listener->tls = tls;
    listener->admin = admin;
    bool open = strncmp(text, "unix:", 5) == 0 ? open_unix(listener, text + 5)
                : strncmp(text, "fd:", 3) == 0 ? open_named(listener, text + 3)
                                               : open_host(listener);
    server->listeners_count += open;
    return open;
}

/* Nobody said where: wherever somebody opened a socket for us. */
static void open_passed(struct server *server)
{
    struct passed passed;
    while ((passed = passed_take_any()).socket >= 0) {
        struct listener *listener = next_listener(server, NULL);
        take_passed(listener, &passed);
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

/* Out of descriptors: turns the first caller away rather than let all wait. */
static void turn_away(struct server *server, int socket)
{
    server->metrics.accept_failures_total++;
    log_event(LOG_DESCRIPTORS_EXHAUSTED, LOG_TEXT("advice", "lower --max-connections"));
    if (server->spare >= 0) close(server->spare);
    int caller = accept4(socket, NULL, NULL, SOCK_CLOEXEC);
    if (caller >= 0) close(caller);
    server->spare = open("/dev/null", O_RDONLY | O_CLOEXEC);
}

static void adopt(const struct listener *listener, int socket)
{
    int one = 1;
    struct server *server = listener->server;
    struct caller *caller = callers_enter(server, socket);
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
static bool take_caller(const struct listener *listener)
{
    struct server *server = listener->server;
    int caller = accept4(listener->socket, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);
    if (caller < 0 && (errno == EMFILE || errno == ENFILE))
        turn_away(server, listener->socket);
    if (caller < 0) return false;
    server->metrics.accepted_total++;
    if (listener->admin)
        admin_adopt(server, caller);
    else
        adopt(listener, caller);
    return true;
}

static void on_readable(uv_poll_t *poll, int status, int events)
{
    const struct listener *listener = NET_OWNER(poll, struct listener, poll);
    (void)events;
    for (int i = 0; status == 0 && i < ACCEPTED_AT_ONCE && take_caller(listener); i++) {
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

void accept_start(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];
        uv_poll_init(&server->loop, &listener->poll, listener->socket);
        uv_poll_start(&listener->poll, UV_READABLE, on_readable);
        say_listening(listener);
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

/* The socket takes no packet that begins a connection (SYN without ACK); others, such as the
   last one of a handshake, it does. */
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

void accept_close(struct server *server, bool handed_over)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];
        bool own = listener->removes && !handed_over;
        if (own) remove_file(listener);
        if (!own || !listener->shared || !let_pass(listener)) close_listener(listener);
    }
}

void accept_end(struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct listener *listener = &server->listeners[i];
        for (int n = 0; !listener->closed && n < BACKLOG && take_caller(listener); n++) {
        }
        close_listener(listener);
    }
    if (server->spare >= 0) close(server->spare);
    server->spare = -1;
}

bool accept_lingers(const struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++)
        if (!server->listeners[i].closed) return true;
    return false;
}

bool accept_is_listening(const struct server *server)
{
    for (size_t i = 0; i < server->listeners_count; i++) {
        const struct listener *listener = &server->listeners[i];
        int listens = 0;
        socklen_t size = sizeof listens;
        if (!uv_is_active((const uv_handle_t *)&listener->poll) ||
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
    return passed;
}
