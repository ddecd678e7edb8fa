/* The opening handshake of a client: HTTP/1.1, as little of it as one request needs. */
#include "whilst/handshake.h"

#include "whilst/slice.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdio.h>

/* What the server appends to the key before it hashes it (section 1.3). */
#define GUID "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
#define ACCEPT 28 /* characters of base64 for 20 bytes */

void handshake_key(const uint8_t random[16], char key[HANDSHAKE_KEY + 1])
{
    EVP_EncodeBlock((unsigned char *)key, random, 16);
}

size_t handshake_print(const char *key, const char *host, const char *path, char *out,
                       size_t size)
{
    int length = snprintf(out, size,
                          "GET %s HTTP/1.1\r\nHost: %s\r\nUpgrade: websocket\r\n"
                          "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
                          "Sec-WebSocket-Key: %s\r\n\r\n",
                          path, host, key);
    return (size_t)length;
}

static void accept_of(const char *key, char accept[ACCEPT + 1])
{
    unsigned char digest[20];
    char joined[HANDSHAKE_KEY + sizeof GUID];
    snprintf(joined, sizeof joined, "%s%s", key, GUID);
    int done = EVP_Digest(joined, strlen(joined), digest, NULL, EVP_sha1(), NULL);
    assert(done == 1);
    EVP_EncodeBlock((unsigned char *)accept, digest, sizeof digest);
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool same_word(struct slice a, const char *word)
{
    if (a.size != strlen(word)) return false;
    for (size_t i = 0; i < a.size; i++)
        if (lower(a.data[i]) != word[i]) return false;
    return true;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t'))
        text.data++, text.size--;
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* Whether one of the words between commas is this one. */
static bool lists(struct slice value, const char *word)
{
    while (value.size > 0) {
        const char *comma = memchr(value.data, ',', value.size);
        size_t size = comma == NULL ? value.size : (size_t)(comma - value.data);
        if (same_word(trim((struct slice){value.data, size}), word)) return true;
        size += comma != NULL;
        value = (struct slice){value.data + size, value.size - size};
    }
    return false;
}

/* `HTTP/1.1 101 Switching Protocols` */
static bool read_status(struct slice line, unsigned *status)
{
    if (line.size < 12 || memcmp(line.data, "HTTP/1.", 7) != 0 || line.data[8] != ' ')
        return false;
    *status = 0;
    for (size_t i = 9; i < 12; i++) {
        if (line.data[i] < '0' || line.data[i] > '9') return false;
        *status = *status * 10 + (unsigned)(line.data[i] - '0');
    }
    return line.size == 12 || line.data[12] == ' ';
}

/* Takes a line off the text, without its end. */
static struct slice take_line(struct slice *text)
{
    const char *end = memchr(text->data, '\n', text->size);
    size_t size = end == NULL ? text->size : (size_t)(end - text->data);
    struct slice line = {text->data, size};
    text->data += size + (end != NULL);
    text->size -= size + (end != NULL);
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    return line;
}

/* Whether the headers are those of an upgrade that answers our key, and of nothing else. */
static bool agree(struct slice headers, const char *accept)
{
    bool upgrade = false, connection = false, accepted = false;
    while (headers.size > 0) {
        struct slice line = take_line(&headers);
        const char *colon = line.size == 0 ? NULL : memchr(line.data, ':', line.size);
        if (colon == NULL) continue;
        struct slice name = {line.data, (size_t)(colon - line.data)};
        struct slice value = trim((struct slice){colon + 1, line.size - name.size - 1});
        if (same_word(name, "upgrade")) upgrade = same_word(value, "websocket");
        if (same_word(name, "connection"))
            connection = connection || lists(value, "upgrade");
        if (same_word(name, "sec-websocket-accept")) accepted = slice_is(value, accept);
        if (same_word(name, "sec-websocket-extensions") ||
            same_word(name, "sec-websocket-protocol"))
            return false;
    }
    return upgrade && connection && accepted;
}

/* Where the head ends, or 0. */
static size_t head_size(const char *bytes, size_t size)
{
    for (size_t i = 0; i + 1 < size; i++) {
        if (bytes[i] != '\n') continue;
        if (bytes[i + 1] == '\n') return i + 2;
        if (i + 2 < size && bytes[i + 1] == '\r' && bytes[i + 2] == '\n') return i + 3;
    }
    return 0;
}

enum handshake_result handshake_read(const char *key, const char *bytes, size_t size,
                                     size_t *used, unsigned *status)
{
    char accept[ACCEPT + 1];
    size_t compared = size < 7 ? size : 7;
    if (memcmp(bytes, "HTTP/1.", compared) != 0) return HANDSHAKE_BAD;
    *used = head_size(bytes, size);
    if (*used == 0) return size < HANDSHAKE_ANSWER_MAX ? HANDSHAKE_MORE : HANDSHAKE_BAD;
    struct slice head = {bytes, *used};
    if (!read_status(take_line(&head), status)) return HANDSHAKE_BAD;
    if (*status != 101) return HANDSHAKE_REFUSED;
    accept_of(key, accept);
    return agree(head, accept) ? HANDSHAKE_OK : HANDSHAKE_BAD;
}
