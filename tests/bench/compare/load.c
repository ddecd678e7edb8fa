/* The same work for different servers: connections, subscriptions and messages of 14 bytes,
   said in each server's own language.

   usage: compare_load WORK SERVER PORT NUMBER… [PID…]

     idle SERVER PORT VISITORS PID…          visitors come and stay
     fanout SERVER PORT VISITORS TOPICS ROUNDS PID…
                                             each round tells one message a topic to all
     bulk SERVER PORT SEEKERS BYTES ROUNDS PID…
                                             one large page to all at once
     fetch SERVER PORT PAIRS BYTES RATE SECONDS IDLE PID…
                                             one asks, the other answers, so often a second

   SERVER is whilst or bare, which has no idle; ws, nchan, mosquitto or nats, which have no
   bulk and fetch. It prints one line of JSON; CPU and memory are those of PID, from
   /proc. */
#include "dialect.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT_BYTES ((size_t)1 << 20)
#define AT_ONCE 64
#define PER_ADDRESS 2000
#define PATIENCE_NS (30 * 1000000000ull)
#define QUIET_NS (300 * 1000000ull)

static const struct dialect *dialect;
static uint16_t port;
static int poller;
static pid_t pids[16];
static int pids_count;
static uint64_t heard; /* messages of 14 bytes, or bytes in bulk */
static struct {
    bool on;
    size_t size;
    uint8_t bytes[16 << 10];
} cork;
static uint64_t ready; /* connections that have what they asked for */

/* ---- the ground ---- */

_Noreturn void compare_fail(const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    fprintf(stderr, "compare_load: ");
    vfprintf(stderr, format, arguments);
    fprintf(stderr, "\n");
    va_end(arguments);
    exit(1);
}

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

/* CPU time of the server's processes, all their threads, in nanoseconds. */
static uint64_t server_cpu_ns(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < pids_count; i++) {
        char path[64];
        glob_t threads;
        snprintf(path, sizeof path, "/proc/%d/task/*/schedstat", (int)pids[i]);
        if (glob(path, 0, NULL, &threads) != 0) compare_fail("no %s", path);
        for (size_t j = 0; j < threads.gl_pathc; j++) {
            unsigned long long ns = 0;
            FILE *file = fopen(threads.gl_pathv[j], "r");
            if (file == NULL) continue; /* a thread that has ended */
            if (fscanf(file, "%llu", &ns) == 1) sum += ns;
            fclose(file);
        }
        globfree(&threads);
    }
    return sum;
}

static uint64_t server_bytes(void)
{
    uint64_t sum = 0;
    for (int i = 0; i < pids_count; i++) {
        char path[64];
        unsigned long long pages;
        snprintf(path, sizeof path, "/proc/%d/statm", (int)pids[i]);
        FILE *file = fopen(path, "r");
        if (file == NULL || fscanf(file, "%*u %llu", &pages) != 1)
            compare_fail("cannot read %s", path);
        fclose(file);
        sum += pages * (uint64_t)sysconf(_SC_PAGESIZE);
    }
    return sum;
}

static int compare_times(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return (x > y) - (x < y);
}

static double quantile_us(uint64_t *times, size_t count, double share)
{
    qsort(times, count, sizeof *times, compare_times);
    size_t at = (size_t)(share * (double)count);
    return count == 0 ? 0 : (double)times[at < count ? at : count - 1] / 1000;
}

/* ---- connections ---- */

void compare_write(struct conn *conn, const void *bytes, size_t size)
{
    for (const uint8_t *at = bytes; size > 0;) {
        ssize_t written = send(conn->socket, at, size, MSG_NOSIGNAL);
        if (written < 0 && errno == EAGAIN) {
            usleep(50);
            continue;
        }
        if (written < 0) compare_fail("a connection broke");
        at += written;
        size -= (size_t)written;
    }
}

/* A client's frame, whose mask is always the same. */
void compare_send(struct conn *conn, uint8_t opcode, const void *bytes, size_t size)
{
    static const uint8_t mask[4] = {0x12, 0x34, 0x56, 0x78};
    uint8_t *frame = malloc(size + 14);
    size_t head = 2;
    frame[0] = 0x80 | opcode;
    frame[1] = 0x80 | (uint8_t)(size < 126 ? size : size < 65536 ? 126 : 127);
    for (int i = size < 126 ? 0 : size < 65536 ? 2 : 8; i > 0; i--)
        frame[head++] = (uint8_t)(size >> (8 * (i - 1)));
    memcpy(frame + head, mask, sizeof mask);
    head += sizeof mask;
    for (size_t i = 0; i < size; i++)
        frame[head + i] = ((const uint8_t *)bytes)[i] ^ mask[i & 3];
    if (cork.on && cork.size + head + size <= sizeof cork.bytes) {
        memcpy(cork.bytes + cork.size, frame, head + size);
        cork.size += head + size;
    } else {
        compare_write(conn, frame, head + size);
    }
    free(frame);
}

