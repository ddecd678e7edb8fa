/* Outgoing connections.

   Life: IDLE - RESOLVING - CONNECTING (dial.c) - SECURING - UPGRADING - OPEN - GOODBYE -
   ENDING - IDLE. Whatever ends it goes through link_finish, which records why and
   closes the handle; `ended` is told from the handle's close callback, when the link may be
   opened again or freed. A server that has been silent for SILENT_MS, though it pings every
   25 s, is gone.

   One input buffer serves all links: libuv asks for it and hands it back within one call.
   What cannot be written at once is kept by the write request; the owner is expected to
   hold back whilst link_is_busy. */
#include "link.h"

#include "dial.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define OPEN_MS 10000
#define GOODBYE_MS 2000
#define SILENT_MS 60000
#define INPUT ((size_t)64 << 10)
#define PATH_QUERY "/ws/websocket?vsn=2.0.0"

static char input[INPUT], plain[INPUT], cipher[INPUT]; /* the loop has one thread */

void link_random(void *bytes, size_t size)
{
    static uint8_t pool[4096];
    static size_t left;
    if (left < size) {
        left = sizeof pool;
        if (getrandom(pool, left, 0) != (ssize_t)left) abort();
    }
    left -= size;
    memcpy(bytes, pool + left, size);
}

static uint64_t now_ms(const struct link *link)
{
    return uv_now(link->config->loop);
}

/* ---- the end ---- */

void link_tell_ended(struct link *link)
{
    framing_clear(&link->framing);
    tls_free(link->tls);
    message_unref(link->answer);
    uv_freeaddrinfo(link->found);
    link->tls = NULL;
    link->answer = NULL;
    link->found = link->next = NULL;
    link->state = LINK_IDLE;
    link->on->ended(link);
}

static void on_closed(uv_handle_t *handle)
{
    link_tell_ended(handle->data);
}

void link_finish(struct link *link, enum link_fault fault, const char *text)
{
    enum link_state before = link->state;
    if (before == LINK_IDLE || before == LINK_ENDING) return;
    link->state = LINK_ENDING;
    link->end.fault = fault;
    snprintf(link->end.text, sizeof link->end.text, "%s", text);
    if (before == LINK_RESOLVING)
        uv_cancel((uv_req_t *)&link->request.lookup); /* its callback comes in any case */
    else if (!uv_is_closing(&link->socket.handle)) /* dial.c closes it between addresses */
        uv_close(&link->socket.handle, on_closed);
}

/* ---- writing ---- */

/* What a short write left over: messages whose bytes begin at `from` in the first. */
struct leftover {
    uv_write_t request;
    struct link *link;
    size_t count;
    struct message *messages[LINK_BATCH];
};

static void on_written(uv_write_t *request, int status)
{
    struct leftover *leftover = request->data;
    struct link *link = leftover->link;
    for (size_t i = 0; i < leftover->count; i++)
        message_unref(leftover->messages[i]);
    free(leftover);
    if (status < 0)
        link_finish(link, LINK_LOST, uv_strerror(status));
    else if (link->state == LINK_OPEN && !link_is_busy(link))
        link->on->drained(link);
}

static void write_later(struct link *link, struct message **messages, uv_buf_t *buffers,
                        size_t count)
{
    struct leftover *leftover = malloc(sizeof *leftover);
    if (leftover == NULL) abort();
    leftover->link = link;
    leftover->count = count;
    leftover->request.data = leftover;
    memcpy(leftover->messages, messages, count * sizeof(struct message *));
    int error = uv_write(&leftover->request, &link->socket.stream, buffers, (unsigned)count,
                         on_written);
    if (error == 0) return;
    leftover->link = link;
    on_written(&leftover->request, error);
}

/* Writes at once what the socket takes. */
static void write_take(struct link *link, struct message **messages, uv_buf_t *buffers,
                       size_t count)
{
    size_t first = 0;
    int written = uv_try_write(&link->socket.stream, buffers, (unsigned)count);
    size_t left = written > 0 ? (size_t)written : 0;
    for (; first < count && left >= buffers[first].len; first++) {
        left -= buffers[first].len;
        message_unref(messages[first]);
    }
    if (first < count) {
        buffers[first].base += left;
        buffers[first].len -= left;
        write_later(link, messages + first, buffers + first, count - first);
    }
}

static void write_encrypted(struct link *link)
{
    size_t size;
    while ((size = tls_drain(link->tls, cipher, sizeof cipher)) > 0) {
        struct message *message = message_new(MESSAGE_BINARY, 0, size);
        if (message == NULL) abort();
        message_append(message, cipher, size);
        uv_buf_t buffer = uv_buf_init((char *)message_bytes(message), (unsigned)size);
        write_take(link, &message, &buffer, 1);
    }
}

