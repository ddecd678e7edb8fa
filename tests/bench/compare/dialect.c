/* How each server wants to be spoken to, and a bare connection without any server's manners.

   A visitor of Whilst is in "all" and holds a page of its own; of the others it subscribes to
   a topic of its own. What is published are MARK's 14 bytes; of Whilst it is a count, which
   changes when somebody comes or goes. */
#include "dialect.h"

#include "whilst/hash.h"
#include "whilst/wire.h"

#include <stdio.h>
#include <stdlib.h>

#define MARK "14 bytes here!"
#define TOPICS_MAX 64
#define PAIRS_MAX 1000
#define REQUEST_BYTES 100 /* about what Whilst's requests have */

static uint64_t count_of(const uint8_t *bytes, size_t size, const char *word)
{
    uint64_t count = 0;
    size_t length = strlen(word);
    for (const uint8_t *end = bytes + size; bytes < end; count++) {
        bytes = memmem(bytes, (size_t)(end - bytes), word, length);
        if (bytes == NULL) break;
        bytes += length;
    }
    return count;
}

static uint64_t hear_marks(struct conn *conn, const uint8_t *bytes, size_t size)
{
    return conn->publisher ? 0 : count_of(bytes, size, MARK);
}

/* ---- whilst ---- */

static char bulk_hash[HASH_HEX + 1];
static struct message *bulk_answer;

static void whilst_path(const struct conn *conn, char *out, size_t size)
{
    (void)conn;
    snprintf(out, size, "GET /ws/websocket?vsn=2.0.0 HTTP/1.1\r\n");
}

static uint8_t *page_new(size_t size, uint32_t seed, char hex[HASH_HEX + 1])
{
    uint8_t *page = malloc(size);
    uint64_t chance = seed + 1;
    for (size_t i = 0; i < size; i++) {
        chance = chance * 6364136223846793005u + 1442695040888963407u;
        page[i] = (uint8_t)(chance >> 56);
    }
    struct page_hash hash = hash_of(page, size);
    hash_to_hex(&hash, 0, hex);
    return page;
}

static const char *pair_hash(uint32_t pair, size_t size)
{
    static char hashes[PAIRS_MAX][HASH_HEX + 1];
    if (pair >= PAIRS_MAX) compare_fail("too many pairs");
    if (hashes[pair][0] == '\0') free(page_new(size, pair, hashes[pair]));
    return hashes[pair];
}

static struct message *content_new(const char *hex, const uint8_t *page, size_t size)
{
    char topic[HASH_HEX + 8];
    snprintf(topic, sizeof topic, "have:%s", hex);
    struct frame frame = {.form = MESSAGE_BINARY,
                          .join_ref = {REF_STRING, slice_of("h")},
                          .ref = {REF_STRING, slice_of("c")},
                          .topic = slice_of(topic),
                          .event = slice_of("content"),
                          .payload = {(const char *)page, size}};
    return wire_encode_new(WIRE_CLIENT, &frame);
}

static void whilst_greet(struct conn *conn)
{
    if (conn->publisher || conn->fetch == FETCH_SEEKER) {
        compare_ready(conn);
    } else if (conn->fetch == FETCH_HOLDER) {
        compare_say(conn, "[\"h\",\"1\",\"have:%s\",\"phx_join\",{}]",
                    pair_hash(conn->index / 2, conn->fetch_bytes));
    } else if (conn->topics == 0) {
        compare_say(conn, "[\"1\",\"1\",\"all\",\"phx_join\",{}]");
        compare_say(conn, "[\"2\",\"2\",\"have:%064x\",\"phx_join\",{}]",
                    conn->index + 1000);
    }
    for (uint32_t i = 0; i < conn->topics && !conn->publisher; i++)
        compare_say(conn, "[\"%u\",\"1\",\"have:%064x\",\"phx_join\",{}]", i, i + 1);
}

static void whilst_answer(struct conn *conn)
{
    char hex[HASH_HEX + 1];
    struct message *answer = bulk_answer;
    if (conn->fetch == FETCH_HOLDER) {
        uint8_t *page = page_new(conn->fetch_bytes, conn->index / 2, hex);
        answer = content_new(hex, page, conn->fetch_bytes);
        free(page);
    }
    compare_send(conn, 2, message_bytes(answer), answer->size);
    if (answer != bulk_answer) message_unref(answer);
}

