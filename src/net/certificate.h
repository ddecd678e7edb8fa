/* A server's certificate and its key, as files. */
#ifndef WHILST_NET_CERTIFICATE_H
#define WHILST_NET_CERTIFICATE_H

#include <openssl/ssl.h>
#include <stdbool.h>

/* What is wrong, and what to do about it. */
struct certificate_fault {
    const char *option, *file; /* where it is; the file is borrowed */
    char what[256];
};

/* Reads a certificate with its chain, and its key, from PEM files (RFC 7468) into a context
   that has none yet. NULL: the key is in the same file. False after a fault: a file that
   cannot be read, a key that is encrypted or does not fit, a certificate that is not valid
   now. */
bool certificate_read(SSL_CTX *context, const char *certificate_file, const char *key_file,
                      struct certificate_fault *fault);

/* Whether a server could take these. */
bool certificate_check(const char *certificate_file, const char *key_file,
                       struct certificate_fault *fault);

/* Until when the certificate of a context is valid: seconds since 1970. */
long long certificate_end(SSL_CTX *context);

#endif
