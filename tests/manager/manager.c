/* A service manager of a hundred lines, for tests: it opens sockets, starts the program with
   them by the protocol of sd_listen_fds(3), prints what the program tells it by sd_notify(3),
   follows MAINPID=, and starts the program again when it dies.

       whilst_manager [--listen HOST:PORT | --listen unix:PATH]… [--watchdog MS] -- PROGRAM…

   Says on standard output: `socket ADDRESS`, `started PID`, `notify LINE`, `ended PID HOW`.
   SIGTERM ends the program, and then the manager; so does the program's own end with 0. */
#include <arpa/inet.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#define SOCKETS_MAX 8
#define ASIDE 100 /* where sockets lie whilst they get the numbers that they are to have */

static int sockets[SOCKETS_MAX], sockets_count, notices;
static char names[256], notify_name[128];
static const char *watchdog_ms = "0";
static pid_t main_pid;
static volatile sig_atomic_t ending;

static void die(const char *what)
{
    perror(what);
    exit(1);
}

static void listen_on(const struct sockaddr *address, socklen_t size)
{
    int handle = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0), one = 1;
    setsockopt(handle, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (sockets_count == SOCKETS_MAX || bind(handle, address, size) != 0 ||
        listen(handle, 4096) != 0)
        die("listen");
    sockets[sockets_count++] = handle;
}

static void open_unix(const char *path)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    snprintf(address.sun_path, sizeof address.sun_path, "%s", path);
    listen_on((struct sockaddr *)&address, sizeof address);
    printf("socket unix:%s\n", path);
}

static void open_host(const char *text)
{
    char host[64];
    struct sockaddr_in address = {.sin_family = AF_INET};
    socklen_t size = sizeof address;
    const char *colon = strrchr(text, ':');
    if (colon == NULL) die(text);
    snprintf(host, sizeof host, "%.*s", (int)(colon - text), text);
    address.sin_port = htons((in_port_t)atoi(colon + 1));
    inet_pton(AF_INET, host, &address.sin_addr);
    listen_on((struct sockaddr *)&address, sizeof address);
    getsockname(sockets[sockets_count - 1], (struct sockaddr *)&address, &size);
    printf("socket http://%s:%d\n", host, ntohs(address.sin_port));
}

/* An abstract name: there is no file to be removed. */
static void open_notices(void)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int size = snprintf(address.sun_path + 1, sizeof address.sun_path - 1,
                        "whilst-manager-%d", (int)getpid());
    snprintf(notify_name, sizeof notify_name, "@%s", address.sun_path + 1);
    notices = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (bind(notices, (struct sockaddr *)&address,
             (socklen_t)(sizeof(sa_family_t) + 1 + (size_t)size)) != 0)
        die("notices");
}

static void set(const char *variable, long number)
{
    char text[24];
    snprintf(text, sizeof text, "%ld", number);
    setenv(variable, text, 1);
}

static void become(char **program)
{
    for (int i = 0; i < sockets_count; i++)
        if (dup3(sockets[i], ASIDE + i, O_CLOEXEC) < 0) die("dup3");
    for (int i = 0; i < sockets_count; i++)
        dup2(ASIDE + i, 3 + i);
    set("LISTEN_PID", getpid());
    set("LISTEN_FDS", sockets_count);
    setenv("LISTEN_FDNAMES", names, 1);
    setenv("NOTIFY_SOCKET", notify_name, 1);
    if (atol(watchdog_ms) > 0) set("WATCHDOG_USEC", 1000 * atol(watchdog_ms));
    execvp(program[0], program);
    die(program[0]);
}

static void start(char **program)
{
    main_pid = fork();
    if (main_pid == 0) become(program);
    printf("started %d\n", (int)main_pid);
}

static void read_notice(void)
{
    char text[4096], *line, *rest = text;
    ssize_t size = recv(notices, text, sizeof text - 1, 0);
    if (size < 0) return;
    text[size] = '\0';
    while ((line = strsep(&rest, "\n")) != NULL) {
        if (strncmp(line, "MAINPID=", 8) == 0) main_pid = (pid_t)atoi(line + 8);
        if (*line != '\0') printf("notify %s\n", line);
    }
}

static void read_notices(int wait_ms)
{
    struct pollfd wait = {.fd = notices, .events = POLLIN};
    for (; poll(&wait, 1, wait_ms) > 0; wait_ms = 0)
        read_notice();
}

/* Whether the program is over for good. What a process said before its end is heard before
   that: it may have named another as its successor. */
static bool reap(char **program)
{
    int status;
    pid_t pid;
    while ((pid = waitpid(-1, &status, WNOHANG)) > 0) {
        read_notices(0);
        bool well = WIFEXITED(status) && WEXITSTATUS(status) == 0;
        printf("ended %d %s%d\n", (int)pid, WIFSIGNALED(status) ? "signal " : "",
               WIFSIGNALED(status) ? WTERMSIG(status) : WEXITSTATUS(status));
        if (pid == main_pid && (well || ending)) return true;
        if (pid == main_pid) start(program);
    }
    return false;
}

static void on_end(int number)
{
    (void)number;
    ending = 1;
}

static void run(char **program)
{
    bool told = false;
    do {
        if (ending && !told) kill(main_pid, SIGTERM);
        told = told || ending;
        read_notices(20);
        fflush(stdout);
    } while (!reap(program));
}

int main(int count, char **arguments)
{
    int i = 1;
    for (; i + 1 < count && strcmp(arguments[i], "--") != 0; i += 2) {
        const char *value = arguments[i + 1];
        if (strcmp(arguments[i], "--watchdog") == 0) {
            watchdog_ms = value;
            continue;
        }
        size_t length = strlen(names);
        snprintf(names + length, sizeof names - length, "%sweb%d",
                 sockets_count > 0 ? ":" : "", sockets_count);
        if (strncmp(value, "unix:", 5) == 0)
            open_unix(value + 5);
        else
            open_host(value);
    }
    open_notices();
    prctl(PR_SET_CHILD_SUBREAPER, 1);
    signal(SIGTERM, on_end);
    fflush(stdout);
    start(arguments + i + 1);
    run(arguments + i + 1);
    fflush(stdout);
    return 0;
}
