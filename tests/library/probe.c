/* Does with libwhilst what its standard input says, a line each, and prints what happens.

       probe SERVER [CA_FILE]    hold SIZE | get HASH | watch HASH | leave HASH | address HASH
                                 | close; the end of input closes too
       probe threads SERVER      four loops in four threads exchange pages

   A held page of SIZE bytes is 'x' again and again. */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>
#include <whilst/whilst.h>

#define LINE 256
#define THREADS 4
#define PAGES 20

static uv_loop_t loop;
static uv_pipe_t input;
static bool closed; /* nothing is left to be told */
static char line[LINE], chunk[LINE];
static size_t length;

static const char *name_of(enum whilst_event_kind kind)
{
    static const char *const names[] = {"connected", "lost",   "closed", "holding",
                                        "count",     "handed", "found",  "nobody",
                                        "refused",   "over",   "wrong"};
    return names[kind];
}

static void on_event(struct whilst *whilst, const struct whilst_event *event, void *data)
{
    static const char *const faults[] = {"", "unreachable", "foreign", "closed", "broken"};
    char hash[WHILST_HASH_SIZE] = "";
    (void)whilst, (void)data;
    if (closed) abort();
    closed = event->kind == WHILST_CLOSED;
    if (event->kind == WHILST_FOUND) {
        whilst_hash(event->bytes, event->size, hash);
        if (strcmp(hash, event->hash) != 0) abort();
    }
    printf("%s %s %" PRIu32 " %zu [%s] %s%s[%s]\n", name_of(event->kind),
           event->hash == NULL ? "-" : event->hash, event->count, event->size,
           event->reason, faults[event->fault],
           event->again_ms == UINT64_MAX ? " for good " : " ", event->text);
    fflush(stdout);
}

static enum whilst_result hold(struct whilst *whilst, size_t size,
                               char hash[WHILST_HASH_SIZE])
{
    char *bytes = malloc(size + 1);
    memset(bytes, 'x', size);
    enum whilst_result result = whilst_hold(whilst, bytes, size, hash);
    free(bytes);
    return result;
}

static void obey(struct whilst *whilst, char *command)
{
    char out[WHILST_ADDRESS_SIZE] = "";
    char *word = strtok(command, " "), *rest = strtok(NULL, " ");
    enum whilst_result result = WHILST_OK;
    if (strcmp(word, "hold") == 0) result = hold(whilst, strtoul(rest, NULL, 10), out);
    if (strcmp(word, "get") == 0) result = whilst_get(whilst, rest);
    if (strcmp(word, "watch") == 0) result = whilst_watch(whilst, rest);
    if (strcmp(word, "leave") == 0) result = whilst_leave(whilst, rest);
    if (strcmp(word, "address") == 0) result = whilst_address(whilst, rest, out);
    if (strcmp(word, "close") == 0) whilst_close(whilst);
    printf("%s: %s %s\n", word, whilst_result_text(result), out);
    fflush(stdout);
}

static void on_room(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(chunk, sizeof chunk);
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct whilst *whilst = stream->data;
    for (ssize_t i = 0; i < size; i++) {
        line[length++] = buffer->base[i];
        if (buffer->base[i] != '\n' && length < LINE) continue;
        line[length - 1] = '\0';
        length = 0;
        if (!closed) obey(whilst, line);
    }
    if (size >= 0) return;
    if (!closed) whilst_close(whilst);
    uv_close((uv_handle_t *)stream, NULL);
}

static int run(const char *server, const char *ca_file)
{
    char error[WHILST_ERROR_SIZE];
    uv_loop_init(&loop);
    struct whilst *whilst = whilst_open(&loop, server, ca_file, on_event, NULL, error);
    if (whilst == NULL) {
        fprintf(stderr, "%s\n", error);
        return uv_loop_close(&loop) == 0 ? 2 : 1;
    }
    uv_pipe_init(&loop, &input, 0);
    input.data = whilst;
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, on_room, on_input);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 && closed ? 0 : 1;
}

/* ---- threads ---- */

struct worker {
    const char *server;
    int number, handed, found;
    bool given[PAGES]; /* of its own; one may be asked for twice */
    uv_thread_t thread;
};

static size_t print_page(int page, int worker, char text[32])
{
    return (size_t)snprintf(text, 32, "page %d of %d", page, worker);
}

static void note_handed(struct worker *worker, const char *name)
{
    char text[32], hash[WHILST_HASH_SIZE];
    for (int i = 0; i < PAGES; i++) {
        whilst_hash(text, print_page(i, worker->number, text), hash);
        if (strcmp(hash, name) != 0 || worker->given[i]) continue;
        worker->given[i] = true;
        worker->handed++;
    }
}

/* Each holds its pages, and gets those of the next worker. */
static void on_work(struct whilst *whilst, const struct whilst_event *event, void *data)
{
    struct worker *worker = data;
    char text[32], hash[WHILST_HASH_SIZE];
    worker->found += event->kind == WHILST_FOUND;
    if (event->kind == WHILST_HANDED) note_handed(worker, event->hash);
    for (int i = 0; event->kind == WHILST_CONNECTED && i < PAGES; i++) {
        whilst_hold(whilst, text, print_page(i, worker->number, text), hash);
        whilst_hash(text, print_page(i, (worker->number + 1) % THREADS, text), hash);
        whilst_get(whilst, hash);
    }
    if (worker->found == PAGES && worker->handed == PAGES && event->kind != WHILST_CLOSED)
        whilst_close(whilst);
}

static void work(void *data)
{
    struct worker *worker = data;
    char error[WHILST_ERROR_SIZE];
    uv_loop_t own;
    uv_loop_init(&own);
    if (whilst_open(&own, worker->server, NULL, on_work, worker, error) == NULL) abort();
    uv_run(&own, UV_RUN_DEFAULT);
    if (uv_loop_close(&own) != 0) abort();
}

static int run_threads(const char *server)
{
    struct worker workers[THREADS];
    for (int i = 0; i < THREADS; i++) {
        workers[i] = (struct worker){.server = server, .number = i};
        uv_thread_create(&workers[i].thread, work, &workers[i]);
    }
    for (int i = 0; i < THREADS; i++) {
        uv_thread_join(&workers[i].thread);
        printf("found %d\n", workers[i].found);
    }
    return 0;
}

int main(int count, char **arguments)
{
    signal(SIGPIPE, SIG_IGN);
    if (count < 2 || WHILST_VERSION_NUMBER < 100) return 2;
    if (strcmp(arguments[1], "version") == 0) return puts(whilst_version()) < 0;
    if (strcmp(arguments[1], "threads") == 0) return run_threads(arguments[2]);
    return run(arguments[1], count > 2 ? arguments[2] : NULL);
}
