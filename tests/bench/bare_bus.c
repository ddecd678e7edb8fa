/* What the bus alone does: requests and replies of the same bytes on two plain connections, the
   measure beside which fetches between nodes are put (nodes.js). Prints a line of JSON.

   usage: bench_bare_bus ASKER_PORT HOLDER_PORT BYTES RATE COUNT

   The reply comes in messages of at most 64 KiB. BYTES 0: nobody is subscribed, and the server
   says so. Asker and holder are one process, each on a connection of its own. */
#include "whilst/nats.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

#define CHUNK ((size_t)64 << 10)
#define INPUT ((size_t)256 << 10)

struct side {
    int socket;
    struct nats nats;
    const uint8_t *at, *end;
    uint8_t input[INPUT];
};

static struct side asker, holder;
static uint8_t page[CHUNK];

static void die(const char *what)
{
    fprintf(stderr, "bench_bare_bus: %s\n", what);
    exit(5);
}

static void say(const struct side *side, const void *bytes, size_t size)
{
    if (write(side->socket, bytes, size) != (ssize_t)size) die("a short write");
}

/* The next message; pings are answered on the way. */
static struct nats_event hear(struct side *side, enum nats_kind wanted)
{
    struct nats_event event;
    char line[NATS_COMMAND_MAX];
    for (;;) {
        enum nats_kind kind = nats_next(&side->nats, &side->at, side->end, &event);
        if (kind == wanted) return event;
        if (kind == NATS_BROKEN || kind == NATS_ERROR) die("the server complains");
        if (kind == NATS_PING) say(side, line, nats_write_pong(line));
        if (kind != NATS_MORE) continue;
        ssize_t got = read(side->socket, side->input, INPUT);
        if (got <= 0) die("the server hung up");
        side->at = side->input;
        side->end = side->input + got;
    }
}

static void open_side(struct side *side, const char *port)
{
    static const char login[] =
        "CONNECT {\"verbose\":false,\"headers\":true,\"no_responders\":true,"
        "\"echo\":false}\r\n";
    struct sockaddr_in to = {.sin_family = AF_INET,
                             .sin_port = htons((uint16_t)atoi(port)),
                             .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int one = 1;
    side->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(side->socket, (struct sockaddr *)&to, sizeof to) != 0)
        die("no server answers");
    setsockopt(side->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    side->nats.payload_bytes_max = 2 * CHUNK;
    hear(side, NATS_INFO);
    say(side, login, sizeof login - 1);
}

static void subscribe(struct side *side, const char *subject)
{
    char line[NATS_COMMAND_MAX];
    say(side, line, nats_write_subscribe(slice_of(subject), slice_of(""), 1, line));
    say(side, line, nats_write_ping(line));
    hear(side, NATS_PONG);
}

static void publish(const struct side *side, const char *subject, const char *reply,
                    size_t size)
{
    char line[NATS_COMMAND_MAX];
    size_t head = nats_write_publish(slice_of(subject), slice_of(reply), 0, size, line);
    struct iovec parts[] = {{line, head}, {page, size}, {(char *)"\r\n", 2}};
    if (writev(side->socket, parts, 3) != (ssize_t)(head + size + 2)) die("a short write");
}

static void answer(size_t bytes)
{
    hear(&holder, NATS_MESSAGE);
    for (size_t sent = 0; sent < bytes; sent += CHUNK)
        publish(&holder, "inbox", "", bytes - sent < CHUNK ? bytes - sent : CHUNK);
}

static void request(size_t bytes)
{
    publish(&asker, "want", "inbox", 40);
    if (bytes > 0)
        answer(bytes);
    else if (hear(&asker, NATS_MESSAGE).status != NATS_NO_RESPONDERS)
        die("somebody answered");
    for (size_t got = 0; got < bytes;)
        got += hear(&asker, NATS_MESSAGE).size;
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static int by_size(const void *a, const void *b)
{
    const uint64_t *left = a, *right = b;
    return (*left > *right) - (*left < *right);
}

int main(int count, char **arguments)
{
    if (count != 6) die("see its first lines");
    size_t bytes = strtoul(arguments[3], NULL, 10), rate = strtoul(arguments[4], NULL, 10);
    size_t all = strtoul(arguments[5], NULL, 10);
    uint64_t *times = calloc(all + 1, sizeof *times), due = now_ns();
    if (times == NULL || rate == 0 || all == 0) die("see its first lines");
    prctl(PR_SET_TIMERSLACK, 1);
    open_side(&asker, arguments[1]);
    open_side(&holder, arguments[2]);
    subscribe(&asker, "inbox");
    if (bytes > 0) subscribe(&holder, "want");
    usleep(200000); /* until other servers know */
    for (size_t i = 0; i < all; i++) {
        uint64_t now = now_ns();
        due = now > due + 1000000000 / rate ? now : due + 1000000000 / rate;
        struct timespec at = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
        clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
        request(bytes);
        times[i] = now_ns() - due;
    }
    qsort(times, all, sizeof *times, by_size);
    printf("{\"p50_us\":%.1f,\"p90_us\":%.1f,\"p99_us\":%.1f}\n",
           (double)times[all / 2] / 1e3, (double)times[all * 9 / 10] / 1e3,
           (double)times[all * 99 / 100] / 1e3);
    return 0;
}
