/* Connecting a link's socket: the look-up, each address in turn, and the address to come
   from. A handle serves one attempt: between two addresses it is closed and made anew. */
#include "dial.h"

#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static void try_next(struct link *link);

static void on_connected(uv_connect_t *request, int status)
{
    struct link *link = request->data;
    if (link->state != LINK_CONNECTING) return;
    if (status < 0) {
        snprintf(link->end.text, sizeof link->end.text, "%s", uv_strerror(status));
        try_next(link);
        return;
    }
    link_connected(link);
}

/* A port is chosen only when it is known where to: thousands of connections from one
   address then do not use up its ports. */
static int bind_from(struct link *link)
{
    int socket, one = 1;
    uv_fileno(&link->socket.handle, &socket);
    setsockopt(socket, IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, &one, sizeof one);
    return uv_tcp_bind(&link->socket.tcp, (struct sockaddr *)&link->from, 0);
}

static int connect_to(struct link *link, const struct sockaddr *address)
{
    uv_tcp_t *tcp = &link->socket.tcp;
    int error = uv_tcp_init_ex(link->config->loop, tcp, address->sa_family);
    if (error != 0) uv_tcp_init(link->config->loop, tcp); /* so that it can be closed */
    link->socket.handle.data = link;
    link->request.connect.data = link;
    if (error == 0 && link->from.ss_family == address->sa_family) error = bind_from(link);
    if (error == 0)
        error = uv_tcp_connect(&link->request.connect, tcp, address, on_connected);
    return error;
}

static void attempt(struct link *link, const struct sockaddr *address);

static void on_one_failed(uv_handle_t *handle)
{
    struct link *link = handle->data;
    if (link->state == LINK_ENDING) {
        link_tell_ended(link);
        return;
    }
    const struct addrinfo *address = link->next;
    link->next = address->ai_next;
    attempt(link, address->ai_addr);
}

/* This address did not answer: the next one, if there is one. */
static void try_next(struct link *link)
{
    char text[sizeof link->end.text];
    snprintf(text, sizeof text, "%s", link->end.text);
    if (link->next == NULL)
        link_finish(link, LINK_UNREACHABLE, text);
    else
        uv_close(&link->socket.handle, on_one_failed);
}

/* Some failures are told at once, such as that there is no way to IPv6 from here. */
static void attempt(struct link *link, const struct sockaddr *address)
{
    int error = connect_to(link, address);
    if (error == 0) return;
    snprintf(link->end.text, sizeof link->end.text, "%s", uv_strerror(error));
    try_next(link);
}

static void begin_connect(struct link *link, const struct sockaddr *address)
{
    link->state = LINK_CONNECTING;
    attempt(link, address);
}

static void on_found(uv_getaddrinfo_t *request, int status, struct addrinfo *found)
{
    struct link *link = request->data;
    if (link->state == LINK_ENDING || status < 0) {
        uv_freeaddrinfo(found);
        if (link->state != LINK_ENDING) {
            link->end.fault = LINK_UNREACHABLE;
            snprintf(link->end.text, sizeof link->end.text, "%s", uv_strerror(status));
        }
        link_tell_ended(link);
        return;
    }
    link->found = found;
    link->next = found->ai_next;
    begin_connect(link, found->ai_addr);
}

static void open_unix(struct link *link)
{
    link->state = LINK_CONNECTING;
    uv_pipe_init(link->config->loop, &link->socket.pipe, 0);
    link->socket.handle.data = link;
    link->request.connect.data = link;
    uv_pipe_connect(&link->request.connect, &link->socket.pipe, link->config->target->host,
                    on_connected);
}

static void look_up(struct link *link)
{
    const struct target *target = link->config->target;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM, .ai_flags = AI_ADDRCONFIG};
    link->state = LINK_RESOLVING;
    link->request.lookup.data = link;
    int error = uv_getaddrinfo(link->config->loop, &link->request.lookup, on_found,
                               target->host, target->port, &hints);
    if (error != 0) abort();
}

void dial(struct link *link)
{
    if (link->config->target->is_unix)
        open_unix(link);
    else if (link->config->address != NULL)
        begin_connect(link, link->config->address);
    else
        look_up(link);
}