static uint64_t whilst_hear(struct conn *conn, const uint8_t *bytes, size_t size)
{
    uint32_t wanted = conn->topics > 0 ? conn->topics : conn->fetch == FETCH_HOLDER ? 1 : 2;
    if (conn->fetch == FETCH_SEEKER && size > conn->fetch_bytes) conn->fetched = true;
    if (size > 512) return 0;
    if (count_of(bytes, size, "content_request") > 0) whilst_answer(conn);
    conn->replies += (uint32_t)count_of(bytes, size, "phx_reply");
    if (conn->replies >= wanted) compare_ready(conn);
    return conn->publisher ? 0 : count_of(bytes, size, "visitors_count");
}

static void whilst_publish(struct conn *publishers, uint32_t topics, uint32_t round)
{
    char text[128];
    compare_cork(publishers);
    for (uint32_t i = 0; i < topics; i++) {
        snprintf(text, sizeof text, "[\"%u\",\"1\",\"have:%064x\",\"%s\",{}]", i, i + 1,
                 round % 2 == 0 ? "phx_join" : "phx_leave");
        compare_send(publishers, 1, text, strlen(text));
    }
    compare_uncork(publishers);
}

static void whilst_bulk_hold(struct conn *holder, size_t size, uint32_t round)
{
    uint8_t *page = page_new(size, round, bulk_hash);
    bulk_answer = content_new(bulk_hash, page, size);
    free(page);
    compare_say(holder, "[\"h\",\"1\",\"have:%s\",\"phx_join\",{}]", bulk_hash);
}

static void whilst_seek(struct conn *conn, const char *hash)
{
    compare_say(conn, "[\"w\",\"1\",\"want:%s\",\"phx_join\",{\"binary\":true}]", hash);
}

static void whilst_leave(struct conn *conn, const char *hash)
{
    compare_say(conn, "[\"w\",\"2\",\"want:%s\",\"phx_leave\",{}]", hash);
}

static void whilst_bulk_seek(struct conn *conns, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++)
        whilst_seek(&conns[i], bulk_hash);
}

static void whilst_bulk_leave(struct conn *conns, uint32_t count, struct conn *holder)
{
    for (uint32_t i = 0; i < count; i++)
        whilst_leave(&conns[i], bulk_hash);
    compare_say(holder, "[\"h\",\"2\",\"have:%s\",\"phx_leave\",{}]", bulk_hash);
    message_unref(bulk_answer);
}

static void whilst_fetch_seek(struct conn *seeker)
{
    whilst_seek(seeker, pair_hash(seeker->index / 2, seeker->fetch_bytes));
}

static void whilst_fetch_end(struct conn *seeker)
{
    seeker->fetched = false;
    whilst_leave(seeker, pair_hash(seeker->index / 2, seeker->fetch_bytes));
}

/* ---- the broadcast of ws_server.js ---- */

static void ws_path(const struct conn *conn, char *out, size_t size)
{
    (void)conn;
    snprintf(out, size, "GET / HTTP/1.1\r\n");
}

static void ws_greet(struct conn *conn)
{
    if (conn->publisher)
        compare_ready(conn);
    else if (conn->topics == 0)
        compare_say(conn, "s o%u", conn->index);
    for (uint32_t i = 0; i < conn->topics && !conn->publisher; i++)
        compare_say(conn, "s t%u", i);
}

static uint64_t ws_hear(struct conn *conn, const uint8_t *bytes, size_t size)
{
    conn->replies += size == 2 && memcmp(bytes, "ok", 2) == 0;
    if (conn->replies >= (conn->topics > 0 ? conn->topics : 1)) compare_ready(conn);
    return hear_marks(conn, bytes, size);
}

static void ws_publish(struct conn *publishers, uint32_t topics, uint32_t round)
{
    (void)round;
    compare_cork(publishers);
    for (uint32_t i = 0; i < topics; i++)
        compare_say(publishers, "p t%u " MARK, i);
    compare_uncork(publishers);
}

