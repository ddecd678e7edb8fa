/* What the system alone can do: the measure beside which a server is put.

   usage: compare_bare send PORT BYTES   so many bytes to every connection, when one says a byte
          compare_bare relay PORT        what a connection says goes to its pair: the first and
                                         the second that came, the third and the fourth, … */
#include <arpa/inet.h>
#include <errno.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#define CONNECTIONS_MAX 20000
#define CHUNK ((size_t)64 << 10)

static int connections[CONNECTIONS_MAX], count, poller;
static size_t left[CONNECTIONS_MAX];
static bool waits[CONNECTIONS_MAX]; /* until more can be sent */
static uint8_t *page, input[CHUNK];
static size_t page_bytes;

static void watch(int index, uint32_t events, int how)
{
    struct epoll_event event = {.events = events, .data.u32 = (uint32_t)index};
    epoll_ctl(poller, how, connections[index], &event);
}

static void come(int listener)
{
    int one = 1, got = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
    if (got < 0 || count == CONNECTIONS_MAX) return;
    setsockopt(got, IPPROTO_TCP, TCP_NODELAY, &one, sizeof one);
    connections[count] = got;
    watch(count++, EPOLLIN, EPOLL_CTL_ADD);
}

static void send_more(int index)
{
    while (left[index] > 0) {
        size_t size = left[index] < CHUNK ? left[index] : CHUNK;
        ssize_t sent =
            send(connections[index], page + page_bytes - left[index], size, MSG_NOSIGNAL);
        if (sent < 0) break;
        left[index] -= (size_t)sent;
    }
    if (waits[index] == (left[index] > 0)) return;
    waits[index] = left[index] > 0;
    watch(index, waits[index] ? EPOLLIN | EPOLLOUT : EPOLLIN, EPOLL_CTL_MOD);
}

static void pass_on(int index, ssize_t size)
{
    int pair = index ^ 1;
    for (ssize_t at = 0; at < size && pair < count;) {
        ssize_t sent =
            send(connections[pair], input + at, (size_t)(size - at), MSG_NOSIGNAL);
        if (sent < 0 && errno != EAGAIN) return;
        if (sent > 0) at += sent;
    }
}

/* The last that came leaves its number: whoever only looked whether we listen is in no pair. */
static void leave(int index)
{
    watch(index, 0, EPOLL_CTL_DEL);
    close(connections[index]);
    if (index == count - 1) count--;
}

static void hear(int index)
{
    ssize_t got = recv(connections[index], input, sizeof input, 0);
    if (got == 0) leave(index);
    if (got <= 0) return;
    if (page == NULL) {
        pass_on(index, got);
        return;
    }
    for (int i = 0; i < count; i++) {
        left[i] = page_bytes;
        send_more(i);
    }
}

int main(int arguments_count, char **arguments)
{
    struct sockaddr_in address = {.sin_family = AF_INET,
                                  .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    int listener = socket(AF_INET, SOCK_STREAM, 0), one = 1;
    if (arguments_count < 3) return 2;
    address.sin_port = htons((uint16_t)atoi(arguments[2]));
    if (strcmp(arguments[1], "send") == 0 && arguments_count > 3) {
        page_bytes = strtoul(arguments[3], NULL, 10);
        page = calloc(1, page_bytes);
    }
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &one, sizeof one);
    if (bind(listener, (struct sockaddr *)&address, sizeof address) != 0 ||
        listen(listener, 4096) != 0) {
        fprintf(stderr, "compare_bare: %s\n", strerror(errno));
        return 5;
    }
    poller = epoll_create1(0);
    struct epoll_event event = {.events = EPOLLIN, .data.u32 = UINT32_MAX};
    epoll_ctl(poller, EPOLL_CTL_ADD, listener, &event);
    for (;;) {
        struct epoll_event events[256];
        int ready = epoll_wait(poller, events, 256, -1);
        for (int i = 0; i < ready; i++) {
            int index = (int)events[i].data.u32;
            if (events[i].data.u32 == UINT32_MAX) {
                come(listener);
                continue;
            }
            if (events[i].events & EPOLLOUT) send_more(index);
            if (events[i].events & EPOLLIN) hear(index);
        }
    }
}