/* Between the two, what one connection is to send is collected. */
void compare_cork(struct conn *conn)
{
    (void)conn;
    cork.on = true;
    cork.size = 0;
}

void compare_uncork(struct conn *conn)
{
    cork.on = false;
    compare_write(conn, cork.bytes, cork.size);
}

void compare_say(struct conn *conn, const char *format, ...)
{
    char text[1024];
    va_list arguments;
    va_start(arguments, format);
    int size = vsnprintf(text, sizeof text, format, arguments);
    va_end(arguments);
    compare_send(conn, 1, text, (size_t)size);
}

/* Where many connections come from one address, the system takes long to find a free port. */
static void bind_source(struct conn *conn)
{
    struct sockaddr_in source = {
        .sin_family = AF_INET,
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK + (conn->index / PER_ADDRESS << 8))};
    int one = 1;
    setsockopt(conn->socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    if (bind(conn->socket, (struct sockaddr *)&source, sizeof source) != 0)
        compare_fail("cannot bind: %s", strerror(errno));
}

static void count_bytes(struct conn *conn, const uint8_t *bytes, size_t size)
{
    (void)conn, (void)bytes;
    heard += size;
}

static void open_conn(struct conn *conn)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct epoll_event event = {.events = EPOLLIN, .data.ptr = conn};
    char request[512];
    int one = 1;
    conn->framing.message_bytes_max = 16 << 20;
    conn->socket = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    bind_source(conn);
    if (connect(conn->socket, (struct sockaddr *)&address, sizeof address) != 0)
        compare_fail("cannot connect: %s", strerror(errno));
    fcntl(conn->socket, F_SETFL, O_NONBLOCK);
    setsockopt(conn->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    epoll_ctl(poller, EPOLL_CTL_ADD, conn->socket, &event);
    if (dialect->path == NULL) {
        conn->upgraded = conn->ready = true;
        if (conn->on_bytes == NULL) conn->on_bytes = count_bytes;
        ready++;
        return;
    }
    dialect->path(conn, request, 256);
    size_t size = strlen(request);
    snprintf(request + size, sizeof request - size,
             "Host: 127.0.0.1:%u\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
             "Sec-WebSocket-Version: 13\r\n"
             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
             port);
    compare_write(conn, request, strlen(request));
}

void compare_ready(struct conn *conn)
{
    if (!conn->ready) ready++;
    conn->ready = true;
}

/* The answer to the upgrade comes whole: it is small. */
static const uint8_t *take_upgrade(struct conn *conn, const uint8_t *bytes, size_t size)
{
    const uint8_t *end = memmem(bytes, size, "\r\n\r\n", 4);
    if (end == NULL || size < 12 || memcmp(bytes, "HTTP/1.1 101", 12) != 0)
        compare_fail("no upgrade: %.*s", (int)(size < 60 ? size : 60), (const char *)bytes);
    conn->upgraded = true;
    dialect->greet(conn);
    return end + 4;
}

static void take_frames(struct conn *conn, const uint8_t *at, const uint8_t *end)
{
    struct framing_event event;
    for (;;) {
        switch (framing_next(&conn->framing, &at, end, &event)) {
        case FRAMING_MORE: return;
        case FRAMING_MESSAGE: heard += dialect->hear(conn, event.bytes, event.size); break;
        case FRAMING_PING: compare_send(conn, 10, event.bytes, event.size); break;
        case FRAMING_PONG: break;
        default: compare_fail("the server closes: %u", event.code);
        }
    }
}

static void receive(struct conn *conn)
{
    static uint8_t input[INPUT_BYTES];
    ssize_t got = recv(conn->socket, input, sizeof input, 0);
    if (got < 0 && errno == EAGAIN) return;
    if (got <= 0) compare_fail("the server hung up");
    const uint8_t *at = input, *end = input + got;
    if (!conn->upgraded) at = take_upgrade(conn, at, (size_t)got);
    if (conn->on_bytes != NULL)
        conn->on_bytes(conn, at, (size_t)(end - at));
    else
        take_frames(conn, at, end);
}

static bool turn(int wait_ms)
{
    struct epoll_event events[256];
    int count = epoll_wait(poller, events, 256, wait_ms);
    for (int i = 0; i < count; i++)
        receive(events[i].data.ptr);
    return count > 0;
}

static void until(const uint64_t *what, uint64_t least)
{
    uint64_t end = now_ns() + PATIENCE_NS;
    while (*what < least) {
        turn(100);
        if (now_ns() > end)
            compare_fail("waited in vain: %llu of %llu", (unsigned long long)*what,
                         (unsigned long long)least);
    }
}

