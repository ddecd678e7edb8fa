/* A client's opening handshake (RFC 6455, section 4.1): the request, and what the answer
   must be. */
#ifndef WHILST_HANDSHAKE_H
#define WHILST_HANDSHAKE_H

#include <stddef.h>
#include <stdint.h>

#define HANDSHAKE_KEY 24          /* characters of a key, without the terminator */
#define HANDSHAKE_ANSWER_MAX 8192 /* bytes of an answer's head */

/* A key from 16 random bytes. */
void handshake_key(const uint8_t random[16], char key[HANDSHAKE_KEY + 1]);

/* Writes the request as snprintf does. `host` with its port, unless that is the scheme's
   own; `path` with its query. Both must be free of control characters. */
size_t handshake_print(const char *key, const char *host, const char *path, char *out,
                       size_t size);

enum handshake_result {
    HANDSHAKE_OK,
    HANDSHAKE_MORE,    /* the head is not complete */
    HANDSHAKE_REFUSED, /* HTTP, with another status than 101 */
    HANDSHAKE_BAD,     /* no HTTP, too long, or an answer to somebody else's request */
};

/* Judges what has come of the answer; *used is the size of its head, if it is OK, and
   *status the HTTP status, if it is OK or REFUSED. */
enum handshake_result handshake_read(const char *key, const char *bytes, size_t size,
                                     size_t *used, unsigned *status);

#endif
