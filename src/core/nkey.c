/* NATS keys: their text form, and signing by OpenSSL.

   A seed's text is base32 (RFC 4648, section 6, no padding) of two bytes that say "seed" and
   whose, the 32 bytes, and a CRC-16 (XMODEM), low byte first. A public key has one byte in
   front. */
#include "whilst/nkey.h"

#include <openssl/evp.h>

#define KIND_SEED (18 << 3) /* 'S' */
#define KIND_USER (20 << 3) /* 'U' */
#define SEED_BYTES 36
#define PUBLIC_BYTES 35

/* ---- text ---- */

static uint16_t crc16(const uint8_t *bytes, size_t size)
{
    uint16_t crc = 0;
    for (size_t i = 0; i < size; i++) {
        crc ^= (uint16_t)(bytes[i] << 8);
        for (int bit = 0; bit < 8; bit++)
            crc = (uint16_t)(crc & 0x8000 ? crc << 1 ^ 0x1021 : crc << 1);
    }
    return crc;
}

static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

static void write_base32(const uint8_t *bytes, size_t size, char *text)
{
    uint32_t bits = 0;
    unsigned held = 0;
    for (size_t i = 0; i < size; i++) {
        bits = bits << 8 | bytes[i];
        for (held += 8; held >= 5; held -= 5)
            *text++ = digits[bits >> (held - 5) & 31];
    }
    if (held > 0) *text++ = digits[bits << (5 - held) & 31];
    *text = '\0';
}

/* Exactly as many characters as `size` bytes take, with nothing in the bits left over. */
static bool read_base32(struct slice text, uint8_t *bytes, size_t size)
{
    uint32_t bits = 0;
    unsigned held = 0;
    if (text.size != (8 * size + 4) / 5) return false;
    for (size_t i = 0; i < text.size; i++) {
        const char *digit = memchr(digits, text.data[i], sizeof digits - 1);
        if (digit == NULL) return false;
        bits = bits << 5 | (uint32_t)(digit - digits);
        held += 5;
        if (held < 8) continue;
        held -= 8;
        *bytes++ = (uint8_t)(bits >> held);
    }
    return (bits & ((1u << held) - 1)) == 0;
}

/* ---- keys ---- */

static EVP_PKEY *open_key(const struct nkey *key)
{
    return EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, key->seed,
                                        sizeof key->seed);
}

static bool find_public(struct nkey *key)
{
    uint8_t bytes[PUBLIC_BYTES] = {KIND_USER};
    size_t size = 32;
    EVP_PKEY *opened = open_key(key);
    bool found =
        opened != NULL && EVP_PKEY_get_raw_public_key(opened, bytes + 1, &size) == 1;
    EVP_PKEY_free(opened);
    uint16_t crc = crc16(bytes, PUBLIC_BYTES - 2);
    bytes[PUBLIC_BYTES - 2] = (uint8_t)crc;
    bytes[PUBLIC_BYTES - 1] = (uint8_t)(crc >> 8);
    write_base32(bytes, sizeof bytes, key->public_key);
    return found;
}

bool nkey_read_seed(struct slice text, struct nkey *key)
{
    uint8_t bytes[SEED_BYTES];
    if (!read_base32(text, bytes, sizeof bytes)) return false;
    uint16_t crc = (uint16_t)(bytes[SEED_BYTES - 1] << 8 | bytes[SEED_BYTES - 2]);
    uint8_t kind = bytes[0] & 0xf8;
    uint8_t whose = (uint8_t)((bytes[0] & 7) << 5 | bytes[1] >> 3);
    if (kind != KIND_SEED || whose != KIND_USER) return false;
    if (crc != crc16(bytes, SEED_BYTES - 2)) return false;
    memcpy(key->seed, bytes + 2, sizeof key->seed);
    return find_public(key);
}

bool nkey_sign(const struct nkey *key, struct slice nonce,
               char signature[NKEY_SIGNATURE + 1])
{
    unsigned char bytes[64], text[89];
    size_t size = sizeof bytes;
    EVP_PKEY *opened = open_key(key);
    EVP_MD_CTX *context = EVP_MD_CTX_new();
    bool is_signed = opened != NULL && context != NULL &&
                     EVP_DigestSignInit(context, NULL, NULL, NULL, opened) == 1 &&
                     EVP_DigestSign(context, bytes, &size,
                                    (const unsigned char *)nonce.data, nonce.size) == 1;
    EVP_MD_CTX_free(context);
    EVP_PKEY_free(opened);
    if (!is_signed) return false;
    EVP_EncodeBlock(text, bytes, sizeof bytes);
    for (size_t i = 0; i < NKEY_SIGNATURE; i++)
        signature[i] = text[i] == '+' ? '-' : text[i] == '/' ? '_' : (char)text[i];
    signature[NKEY_SIGNATURE] = '\0';
    return true;
}

/* ---- files ---- */

static bool is_blank(char c)
{
    return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

/* The next line of the text that says something, without what stands around it. */
static bool next_line(struct slice *text, struct slice *line)
{
    while (text->size > 0 && is_blank(text->data[0]))
        text->data++, text->size--;
    *line = (struct slice){text->data, 0};
    while (line->size < text->size && text->data[line->size] != '\n')
        line->size++;
    text->data += line->size;
    text->size -= line->size;
    while (line->size > 0 && is_blank(line->data[line->size - 1]))
        line->size--;
    return line->size > 0;
}

/* Three parts of base64url: it goes into JSON as it is. */
static bool is_jwt(struct slice text)
{
    size_t dots = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                      (c >= '0' && c <= '9') || c == '-' || c == '_';
        if (!letter && c != '.') return false;
        dots += c == '.';
    }
    return dots == 2;
}

bool nkey_read_credentials(struct slice text, struct slice *jwt, struct nkey *key)
{
    struct slice line;
    bool has_seed = false;
    *jwt = (struct slice){"", 0};
    while (next_line(&text, &line)) {
        if (line.size >= 3 && memcmp(line.data, "---", 3) == 0) continue;
        if (line.data[0] == 'S' && !has_seed)
            has_seed = nkey_read_seed(line, key);
        else if (jwt->size == 0 && is_jwt(line))
            *jwt = line;
    }
    return has_seed;
}
