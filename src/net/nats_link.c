/* One connection to a server of the bus.

   Life: IDLE - OPENING - SECURING if either side wants TLS - JOINING - UP - ENDING - IDLE.
   The server speaks first, in plain text; TLS begins after its INFO. A PING every PING_MS
   measures the way there and back and tells a server that stands still from one that has
   nothing to say: after SILENT_MS without a byte it is given up. Time in which this process
   itself stood still does not count.

   What is written waits in `out` until the end of the turn; together with what the socket
   did not take it is bounded by waiting_bytes_max. */
#include "nats_link.h"

#include <stdio.h>
#include <string.h>

#define OPEN_MS 5000
#define PING_MS 2000
#define SILENT_MS 5000
#define STALL_MS 1000 /* we are called so late: the process stood still */
#define OUT_FIRST ((size_t)4 << 10)

const char *nats_fault_word(enum nats_fault fault)
{
    static const char *const words[] = {
#define X(name, word) [NATS_FAULT_##name] = word,
        NATS_FAULTS(X)
#undef X
    };
    return words[fault];
}

static struct nats_link *link_of(struct stream *stream)
{
    return (struct nats_link *)(void *)stream;
}

static uint64_t now_ms(const struct nats_link *link)
{
    return uv_now(link->config->loop);
}

/* ---- the end ---- */

static void finish(struct nats_link *link, enum nats_fault fault, const char *text)
{
    if (link->state == NATS_LINK_IDLE || link->state == NATS_LINK_ENDING) return;
    link->state = NATS_LINK_ENDING;
    link->fault = fault;
    if (text != NULL) snprintf(link->text, sizeof link->text, "%s", text);
    stream_close(&link->stream);
}

void nats_link_close(struct nats_link *link)
{
    nats_link_flush(link);
    stream_say_end(&link->stream);
    finish(link, NATS_FAULT_WANTED, "");
}

static void on_ended(struct stream *stream)
{
    struct nats_link *link = link_of(stream);
    nats_clear(&link->nats);
    message_unref(link->out);
    link->out = NULL;
    link->state = NATS_LINK_IDLE;
    link->on->ended(link);
}

/* What the server said last, an error, is a better reason than that it hung up. */
static void on_broken(struct stream *stream, const char *text)
{
    struct nats_link *link = link_of(stream);
    bool said = link->text[0] != '\0';
    enum nats_fault fault = NATS_FAULT_LOST;
    if (link->state == NATS_LINK_OPENING)
        fault = stream->state == STREAM_OPEN ? NATS_FAULT_FOREIGN : NATS_FAULT_UNREACHABLE;
    else if (link->state == NATS_LINK_SECURING)
        fault = NATS_FAULT_UNREACHABLE;
    else if (link->state == NATS_LINK_JOINING)
        fault = said ? NATS_FAULT_REFUSED : NATS_FAULT_FOREIGN;
    finish(link, fault, said ? NULL : text);
}

/* ---- writing ---- */

size_t nats_link_waiting(const struct nats_link *link)
{
    return (link->out == NULL ? 0 : link->out->size) + stream_waiting(&link->stream);
}

static bool make_room(struct nats_link *link, size_t size)
{
    if (nats_link_waiting(link) + size > link->config->waiting_bytes_max) return false;
    if (link->out == NULL)
        link->out = message_new(MESSAGE_BINARY, 0, size > OUT_FIRST ? size : OUT_FIRST);
    return link->out != NULL && message_reserve(&link->out, size);
}

bool nats_link_write(struct nats_link *link, const void *bytes, size_t size, bool needed)
{
    if (link->state != NATS_LINK_UP && link->state != NATS_LINK_JOINING) return false;
    if (make_room(link, size)) {
        message_append(link->out, bytes, size);
        return true;
    }
    if (needed) finish(link, NATS_FAULT_FULL, "the server does not read");
    return false;
}

