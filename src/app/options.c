/* The options of `whilst serve`: its table, and what reads rows that are more than a number. */
#include "options.h"

#include "option_table.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum serve_kind {
    OPTION_BASE = OPTION_OWN,
    OPTION_LISTEN,
    OPTION_ORIGIN,
    OPTION_EMBED,
    OPTION_PROXY,
    OPTION_PROXY_HEADER,
    OPTION_NO_RATES,
    OPTION_LOG,
};

#define EMBEDDERS_BYTES_MAX 1000

#define HUB(name) offsetof(struct options, server.hub.name)
#define NET(name) offsetof(struct options, server.name)

/* clang-format off: one row a line */
static const struct option_row rows[] = {
    {"listen", "ADDRESS", "Where", "HOST:PORT (port 0: any) or unix:PATH; may be repeated",
     OPTION_LISTEN, 0, 0, 0},
    {"base-path", "PATH", "Where", "serve below this path, for example /pages", OPTION_BASE,
     NET(base_path), 0, 0},
    {"origin", "ORIGIN", "Who",
     "allow browsers on this site too, for example https://a.example; may be repeated",
     OPTION_ORIGIN, 0, 0, 0},
    {"embed-origin", "ORIGIN", "Who",
     "let this site show pages in a frame, for example https://a.example; may be repeated",
     OPTION_EMBED, 0, 0, 0},
    {"require-origin", NULL, "Who", "refuse WebSocket clients that send no Origin",
     OPTION_FLAG, NET(require_origin), 0, 0},
    {"trusted-proxy", "CIDR", "Who",
     "believe what proxies there say of who calls; may be repeated", OPTION_PROXY, 0, 0, 0},
    {"proxy-header", "NAME", "Who",
     "where they say it: x-forwarded-for, which is the default, or forwarded",
     OPTION_PROXY_HEADER, 0, 0, 0},
    {"deny-file", "FILE", "Who",
     "pages that are not relayed, a hash or the SHA-256 of a hash a line; read again when "
     "it changes and at SIGHUP",
     OPTION_TEXT, NET(deny_file), 0, 0},
    {"max-connections", "N", "Who",
     "sessions at the same time; 0: as descriptors allow, up to 20000", OPTION_COUNT,
     HUB(connections_max), 0, 1000000},
    {"max-per-address", "N", "Who",
     "of which from one address, an IPv6 /64 counting as one; 0: no limit", OPTION_COUNT,
     HUB(connections_per_address_max), 0, 1000000},
    {"max-away-per-address", "N", "Who",
     "dropped holders that one address may have waiting; 0: no limit", OPTION_COUNT,
     HUB(away_per_address_max), 0, 1000000},
    {"max-callers", "N", "Who", "connections that are no sessions: HTTP, and handshakes",
     OPTION_COUNT, NET(callers_max), 1, 1000000},
    {"memory-reserve", "BYTES", "Sizes", "memory set aside for when the system has none",
     OPTION_SIZE, NET(reserve_bytes), 64 << 10, (uint64_t)1 << 30},
    {"max-page", "BYTES", "Sizes", "the largest page that is relayed", OPTION_SIZE,
     HUB(page_bytes_max), 1, 8 << 20},
    {"max-message", "BYTES", "Sizes", "the largest message that is not a page", OPTION_SIZE,
     HUB(message_bytes_max), 1 << 10, 1 << 20},
    {"max-payload", "BYTES", "Sizes", "the largest JSON payload that is not a page",
     OPTION_SIZE, HUB(payload_bytes_max), 256, 64 << 10},
    {"max-fragments", "N", "Sizes", "fragments in one message", OPTION_COUNT,
     HUB(fragments_max), 1, 1000000},
    {"max-in-flight", "BYTES", "Sizes", "memory for pages being received", OPTION_SIZE,
     HUB(in_flight_bytes_max), 1 << 20, (uint64_t)1 << 40},
    {"max-fetches-waiting", "N", "Sizes", "pages that may wait in line for that memory",
     OPTION_COUNT, HUB(fetches_waiting_max), 0, 1000000},
    {"max-unread", "BYTES", "Sizes",
     "of pages sent to one client that it has not read; more are not asked for",
     OPTION_SIZE, HUB(window_bytes), 1, 1 << 30},
    {"max-outbox", "BYTES", "Sizes", "what may wait for a client that does not read",
     OPTION_COUNT, NET(outbox_bytes_max), 64 << 10, 1 << 30},
    {"max-outbox-soft", "BYTES", "Sizes", "and for no longer than --write-timeout",
     OPTION_COUNT, NET(outbox_bytes_soft), 64 << 10, 1 << 30},
    {"max-queued", "BYTES", "Sizes",
     "what may wait for all clients together, a shared page counting once", OPTION_SIZE,
     NET(queued_bytes_max), 1 << 20, (uint64_t)1 << 40},
    {"max-topics", "N", "Rates", "topics in one session", OPTION_COUNT, HUB(topics_max), 1,
     60000},
    {"message-rate", "N", "Rates", "messages a second in one session; 0: no limit",
     OPTION_COUNT, HUB(message_rate), 0, 1000000},
    {"message-burst", "N", "Rates", "and at once", OPTION_COUNT, HUB(message_burst), 1,
     1000000},
    {"join-rate", "N", "Rates", "joins a second in one session; 0: no limit", OPTION_COUNT,
     HUB(join_rate), 0, 1000000},
    {"join-burst", "N", "Rates", "and at once", OPTION_COUNT, HUB(join_burst), 1, 1000000},
    {"ask-rate", "N", "Rates", "content requests a second in one session; 0: no limit",
     OPTION_COUNT, HUB(ask_rate), 0, 1000000},
    {"ask-burst", "N", "Rates", "and at once", OPTION_COUNT, HUB(ask_burst), 1, 1000000},
    {"no-rate-limits", NULL, "Rates", "all rates 0, for benchmarks", OPTION_NO_RATES, 0, 0,
     0},
    {"hedge", "MS", "Times", "another holder is asked after this", OPTION_COUNT,
     HUB(hedge_ms), 1, 3600000},
    {"first-holders-asked", "N", "Times",
     "when so many are asked at the same time, twice as many after each --hedge",
     OPTION_COUNT, HUB(holders_first_max), 1, 1000},
    {"max-holders-asked", "N", "Times", "but never more at the same time", OPTION_COUNT,
     HUB(holders_max), 1, 100000},
    {"answer-timeout", "MS", "Times", "a holder that sends nothing for so long is given up",
     OPTION_COUNT, HUB(answer_ms), 1, 3600000},
    {"answer-total-timeout", "MS", "Times", "and after this in any case", OPTION_COUNT,
     HUB(answer_total_ms), 1, 3600000},
    {"fetch-timeout", "MS", "Times", "an HTTP request waits so long for a page",
     OPTION_COUNT, NET(fetch_ms), 1, 3600000},
    {"count-interval", "MS", "Times", "least time between two visitor counts of a page",
     OPTION_COUNT, HUB(count_interval_ms), 1, 3600000},
    {"count-interval-max", "MS", "Times", "most time that a count may wait", OPTION_COUNT,
     HUB(count_interval_max_ms), 1, 3600000},
    {"counts-per-second", "N", "Times", "counts that one page may send, on average",
     OPTION_COUNT, HUB(count_per_second), 1, 10000000},
    {"grace", "MS", "Times", "a dropped holder with a token is waited for; 0: not at all",
     OPTION_COUNT, HUB(grace_ms), 0, 3600000},
    {"write-timeout", "MS", "Times", "a client that reads nothing for so long is cut off",
     OPTION_COUNT, NET(write_ms), 1, 3600000},
    {"ping", "MS", "Times", "a quiet client is pinged after this", OPTION_COUNT,
     NET(ping_ms), 1, 3600000},
    {"hang-up", "MS", "Times", "and given up after this", OPTION_COUNT, NET(hang_up_ms), 1,
     3600000},
    {"header-timeout", "S", "Times", "an HTTP request's headers must come within",
     OPTION_COUNT, NET(header_seconds), 1, 3600},
    {"log-level", "LEVEL", "Log", "error, warn, info or debug", OPTION_LOG, 0, 0, 0},
};
/* clang-format on */