/* ---- nchan ---- */

static void nchan_path(const struct conn *conn, char *out, size_t size)
{
    char topics[8 * TOPICS_MAX] = "";
    for (uint32_t i = 0; i < conn->topics && i < TOPICS_MAX; i++)
        sprintf(topics + strlen(topics), "%st%u", i > 0 ? "," : "", i);
    if (conn->publisher)
        snprintf(out, size, "GET /pub/t%u HTTP/1.1\r\n", conn->index);
    else if (conn->topics == 0)
        snprintf(out, size, "GET /sub/o%u HTTP/1.1\r\n", conn->index);
    else
        snprintf(out, size, "GET /sub/%s HTTP/1.1\r\n", topics);
}

static void nchan_publish(struct conn *publishers, uint32_t topics, uint32_t round)
{
    (void)round;
    for (uint32_t i = 0; i < topics; i++)
        compare_say(&publishers[i], MARK);
}

/* ---- mosquitto: MQTT 3.1.1 ---- */

static void mqtt_path(const struct conn *conn, char *out, size_t size)
{
    (void)conn;
    snprintf(out, size, "GET /mqtt HTTP/1.1\r\nSec-WebSocket-Protocol: mqtt\r\n");
}

/* A packet with at most 16,383 bytes behind its type (section 2.2.3). */
static void mqtt_send(struct conn *conn, uint8_t type, const uint8_t *bytes, size_t size)
{
    uint8_t packet[1100];
    size_t head = 0;
    packet[head++] = type;
    if (size > 127) {
        packet[head++] = (uint8_t)(0x80 | (size & 127));
        packet[head++] = (uint8_t)(size >> 7);
    } else {
        packet[head++] = (uint8_t)size;
    }
    memcpy(packet + head, bytes, size);
    compare_send(conn, 2, packet, head + size);
}

static size_t mqtt_text(uint8_t *out, const char *text)
{
    size_t size = strlen(text);
    out[0] = (uint8_t)(size >> 8);
    out[1] = (uint8_t)size;
    memcpy(out + 2, text, size);
    return size + 2;
}

static void mqtt_greet(struct conn *conn)
{
    uint8_t bytes[1000] = {0, 4, 'M', 'Q', 'T', 'T', 4, 2, 0, 0};
    char name[32];
    snprintf(name, sizeof name, "%c%u", conn->publisher ? 'p' : 'c', conn->index);
    mqtt_send(conn, 0x10, bytes, 10 + mqtt_text(bytes + 10, name));
    if (conn->publisher) return;
    size_t size = 0;
    bytes[size++] = 0;
    bytes[size++] = 1;
    for (uint32_t i = 0; i < conn->topics || i == 0; i++) {
        snprintf(name, sizeof name, "%c/%u", conn->topics > 0 ? 't' : 'o',
                 conn->topics > 0 ? i : conn->index);
        size += mqtt_text(bytes + size, name);
        bytes[size++] = 0;
    }
    mqtt_send(conn, 0x82, bytes, size);
}

static uint64_t mqtt_hear(struct conn *conn, const uint8_t *bytes, size_t size)
{
    if (size > 0 && bytes[0] == (conn->publisher ? 0x20 : 0x90)) compare_ready(conn);
    return hear_marks(conn, bytes, size);
}

static void mqtt_publish(struct conn *publishers, uint32_t topics, uint32_t round)
{
    (void)round;
    compare_cork(publishers);
    for (uint32_t i = 0; i < topics; i++) {
        uint8_t bytes[64];
        char name[32];
        snprintf(name, sizeof name, "t/%u", i);
        size_t size = mqtt_text(bytes, name);
        memcpy(bytes + size, MARK, sizeof MARK - 1);
        mqtt_send(publishers, 0x30, bytes, size + sizeof MARK - 1);
    }
    compare_uncork(publishers);
}

/* ---- nats ---- */