bool nats_link_publish(struct nats_link *link, struct slice subject, struct slice reply,
                       struct slice head, struct slice body)
{
    char line[NATS_COMMAND_MAX];
    size_t size = head.size + body.size;
    size_t line_size = nats_write_publish(subject, reply, 0, size, line);
    if (link->state != NATS_LINK_UP || size > link->payload_bytes_max) return false;
    if (!make_room(link, line_size + size + 2)) return false;
    message_append(link->out, line, line_size);
    message_append(link->out, head.data, head.size);
    message_append(link->out, body.data, body.size);
    message_append(link->out, "\r\n", 2);
    return true;
}

void nats_link_flush(struct nats_link *link)
{
    struct message *out = link->out;
    if (out == NULL) return;
    link->out = NULL;
    uv_buf_t buffer = uv_buf_init((char *)message_bytes(out), (unsigned)out->size);
    stream_write_take(&link->stream, &out, &buffer, 1);
}

static void ping(struct nats_link *link)
{
    char line[NATS_COMMAND_MAX];
    if (nats_link_write(link, line, nats_write_ping(line), true))
        link->pinged_ns = uv_hrtime();
}

/* ---- joining ---- */

static void log_in(struct nats_link *link)
{
    char text[NATS_FILE_MAX + 4 * NATS_COMMAND_MAX];
    size_t size = nats_secrets_print(link->config->login, link->server, link->config->node,
                                     slice_of(link->nonce), link->stream.tls != NULL, text,
                                     sizeof text);
    link->state = NATS_LINK_JOINING;
    if (size == 0 || !nats_link_write(link, text, size, true))
        finish(link, NATS_FAULT_REFUSED, "the login has no room");
    else
        ping(link);
    nats_link_flush(link);
}

static void note(char *out, size_t size, struct slice text)
{
    size_t length = text.size < size ? text.size : size - 1;
    if (length > 0) memcpy(out, text.data, length);
    out[length] = '\0';
}

static bool read_info(struct nats_link *link, struct slice text)
{
    struct nats_info info;
    if (!nats_read_info(text, &info)) {
        finish(link, NATS_FAULT_FOREIGN, "the server's INFO cannot be read");
        return false;
    }
    if (info.payload_bytes_max > 0) link->payload_bytes_max = info.payload_bytes_max;
    link->lame = info.lame_duck;
    note(link->nonce, sizeof link->nonce, info.nonce);
    note(link->name, sizeof link->name, info.server_name);
    if (!info.headers)
        finish(link, NATS_FAULT_FOREIGN, "the server has no headers: it is older than 2.2");
    else if (link->state == NATS_LINK_OPENING && link->server->target.secure &&
             !info.tls_required && !info.tls_available)
        finish(link, NATS_FAULT_UNREACHABLE, "the server has no TLS");
    else
        link->on->info(link, &info);
    return info.tls_required || link->server->target.secure;
}

/* The first thing that a server says. */
static void greet(struct nats_link *link, struct slice text, bool is_last)
{
    bool secure = read_info(link, text);
    if (link->state != NATS_LINK_OPENING) return;
    if (!secure) {
        log_in(link);
    } else if (!is_last) {
        finish(link, NATS_FAULT_FOREIGN, "the server speaks before TLS begins");
    } else {
        link->state = NATS_LINK_SECURING;
        stream_secure(&link->stream, link->server->tls_host);
    }
}

static void on_opened(struct stream *stream)
{
    (void)stream; /* the server speaks first */
}

static void on_secured(struct stream *stream)
{
    log_in(link_of(stream));
}

static void hear_pong(struct nats_link *link)
{
    if (link->pinged_ns != 0) link->round_trip_ns = uv_hrtime() - link->pinged_ns;
    link->pinged_ns = 0;
    if (link->state != NATS_LINK_JOINING) return;
    link->state = NATS_LINK_UP;
    link->up_ms = now_ms(link);
    link->due_ms = link->up_ms + PING_MS;
    link->on->up(link);
}

/* ---- reading ---- */

