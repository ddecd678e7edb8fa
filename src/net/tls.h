/* TLS of an outgoing connection, between two buffers: whoever owns the socket carries the
   bytes. Certificates are always checked (RFC 9525). */
#ifndef WHILST_NET_TLS_H
#define WHILST_NET_TLS_H

#include <stdbool.h>
#include <stddef.h>

/* What connections share: the authorities that are trusted. */
struct tls_context;
struct tls;

enum tls_result {
    TLS_DONE,
    TLS_MORE,   /* bytes from the other side must come first */
    TLS_CLOSED, /* the other side said that it sends no more */
    TLS_FAILED,
};

/* Trusts the system's authorities, or only those of a PEM file. NULL if the file cannot be
   used. */
struct tls_context *tls_context_new(const char *ca_file);
void tls_context_free(struct tls_context *context); /* NULL is allowed */

/* A connection to a host, by name or by address; NULL if there is no memory. */
struct tls *tls_new(struct tls_context *context, const char *host);
void tls_free(struct tls *tls); /* NULL is allowed */

/* Bytes that came over the socket. */
bool tls_feed(struct tls *tls, const void *bytes, size_t size);
/* Bytes that are to go over it: at most `size` are taken; returns how many. */
size_t tls_drain(struct tls *tls, void *out, size_t size);

/* Goes on with the handshake. */
enum tls_result tls_shake(struct tls *tls);
/* Plain bytes that came; *got says how many when it is TLS_DONE. */
enum tls_result tls_read(struct tls *tls, void *out, size_t size, size_t *got);
/* Plain bytes to send; false when the connection is broken. */
bool tls_write(struct tls *tls, const void *bytes, size_t size);
void tls_end(struct tls *tls);

/* Why it failed, in words. */
const char *tls_fault(const struct tls *tls);

#endif
