/* Listening sockets that another process opened for this one.

   From systemd, by the protocol of sd_listen_fds(3): descriptors from 3 on, their number in
   LISTEN_FDS, their names in LISTEN_FDNAMES between colons, and LISTEN_PID says for whom
   they are. From the process that this one replaces (successor.c), in the same way, but
   that it could not know our number: it says its own in WHILST_PREDECESSOR, and one more
   descriptor follows, by which the two hear of each other. What each socket was opened for
   it says in WHILST_LISTENERS, a line each: addresses do not tell that where the system
   chose ports. */
#include "passed.h"

#include "whilst/slice.h"

#include <fcntl.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>
#include <unistd.h>

#define FIRST 3

static const struct passed nothing = {.socket = -1};
static struct passed all[PASSED_MAX];
static size_t count;
static int predecessor = -1, predecessor_process;

static long number_in(const char *variable)
{
    const char *text = getenv(variable);
    char *end;
    long number = text == NULL || *text == '\0' ? -1 : strtol(text, &end, 10);
    return number >= 0 && *end == '\0' ? number : -1;
}

static bool is_listener(int descriptor)
{
    int listens = 0;
    socklen_t size = sizeof listens;
    return getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &listens, &size) == 0 &&
           listens != 0;
}

/* Whatever becomes of it: no process that we start is to have it by accident. */
static void adopt(int descriptor, struct slice name, struct slice asked)
{
    struct passed *passed = &all[count];
    fcntl(descriptor, F_SETFD, FD_CLOEXEC);
    fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK);
    if (!is_listener(descriptor)) {
        close(descriptor);
        return;
    }
    passed->socket = descriptor;
    snprintf(passed->name, sizeof passed->name, "%.*s", (int)name.size, name.data);
    snprintf(passed->asked, sizeof passed->asked, "%.*s", (int)asked.size, asked.data);
    count++;
}

/* The text up to the separator, which is taken off with it. */
static struct slice cut(const char **text, char separator)
{
    struct slice part = {*text, strcspn(*text, (char[2]){separator, '\0'})};
    *text += part.size + ((*text)[part.size] == separator);
    return part;
}

static void forget_environment(void)
{
    static const char *const variables[] = {"LISTEN_PID", "LISTEN_FDS", "LISTEN_FDNAMES",
                                            "WHILST_PREDECESSOR", "WHILST_LISTENERS"};
    for (size_t i = 0; i < sizeof variables / sizeof variables[0]; i++)
        unsetenv(variables[i]);
}

size_t passed_read(void)
{
    long number = number_in("LISTEN_FDS");
    const char *names = getenv("LISTEN_FDNAMES"), *asked = getenv("WHILST_LISTENERS");
    bool replaces = number_in("WHILST_PREDECESSOR") == getppid();
    if (number > PASSED_MAX) number = PASSED_MAX;
    if (!replaces && number_in("LISTEN_PID") != getpid()) number = 0;
    if (names == NULL) names = "";
    if (asked == NULL || !replaces) asked = "";
    for (int i = 0; i < number; i++) {
        struct slice name = cut(&names, ':');
        adopt(FIRST + i, name, cut(&asked, '\n'));
    }
    if (replaces && number >= 0) {
        predecessor = FIRST + (int)number;
        predecessor_process = (int)getppid();
        fcntl(predecessor, F_SETFD, FD_CLOEXEC);
    }
    forget_environment();
    return count;
}

static struct passed take(size_t i)
{
    struct passed passed = all[i];
    all[i].socket = -1;
    return passed;
}

static bool same_port(const struct passed *passed, in_port_t wanted, in_port_t bound)
{
    return wanted == bound || (wanted == 0 && passed->asked[0] == '\0');
}

union any_address {
    struct sockaddr any;
    struct sockaddr_in v4;
    struct sockaddr_in6 v6;
    struct sockaddr_un local;
    struct sockaddr_storage room;
};

static bool is_bound_to(const struct passed *passed, const struct sockaddr *wanted)
{
    union any_address bound = {0}, other = {0};
    socklen_t size = sizeof bound;
    if (getsockname(passed->socket, &bound.any, &size) != 0) return false;
    if (bound.any.sa_family != wanted->sa_family) return false;
    switch (wanted->sa_family) {
    case AF_INET:
        memcpy(&other, wanted, sizeof other.v4);
        return other.v4.sin_addr.s_addr == bound.v4.sin_addr.s_addr &&
               same_port(passed, other.v4.sin_port, bound.v4.sin_port);
    case AF_INET6:
        memcpy(&other, wanted, sizeof other.v6);
        return memcmp(&other.v6.sin6_addr, &bound.v6.sin6_addr,
                      sizeof bound.v6.sin6_addr) == 0 &&
               same_port(passed, other.v6.sin6_port, bound.v6.sin6_port);
    case AF_UNIX:
        memcpy(&other, wanted, sizeof other.local);
        return strcmp(other.local.sun_path, bound.local.sun_path) == 0;
    default: return false;
    }
}

struct passed passed_take_asked(const char *asked)
{
    for (size_t i = 0; i < count && asked[0] != '\0'; i++)
        if (all[i].socket >= 0 && strcmp(all[i].asked, asked) == 0) return take(i);
    return nothing;
}

struct passed passed_take_address(const struct sockaddr *address)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].socket >= 0 && is_bound_to(&all[i], address)) return take(i);
    return nothing;
}

struct passed passed_take_name(const char *name)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].socket >= 0 && strcmp(all[i].name, name) == 0) return take(i);
    return nothing;
}

struct passed passed_take_any(void)
{
    for (size_t i = 0; i < count; i++)
        if (all[i].socket >= 0 &&
            strncmp(all[i].asked, PASSED_ADMIN, strlen(PASSED_ADMIN)) != 0)
            return take(i);
    return nothing;
}

size_t passed_close_rest(void)
{
    size_t closed = 0;
    for (size_t i = 0; i < count; i++) {
        if (all[i].socket < 0) continue;
        close(take(i).socket);
        closed++;
    }
    return closed;
}

int passed_predecessor(void)
{
    return predecessor;
}

int passed_predecessor_process(void)
{
    return predecessor_process;
}