static void write_bytes(struct link *link, const void *bytes, size_t size)
{
    struct message *message;
    if (link->tls != NULL) {
        if (!tls_write(link->tls, bytes, size))
            link_finish(link, LINK_LOST, tls_fault(link->tls));
        else
            write_encrypted(link);
        return;
    }
    message = message_new(MESSAGE_BINARY, 0, size);
    if (message == NULL) abort();
    message_append(message, bytes, size);
    uv_buf_t buffer = uv_buf_init((char *)message_bytes(message), (unsigned)size);
    write_take(link, &message, &buffer, 1);
}

static void write_control(struct link *link, enum framing_kind kind, const uint8_t *bytes,
                          size_t size)
{
    uint8_t mask[4], out[FRAMING_CONTROL_SIZE];
    link_random(mask, sizeof mask);
    write_bytes(link, out, framing_control(kind, bytes, size, mask, out));
}

void link_send_take(struct link *link, struct message **messages, size_t count)
{
    uv_buf_t buffers[LINK_BATCH];
    uint8_t mask[4];
    for (size_t i = 0; i < count; i++) {
        link_random(mask, sizeof mask);
        struct slice sealed = framing_seal(messages[i], mask);
        buffers[i] = uv_buf_init((char *)(uintptr_t)sealed.data, (unsigned)sealed.size);
    }
    if (link->tls == NULL) {
        write_take(link, messages, buffers, count);
        return;
    }
    bool whole = true;
    for (size_t i = 0; i < count; i++) {
        whole = whole && tls_write(link->tls, buffers[i].base, buffers[i].len);
        message_unref(messages[i]);
    }
    if (whole)
        write_encrypted(link);
    else
        link_finish(link, LINK_LOST, tls_fault(link->tls));
}

bool link_is_busy(const struct link *link)
{
    return uv_stream_get_write_queue_size(&link->socket.stream) > 0;
}

/* ---- closing ---- */

static void say_goodbye(struct link *link, uint16_t code)
{
    uint8_t mask[4], out[FRAMING_CONTROL_SIZE];
    link_random(mask, sizeof mask);
    write_bytes(link, out, framing_close(code, mask, out));
    if (link->tls != NULL) {
        tls_end(link->tls);
        write_encrypted(link);
    }
}

void link_close(struct link *link, uint16_t code)
{
    if (link->state != LINK_OPEN) {
        link_drop(link);
        return;
    }
    say_goodbye(link, code);
    link->state = LINK_GOODBYE;
    link->due_ms = now_ms(link) + GOODBYE_MS;
}

void link_drop(struct link *link)
{
    link_finish(link, LINK_WANTED, "");
}

/* ---- reading ---- */

static void hear_close(struct link *link, const struct framing_event *event)
{
    char reason[FRAMING_CONTROL_MAX + 1] = {0};
    if (link->state == LINK_GOODBYE) {
        link_drop(link);
        return;
    }
    for (size_t i = 0; i < event->size; i++) /* it may be shown on a terminal */
        reason[i] =
            event->bytes[i] < 0x20 || event->bytes[i] >= 0x7f ? '?' : (char)event->bytes[i];
    link->end.code = event->code;
    say_goodbye(link, event->code == 1005 ? 1000 : event->code);
    link_finish(link, LINK_CLOSED, reason);
}

static void hear_frames(struct link *link, const char *bytes, size_t size)
{
    const uint8_t *at = (const uint8_t *)bytes, *end = at + size;
    struct framing_event event;
    while (link->state == LINK_OPEN || link->state == LINK_GOODBYE) {
        switch (framing_next(&link->framing, &at, end, &event)) {
        case FRAMING_MORE: return;
        case FRAMING_PONG: break;
        case FRAMING_MESSAGE:
            if (link->state == LINK_OPEN)
                link->on->message(link, event.form, event.bytes, event.size);
            break;
        case FRAMING_PING:
            write_control(link, FRAMING_PONG, event.bytes, event.size);
            break;
        case FRAMING_CLOSE: hear_close(link, &event); return;
        case FRAMING_BROKEN:
            say_goodbye(link, event.code);
            link_finish(link, event.code == 1009 ? LINK_TOO_LARGE : LINK_FOREIGN,
                        event.code == 1009 ? "a message is too large"
                                           : "broken WebSocket frames");
            return;
        }
    }
}

/* Judges the answer to the handshake; what follows it are frames already. */
static void hear_answer(struct link *link, const char *bytes, size_t size)
{
    char text[100];
    size_t used;
    if (link->answer == NULL) link->answer = message_new(MESSAGE_TEXT, 0, size);
    if (link->answer == NULL || !message_reserve(&link->answer, size)) abort();
    message_append(link->answer, bytes, size);
    const char *answer = (const char *)message_bytes(link->answer);
    switch (
        handshake_read(link->key, answer, link->answer->size, &used, &link->end.status)) {
    case HANDSHAKE_MORE: return;
    case HANDSHAKE_BAD:
        link_finish(link, LINK_FOREIGN, "no WebSocket server answers");
        return;
    case HANDSHAKE_REFUSED:
        snprintf(text, sizeof text, "the answer to the WebSocket request is HTTP status %u",
                 link->end.status);
        link_finish(link, LINK_FOREIGN, text);
        return;
    case HANDSHAKE_OK: break;
    }
    struct message *whole = link->answer;
    link->answer = NULL;
    link->state = LINK_OPEN;
    link->on->opened(link);
    hear_frames(link, (const char *)message_bytes(whole) + used, whole->size - used);
    message_unref(whole);
}

