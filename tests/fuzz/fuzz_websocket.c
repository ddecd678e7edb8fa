/* The real server, with a byte string as the script of what four WebSocket clients do.

   They say frames that are nearly right and frames that are anything but, whole, in parts
   and in fragments, and come and go. What the server sends them must be frames and messages
   without a fault; and when all have gone, nothing of them may be left. */
#include "answers.h"
#include "live.h"
#include "must.h"

#include <stdio.h>
#include <string.h>

int LLVMFuzzerInitialize(int *count, char ***arguments);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CLIENTS = 4, FRAME_MAX = 4096 };

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"
#define WORLD "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7"

static const char handshake[] =
    "GET /ws/websocket?vsn=2.0.0 HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\n"
    "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n";

/* What clients say; "world" is a page that nobody but they hold. */
static const char *const sayings[] = {
    "[null,\"1\",\"phoenix\",\"heartbeat\",{}]",
    "[\"1\",\"1\",\"all\",\"phx_join\",{\"limits\":true}]",
    "[\"2\",\"2\",\"want:" HELLO "\",\"phx_join\",{\"status\":true}]",
    "[\"2\",\"2\",\"want:" HELLO "\",\"phx_join\",{\"binary\":true}]",
    "[\"3\",\"3\",\"have:" WORLD "\",\"phx_join\",{}]",
    "[\"3\",\"3\",\"have:" WORLD "\",\"phx_join\",{\"token\":\"abcdefgh\"}]",
    "[\"4\",\"4\",\"want:" WORLD "\",\"phx_join\",{\"status\":true}]",
    "[\"4\",\"4\",\"want:" WORLD "\",\"phx_join\",{\"binary\":true}]",
    "[\"3\",\"5\",\"have:" WORLD "\",\"content\",{\"content\":\"world\"}]",
    "[\"3\",\"6\",\"have:" WORLD "\",\"content\",{\"content\":\"wrong\",\"hash\":\"" WORLD
    "\"}]",
    "[\"4\",\"7\",\"want:" WORLD "\",\"content_request\",{\"hash\":\"" WORLD "\"}]",
    "[\"3\",\"8\",\"have:" WORLD "\",\"phx_leave\",{}]",
    "[\"4\",\"9\",\"want:" WORLD "\",\"phx_leave\",{}]",
    "[\"9\",\"9\",\"nothing\",\"phx_join\",{}]",
    "[null,null,\"want:" HELLO "\",\"odd\",[]]",
    "{}",
};

struct input {
    const uint8_t *at, *end;
};

static uint8_t next(struct input *input)
{
    return input->at < input->end ? *input->at++ : 0;
}

static size_t take(struct input *input, uint8_t *out, size_t size)
{
    size_t left = (size_t)(input->end - input->at), taken = size < left ? size : left;
    memcpy(out, input->at, taken);
    input->at += taken;
    return taken;
}

/* ---- frames ---- */

static size_t put_head(uint8_t *out, uint8_t first, size_t size)
{
    static const uint8_t mask[4] = {0}; /* so that the payload stands as it is */
    size_t at = 0;
    out[at++] = first;
    out[at++] = (uint8_t)(0x80 | (size < 126 ? size : 126));
    if (size >= 126) {
        out[at++] = (uint8_t)(size >> 8);
        out[at++] = (uint8_t)size;
    }
    memcpy(out + at, mask, sizeof mask);
    return at + sizeof mask;
}

static void send_frame(struct client *client, uint8_t first, const void *payload,
                       size_t size, size_t step)
{
    uint8_t frame[FRAME_MAX + 16];
    size_t head = put_head(frame, first, size);
    memcpy(frame + head, payload, size);
    live_send(client, frame, head + size, step);
}

/* A message, whole or in fragments of `size` bytes, each after a ping if `pings`. */
static void send_message(struct client *client, uint8_t opcode, const void *bytes,
                         size_t length, size_t size, bool pings)
{
    const uint8_t *at = bytes, *end = at + length;
    if (size == 0) size = length;
    do {
        size_t part = (size_t)(end - at) < size ? (size_t)(end - at) : size;
        bool last = at + part == end;
        if (pings) send_frame(client, 0x89, at, part < 125 ? part : 125, 0);
        send_frame(client, (uint8_t)((last ? 0x80 : 0) | (at == bytes ? opcode : 0)), at,
                   part, 0);
        at += part;
    } while (at < end);
}

static void send_binary_content(struct client *client, uint8_t how)
{
    char bytes[200];
    const char head[] = {0, 1, 1, 5 + 64, 7};
    memcpy(bytes, head, sizeof head);
    int size = snprintf(bytes + sizeof head, sizeof bytes - sizeof head,
                        "35have:" WORLD "content%s", how & 1 ? "world" : "wrong");
    send_message(client, 2, bytes, sizeof head + (size_t)size, how >> 4, (how & 2) != 0);
}

/* ---- the script ---- */

static void come_or_go(struct client *clients, struct client *client)
{
    if (client->socket < 0) {
        live_connect(client);
        live_send(client, handshake, sizeof handshake - 1, 0);
        live_settle(clients, CLIENTS);
    } else {
        live_disconnect(client);
    }
}

static void take_step(struct client *clients, struct input *input)
{
    uint8_t step = next(input), payload[FRAME_MAX], first;
    struct client *client = &clients[step & 3];
    if (client->socket < 0 || (step >> 2 & 7) == 0) {
        come_or_go(clients, client);
        return;
    }
    switch (step >> 2 & 7) {
    case 1: { /* any frame */
        first = next(input);
        size_t size = take(input, payload, next(input));
        send_frame(client, first, payload, size, step >> 5);
        break;
    }
    case 2: /* any bytes */
        live_send(client, payload, take(input, payload, next(input)), step >> 5);
        break;
    case 3: send_binary_content(client, next(input)); break;
    case 4: { /* a long frame of one letter */
        first = next(input);
        size_t size = 12 * (size_t)next(input);
        memset(payload, ' ', size);
        send_frame(client, first, payload, size, 0);
        break;
    }
    case 5: live_settle(clients, CLIENTS); break;
    default: {
        const char *saying = sayings[next(input) & 15];
        send_message(client, 1, saying, strlen(saying), (size_t)(step >> 5) * 9,
                     (step & 0x20) != 0);
    }
    }
}

static void check(const struct client *client)
{
    if (client->size == 0) return;
    size_t frames = answers_check(client->got, client->size, true);
    answers_check_frames(client->got + frames, client->size - frames, true);
}

int LLVMFuzzerInitialize(int *count, char ***arguments)
{
    (void)count, (void)arguments;
    live_open();
    return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct input input = {data, data + size};
    struct client clients[CLIENTS];
    for (int i = 0; i < CLIENTS; i++)
        clients[i] = (struct client){.socket = -1};
    while (input.at < input.end)
        take_step(clients, &input);
    live_settle(clients, CLIENTS);
    for (int i = 0; i < CLIENTS; i++) {
        check(&clients[i]);
        live_disconnect(&clients[i]);
    }
    live_end();
    return 0;
}