/* HOST:PORT or unix:PATH; whether there is such a host is seen when it is bound. */
static bool read_listen(struct options *options, const struct option_row *row,
                        const char *value, bool first)
{
    const char *port = strrchr(value, ':'), *end = port;
    bool is_unix = strncmp(value, "unix:", 5) == 0;
    if (port != NULL)
        for (end = port + 1; isdigit((unsigned char)*end);)
            end++;
    bool numbered = port != NULL && port > value && end > port + 1 && *end == '\0' &&
                    end - port <= 6 && strtoul(port + 1, NULL, 10) <= 65535;
    if (is_unix ? value[5] == '\0' : !numbered)
        return option_fail(row, value, "HOST:PORT or unix:PATH");
    return option_add(row, value, first, options->listen, &options->listen_count);
}

/* They stand in a header together, which has room for so much. */
static bool read_embedder(struct options *options, const struct option_row *row,
                          const char *value, bool first)
{
    size_t length = 0;
    if (!address_is_origin(value))
        return option_fail(row, value, "a site such as https://a.example");
    if (!option_add(row, value, first, options->embedders, &options->embedders_count))
        return false;
    for (size_t i = 0; i < options->embedders_count; i++)
        length += strlen(options->embedders[i]) + 1;
    return length <= EMBEDDERS_BYTES_MAX ||
           option_fail(row, value, "allowed: all of them together are too long");
}

