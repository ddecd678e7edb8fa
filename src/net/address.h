/* Addresses of clients: from sockets, from proxies' headers, and the list of proxies that
   are believed. */
#ifndef WHILST_NET_ADDRESS_H
#define WHILST_NET_ADDRESS_H

#include "whilst/hub.h"

#include <stdbool.h>
#include <stddef.h>

/* A range of addresses, such as 127.0.0.1/32 or fd00::/8. */
struct address_range {
    struct address address;
    unsigned bits; /* of the 128 that count */
};

/* False unless `text` is an IPv4 or IPv6 address; brackets and a port are allowed. */
bool address_parse(const char *text, struct address *address);
/* "ADDRESS" or "ADDRESS/BITS". */
bool address_parse_range(const char *text, struct address_range *range);
bool address_in(const struct address *address, const struct address_range *ranges,
                size_t count);

/* As inet_ntop writes it, IPv4 in dots. */
struct address_text {
    char text[48];
};
struct address_text address_print(const struct address *address);

/* Who is at the other end of a socket; all zero for a unix socket. */
struct address address_of_socket(int socket);

/* The header in which proxies say for whom they ask. */
enum proxy_header { PROXY_X_FORWARDED_FOR, PROXY_FORWARDED };

/* The proxies that are believed. The ranges are borrowed. */
struct proxies {
    const struct address_range *ranges;
    size_t count;
    enum proxy_header header;
};

/* Who sent a request that came from `peer` with this value of the proxies' header (or
   NULL): if the peer is believed, the rightmost address that is not itself such a proxy. A
   unix socket is believed. */
struct address address_of_client(const struct address *peer, const char *forwarded,
                                 const struct proxies *proxies);

/* Whether `origin` is http(s)://NAME or http(s)://NAME:PORT, and so fit for a header. */
bool address_is_origin(const char *origin);

#endif
