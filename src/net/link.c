/* Outgoing WebSocket connections.

   Life: IDLE - OPENING - UPGRADING - OPEN - GOODBYE - ENDING - IDLE. Whatever ends it goes
   through finish, which records why and closes the stream; `ended` is told when that has
   ended, and the link may be opened again or freed. A server that has been silent for
   SILENT_MS, though it pings every 25 s, is gone. */
#include "link.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

#define OPEN_MS 10000
#define GOODBYE_MS 2000
#define SILENT_MS 60000
#define PATH_QUERY "/ws/websocket?vsn=2.0.0"

void link_random(void *bytes, size_t size)
{
    static _Thread_local uint8_t pool[256]; /* more could be interrupted by a signal */
    static _Thread_local size_t left;
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

static struct link *link_of(struct stream *stream)
{
    return (struct link *)(void *)stream;
}

/* ---- the end ---- */

static void finish(struct link *link, enum link_fault fault, const char *text)
{
    if (link->state == LINK_IDLE || link->state == LINK_ENDING) return;
    link->state = LINK_ENDING;
    link->end.fault = fault;
    snprintf(link->end.text, sizeof link->end.text, "%s", text);
    stream_close(&link->stream);
}

static void on_ended(struct stream *stream)
{
    struct link *link = link_of(stream);
    framing_clear(&link->framing);
    message_unref(link->answer);
    link->answer = NULL;
    link->state = LINK_IDLE;
    link->on->ended(link);
}

static void on_broken(struct stream *stream, const char *text)
{
    struct link *link = link_of(stream);
    finish(link,
           link->state == LINK_GOODBYE     ? LINK_WANTED
           : link->state == LINK_UPGRADING ? LINK_FOREIGN
           : link->state == LINK_OPENING   ? LINK_UNREACHABLE
                                           : LINK_LOST,
           text);
}

/* ---- writing ---- */

static void write_control(struct link *link, enum framing_kind kind, const uint8_t *bytes,
                          size_t size)
{
    uint8_t mask[4], out[FRAMING_CONTROL_SIZE];
    link_random(mask, sizeof mask);
    stream_write(&link->stream, out, framing_control(kind, bytes, size, mask, out));
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
    stream_write_take(&link->stream, messages, buffers, count);
}

bool link_is_busy(const struct link *link)
{
    return stream_waiting(&link->stream) > 0;
}

static void on_drained(struct stream *stream)
{
    struct link *link = link_of(stream);
    if (link->state == LINK_OPEN) link->on->drained(link);
}

/* ---- closing ---- */

static void say_goodbye(struct link *link, uint16_t code)
{
    uint8_t mask[4], out[FRAMING_CONTROL_SIZE];
    link_random(mask, sizeof mask);
    stream_write(&link->stream, out, framing_close(code, mask, out));
    stream_say_end(&link->stream);
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
    finish(link, LINK_WANTED, "");
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
    finish(link, LINK_CLOSED, reason);
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
            finish(link, event.code == 1009 ? LINK_TOO_LARGE : LINK_FOREIGN,
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
    case HANDSHAKE_BAD: finish(link, LINK_FOREIGN, "no WebSocket server answers"); return;
    case HANDSHAKE_REFUSED:
        snprintf(text, sizeof text, "the answer to the WebSocket request is HTTP status %u",
                 link->end.status);
        finish(link, LINK_FOREIGN, text);
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

static void on_heard(struct stream *stream, const char *bytes, size_t size)
{
    struct link *link = link_of(stream);
    link->heard_ms = now_ms(link);
    if (link->state == LINK_UPGRADING)
        hear_answer(link, bytes, size);
    else
        hear_frames(link, bytes, size);
}

/* ---- life ---- */

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
    stream_write(&link->stream, request, size);
}

static void on_secured(struct stream *stream)
{
    ask_upgrade(link_of(stream));
}

static void on_opened(struct stream *stream)
{
    if (stream->config.target->secure)
        stream_secure(stream, stream->config.target->host);
    else
        on_secured(stream);
}

static const struct stream_callbacks callbacks = {on_opened,  on_secured, on_heard,
                                                  on_drained, on_broken,  on_ended};

void link_init(struct link *link, const struct link_config *config,
               const struct link_callbacks *on)
{
    const struct stream_config stream = {config->loop, config->target, config->tls,
                                         config->address};
    *link = (struct link){.config = config, .on = on};
    link->framing.message_bytes_max = config->message_bytes_max;
    stream_init(&link->stream, &stream, &callbacks);
}

void link_open(struct link *link, const struct sockaddr *from)
{
    link->end = (struct link_end){0};
    link->heard_ms = now_ms(link);
    link->due_ms = link->heard_ms + OPEN_MS;
    link->state = LINK_OPENING;
    stream_open(&link->stream, from);
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
        finish(link, LINK_LOST, "the server is silent");
    else
        finish(link, LINK_UNREACHABLE, "no answer within 10 s");
}
