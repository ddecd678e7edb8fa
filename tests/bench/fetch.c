/* How long a seeker waits: from its join to the last byte of the page, over loopback, with
   one holder, one fetch at a time.

   usage: bench_fetch PORT [ROUNDS [PAGE_BYTES]]

   Both ends live in this process: two peers on two sockets, and poll. The server is better
   pinned to one core and this to the other. Prints median, 99th percentile and maximum in
   microseconds, and what a bare round trip (a heartbeat) takes beside it. */
#include "whilst/peer.h"

#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#define INPUT_MAX ((size_t)16 << 20)

struct client {
    int socket;
    struct peer *peer;
    uint8_t *input;
    size_t input_size;
};

static uint64_t now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void fail(const char *what)
{
    fprintf(stderr, "bench_fetch: %s: %s\n", what,
            errno == 0 ? "unexpected" : strerror(errno));
    exit(1);
}

static void write_all(int socket, const void *bytes, size_t size)
{
    for (const uint8_t *at = bytes; size > 0;) {
        ssize_t written = write(socket, at, size);
        if (written < 0) fail("write");
        at += written;
        size -= (size_t)written;
    }
}

static void open_client(struct client *client, uint16_t port)
{
    static const char request[] =
        "GET /ws/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: 127.0.0.1\r\n"
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        "Sec-WebSocket-Version: 13\r\n"
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n";
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_port = htons(port),
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    struct peer_config config = peer_config_default();
    char answer[1024];
    int one = 1;
    config.heartbeat_ms = 0;
    client->socket = socket(AF_INET, SOCK_STREAM, 0);
    if (connect(client->socket, (struct sockaddr *)&address, sizeof address) != 0)
        fail("connect");
    setsockopt(client->socket, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    write_all(client->socket, request, sizeof request - 1);
    ssize_t size = read(client->socket, answer, sizeof answer - 1);
    if (size <= 0 || strncmp(answer, "HTTP/1.1 101", 12) != 0) fail("upgrade");
    client->input = malloc(INPUT_MAX);
    client->peer = peer_new(&config);
    peer_opened(client->peer, 0);
}

/* One frame, masked with zeros: what the server must undo costs it the same. */
static void send_message(struct client *client, struct message *message)
{
    uint8_t head[14] = {message->form == MESSAGE_TEXT ? 0x81 : 0x82};
    size_t size = message->size, length = 2;
    if (size < 126) {
        head[1] = (uint8_t)(0x80 | size);
    } else {
        size_t bytes = size < 65536 ? 2 : 8;
        head[1] = bytes == 2 ? 0x80 | 126 : 0x80 | 127;
        for (size_t i = 0; i < bytes; i++)
            head[length++] = (uint8_t)(size >> 8 * (bytes - 1 - i));
    }
    length += 4;
    struct message *whole = message_new(message->form, 0, length + size);
    message_append(whole, head, length);
    message_append(whole, message_bytes(message), size);
    write_all(client->socket, message_bytes(whole), whole->size);
    message_unref(whole);
    message_unref(message);
}

static void flush(struct client *client)
{
    struct message *message;
    while ((message = peer_next_message(client->peer)) != NULL)
        send_message(client, message);
}

/* Takes whole messages out of what has come. Fragments of one message are joined in
   place. */
static void parse(struct client *client)
{
    size_t at = 0, body = 0;
    uint8_t *out = client->input;
    size_t out_size = 0;
    for (;;) {
        uint8_t *frame = client->input + at;
        size_t left = client->input_size - at, head = 2, size;
        if (left < 2) break;
        size = frame[1] & 127;
        head = size == 126 ? 4 : size == 127 ? 10 : 2;
        if (left < head) break;
        if (head > 2)
            for (size = 0, body = 2; body < head; body++)
                size = size << 8 | frame[body];
        if (left < head + size) break;
        if ((frame[0] & 15) == 9) fail("a ping in a short run");
        if ((frame[0] & 15) != 0) out = frame + head, out_size = 0;
        memmove(out + out_size, frame + head, size);
        out_size += size;
        at += head + size;
        if ((frame[0] & 0x80) == 0) continue;
        enum message_form form = out[0] == '[' ? MESSAGE_TEXT : MESSAGE_BINARY;
        peer_receive(client->peer, form, out, out_size, 0);
        memmove(client->input, client->input + at, client->input_size - at);
        client->input_size -= at;
        at = 0;
    }
}

static void read_some(struct client *client)
{
    ssize_t size = read(client->socket, client->input + client->input_size,
                        INPUT_MAX - client->input_size);
    if (size <= 0) fail("the server hung up");
    client->input_size += (size_t)size;
    parse(client);
}

/* Lets both run until one of `seeker`'s or `holder`'s events is of this kind. */
static void run_until(struct client *holder, struct client *seeker,
                      enum peer_event_kind kind)
{
    struct client *clients[] = {holder, seeker};
    for (;;) {
        bool seen = false;
        struct pollfd polls[] = {{holder->socket, POLLIN, 0}, {seeker->socket, POLLIN, 0}};
        for (size_t i = 0; i < 2; i++) {
            struct peer_event event;
            flush(clients[i]);
            while (peer_next_event(clients[i]->peer, &event)) {
                seen = seen || event.kind == kind;
                if (event.kind == PEER_REFUSED || event.kind == PEER_WRONG)
                    fail(event.reason);
                message_unref(event.page);
            }
        }
        if (seen) return;
        if (poll(polls, 2, 5000) <= 0) fail("no answer");
        for (size_t i = 0; i < 2; i++)
            if (polls[i].revents != 0) read_some(clients[i]);
    }
}

static int compare(const void *a, const void *b)
{
    uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;
    return x < y ? -1 : x > y;
}

static uint64_t round_trip_ns(struct client *client)
{
    static const char beat[] = "[null,\"b\",\"phoenix\",\"heartbeat\",{}]";
    uint8_t answer[256];
    struct message *message = message_new(MESSAGE_TEXT, 0, sizeof beat);
    message_append(message, beat, sizeof beat - 1);
    uint64_t begin = now_ns();
    send_message(client, message);
    if (read(client->socket, answer, sizeof answer) <= 0) fail("heartbeat");
    return now_ns() - begin;
}

static void report(const char *what, uint64_t *times, size_t count)
{
    qsort(times, count, sizeof *times, compare);
    printf("%-12s median %6.1f us   p99 %6.1f us   max %7.1f us\n", what,
           (double)times[count / 2] / 1000, (double)times[count * 99 / 100] / 1000,
           (double)times[count - 1] / 1000);
}

int main(int count, char **arguments)
{
    struct client holder = {0}, seeker = {0};
    if (count < 2) {
        fprintf(stderr, "usage: bench_fetch PORT [ROUNDS [PAGE_BYTES]]\n");
        return 2;
    }
    uint16_t port = (uint16_t)atoi(arguments[1]);
    size_t rounds = count > 2 ? (size_t)atol(arguments[2]) : 5000;
    size_t size = count > 3 ? (size_t)atol(arguments[3]) : 10240;
    struct message *page = message_new(MESSAGE_BINARY, 0, size);
    uint64_t *times = calloc(rounds, sizeof *times), *trips = calloc(rounds, sizeof *trips);
    memset(message_bytes(page), 'w', size);
    page->size = size;
    struct page_hash hash = hash_of(message_bytes(page), size);
    open_client(&holder, port);
    open_client(&seeker, port);
    peer_hold(holder.peer, &hash, page);
    run_until(&holder, &seeker, PEER_COUNT);
    for (size_t i = 0; i < rounds; i++)
        trips[i] = round_trip_ns(&holder);
    for (size_t i = 0; i < rounds; i++) {
        uint64_t begin = now_ns();
        peer_seek(seeker.peer, &hash, false);
        run_until(&holder, &seeker, PEER_FOUND);
        times[i] = now_ns() - begin;
    }
    report("round trip", trips, rounds);
    report("fetch", times, rounds);
    peer_free(holder.peer);
    peer_free(seeker.peer);
    message_unref(page);
    return 0;
}
