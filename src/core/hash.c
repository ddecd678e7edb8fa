/* Page hashes: SHA-256 by OpenSSL, and their hexadecimal form at the borders.

   Inside the program a hash is always the 32-byte struct; text exists only where a topic, a
   URL or a log line is read or written. */
#include "whilst/hash.h"

#include "hex.h"

#include <assert.h>
#include <openssl/evp.h>
#include <stdatomic.h>
#include <string.h>

static uint64_t is_upper(char digit)
{
    return digit >= 'A' && digit <= 'F';
}

bool hash_from_hex(const char *hex, size_t size, struct page_hash *hash, uint64_t *upper)
{
    uint64_t mask = 0;
    if (size != HASH_HEX) return false;
    for (size_t i = 0; i < HASH_HEX; i += 2) {
        int high = hex_value(hex[i]), low = hex_value(hex[i + 1]);
        if (high < 0 || low < 0) return false;
        hash->bytes[i / 2] = (uint8_t)(high << 4 | low);
        mask |= (is_upper(hex[i]) | is_upper(hex[i + 1]) << 1) << i;
    }
    if (upper != NULL) *upper = mask;
    return true;
}

void hash_to_hex(const struct page_hash *hash, uint64_t upper, char hex[HASH_HEX + 1])
{
    static const char digits[] = "0123456789abcdef";
    for (size_t i = 0; i < HASH_BYTES; i++) {
        hex[2 * i] = digits[hash->bytes[i] >> 4];
        hex[2 * i + 1] = digits[hash->bytes[i] & 15];
    }
    for (size_t i = 0; upper != 0; i++, upper >>= 1)
        if ((upper & 1) && hex[i] >= 'a') hex[i] = (char)(hex[i] - 'a' + 'A');
    hex[HASH_HEX] = '\0';
}

/* Reads characters of `width` bits each; the bits left over at the end must be zero, so that
   a hash has one name. */
static bool read_bits(const char *text, size_t size, unsigned width,
                      int (*value)(char character), struct page_hash *hash)
{
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < size; i++) {
        int digit = value(text[i]);
        if (digit < 0) return false;
        bits = bits << width | (uint32_t)digit;
        held += width;
        if (held < 8 || written == HASH_BYTES) continue;
        held -= 8;
        hash->bytes[written++] = (uint8_t)(bits >> held);
        bits &= (1u << held) - 1;
    }
    return written == HASH_BYTES && bits == 0;
}

static int base64url_value(char character)
{
    if (character >= 'A' && character <= 'Z') return character - 'A';
    if (character >= 'a' && character <= 'z') return character - 'a' + 26;
    if (character >= '0' && character <= '9') return character - '0' + 52;
    return character == '-' ? 62 : character == '_' ? 63 : -1;
}

static int base32_value(char character)
{
    if (character >= 'A' && character <= 'Z') return character - 'A';
    if (character >= 'a' && character <= 'z') return character - 'a';
    return character >= '2' && character <= '7' ? character - '2' + 26 : -1;
}

bool hash_from_base64url(const char *text, size_t size, struct page_hash *hash)
{
    return size == HASH_BASE64URL && read_bits(text, size, 6, base64url_value, hash);
}

bool hash_from_base32(const char *text, size_t size, struct page_hash *hash)
{
    return size == HASH_BASE32 && read_bits(text, size, 5, base32_value, hash);
}

void hash_to_base64url(const struct page_hash *hash, char text[HASH_BASE64URL + 1])
{
    static const char digits[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    uint32_t bits = 0;
    unsigned held = 0;
    size_t written = 0;
    for (size_t i = 0; i < HASH_BYTES; i++) {
        bits = bits << 8 | hash->bytes[i];
        for (held += 8; held >= 6; held -= 6)
            text[written++] = digits[bits >> (held - 6) & 63];
    }
    text[written++] = digits[bits << (6 - held) & 63];
    text[written] = '\0';
}

bool hash_equal(const struct page_hash *a, const struct page_hash *b)
{
    return memcmp(a->bytes, b->bytes, HASH_BYTES) == 0;
}

/* The stream is OpenSSL's context under our name, so that no header of ours needs
   theirs. */
static EVP_MD_CTX *context_of(struct hash_stream *stream)
{
    return (EVP_MD_CTX *)(void *)stream;
}

/* Looked up once: a search takes memory each time. */
static const EVP_MD *sha256(void)
{
    static _Atomic(const EVP_MD *) kept;
    const EVP_MD *algorithm = kept;
    if (algorithm == NULL) kept = algorithm = EVP_MD_fetch(NULL, "SHA256", NULL);
    return algorithm;
}

struct hash_stream *hash_stream_new(void)
{
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    if (context != NULL && EVP_DigestInit_ex(context, sha256(), NULL) != 1) {
        EVP_MD_CTX_free(context);
        context = NULL;
    }
    return (struct hash_stream *)(void *)context;
}

void hash_stream_update(struct hash_stream *stream, const void *bytes, size_t size)
{
    int done = EVP_DigestUpdate(context_of(stream), bytes, size);
    assert(done == 1);
}

struct page_hash hash_stream_finish(struct hash_stream *stream)
{
    struct page_hash hash;
    int done = EVP_DigestFinal_ex(context_of(stream), hash.bytes, NULL);
    assert(done == 1);
    return hash;
}

void hash_stream_free(struct hash_stream *stream)
{
    EVP_MD_CTX_free(context_of(stream));
}

/* The stream is kept between calls; whilst one thread has it, others make their own. */
struct page_hash hash_of(const void *bytes, size_t size)
{
    static _Atomic(struct hash_stream *) kept;
    struct hash_stream *stream = atomic_exchange(&kept, NULL);
    if (stream == NULL) stream = hash_stream_new();
    int done = stream == NULL ? 0 : EVP_DigestInit_ex(context_of(stream), sha256(), NULL);
    assert(done == 1);
    hash_stream_update(stream, bytes, size);
    struct page_hash hash = hash_stream_finish(stream);
    hash_stream_free(atomic_exchange(&kept, stream));
    return hash;
}
