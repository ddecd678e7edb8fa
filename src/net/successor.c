/* The process that serves after this one, and the one that served before.

   At SIGUSR2 the program is started again with the same command line and, as passed.c reads
   them, our listening sockets: they are the same sockets, so that connections which wait in
   them are lost to neither. One more pair of sockets joins the two processes. The successor
   writes a byte when it serves; then this one tells the manager who is in charge now, and
   drains. The pair's end tells the successor that this process has gone: from then on it
   waits no longer than the grace time for holders that were here.

   A successor that ends before it serves, or does not serve within PATIENCE_MS, is logged,
   and this process goes on as if nothing had been. */
#include "successor.h"

#include "accept.h"
#include "bus.h"
#include "drain.h"
#include "log.h"
#include "notify.h"
#include "passed.h"
#include "whilst/print.h"

#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define PATIENCE_MS 30000
#define ARGUMENTS_MAX 256
#define STDIO_MAX (3 + PASSED_MAX + 1)
#define LIST_BYTES (PASSED_MAX * PASSED_ASKED_MAX)

/* Our own command line, as the kernel has it. */
static size_t read_command(char *text, size_t size, char **arguments)
{
    size_t count = 0, length = 0;
    ssize_t got = 0;
    int file = open("/proc/self/cmdline", O_RDONLY | O_CLOEXEC);
    while (file >= 0 && (got = read(file, text + length, size - 1 - length)) > 0)
        length += (size_t)got;
    if (file >= 0) close(file);
    text[length] = '\0';
    for (size_t at = 0; at < length && count < ARGUMENTS_MAX; at += strlen(text + at) + 1)
        arguments[count++] = text + at;
    arguments[count] = NULL;
    return count;
}

static void set_number(const char *variable, size_t number)
{
    char text[24];
    snprintf(text, sizeof text, "%zu", number);
    setenv(variable, text, 1);
}

static void append(struct print *list, size_t i, const char *separator, const char *text)
{
    print(list, "%s%s", i > 0 ? separator : "", text);
}

/* What passed.c will read. */
static void set_environment(const struct server *server)
{
    char names[LIST_BYTES] = "", asked[LIST_BYTES] = "";
    struct print names_to = {names, sizeof names, 0}, asked_to = {asked, sizeof asked, 0};
    for (size_t i = 0; i < server->listeners_count; i++) {
        struct passed passed = accept_listener(server, i);
        append(&names_to, i, ":", passed.name);
        append(&asked_to, i, "\n", passed.asked);
    }
    unsetenv("WATCHDOG_PID"); /* it is ours or that of who comes after us */
    setenv("LISTEN_FDNAMES", names, 1);
    setenv("WHILST_LISTENERS", asked, 1);
    set_number("LISTEN_FDS", server->listeners_count);
    set_number("WHILST_PREDECESSOR", (size_t)getpid());
    setenv(BUS_PREDECESSOR, server->config->hub.node, 1);
}

static void clear_environment(void)
{
    unsetenv("LISTEN_FDNAMES");
    unsetenv("WHILST_LISTENERS");
    unsetenv("LISTEN_FDS");
    unsetenv("WHILST_PREDECESSOR");
    unsetenv(BUS_PREDECESSOR);
}

static void on_process_closed(uv_handle_t *handle)
{
    NET_OWNER(handle, struct server, successor.process)->successor.running = false;
}

static void on_ended(uv_process_t *process, int64_t status, int signal)
{
    struct server *server = NET_OWNER(process, struct server, successor.process);
    if (!server->stopping)
        log_event(LOG_HAND_OVER_FAILED, LOG_NUMBER("status", status),
                  LOG_NUMBER("signal", signal));
    uv_close((uv_handle_t *)process, on_process_closed);
    server->successor.exited = true;
}

static int spawn(struct server *server, int pair)
{
    static char text[128 << 10];
    char *arguments[ARGUMENTS_MAX + 1];
    uv_stdio_container_t stdio[STDIO_MAX];
    size_t count = 3 + server->listeners_count + 1;
    if (count > STDIO_MAX || read_command(text, sizeof text, arguments) == 0)
        return UV_E2BIG;
    for (size_t i = 0; i < count; i++) {
        int descriptor = i < 3           ? (int)i
                         : i < count - 1 ? accept_listener(server, i - 3).socket
                                         : pair;
        stdio[i] = (uv_stdio_container_t){.flags = UV_INHERIT_FD, .data.fd = descriptor};
    }
    uv_process_options_t options = {.file = arguments[0],
                                    .args = arguments,
                                    .exit_cb = on_ended,
                                    .stdio = stdio,
                                    .stdio_count = (int)count};
    set_environment(server);
    int fault = uv_spawn(&server->loop, &server->successor.process, &options);
    clear_environment();
    return fault;
}