static void until_quiet(void)
{
    for (uint64_t last = now_ns(); now_ns() < last + QUIET_NS;)
        if (turn(50)) last = now_ns();
}

static void open_all(struct conn *conns, uint32_t from, uint32_t to, uint32_t topics)
{
    for (uint32_t i = from; i < to; i++) {
        conns[i].index = i;
        conns[i].topics = topics;
        open_conn(&conns[i]);
        if (ready + AT_ONCE <= i) until(&ready, i - AT_ONCE + 1);
    }
    until(&ready, to);
}

static void close_all(struct conn *conns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        framing_clear(&conns[i].framing);
        close(conns[i].socket);
    }
    free(conns);
}

/* ---- work ---- */

static void idle(uint32_t visitors)
{
    static const uint32_t marks[] = {1000, 2000, 5000, 10000, 19000};
    struct conn *conns = calloc(visitors, sizeof *conns);
    uint64_t bytes = server_bytes(), all_cpu = server_cpu_ns();
    uint32_t from = 0;
    printf("{\"curve\":[");
    for (size_t i = 0; i < sizeof marks / sizeof marks[0] && from < visitors; i++) {
        uint32_t to = marks[i] < visitors ? marks[i] : visitors;
        uint64_t cpu = server_cpu_ns(), begun = now_ns();
        open_all(conns, from, to, 0);
        double each_us = (double)(server_cpu_ns() - cpu) / 1000 / (to - from);
        printf("%s{\"visitors\":%u,\"cpu_us\":%.2f,\"per_second\":%.0f,\"bytes\":%.0f}",
               from == 0 ? "" : ",", to, each_us,
               (to - from) * 1e9 / (double)(now_ns() - begun),
               ((double)server_bytes() - (double)bytes) / to);
        from = to;
    }
    double cpu_us = (double)(server_cpu_ns() - all_cpu) / 1000 / visitors;
    until_quiet();
    printf("],\"visitors\":%u,\"cpu_us\":%.2f,\"bytes\":%.0f}\n", visitors, cpu_us,
           ((double)server_bytes() - (double)bytes) / visitors);
    close_all(conns, visitors);
}

static void fanout(uint32_t visitors, uint32_t topics, uint32_t rounds)
{
    struct conn *conns = calloc(visitors, sizeof *conns);
    struct conn *publishers = calloc(topics, sizeof *publishers);
    uint64_t *times = calloc(rounds, sizeof *times), each_round = visitors * topics;
    /* Bare, the publisher hears it, too. */
    if (dialect->path == NULL) each_round = BARE_MESSAGE_BYTES * (each_round + topics);
    open_all(conns, 0, visitors, topics);
    for (uint32_t i = 0; i < topics; i++) {
        publishers[i] = (struct conn){.index = i, .publisher = true};
        if (i == 0 || dialect->publisher_each) open_conn(&publishers[i]);
        until(&ready, visitors + (dialect->publisher_each ? i + 1 : 1));
    }
    until_quiet();
    heard = 0;
    uint64_t cpu = server_cpu_ns(), begun = now_ns();
    for (uint32_t round = 0; round < rounds; round++) {
        uint64_t start = now_ns(), before = heard;
        dialect->publish(publishers, topics, round);
        until(&heard, before + each_round);
        times[round] = now_ns() - start;
    }
    uint64_t deliveries = (uint64_t)rounds * visitors * topics, ended = now_ns();
    double seconds = (double)(ended - begun) / 1e9;
    double cpu_seconds = (double)(server_cpu_ns() - cpu) / 1e9;
    printf("{\"deliveries\":%llu,\"per_second\":%.0f,\"per_cpu_second\":%.0f,"
           "\"round_p50_us\":%.0f,\"round_p99_us\":%.0f}\n",
           (unsigned long long)deliveries, (double)deliveries / seconds,
           (double)deliveries / cpu_seconds, quantile_us(times, rounds, 0.5),
           quantile_us(times, rounds, 0.99));
    close_all(publishers, dialect->publisher_each ? topics : 1);
    close_all(conns, visitors);
    free(times);
}

