/* Client addresses. Everything is IPv6 inside; IPv4 is mapped (RFC 4291, 2.5.5.2).

   A forwarded address is believed only as far as the chain of proxies that the operator
   named reaches: read from the right, the first address that is not such a proxy is the
   client. */
#include "address.h"

#include "whilst/slice.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>

static struct address mapped(const void *ipv4)
{
    struct address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}};
    memcpy(address.bytes + 12, ipv4, 4);
    return address;
}

static bool parse_plain(const char *text, struct address *address, bool *is_ipv4)
{
    struct in_addr ipv4;
    struct in6_addr ipv6;
    *is_ipv4 = inet_pton(AF_INET, text, &ipv4) == 1;
    if (*is_ipv4) {
        *address = mapped(&ipv4);
        return true;
    }
    if (inet_pton(AF_INET6, text, &ipv6) != 1) return false;
    memcpy(address->bytes, &ipv6, sizeof address->bytes);
    return true;
}

bool address_parse(const char *text, struct address *address)
{
    char plain[INET6_ADDRSTRLEN + 2];
    bool is_ipv4;
    const char *bracket = strchr(text, ']');
    const char *colon = strchr(text, ':');
    size_t size = strlen(text);
    if (text[0] == '[' && bracket != NULL) {
        size = (size_t)(bracket - text) - 1;
        text++;
    } else if (colon != NULL && strchr(colon + 1, ':') == NULL) {
        size = (size_t)(colon - text);
    }
    if (size >= sizeof plain) return false;
    memcpy(plain, text, size);
    plain[size] = '\0';
    return parse_plain(plain, address, &is_ipv4);
}

struct address_text address_print(const struct address *address)
{
    struct address_text printed;
    static const uint8_t prefix[12] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff};
    bool is_ipv4 = memcmp(address->bytes, prefix, sizeof prefix) == 0;
    inet_ntop(is_ipv4 ? AF_INET : AF_INET6, address->bytes + (is_ipv4 ? 12 : 0),
              printed.text, sizeof printed.text);
    return printed;
}

bool address_parse_range(const char *text, struct address_range *range)
{
    char plain[INET6_ADDRSTRLEN + 1], *end = NULL;
    const char *slash = strchr(text, '/');
    size_t size = slash == NULL ? strlen(text) : (size_t)(slash - text);
    bool is_ipv4;
    if (size >= sizeof plain) return false;
    memcpy(plain, text, size);
    plain[size] = '\0';
    if (!parse_plain(plain, &range->address, &is_ipv4)) return false;
    unsigned long width = is_ipv4 ? 32 : 128;
    unsigned long bits = slash == NULL ? width : strtoul(slash + 1, &end, 10);
    if (slash != NULL && (end == slash + 1 || *end != '\0' || bits > width)) return false;
    range->bits = (unsigned)(bits + 128 - width);
    return true;
}

static bool in_range(const struct address *address, const struct address_range *range)
{
    unsigned whole = range->bits / 8, rest = range->bits % 8;
    if (memcmp(address->bytes, range->address.bytes, whole) != 0) return false;
    if (rest == 0) return true;
    return (address->bytes[whole] ^ range->address.bytes[whole]) >> (8 - rest) == 0;
}

bool address_in(const struct address *address, const struct address_range *ranges,
                size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (in_range(address, &ranges[i])) return true;
    return false;
}

struct address address_of_socket(int socket)
{
    struct sockaddr_storage storage;
    socklen_t size = sizeof storage;
    struct address address = {{0}};
    if (getpeername(socket, (struct sockaddr *)&storage, &size) != 0) return address;
    if (storage.ss_family == AF_INET)
        return mapped(&((struct sockaddr_in *)(void *)&storage)->sin_addr);
    if (storage.ss_family == AF_INET6)
        memcpy(address.bytes, &((struct sockaddr_in6 *)(void *)&storage)->sin6_addr,
               sizeof address.bytes);
    return address;
}

/* Cuts the last element from a list that commas divide, but for commas within quotes. */
static struct slice take_last(struct slice *list)
{
    size_t begin = list->size;
    bool quoted = false;
    while (begin > 0 && (quoted || list->data[begin - 1] != ','))
        if (list->data[--begin] == '"') quoted = !quoted;
    struct slice last = {list->data + begin, list->size - begin};
    list->size = begin > 0 ? begin - 1 : 0;
    return last;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && (*text.data == ' ' || *text.data == '\t'))
        text = (struct slice){text.data + 1, text.size - 1};
    while (text.size > 0 &&
           (text.data[text.size - 1] == ' ' || text.data[text.size - 1] == '\t'))
        text.size--;
    return text;
}

/* What an element of `Forwarded` says after `for=` (RFC 7239, section 4), without its
   quotes; empty if it says nothing. */
static struct slice for_of(struct slice element)
{
    while (element.size > 0) {
        const char *semicolon = memchr(element.data, ';', element.size);
        size_t size = semicolon == NULL ? element.size : (size_t)(semicolon - element.data);
        struct slice pair = trim((struct slice){element.data, size});
        if (pair.size > 4 && strncasecmp(pair.data, "for=", 4) == 0) {
            struct slice value = {pair.data + 4, pair.size - 4};
            bool quoted = value.size >= 2 && value.data[0] == '"' &&
                          value.data[value.size - 1] == '"';
            return quoted ? (struct slice){value.data + 1, value.size - 2} : value;
        }
        size += semicolon == NULL ? 0 : 1;
        element = (struct slice){element.data + size, element.size - size};
    }
    return element;
}

static bool parse_slice(struct slice text, struct address *address)
{
    char plain[64];
    if (text.size >= sizeof plain) return false;
    memcpy(plain, text.data, text.size);
    plain[text.size] = '\0';
    return address_parse(plain, address);
}

struct address address_of_client(const struct address *peer, const char *forwarded,
                                 const struct proxies *proxies)
{
    static const struct address nowhere = {{0}};
    struct address client = *peer, next;
    struct slice list = slice_of(forwarded == NULL ? "" : forwarded);
    bool believed = memcmp(peer, &nowhere, sizeof nowhere) == 0 ||
                    address_in(peer, proxies->ranges, proxies->count);
    while (believed && list.size > 0) {
        struct slice element = trim(take_last(&list));
        if (proxies->header == PROXY_FORWARDED) element = for_of(element);
        if (!parse_slice(element, &next)) break;
        client = next;
        believed = address_in(&client, proxies->ranges, proxies->count);
    }
    return client;
}

bool address_is_origin(const char *origin)
{
    bool https = strncmp(origin, "https://", 8) == 0;
    if (!https && strncmp(origin, "http://", 7) != 0) return false;
    const char *at = origin + (https ? 8 : 7);
    if (!isalnum((unsigned char)*at)) return false;
    while (isalnum((unsigned char)*at) || *at == '-' || *at == '.')
        at++;
    if (*at == ':') {
        const char *port = ++at;
        while (isdigit((unsigned char)*at))
            at++;
        if (at == port || at - port > 5) return false;
    }
    return *at == '\0';
}
