/* What the options of `whilst serve` must be to each other. */
#include "options.h"

#include <string.h>

#define EMBEDDERS_BYTES_MAX 1000

/* The first must not be above the second, or must be below. */
static const struct order {
    const char *low, *high;
    bool strict;
} orders[] = {
    {"max-outbox-soft", "max-outbox", false},
    {"max-page", "max-in-flight", false},
    {"max-page", "max-queued", false},
    {"first-holders-asked", "max-holders-asked", false},
    {"answer-timeout", "answer-total-timeout", false},
    {"count-interval", "count-interval-max", false},
    {"ping", "hang-up", true},
};

static uint64_t number_of(const struct options *options, size_t index)
{
    const struct option_row *row = option_row_at(&options_table, index);
    const void *field = (const char *)options + row->field;
    return option_kind_of(row) == OPTION_SIZE ? *(const size_t *)field
                                              : *(const uint32_t *)field;
}

static void check_order(struct options *options, const struct order *order)
{
    size_t low = option_index_of(&options_table, order->low);
    size_t high = option_index_of(&options_table, order->high);
    uint64_t a = number_of(options, low), b = number_of(options, high);
    const struct option_given *given = options->reading.given;
    char where[OPTION_WHERE_MAX];
    if (order->strict ? a < b : a <= b) return;
    option_where(&options->reading, given[low].source >= given[high].source ? low : high,
                 where);
    option_tell(&options->reading, where, "%s (%llu) must %s %s (%llu): change one of them",
                order->low, (unsigned long long)a,
                order->strict ? "be below" : "not be above", order->high,
                (unsigned long long)b);
}

/* They stand in a header together, which has room for so much. */
static void check_embedders(struct options *options)
{
    size_t length = 0;
    char where[OPTION_WHERE_MAX];
    for (size_t i = 0; i < options->embedders.count; i++)
        length += strlen(options->embedders.texts[i]) + 1;
    if (length <= EMBEDDERS_BYTES_MAX) return;
    option_where(&options->reading, option_index_of(&options_table, "embed-origin"), where);
    option_tell(&options->reading, where,
                "embed-origin: all of them together are too long, more than %d bytes",
                EMBEDDERS_BYTES_MAX);
}

/* A mistake that stands where this option was set. */
static void tell_of(struct options *options, const char *flag, const char *what)
{
    char where[OPTION_WHERE_MAX];
    option_where(&options->reading, option_index_of(&options_table, flag), where);
    option_tell(&options->reading, where, "%s: %s", flag, what);
}

/* An address without what is spoken there. */
static const char *place_of(const char *address)
{
    return options_is_tls(address) ? strchr(address, ':') + 1 : address;
}

/* Port 0 is another each time, and of sockets that were passed several may have one
   name. */
static bool is_one_place(const char *one, const char *other)
{
    const char *port = strrchr(place_of(one), ':');
    return strcmp(place_of(one), place_of(other)) == 0 && strcmp(port, ":0") != 0 &&
           strncmp(place_of(one), "fd:", 3) != 0;
}

/* Names are looked up when they are opened: these are seen then. */
static bool is_exposed(const char *address)
{
    struct address_range local[2];
    struct address host;
    char text[64] = "";
    const char *place = place_of(address), *port = strrchr(place, ':');
    if ((size_t)(port - place) >= sizeof text) return false;
    memcpy(text, place, (size_t)(port - place));
    address_parse_range("127.0.0.0/8", &local[0]);
    address_parse_range("::1", &local[1]);
    return address_parse(text, &host) && !address_in(&host, local, 2);
}

static void check_addresses(struct options *options)
{
    const struct option_list *listen = &options->listen;
    const char *admin = options->server.admin;
    bool has_token = options->server.admin_token_file != NULL;
    bool same = false, shared = false;
    for (size_t i = 0; i < listen->count; i++) {
        for (size_t j = 0; j < i; j++)
            same |= is_one_place(listen->texts[i], listen->texts[j]);
        shared |= admin != NULL && is_one_place(admin, listen->texts[i]);
    }
    if (same) tell_of(options, "listen", "two are the same: leave one out");
    if (shared)
        tell_of(options, "admin", "visitors come there: choose another, or another listen");
    if (admin == NULL && has_token)
        tell_of(options, "admin-token-file",
                "there is no operator's address: add admin ADDRESS");
    if (admin != NULL && !has_token && is_exposed(admin))
        tell_of(options, "admin",
                "others could act as the operator there: add admin-token-file FILE, or "
                "choose a loopback address");
}

static void check_tls(struct options *options)
{
    const struct server_config *server = &options->server;
    const char *given = server->tls_certificate != NULL ? "tls-certificate"
                        : server->tls_key != NULL       ? "tls-key"
                        : server->hsts_seconds != 0     ? "hsts"
                                                        : NULL;
    const char *spoken =
        server->admin != NULL && options_is_tls(server->admin) ? "admin" : NULL;
    for (size_t i = 0; i < options->listen.count; i++)
        if (options_is_tls(options->listen.texts[i])) spoken = "listen";
    if (spoken != NULL && server->tls_certificate == NULL)
        tell_of(options, spoken, "TLS needs a certificate: add tls-certificate FILE");
    if (spoken == NULL && given != NULL)
        tell_of(options, given, "no address speaks TLS: add listen tls:HOST:PORT");
}

static void check_bus(struct options *options)
{
    const struct nats_client_config *bus = &options->server.bus;
    const char *given = bus->node != NULL                     ? "node"
                        : options->server.bus_required        ? "bus-required"
                        : bus->login.credentials_file != NULL ? "bus-credentials"
                        : bus->login.user != NULL             ? "bus-user"
                        : bus->login.password_file != NULL    ? "bus-password-file"
                        : bus->login.token_file != NULL       ? "bus-token-file"
                        : bus->ca_file != NULL                ? "bus-ca"
                                                              : NULL;
    if (bus->servers == NULL && given != NULL)
        tell_of(options, given, "there is no bus: add bus nats://HOST:PORT");
}

static bool is_named_twice(const struct option_list *names)
{
    for (size_t i = 0; i < names->count; i++)
        for (size_t j = 0; j < i; j++)
            if (strcmp(names->texts[i], names->texts[j]) == 0) return true;
    return false;
}

static void check_partners(struct options *options)
{
    bool any = options->partners.count > 0;
    if (any && options->server.bus.servers == NULL)
        tell_of(options, "partner",
                "partners are reached by the bus: add bus nats://HOST:PORT");
    if (any && options->federate == FEDERATE_NO)
        tell_of(options, "partner", "nothing crosses: add federate have, want or both");
    if (!any && options->federate != FEDERATE_NO)
        tell_of(options, "federate", "with whom: add partner NAME");
    if (options->partners.count > PARTNERS_MAX)
        tell_of(options, "partner", "there can be 8 of them at most");
    if (is_named_twice(&options->partners))
        tell_of(options, "partner", "two have the same name");
}

void options_agree(struct options *options)
{
    for (size_t i = 0; i < sizeof orders / sizeof orders[0]; i++)
        check_order(options, &orders[i]);
    check_embedders(options);
    check_addresses(options);
    check_tls(options);
    check_bus(options);
    check_partners(options);
}