static void bulk(uint32_t seekers, size_t size, uint32_t rounds)
{
    struct conn *conns = calloc(seekers, sizeof *conns), holder = {.publisher = true};
    uint64_t *times = calloc(rounds, sizeof *times), peak = 0;
    open_all(conns, 0, seekers, 0);
    if (dialect->path != NULL) {
        open_conn(&holder);
        until(&ready, seekers + 1);
    }
    for (uint32_t i = 0; i < seekers; i++)
        conns[i].on_bytes = count_bytes;
    until_quiet();
    uint64_t bytes = server_bytes(), cpu = server_cpu_ns();
    for (uint32_t round = 0; round < rounds; round++) {
        dialect->bulk_hold(&holder, size, round);
        until_quiet();
        heard = 0;
        uint64_t start = now_ns();
        dialect->bulk_seek(conns, seekers);
        until(&heard, (uint64_t)seekers * size);
        times[round] = now_ns() - start;
        if (server_bytes() > peak) peak = server_bytes();
        until_quiet();
        dialect->bulk_leave(conns, seekers, &holder);
        until_quiet();
    }
    double each = quantile_us(times, rounds, 0.5);
    printf("{\"p50_us\":%.0f,\"megabytes_per_second\":%.0f,\"cpu_ms\":%.2f,"
           "\"memory_bytes\":%lld}\n",
           each, (double)seekers * (double)size / each,
           (double)(server_cpu_ns() - cpu) / 1e6 / rounds, (long long)(peak - bytes));
    framing_clear(&holder.framing);
    close_all(conns, seekers);
    free(times);
}

/* What a seeker waits is counted from when its request should have been sent. */
static void fetch(uint32_t pairs, size_t size, uint32_t rate, uint32_t seconds,
                  uint32_t others)
{
    uint64_t count = (uint64_t)rate * seconds, done = 0;
    struct conn *conns = calloc(2 * pairs + others, sizeof *conns);
    uint64_t *times = calloc(count, sizeof *times);
    for (uint32_t i = 0; i < 2 * pairs; i++) {
        conns[i].fetch = i % 2 == 0 ? FETCH_HOLDER : FETCH_SEEKER;
        conns[i].fetch_bytes = size;
        if (dialect->path == NULL) conns[i].on_bytes = bare_take;
    }
    open_all(conns, 0, 2 * pairs + others, 0);
    until_quiet();
    heard = 0;
    uint64_t cpu = server_cpu_ns(), begun = now_ns(), next = 0;
    uint64_t *due = calloc(pairs, sizeof *due);
    while (done < count) {
        uint64_t now = now_ns();
        while (next < count && now >= begun + next * 1000000000 / rate) {
            struct conn *seeker = &conns[2 * (next % pairs) + 1];
            if (due[next % pairs] != 0) break; /* its last one is not through */
            due[next % pairs] = begun + next * 1000000000 / rate;
            dialect->fetch_seek(seeker);
            next++;
        }
        turn(0);
        for (uint32_t i = 0; i < pairs; i++)
            if (due[i] != 0 && conns[2 * i + 1].fetched) {
                times[done++] = now_ns() - due[i];
                due[i] = 0;
                dialect->fetch_end(&conns[2 * i + 1]);
            }
        if (now > begun + PATIENCE_NS + seconds * 1000000000ull)
            compare_fail("%llu fetches of %llu", (unsigned long long)done,
                         (unsigned long long)count);
    }
    double p50 = quantile_us(times, done, 0.5), p99 = quantile_us(times, done, 0.99);
    printf("{\"fetches\":%llu,\"p50_us\":%.1f,\"p99_us\":%.1f,\"cpu_us\":%.2f}\n",
           (unsigned long long)done, p50, p99,
           (double)(server_cpu_ns() - cpu) / 1000 / (double)done);
    close_all(conns, 2 * pairs + others);
    free(times), free(due);
}

static uint32_t number(char **arguments, int count, int index)
{
    if (index >= count) compare_fail("too few arguments");
    return (uint32_t)strtoul(arguments[index], NULL, 10);
}

int main(int count, char **arguments)
{
    static const struct {
        const char *name;
        int numbers;
    } works[] = {{"idle", 1}, {"fanout", 3}, {"bulk", 3}, {"fetch", 5}};
    uint32_t n[5] = {0};
    size_t work = 0;
    if (count < 4) compare_fail("usage: compare_load WORK SERVER PORT NUMBER… PID…");
    while (work < 4 && strcmp(arguments[1], works[work].name) != 0)
        work++;
    if (work == 4) compare_fail("there is no work %s", arguments[1]);
    dialect = dialect_find(arguments[2]);
    if (dialect == NULL) compare_fail("there is no server %s", arguments[2]);
    port = (uint16_t)number(arguments, count, 3);
    for (int i = 0; i < works[work].numbers; i++)
        n[i] = number(arguments, count, 4 + i);
    for (int i = 4 + works[work].numbers; i < count && pids_count < 16; i++)
        pids[pids_count++] = (pid_t)number(arguments, count, i);
    poller = epoll_create1(EPOLL_CLOEXEC);
    switch (work) {
    case 0: idle(n[0]); break;
    case 1: fanout(n[0], n[1], n[2]); break;
    case 2: bulk(n[0], n[1], n[2]); break;
    default: fetch(n[0], n[1], n[2], n[3], n[4]); break;
    }
    return 0;
}
