/* The name of a page: the SHA-256 of its bytes (FIPS 180-4). */
#ifndef WHILST_HASH_H
#define WHILST_HASH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define HASH_BYTES 32
#define HASH_HEX 64 /* digits, without a terminator */
#define HASH_BASE64URL 43
#define HASH_BASE32 52

struct page_hash {
    uint8_t bytes[HASH_BYTES];
};

/* A SHA-256 that is fed while the bytes arrive. */
struct hash_stream;

/* Takes memory at its first call only, which must be at the start of a program that is to
   survive without. */
struct page_hash hash_of(const void *bytes, size_t size);

/* Reads exactly 64 hexadecimal digits of either case; false if they are anything else.
   `upper`, if not NULL, gets bit i set where digit i is an upper-case letter, so that
   hash_to_hex can give back the very same digits. */
bool hash_from_hex(const char *hex, size_t size, struct page_hash *hash, uint64_t *upper);

/* Writes 64 digits and a terminator. `upper` as hash_from_hex gave it; 0 for lower case. */
void hash_to_hex(const struct page_hash *hash, uint64_t upper, char hex[HASH_HEX + 1]);

/* Reads exactly 43 characters of base64url without padding (RFC 4648, section 5), which is
   how an `ni:` name is written (RFC 6920); false if they are anything else. */
bool hash_from_base64url(const char *text, size_t size, struct page_hash *hash);
void hash_to_base64url(const struct page_hash *hash, char text[HASH_BASE64URL + 1]);

/* Reads exactly 52 characters of base32 without padding (RFC 4648, section 6), of either
   case; false if they are anything else. */
bool hash_from_base32(const char *text, size_t size, struct page_hash *hash);

bool hash_equal(const struct page_hash *a, const struct page_hash *b);

/* NULL when there is no memory. The caller frees it. */
struct hash_stream *hash_stream_new(void);
void hash_stream_update(struct hash_stream *stream, const void *bytes, size_t size);
/* May be called once; nothing may be added afterwards. */
struct page_hash hash_stream_finish(struct hash_stream *stream);
void hash_stream_free(struct hash_stream *stream);

#endif