/* There is nothing more to read. */
static void lose(struct link *link, const char *text)
{
    link_finish(link,
                link->state == LINK_GOODBYE     ? LINK_WANTED
                : link->state == LINK_UPGRADING ? LINK_FOREIGN
                : link->state == LINK_SECURING  ? LINK_UNREACHABLE
                                                : LINK_LOST,
                text);
}

static void hear(struct link *link, const char *bytes, size_t size)
{
    if (link->state == LINK_UPGRADING)
        hear_answer(link, bytes, size);
    else
        hear_frames(link, bytes, size);
}

static void ask_upgrade(struct link *link)
{
    const struct target *target = link->config->target;
    uint8_t random[16];
    char path[TARGET_BASE_MAX + sizeof PATH_QUERY];
    char request[TARGET_HOST_MAX + TARGET_BASE_MAX + 256];
    link_random(random, sizeof random);
    handshake_key(random, link->key);
    snprintf(path, sizeof path, "%s" PATH_QUERY, target->base);
    size_t size =
        handshake_print(link->key, target->authority, path, request, sizeof request);
    link->state = LINK_UPGRADING;
    write_bytes(link, request, size);
}

static void shake(struct link *link)
{
    enum tls_result result = tls_shake(link->tls);
    write_encrypted(link);
    if (result == TLS_DONE)
        ask_upgrade(link);
    else if (result != TLS_MORE)
        link_finish(link, LINK_UNREACHABLE, tls_fault(link->tls));
}

static void hear_encrypted(struct link *link, const char *bytes, size_t size)
{
    size_t got;
    enum tls_result result = TLS_DONE;
    if (!tls_feed(link->tls, bytes, size)) abort();
    if (link->state == LINK_SECURING) shake(link);
    while (link->state > LINK_SECURING && link->state < LINK_ENDING &&
           (result = tls_read(link->tls, plain, sizeof plain, &got)) == TLS_DONE)
        hear(link, plain, got);
    if (link->state == LINK_ENDING) return;
    write_encrypted(link);
    if (result == TLS_CLOSED) lose(link, "the server hung up");
    if (result == TLS_FAILED) lose(link, tls_fault(link->tls));
}

static void on_allocate(uv_handle_t *handle, size_t suggested, uv_buf_t *buffer)
{
    (void)handle, (void)suggested;
    *buffer = uv_buf_init(input, sizeof input);
}

static void on_read(uv_stream_t *stream, ssize_t size, const uv_buf_t *buffer)
{
    struct link *link = stream->data;
    if (size == 0 || link->state == LINK_ENDING) return;
    if (size < 0) {
        lose(link, size == UV_EOF ? "the server hung up" : uv_strerror((int)size));
        return;
    }
    link->heard_ms = now_ms(link);
    if (link->tls != NULL)
        hear_encrypted(link, buffer->base, (size_t)size);
    else
        hear(link, buffer->base, (size_t)size);
}

/* ---- life ---- */

void link_connected(struct link *link)
{
    if (!link->config->target->is_unix) uv_tcp_nodelay(&link->socket.tcp, 1);
    uv_read_start(&link->socket.stream, on_allocate, on_read);
    if (!link->config->target->secure) {
        ask_upgrade(link);
        return;
    }
    link->tls = tls_new(link->config->tls, link->config->target->host);
    if (link->tls == NULL) abort();
    link->state = LINK_SECURING;
    shake(link);
}

void link_init(struct link *link, const struct link_config *config,
               const struct link_callbacks *on)
{
    *link = (struct link){.config = config, .on = on};
    link->framing.message_bytes_max = config->message_bytes_max;
}

void link_open(struct link *link, const struct sockaddr *from)
{
    link->end = (struct link_end){0};
    link->heard_ms = now_ms(link);
    link->due_ms = link->heard_ms + OPEN_MS;
    link->from.ss_family = 0;
    if (from != NULL)
        memcpy(&link->from, from,
               from->sa_family == AF_INET ? sizeof(struct sockaddr_in)
                                          : sizeof(struct sockaddr_in6));
    dial(link);
}

/* ---- time ---- */

uint64_t link_next_deadline(const struct link *link)
{
    switch (link->state) {
    case LINK_IDLE:
    case LINK_ENDING: return UINT64_MAX;
    case LINK_OPEN: return link->heard_ms + SILENT_MS;
    default: return link->due_ms;
    }
}

void link_tick(struct link *link)
{
    if (link_next_deadline(link) > now_ms(link)) return;
    if (link->state == LINK_GOODBYE)
        link_drop(link);
    else if (link->state == LINK_OPEN)
        link_finish(link, LINK_LOST, "the server is silent");
    else
        link_finish(link, LINK_UNREACHABLE, "no answer within 10 s");
}
