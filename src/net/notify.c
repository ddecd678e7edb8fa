/* Telling the service manager, by the protocol of sd_notify(3): a datagram of lines to the
   socket that NOTIFY_SOCKET names, where "@" begins a name without a file. A manager that does
   not listen is no fault of ours: nothing is said of it. libsystemd would bring five more
   libraries along for this. */
#include "notify.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

static void send_text(const char *name, const char *text)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t size = strlen(name);
    if ((*name != '/' && *name != '@') || size >= sizeof address.sun_path) return;
    memcpy(address.sun_path, name, size);
    if (*name == '@') address.sun_path[0] = '\0';
    int handle = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (handle < 0) return;
    sendto(handle, text, strlen(text), MSG_NOSIGNAL, (struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + size));
    close(handle);
}

void notify_say(const char *format, ...)
{
    const char *name = getenv("NOTIFY_SOCKET");
    char text[512];
    va_list arguments;
    if (name == NULL) return;
    va_start(arguments, format);
    vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    send_text(name, text);
}

uint64_t notify_watchdog_ms(void)
{
    const char *time_us = getenv("WATCHDOG_USEC"), *pid = getenv("WATCHDOG_PID");
    if (time_us == NULL || (pid != NULL && strtol(pid, NULL, 10) != getpid())) return 0;
    return strtoull(time_us, NULL, 10) / 1000;
}
