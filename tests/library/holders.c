/* Many visitors with libwhilst, each with a connection and a page of its own, which are the
   pages of tests/e2e/traffic.js.

       whilst_holders SERVER COUNT    prints `holding` once all do; the end of input closes */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <uv.h>
#include <whilst/whilst.h>

#define AT_ONCE 100 /* connections that are being made, at first */

struct visitor {
    struct whilst *whilst;
    bool holds; /* did once */
};

static uv_loop_t loop;
static uv_pipe_t input;
static const char *server;
static struct visitor *visitors;
static int count, opened, holding;

static void open_next(void);

static void on_event(struct whilst *whilst, const struct whilst_event *event, void *data)
{
    struct visitor *visitor = data;
    (void)whilst;
    if (event->kind != WHILST_HOLDING || visitor->holds) return;
    visitor->holds = true;
    if (opened < count) open_next();
    if (++holding < count) return;
    puts("holding");
    fflush(stdout);
}

static void open_next(void)
{
    char error[WHILST_ERROR_SIZE], page[64], hash[WHILST_HASH_SIZE];
    int size =
        snprintf(page, sizeof page, "page %d of those that outlive the server", opened);
    struct visitor *visitor = &visitors[opened++];
    visitor->whilst = whilst_open(&loop, server, NULL, on_event, visitor, error);
    if (visitor->whilst == NULL) {
        fprintf(stderr, "%s\n", error);
        exit(2);
    }
    whilst_hold(visitor->whilst, page, (size_t)size, hash);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    static char ignored[64];
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(ignored, sizeof ignored);
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    (void)buffer;
    if (size >= 0) return;
    for (int i = 0; i < opened; i++)
        whilst_close(visitors[i].whilst);
    uv_close((uv_handle_t *)stream, NULL);
}

int main(int words, char **arguments)
{
    if (words != 3 || (count = atoi(arguments[2])) <= 0) {
        fputs("usage: whilst_holders SERVER COUNT\n", stderr);
        return 2;
    }
    struct rlimit descriptors;
    getrlimit(RLIMIT_NOFILE, &descriptors);
    descriptors.rlim_cur = descriptors.rlim_max;
    setrlimit(RLIMIT_NOFILE, &descriptors);
    signal(SIGPIPE, SIG_IGN);
    server = arguments[1];
    visitors = calloc((size_t)count, sizeof *visitors);
    uv_loop_init(&loop);
    uv_pipe_init(&loop, &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, on_room, on_input);
    while (opened < count && opened < AT_ONCE)
        open_next();
    uv_run(&loop, UV_RUN_DEFAULT);
    free(visitors);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
