/* Two functions of the libraries, in whose place the program has its own: the linker gives
   the program's to the libraries, too. Without them all works as well, and costs more.

   uv_poll_start: libuv 1.44 takes a descriptor out of the kernel's table and puts it back
   at each call, whatever changes, and libwebsockets calls it at every step of a request,
   mostly for what it has already: six system calls of nine that an HTTP answer took.

   _lws_log: Debian's libwebsockets is built for debugging, and calls it for every byte of a
   request's headers, for lines that nobody wants to read. */
#include "overrides.h"

#include <assert.h>
#include <dlfcn.h>
#include <poll.h>
#include <stdbool.h>
#include <string.h>
#include <uv.h>

#define OVERRIDE __attribute__((visibility("default")))

static int hushed = -1;

void overrides_hush(struct lws *wsi)
{
    hushed = lws_get_socket_fd(wsi);
}

void overrides_unhush(void)
{
    hushed = -1;
}

static unsigned events_of(int wanted)
{
    return (wanted & UV_READABLE ? POLLIN : 0u) | (wanted & UV_WRITABLE ? POLLOUT : 0u) |
           (wanted & UV_DISCONNECT ? POLLRDHUP : 0u) |
           (wanted & UV_PRIORITIZED ? POLLPRI : 0u);
}

static bool is_started(const uv_poll_t *poll, int events, uv_poll_cb callback)
{
    return uv_is_active((const uv_handle_t *)poll) && poll->poll_cb == callback &&
           poll->io_watcher.pevents == events_of(events);
}

OVERRIDE int uv_poll_start(uv_poll_t *poll, int events, uv_poll_cb callback)
{
    static int (*start)(uv_poll_t *, int, uv_poll_cb);
    if (poll->io_watcher.fd == hushed) events &= ~UV_WRITABLE;
    if (is_started(poll, events, callback)) return 0;
    if (start == NULL) {
        void *next = dlsym(RTLD_NEXT, "uv_poll_start");
        assert(next != NULL);
        memcpy(&start, &next, sizeof start);
    }
    return start(poll, events, callback);
}

OVERRIDE void _lws_log(int level, const char *format, ...)
{
    va_list arguments;
    if ((level & OVERRIDES_LOGGED) == 0) return;
    va_start(arguments, format);
    _lws_logv(level, format, arguments);
    va_end(arguments);
}
