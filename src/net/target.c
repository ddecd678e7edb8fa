/* Addresses of servers and pages. Nothing is looked up here. */
#include "target.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct scheme {
    const char *prefix, *port;
    bool secure;
} schemes[] = {
    {"http://", "80", false},
    {"https://", "443", true},
    {"ws://", "80", false},
    {"wss://", "443", true},
};

static const struct scheme *find_scheme(const char *text)
{
    for (size_t i = 0; i < sizeof schemes / sizeof schemes[0]; i++)
        if (strncmp(text, schemes[i].prefix, strlen(schemes[i].prefix)) == 0)
            return &schemes[i];
    return NULL;
}

static const char *default_port(const struct target *target)
{
    return target->secure ? "443" : "80";
}

static bool is_port(const char *text, size_t size)
{
    char port[6] = {0};
    if (size == 0 || size > 5) return false;
    for (size_t i = 0; i < size; i++)
        if (!isdigit((unsigned char)text[i])) return false;
    memcpy(port, text, size);
    return strtoul(port, NULL, 10) >= 1 && strtoul(port, NULL, 10) <= 65535;
}

bool target_read_authority(const char *text, size_t size, struct target *target)
{
    const char *end = text + size, *host_end = end, *host = text;
    const char *colon = memchr(text, ':', size);
    if (size > 0 && text[0] == '[') {
        const char *bracket = memchr(text, ']', size);
        if (bracket == NULL) return false;
        host = text + 1;
        host_end = bracket;
        colon = bracket + 1 < end ? bracket + 1 : NULL;
        if (colon != NULL && *colon != ':') return false;
    } else if (colon != NULL) {
        host_end = colon;
    }
    if (colon != NULL) {
        if (!is_port(colon + 1, (size_t)(end - colon - 1))) return false;
        memcpy(target->port, colon + 1, (size_t)(end - colon - 1));
        target->port[end - colon - 1] = '\0';
    }
    size_t length = (size_t)(host_end - host);
    if (length == 0 || length > TARGET_HOST_MAX) return false;
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)host[i]) && strchr(".-_:%", host[i]) == NULL)
            return false;
    memcpy(target->host, host, length);
    target->host[length] = '\0';
    bool is_default = strcmp(target->port, default_port(target)) == 0,
         is_ipv6 = *text == '[';
    snprintf(target->authority, sizeof target->authority, "%s%s%s%s%s", is_ipv6 ? "[" : "",
             target->host, is_ipv6 ? "]" : "", is_default ? "" : ":",
             is_default ? "" : target->port);
    return true;
}

/* /BASE, /BASE/HASH, or either with a slash at its end. */
static bool read_path(const char *text, size_t size, struct target *target)
{
    while (size > 0 && text[size - 1] == '/')
        size--;
    if (size > HASH_HEX && text[size - HASH_HEX - 1] == '/' &&
        hash_from_hex(text + size - HASH_HEX, HASH_HEX, &target->page, NULL)) {
        target->has_page = true;
        size -= HASH_HEX;
        while (size > 0 && text[size - 1] == '/')
            size--;
    }
    if (size > TARGET_BASE_MAX || (size > 0 && text[0] != '/')) return false;
    for (size_t i = 0; i < size; i++)
        if (!isalnum((unsigned char)text[i]) && strchr("/-._~", text[i]) == NULL)
            return false;
    memcpy(target->base, text, size);
    target->base[size] = '\0';
    return true;
}

static bool read_unix(const char *text, size_t size, struct target *target)
{
    const char *colon = memchr(text, ':', size);
    size_t length = colon == NULL ? size : (size_t)(colon - text);
    target->is_unix = true;
    if (length == 0 || length > TARGET_HOST_MAX) return false;
    memcpy(target->host, text, length);
    target->host[length] = '\0';
    strcpy(target->authority, "localhost");
    return colon == NULL || read_path(colon + 1, size - length - 1, target);
}

bool target_parse(const char *text, struct target *target, const char **wrong)
{
    const struct scheme *scheme = find_scheme(text);
    size_t size = strcspn(text, "?#");
    *target = (struct target){0};
    *wrong = "an address: https://HOST[:PORT][/PATH] or unix:PATH";
    if (strncmp(text, "unix:", 5) == 0) return read_unix(text + 5, size - 5, target);
    if (scheme == NULL) return false;
    size_t skipped = strlen(scheme->prefix);
    const char *begin = text + skipped;
    size -= skipped < size ? skipped : size;
    const char *slash = memchr(begin, '/', size);
    size_t authority = slash == NULL ? size : (size_t)(slash - begin);
    target->secure = scheme->secure;
    strcpy(target->port, scheme->port);
    if (memchr(begin, '@', authority) != NULL) {
        *wrong = "an address without a user";
        return false;
    }
    return target_read_authority(begin, authority, target) &&
           read_path(begin + authority, size - authority, target);
}

void target_print(const struct target *target, const struct page_hash *hash,
                  char out[TARGET_URL_MAX])
{
    char hex[HASH_HEX + 1] = "";
    const char *prefix = target->is_unix  ? "unix:"
                         : target->secure ? "https://"
                                          : "http://";
    bool colon = target->is_unix && (hash != NULL || target->base[0] != '\0');
    if (hash != NULL) hash_to_hex(hash, 0, hex);
    snprintf(out, TARGET_URL_MAX, "%s%s%s%s/%s", prefix,
             target->is_unix ? target->host : target->authority, colon ? ":" : "",
             target->base, hex);
    if (target->is_unix && !colon) out[strlen(out) - 1] = '\0';
}