static bool read_proxy(struct options *options, const struct option_row *row,
                       const char *value, bool first)
{
    if (first) options->proxies_count = 0;
    if (options->proxies_count == OPTION_LIST_MAX)
        return option_fail(row, value, "allowed: the list is full");
    if (!address_parse_range(value, &options->proxies[options->proxies_count]))
        return option_fail(row, value, "an address or a range such as 10.0.0.0/8");
    options->proxies_count++;
    return true;
}

static bool read_base_path(const struct option_row *row, const char *value,
                           const char **field)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)value[i]) && strchr("/-._~", value[i]) == NULL)
            return option_fail(row, value, "a plain path");
    if (length > 0 && (value[0] != '/' || value[length - 1] == '/' || length > 200))
        return option_fail(row, value,
                           "a path that begins with / and does not end with it");
    *field = value;
    return true;
}

static bool read_log_level(struct options *options, const struct option_row *row,
                           const char *value)
{
    static const char *const names[] = {"error", "warn", "info", "debug"};
    for (uint32_t i = 0; i < 4; i++)
        if (strcmp(value, names[i]) == 0) {
            options->log_level = i;
            return true;
        }
    return option_fail(row, value, "error, warn, info or debug");
}

static bool read_proxy_header(struct options *options, const struct option_row *row,
                              const char *value)
{
    bool forwarded = strcasecmp(value, "forwarded") == 0;
    if (!forwarded && strcasecmp(value, "x-forwarded-for") != 0)
        return option_fail(row, value, "x-forwarded-for or forwarded");
    options->server.proxies.header = forwarded ? PROXY_FORWARDED : PROXY_X_FORWARDED_FOR;
    return true;
}

static void drop_rates(struct hub_config *hub)
{
    hub->message_rate = hub->join_rate = hub->ask_rate = 0;
}

static bool read_row(void *target, const struct option_row *row, const char *value,
                     bool first)
{
    struct options *options = target;
    switch ((enum serve_kind)row->kind) {
    case OPTION_BASE: return read_base_path(row, value, &options->server.base_path);
    case OPTION_LISTEN: return read_listen(options, row, value, first);
    case OPTION_ORIGIN:
        return option_add(row, value, first, options->origins, &options->origins_count);
    case OPTION_EMBED: return read_embedder(options, row, value, first);
    case OPTION_PROXY: return read_proxy(options, row, value, first);
    case OPTION_PROXY_HEADER: return read_proxy_header(options, row, value);
    case OPTION_NO_RATES: drop_rates(&options->server.hub); return true;
    case OPTION_LOG: return read_log_level(options, row, value);
    }
    return false;
}

static const struct option_table table = {
    .command = "serve",
    .about =
        "Serves pages that exist only whilst somebody is looking at them. Each option\n"
        "is also a variable: --max-page is WHILST_MAX_PAGE.",
    .sets = {{rows, sizeof rows / sizeof rows[0], true}},
    .read = read_row,
};

static struct options defaults(void)
{
    return (struct options){.server = server_config_default(), .log_level = 2};
}

bool options_read(struct options *options, int count, char **arguments, bool *help)
{
    int first_operand;
    *options = defaults();
    if (!option_table_read(&table, options, count, arguments, &first_operand, help))
        return false;
    if (options->listen_count == 0)
        options->listen[options->listen_count++] = "127.0.0.1:4000";
    options->server.listen = options->listen;
    options->server.listen_count = options->listen_count;
    options->server.origins = options->origins;
    options->server.origins_count = options->origins_count;
    options->server.embedders = options->embedders;
    options->server.embedders_count = options->embedders_count;
    options->server.proxies.ranges = options->proxies;
    options->server.proxies.count = options->proxies_count;
    return true;
}

void options_print_help(FILE *out)
{
    struct options shown = defaults();
    option_table_print_help(&table, &shown, out);
}