static void nats_greet(struct conn *conn)
{
    char text[2048] = "CONNECT {\"verbose\":false,\"echo\":false}\r\n";
    if (conn->topics == 0 && !conn->publisher)
        sprintf(text + strlen(text), "SUB o.%u 1\r\n", conn->index);
    for (uint32_t i = 0; i < conn->topics && i < TOPICS_MAX && !conn->publisher; i++)
        sprintf(text + strlen(text), "SUB t.%u %u\r\n", i, i + 1);
    strcat(text, "PING\r\n");
    compare_send(conn, 2, text, strlen(text));
}

static uint64_t nats_hear(struct conn *conn, const uint8_t *bytes, size_t size)
{
    if (count_of(bytes, size, "PONG\r\n") > 0) compare_ready(conn);
    if (count_of(bytes, size, "PING\r\n") > 0) compare_send(conn, 2, "PONG\r\n", 6);
    return hear_marks(conn, bytes, size);
}

static void nats_publish(struct conn *publishers, uint32_t topics, uint32_t round)
{
    (void)round;
    compare_cork(publishers);
    for (uint32_t i = 0; i < topics; i++) {
        char text[64];
        snprintf(text, sizeof text, "PUB t.%u 14\r\n" MARK "\r\n", i);
        compare_send(publishers, 2, text, strlen(text));
    }
    compare_uncork(publishers);
}

/* ---- bare: bytes to all (compare_bare send), and pairs (compare_bare relay) ---- */

static void bare_bulk_hold(struct conn *holder, size_t size, uint32_t round)
{
    (void)holder, (void)size, (void)round;
}

static void bare_bulk_seek(struct conn *conns, uint32_t count)
{
    (void)count;
    compare_write(&conns[0], "g", 1);
}

static void bare_bulk_leave(struct conn *conns, uint32_t count, struct conn *holder)
{
    (void)conns, (void)count, (void)holder;
}

static void bare_publish(struct conn *publishers, uint32_t topics, uint32_t round)
{
    (void)topics, (void)round;
    compare_write(publishers, "g", 1);
}

static void bare_fetch_seek(struct conn *seeker)
{
    static const uint8_t request[REQUEST_BYTES];
    compare_write(seeker, request, sizeof request);
}

static void bare_fetch_end(struct conn *seeker)
{
    seeker->fetched = false;
    seeker->got = 0;
}

void bare_take(struct conn *conn, const uint8_t *bytes, size_t size)
{
    (void)bytes;
    conn->got += size;
    if (conn->fetch == FETCH_SEEKER) {
        conn->fetched = conn->got >= conn->fetch_bytes;
    } else if (conn->got >= REQUEST_BYTES) {
        char hex[HASH_HEX + 1];
        uint8_t *page = page_new(conn->fetch_bytes, conn->index / 2, hex);
        conn->got -= REQUEST_BYTES;
        compare_write(conn, page, conn->fetch_bytes);
        free(page);
    }
}

static const struct dialect dialects[] = {
    {"whilst", false, whilst_path, whilst_greet, whilst_hear, whilst_publish,
     whilst_bulk_hold, whilst_bulk_seek, whilst_bulk_leave, whilst_fetch_seek,
     whilst_fetch_end},
    {.name = "ws",
     .path = ws_path,
     .greet = ws_greet,
     .hear = ws_hear,
     .publish = ws_publish},
    {.name = "nchan",
     .publisher_each = true,
     .path = nchan_path,
     .greet = compare_ready,
     .hear = hear_marks,
     .publish = nchan_publish},
    {.name = "mosquitto",
     .path = mqtt_path,
     .greet = mqtt_greet,
     .hear = mqtt_hear,
     .publish = mqtt_publish},
    {.name = "nats",
     .path = ws_path,
     .greet = nats_greet,
     .hear = nats_hear,
     .publish = nats_publish},
    {.name = "bare",
     .publish = bare_publish,
     .bulk_hold = bare_bulk_hold,
     .bulk_seek = bare_bulk_seek,
     .bulk_leave = bare_bulk_leave,
     .fetch_seek = bare_fetch_seek,
     .fetch_end = bare_fetch_end},
};

const struct dialect *dialect_find(const char *name)
{
    for (size_t i = 0; i < sizeof dialects / sizeof dialects[0]; i++)
        if (strcmp(dialects[i].name, name) == 0) return &dialects[i];
    return NULL;
}
