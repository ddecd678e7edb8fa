/* Keys of the NATS ecosystem: Ed25519 (RFC 8032) written as base32 with a kind and a CRC-16;
   and the file of credentials that holds a user's key and the JWT that vouches for it. */
#ifndef WHILST_NKEY_H
#define WHILST_NKEY_H

#include "whilst/slice.h"

#include <stdint.h>

#define NKEY_PUBLIC 56    /* characters of a public key, without the terminator */
#define NKEY_SEED 58      /* of a seed */
#define NKEY_SIGNATURE 86 /* of a signature in base64url without padding */

/* A user's key. */
struct nkey {
    uint8_t seed[32];
    char public_key[NKEY_PUBLIC + 1];
};

/* Reads a user's seed, "SU…"; false if it is anything else. */
bool nkey_read_seed(struct slice text, struct nkey *key);

/* Signs what a server sent to be signed; false only if there is no memory. */
bool nkey_sign(const struct nkey *key, struct slice nonce,
               char signature[NKEY_SIGNATURE + 1]);

/* Reads a file of credentials: a JWT and a seed, each between lines of dashes; or a seed
   alone, when *jwt is empty. The JWT is a part of `text`. */
bool nkey_read_credentials(struct slice text, struct slice *jwt, struct nkey *key);

#endif