static void hear(struct nats_link *link, enum nats_kind kind,
                 const struct nats_event *event)
{
    char line[NATS_COMMAND_MAX];
    if (kind != NATS_ERROR) link->text[0] = '\0'; /* it was not the reason of an end */
    switch (kind) {
    case NATS_INFO: read_info(link, event->text); break;
    case NATS_MESSAGE: link->on->message(link, event); break;
    case NATS_TOO_LARGE: link->on->too_large(link, event); break;
    case NATS_PING: nats_link_write(link, line, nats_write_pong(line), true); break;
    case NATS_PONG: hear_pong(link); break;
    case NATS_ERROR:
        note(link->text, sizeof link->text, event->text);
        if (link->state == NATS_LINK_UP) link->on->error(link, event->text);
        break;
    case NATS_BROKEN: note(link->text, sizeof link->text, event->text); break;
    case NATS_MORE:
    case NATS_OK: break;
    }
    if (kind == NATS_BROKEN) finish(link, NATS_FAULT_FOREIGN, NULL);
}

static void on_heard(struct stream *stream, const char *bytes, size_t size)
{
    struct nats_link *link = link_of(stream);
    const uint8_t *at = (const uint8_t *)bytes, *end = at + size;
    struct nats_event event;
    enum nats_kind kind;
    link->heard_ms = now_ms(link);
    while (link->state != NATS_LINK_ENDING &&
           (kind = nats_next(&link->nats, &at, end, &event)) != NATS_MORE) {
        if (link->state != NATS_LINK_OPENING)
            hear(link, kind, &event);
        else if (kind == NATS_INFO)
            greet(link, event.text, at == end);
        else
            finish(link, NATS_FAULT_FOREIGN, "no NATS server answers");
    }
}

static void on_drained(struct stream *stream)
{
    (void)stream; /* nats_link_waiting is looked at whenever something is to be written */
}

/* ---- life ---- */

static const struct stream_callbacks callbacks = {on_opened,  on_secured, on_heard,
                                                  on_drained, on_broken,  on_ended};

void nats_link_init(struct nats_link *link, const struct nats_link_config *config,
                    const struct nats_link_callbacks *on, void *owner)
{
    *link = (struct nats_link){.config = config, .on = on, .owner = owner};
    link->nats.payload_bytes_max = config->payload_bytes_max;
}

void nats_link_open(struct nats_link *link, struct nats_server *server)
{
    const struct stream_config stream = {link->config->loop, &server->target,
                                         link->config->tls, NULL};
    stream_init(&link->stream, &stream, &callbacks);
    link->server = server;
    link->state = NATS_LINK_OPENING;
    link->text[0] = link->nonce[0] = link->name[0] = '\0';
    link->lame = false;
    link->pinged_ns = link->up_ms = 0;
    link->payload_bytes_max = link->config->payload_bytes_max;
    link->heard_ms = now_ms(link);
    link->due_ms = link->heard_ms + OPEN_MS;
    stream_open(&link->stream, NULL);
}

/* ---- time ---- */

uint64_t nats_link_next_deadline(const struct nats_link *link)
{
    switch (link->state) {
    case NATS_LINK_IDLE:
    case NATS_LINK_ENDING: return UINT64_MAX;
    default: return link->due_ms;
    }
}

static void tick_up(struct nats_link *link, uint64_t now)
{
    if (now > link->due_ms + STALL_MS) link->heard_ms = now;
    if (now - link->heard_ms >= SILENT_MS) {
        finish(link, NATS_FAULT_SILENT, "the server is silent");
        return;
    }
    link->due_ms = link->heard_ms + SILENT_MS;
    if (link->due_ms > now + PING_MS) link->due_ms = now + PING_MS;
    if (link->pinged_ns == 0) ping(link);
}

void nats_link_tick(struct nats_link *link)
{
    uint64_t now = now_ms(link);
    if (nats_link_next_deadline(link) > now) return;
    if (link->state == NATS_LINK_UP)
        tick_up(link, now);
    else if (now > link->due_ms + STALL_MS)
        link->due_ms = now + OPEN_MS;
    else if (link->state == NATS_LINK_OPENING && link->stream.state == STREAM_OPEN)
        finish(link, NATS_FAULT_FOREIGN, "no NATS server answers within 5 s");
    else
        finish(link, NATS_FAULT_UNREACHABLE, "no answer within 5 s");
}