static void close_pair(uv_handle_t *poll)
{
    close(NET_OWNER(poll, struct server, successor.poll)->successor.pair);
}

static void hand_over(struct server *server)
{
    int pid = uv_process_get_pid(&server->successor.process);
    log_event(LOG_HANDED_OVER, LOG_NUMBER("to", pid),
              LOG_NUMBER("sessions", server->connections));
    notify_say("MAINPID=%d", pid);
    drain_begin(server, true);
}

/* The pair stays open on our side: its end is our end. */
static void on_word(uv_poll_t *poll, int status, int events)
{
    struct server *server = NET_OWNER(poll, struct server, successor.poll);
    char word;
    (void)status, (void)events;
    uv_poll_stop(poll);
    if (read(server->successor.pair, &word, 1) == 1 && !server->stopping) {
        server->successor.serves = true;
        hand_over(server);
    } else if (!server->successor.serves) {
        uv_close((uv_handle_t *)poll, close_pair);
        server->successor.asked = false;
    }
}

static void say_failed(const char *why)
{
    log_event(LOG_HAND_OVER_FAILED, LOG_TEXT("reason", why));
}

void successor_start(struct server *server)
{
    int pair[2];
    struct successor *successor = &server->successor;
    if (!server->serves || server->stopping || successor->asked || successor->running)
        return;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, pair) != 0) {
        say_failed("no descriptor is left");
        return;
    }
    *successor = (struct successor){
        .pair = pair[0], .asked = true, .running = true, .since_ms = server_now_ms(server)};
    int fault = spawn(server, pair[1]);
    close(pair[1]);
    if (fault == 0) {
        uv_poll_init(&server->loop, &successor->poll, pair[0]);
        uv_poll_start(&successor->poll, UV_READABLE, on_word);
        return;
    }
    say_failed(uv_strerror(fault));
    close(pair[0]);
    successor->asked = false;
    if (fault == UV_E2BIG)
        successor->running = false; /* there was no handle yet */
    else
        uv_close((uv_handle_t *)&successor->process, on_process_closed);
}

void successor_sweep(struct server *server)
{
    struct successor *successor = &server->successor;
    if (successor->asked && !successor->serves && !successor->exited &&
        server_now_ms(server) - successor->since_ms > PATIENCE_MS)
        uv_process_kill(&successor->process, SIGKILL);
}

/* ---- the one before ---- */

static void close_predecessor(uv_handle_t *poll)
{
    (void)poll;
    close(passed_predecessor());
}

static void on_gone(uv_poll_t *poll, int status, int events)
{
    struct server *server = NET_OWNER(poll, struct server, predecessor);
    (void)status, (void)events;
    uint32_t grace_ms = server->config->hub.grace_ms;
    uint64_t now_ms = server_now_ms(server);
    hub_await(server->hub, now_ms + grace_ms, now_ms);
    server_settle(server);
    server->succeeds = false;
    log_event(LOG_PREDECESSOR_GONE, LOG_NUMBER("grace", grace_ms));
    uv_close((uv_handle_t *)poll, close_predecessor);
}

void successor_took_over(struct server *server)
{
    int pair = passed_predecessor();
    if (pair < 0) return;
    server->succeeds = true;
    hub_await(server->hub, UINT64_MAX, server_now_ms(server));
    uv_poll_init(&server->loop, &server->predecessor, pair);
    uv_poll_start(&server->predecessor, UV_READABLE, on_gone);
    if (write(pair, "1", 1) != 1) return; /* it has gone: on_gone hears that */
}

void successor_close(struct server *server)
{
    struct successor *successor = &server->successor;
    if (server->succeeds) uv_close((uv_handle_t *)&server->predecessor, close_predecessor);
    if (successor->asked) uv_close((uv_handle_t *)&successor->poll, close_pair);
    if (successor->running && !successor->exited)
        uv_close((uv_handle_t *)&successor->process, NULL);
}
