/* The bus without a hub: what comes is printed, and lines on standard input say what to do.

     sub NUMBER SUBJECT [GROUP]     subscribe, now and after each loss
     unsub NUMBER
     pub SUBJECT REPLY|- [TEXT]     publish
     flood SUBJECT COUNT SIZE       publish so many at once
     many COUNT                     subscribe to w.0, w.1 …, now and after each loss, in steps
     metrics                        print them, and "end"

   It prints "up", "down", "unreachable TEXT", "message SUBJECT REPLY STATUS SIZE TEXT",
   "subscribed COUNT", and with --quiet no messages. It ends when its input does. */
#include "net/log.h"
#include "net/nats_client.h"

#include <getopt.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define KEPT_MAX 64
#define STEP 1000
#define STEP_MS 10

static struct {
    uv_loop_t loop;
    struct nats_client_config config;
    struct nats_client *client;
    uv_pipe_t input;
    uv_timer_t step;
    char line[64 << 10];
    size_t line_size;
    struct kept {
        unsigned long long number;
        char subject[256], group[64];
    } kept[KEPT_MAX];
    size_t kept_count;
    unsigned long many, subscribed;
    int quiet;
} test;

/* ---- subscriptions ---- */

static void subscribe(const struct kept *kept)
{
    nats_client_subscribe(test.client, kept->number, slice_of(kept->subject),
                          slice_of(kept->group));
}

static void on_step(uv_timer_t *timer)
{
    char subject[32];
    struct slice none = {"", 0};
    for (int i = 0; i < STEP && test.subscribed < test.many; i++) {
        snprintf(subject, sizeof subject, "w.%lu", test.subscribed);
        nats_client_subscribe(test.client, 1000000 + test.subscribed++, slice_of(subject),
                              none);
    }
    if (test.subscribed < test.many) return;
    printf("subscribed %lu\n", test.subscribed);
    uv_timer_stop(timer);
}

static void on_up(void *owner, bool up)
{
    (void)owner;
    printf("%s\n", up ? "up" : "down");
    uv_timer_stop(&test.step);
    if (!up) return;
    for (size_t i = 0; i < test.kept_count; i++)
        subscribe(&test.kept[i]);
    test.subscribed = 0;
    if (test.many > 0) uv_timer_start(&test.step, on_step, 0, STEP_MS);
}

static void on_message(void *owner, const struct nats_event *message)
{
    (void)owner;
    if (test.quiet) return;
    printf("message %.*s %.*s %u %zu %.*s\n", (int)message->subject.size,
           message->subject.data, message->reply.size > 0 ? (int)message->reply.size : 1,
           message->reply.size > 0 ? message->reply.data : "-", message->status,
           message->size, message->size > 200 ? 200 : (int)message->size,
           (const char *)message->payload);
}

static void on_unreachable(void *owner, const char *text)
{
    (void)owner;
    printf("unreachable %s\n", text);
}

/* ---- commands ---- */

static void flood(const char *subject, unsigned long count, unsigned long size)
{
    char *bytes = calloc(1, size + 1);
    memset(bytes, 'x', size);
    for (unsigned long i = 0; i < count; i++)
        nats_client_publish(test.client, slice_of(subject), slice_of(""),
                            (struct slice){bytes, size}, slice_of(""));
    free(bytes);
}

static void print_metrics(void)
{
    static char text[16 << 10];
    struct print to = {text, sizeof text, 0};
    nats_client_print_metrics(&to, test.client);
    printf("%send\n", text);
}

static void obey(char *line)
{
    struct kept kept = {0};
    char subject[256], reply[256];
    unsigned long count, size;
    int at = 0;
    if (sscanf(line, "sub %llu %255s %63s", &kept.number, kept.subject, kept.group) >= 2) {
        if (test.kept_count == KEPT_MAX) abort();
        test.kept[test.kept_count++] = kept;
        subscribe(&kept);
    } else if (sscanf(line, "unsub %llu", &kept.number) == 1) {
        nats_client_unsubscribe(test.client, kept.number);
    } else if (sscanf(line, "pub %255s %255s %n", subject, reply, &at) >= 2) {
        nats_client_publish(test.client, slice_of(subject),
                            slice_of(strcmp(reply, "-") == 0 ? "" : reply),
                            slice_of(line + at), slice_of(""));
    } else if (sscanf(line, "flood %255s %lu %lu", subject, &count, &size) == 3) {
        flood(subject, count, size);
    } else if (sscanf(line, "many %lu", &test.many) == 1) {
        test.subscribed = 0;
        uv_timer_start(&test.step, on_step, 0, STEP_MS);
    } else if (strcmp(line, "metrics") == 0) {
        print_metrics();
    } else {
        fprintf(stderr, "no command: %s\n", line);
        exit(2);
    }
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle, (void)suggested;
    if (test.line_size == sizeof test.line) abort();
    *buffer = uv_buf_init(test.line + test.line_size,
                          (unsigned)(sizeof test.line - test.line_size));
}

static void on_input(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    char *end;
    (void)buffer;
    if (size < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        uv_close((uv_handle_t *)&test.step, NULL);
        nats_client_close(test.client);
        return;
    }
    test.line_size += (size_t)size;
    while ((end = memchr(test.line, '\n', test.line_size)) != NULL) {
        size_t used = (size_t)(end - test.line) + 1;
        *end = '\0';
        obey(test.line);
        test.line_size -= used;
        memmove(test.line, test.line + used, test.line_size);
    }
}

/* ---- life ---- */

static void read_options(int count, char **arguments)
{
    static const struct option options[] = {
        {"bus", 1, NULL, 'b'},         {"node", 1, NULL, 'n'},
        {"ca", 1, NULL, 'c'},          {"user", 1, NULL, 'u'},
        {"password", 1, NULL, 'p'},    {"token", 1, NULL, 't'},
        {"credentials", 1, NULL, 'k'}, {"quiet", 0, NULL, 'q'},
        {"waiting", 1, NULL, 'w'},     {0}};
    int found;
    while ((found = getopt_long(count, arguments, "", options, NULL)) != -1) {
        switch (found) {
        case 'b': test.config.servers = optarg; break;
        case 'n': test.config.node = optarg; break;
        case 'c': test.config.ca_file = optarg; break;
        case 'u': test.config.login.user = optarg; break;
        case 'p': test.config.login.password_file = optarg; break;
        case 't': test.config.login.token_file = optarg; break;
        case 'k': test.config.login.credentials_file = optarg; break;
        case 'q': test.quiet = 1; break;
        case 'w': test.config.waiting_bytes_max = strtoul(optarg, NULL, 10); break;
        default: exit(2);
        }
    }
}

int main(int count, char **arguments)
{
    static const struct nats_client_callbacks on = {on_up, on_message, on_unreachable};
    test.config = nats_client_config_default();
    test.config.node = "whilst";
    read_options(count, arguments);
    setvbuf(stdout, NULL, _IOLBF, 0);
    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&test.loop);
    test.client = nats_client_open(&test.loop, &test.config, &on, NULL);
    if (test.client == NULL) return 1;
    uv_timer_init(&test.loop, &test.step);
    uv_pipe_init(&test.loop, &test.input, 0);
    uv_pipe_open(&test.input, 0);
    uv_read_start((uv_stream_t *)&test.input, on_allocate, on_input);
    uv_run(&test.loop, UV_RUN_DEFAULT);
    return uv_loop_close(&test.loop) == 0 ? 0 : 3;
}
