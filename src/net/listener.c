/* How listening sockets come about.

   A socket that was passed to the process and was opened for the same, or is bound to the
   same address, is used in place of a new one; so connections may wait in it from one
   process to the next. */
#include "listener.h"

#include "privileges.h"

#include <errno.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#define TLS "tls:"

static bool say_failed(const struct listener *listener, const char *why, const char *advice)
{
    fprintf(stderr, "whilst: cannot listen on %s: %s; %s\n", listener->text, why, advice);
    return false;
}

/* What the system has against it. */
static bool say_refused(const struct listener *listener, int reason)
{
    bool is_path = strncmp(listener->text, "unix:", 5) == 0;
    const char *first = reason == EADDRINUSE && listener->shared
                            ? "give the other server --reuse-port and the same user, or "
                        : reason == EADDRINUSE ? "stop the other server or "
                        : reason == ENOTSOCK   ? "remove this file or "
                        : reason == EACCES && is_path
                            ? "let this user write in its directory or "
                        : reason == EACCES ? "start it as root or "
                        : reason == ENOENT ? "make its directory or "
                                           : "";
    char advice[96];
    snprintf(advice, sizeof advice, "%schoose another %s", first,
             listener->admin ? "--admin" : "--listen");
    return say_failed(listener, strerror(reason), advice);
}

static bool say_exposed(const struct listener *listener)
{
    return say_failed(listener, "others could act as the operator",
                      "give --admin-token-file too, or a loopback address");
}

void listener_take(struct listener *listener, const struct passed *passed)
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
    if (bind(handle, address, size) != 0 || listen(handle, LISTENER_BACKLOG) != 0) {
        int error = errno;
        close(handle);
        errno = error;
        return false;
    }
    listener_take(listener, &(struct passed){.socket = handle, .name = PASSED_BOUND});
    return true;
}

void listener_print(const struct listener *listener, char asked[PASSED_ASKED_MAX])
{
    snprintf(asked, PASSED_ASKED_MAX, "%s%s%s", listener->admin ? PASSED_ADMIN : "",
             listener->tls ? TLS : "", listener->text);
    if (strchr(asked, '\n') != NULL) asked[0] = '\0';
}

static bool find_passed(struct listener *listener, const struct sockaddr *address)
{
    char asked[PASSED_ASKED_MAX];
    listener_print(listener, asked);
    struct passed passed = passed_take_asked(asked);
    if (passed.socket < 0) passed = passed_take_address(address);
    if (passed.socket >= 0) listener_take(listener, &passed);
    return passed.socket >= 0;
}

/* What stands in the way of a socket there, if it is no socket; else 0. */
static int fault_of_path(const char *path)
{
    struct stat status;
    return stat(path, &status) != 0 || S_ISSOCK(status.st_mode) ? 0
           : S_ISDIR(status.st_mode)                            ? EISDIR
                                                                : ENOTSOCK;
}

/* A socket file that nobody answers on is a left-over of an earlier run. */
static bool is_left_over(const struct sockaddr_un *address)
{
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
        return say_failed(listener, "the path is too long", "choose a shorter one");
    strcpy(address.sun_path, path);
    if (find_passed(listener, (struct sockaddr *)&address)) return true;
    int fault = fault_of_path(path);
    if (fault != 0) return say_refused(listener, fault);
    if (is_left_over(&address)) unlink(path);
    mode_t mode =
        listener->admin ? S_IRUSR | S_IWUSR : (mode_t)listener->server->config->unix_mode;
    mode_t before = umask(0777 & ~mode);
    bool open = bind_to(listener, (struct sockaddr *)&address, sizeof address);
    umask(before);
    if (open && privileges_give(listener->server, path)) return true;
    return say_refused(listener, errno);
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
        return say_failed(listener, "no socket of this name was passed",
                          "check FileDescriptorName= in the socket unit");
    listener_take(listener, &passed);
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
        return say_failed(listener, "it is not HOST:PORT", "check the host");
    if (begin[0] == '[' && begin[size - 1] == ']') {
        begin++;
        size -= 2;
    }
    memcpy(host, begin, size);
    host[size] = '\0';
    int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0)
        return say_failed(listener, gai_strerror(error), "check the host and the port");
    listener->shared = listener->server->config->reuse_port && !listener->admin;
    bool allowed = may_listen(listener, found->ai_addr);
    bool open = allowed && (find_passed(listener, found->ai_addr) ||
                            bind_to(listener, found->ai_addr, found->ai_addrlen));
    int reason = errno;
    freeaddrinfo(found);
    if (open) return true;
    return allowed ? say_refused(listener, reason) : say_exposed(listener);
}

bool listener_open(struct listener *listener, const char *text)
{
    listener->tls = strncmp(text, TLS, strlen(TLS)) == 0;
    if (listener->tls) text += strlen(TLS);
    listener->text = text;
    listener->asked = true;
    return strncmp(text, "unix:", 5) == 0 ? open_unix(listener, text + 5)
           : strncmp(text, "fd:", 3) == 0 ? open_named(listener, text + 3)
                                          : open_host(listener);
}
