/* Where a server is, as its user writes it. */
#ifndef WHILST_NET_TARGET_H
#define WHILST_NET_TARGET_H

#include "whilst/hash.h"

#include <stdbool.h>
#include <stddef.h>

#define TARGET_HOST_MAX 253
#define TARGET_BASE_MAX 200
#define TARGET_URL_MAX (TARGET_HOST_MAX + TARGET_BASE_MAX + HASH_HEX + 32)

/* A server, and the page if the address names one. */
struct target {
    bool is_unix, secure;
    char
        host[TARGET_HOST_MAX + 1]; /* for look-up, without brackets; or the socket's path */
    char authority[TARGET_HOST_MAX + 9]; /* for the Host header */
    char port[6];
    char base[TARGET_BASE_MAX + 1]; /* "" or "/path", without a slash at its end */
    bool has_page;
    struct page_hash page;
};

/* Reads http, https, ws or wss://HOST[:PORT][/BASE][/HASH], or unix:PATH[:/BASE][/HASH];
   query and fragment do not matter. False, with *wrong saying why, if it is none of
   these. */
bool target_parse(const char *text, struct target *target, const char **wrong);

/* Reads HOST, HOST:PORT or [IPV6]:PORT; `target` has a port already, if none is named. */
bool target_read_authority(const char *text, size_t size, struct target *target);

/* The address of a page there, or of the server if `hash` is NULL, as target_parse reads
   it. */
void target_print(const struct target *target, const struct page_hash *hash,
                  char out[TARGET_URL_MAX]);

#endif
