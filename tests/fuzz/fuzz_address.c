/* Addresses, ranges, forwarded headers, hosts and origins, as strangers write them. */
#include "must.h"
#include "net/address.h"
#include "net/policy.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <string.h>
#include <strings.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const proxies_text[] = {"127.0.0.1", "10.0.0.0/8", "fd00::/8"};
enum { PROXIES = 3 };

static bool same(const struct address *a, const struct address *b)
{
    return memcmp(a, b, sizeof *a) == 0;
}

/* What was understood, written as the system writes it, is understood as the same. */
static void check_address(const char *text)
{
    struct address address, again;
    char plain[INET6_ADDRSTRLEN], bracketed[INET6_ADDRSTRLEN + 16];
    if (!address_parse(text, &address)) return;
    MUST(inet_ntop(AF_INET6, address.bytes, plain, sizeof plain) != NULL);
    MUST(address_parse(plain, &again) && same(&address, &again));
    snprintf(bracketed, sizeof bracketed, "[%s]:4711", plain);
    MUST(address_parse(bracketed, &again) && same(&address, &again));
}

static void check_range(const char *text)
{
    struct address_range range;
    if (!address_parse_range(text, &range)) return;
    MUST(range.bits <= 128);
    MUST(address_in(&range.address, &range, 1));
    for (unsigned bit = 0; bit < 128; bit++) {
        struct address other = range.address;
        other.bytes[bit / 8] ^= (uint8_t)(0x80 >> bit % 8);
        MUST(address_in(&other, &range, 1) == (bit >= range.bits));
    }
}

/* A stranger's header changes nothing; a proxy's names the client or is left alone. */
static void check_forwarded(const char *text, enum proxy_header header)
{
    struct address_range ranges[PROXIES];
    const struct proxies believed = {ranges, PROXIES, header}, nobody = {NULL, 0, header};
    struct address stranger, proxy, client;
    for (int i = 0; i < PROXIES; i++)
        MUST(address_parse_range(proxies_text[i], &ranges[i]));
    MUST(address_parse("192.0.2.1", &stranger) && address_parse("10.1.2.3", &proxy));
    client = address_of_client(&stranger, text, &believed);
    MUST(same(&client, &stranger));
    client = address_of_client(&proxy, text, &nobody);
    MUST(same(&client, &proxy));
    client = address_of_client(&proxy, NULL, &believed);
    MUST(same(&client, &proxy));
    address_of_client(&proxy, text, &believed);
}

/* A site of our own or one that is listed; nobody whose name only begins or ends so. */
static void check_origin(const char *origin, const char *host)
{
    char own[600];
    const struct server_config alone = {.origins = NULL},
                               listed = {.origins = &origin, .origins_count = 1};
    MUST(policy_may_connect(&listed, origin, host));
    if (policy_may_connect(&alone, origin, host)) {
        const char *name = strstr(origin, "://") + 3;
        size_t most = strlen(host), length = strlen(name);
        if (length < most) most = length;
        MUST(most > 0 && strncasecmp(name, host, most) == 0);
    }
    if (host[0] == '\0' || strlen(host) > 500) return;
    snprintf(own, sizeof own, "http://%s", host);
    MUST(policy_may_connect(&alone, own, host));
    snprintf(own, sizeof own, "https://%s", host);
    MUST(policy_may_connect(&alone, own, host));
    snprintf(own, sizeof own, "https://%s.example", host);
    MUST(!policy_may_connect(&alone, own, host));
    snprintf(own, sizeof own, "https://x%s", host);
    MUST(!policy_may_connect(&alone, own, host));
    if (!address_is_origin(origin)) return;
    for (const char *c = origin; *c != '\0'; c++)
        MUST(isalnum((unsigned char)*c) || strchr("-._:/[]", *c) != NULL);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1);
    memcpy(text, data, size);
    text[size] = '\0';
    char *second = strchr(text, '\n');
    check_address(text);
    check_range(text);
    check_forwarded(text, PROXY_X_FORWARDED_FOR);
    check_forwarded(text, PROXY_FORWARDED);
    if (second != NULL) *second++ = '\0';
    check_origin(text, second == NULL ? "" : second);
    free(text);
    return 0;
}
