#include "inbox.h"

#include "server_state.h"

#include <string.h>

static void hand_over(struct server *server)
{
    struct inbox *inbox = &server->inbox;
    const struct endpoint *endpoint = inbox->endpoint;
    inbox->endpoint = NULL;
    if (endpoint != NULL && endpoint->session != 0)
        server_receive(server, endpoint, &inbox->part);
}

static bool is_open(const struct inbox *inbox, const struct lws *wsi)
{
    for (unsigned i = 0; i < inbox->open_count; i++)
        if (inbox->open[i] == wsi) return true;
    return false;
}

/* Behind what there is of the same frame. */
static void append(struct inbox *inbox, const struct hub_part *part)
{
    memcpy(inbox->bytes + inbox->part.size, part->bytes, part->size);
    inbox->part.size += part->size;
    inbox->part.final = part->final;
}

static void begin(struct inbox *inbox, const struct endpoint *endpoint,
                  const struct hub_part *part)
{
    inbox->endpoint = endpoint;
    inbox->part = *part;
    inbox->part.bytes = inbox->bytes;
    inbox->part.size = 0;
    append(inbox, part);
}

void inbox_take(struct server *server, struct lws *wsi, const struct endpoint *endpoint,
                const struct hub_part *part, bool more)
{
    struct inbox *inbox = &server->inbox;
    inbox->received += part->size;
    bool begun = inbox->endpoint == endpoint;
    if (begun && inbox->part.size + part->size > INBOX_BYTES) {
        hand_over(server);
        begun = false;
    }
    if (!begun && (!more || part->size > INBOX_BYTES)) {
        server_receive(server, endpoint, part);
        return;
    }
    if (begun) {
        append(inbox, part);
    } else {
        hand_over(server);
        begin(inbox, endpoint, part);
    }
    if (!more)
        hand_over(server);
    else if (!is_open(inbox, wsi) && inbox->open_count < INBOX_OPEN)
        inbox->open[inbox->open_count++] = wsi;
}

/* Until nothing more comes, or it has had its share of the turn. */
static void read_on(struct server *server, unsigned index)
{
    struct inbox *inbox = &server->inbox;
    struct lws *wsi = inbox->open[index];
    uint64_t enough = inbox->received + INBOX_BYTES, before;
    if (wsi == NULL) return;
    struct lws_pollfd readable = {.fd = lws_get_socket_fd(wsi), .events = LWS_POLLIN};
    do {
        before = inbox->received;
        readable.revents = LWS_POLLIN;
        lws_service_fd(server->context, &readable);
    } while (inbox->open[index] != NULL && inbox->received > before &&
             inbox->received < enough);
}

void inbox_read(struct server *server)
{
    struct inbox *inbox = &server->inbox;
    for (unsigned i = 0; i < inbox->open_count; i++)
        read_on(server, i);
    inbox->open_count = 0;
    hand_over(server);
}

void inbox_forget(struct server *server, const struct lws *wsi,
                  const struct endpoint *endpoint)
{
    struct inbox *inbox = &server->inbox;
    if (inbox->endpoint == endpoint) inbox->endpoint = NULL;
    for (unsigned i = 0; i < inbox->open_count; i++)
        if (inbox->open[i] == wsi) inbox->open[i] = NULL;
}
