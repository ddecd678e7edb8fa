/* The options of `whilst serve`: its table, and what texts must be. An option that SIGHUP
   may change says so in its row (RELOADS): the server then finds the new value in its
   configuration, so whoever reads it must bear a change. */
#include "options.h"

#include "net/privileges.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define USER_DEFAULT "nobody" /* of who is root, and named no other */
#define BASE_PATH_MAX 200
#define UNIX_PATH_MAX 108 /* unix(7) */
#define TLS "tls:"
#define RELOADS OPTION_RELOADS

#define SERVE(name) offsetof(struct options, name)
#define HUB(name) offsetof(struct options, server.hub.name)
#define NET(name) offsetof(struct options, server.name)

/* clang-format off: one row a line */
static const struct option_row rows[] = {
    {"config", "FILE", "Where", "read options from this file: see whilst config defaults",
     OPTION_FILE, SERVE(config), 0, 0},
    {"listen", "ADDRESS", "Where",
     "HOST:PORT (port 0: any), unix:PATH, or fd:NAME for a socket that was passed by "
     "systemd; each may have tls: before it; may be repeated",
     OPTION_LIST, SERVE(listen), 0, 0},
    {"reuse-port", NULL, "Where",
     "let other processes of the same user listen there too (SO_REUSEPORT): nodes of one "
     "--bus",
     OPTION_FLAG, NET(reuse_port), 0, 0},
    {"tls-certificate", "FILE", "Where",
     "certificate and chain in PEM, for addresses with tls: before them; read again when "
     "it changes and at SIGHUP",
     OPTION_FILE | RELOADS, NET(tls_certificate), 0, 0},
    {"tls-key", "FILE", "Where", "its key in PEM, if it is not in the same file",
     OPTION_FILE | RELOADS, NET(tls_key), 0, 0},
    {"hsts", "S", "Where",
     "tell browsers to come by TLS alone for so many seconds; 0: do not", OPTION_COUNT,
     NET(hsts_seconds), 0, 63072000},
    {"unix-mode", "MODE", "Where", "who may connect to unix sockets, as in chmod",
     OPTION_TEXT, SERVE(unix_mode), 0, 0},
    {"admin", "ADDRESS", "Where",
     "the operator's address, for whilst admin, the dashboard and /metrics: HOST:PORT, "
     "tls:HOST:PORT or unix:PATH",
     OPTION_TEXT, NET(admin), 0, 0},
    {"admin-token-file", "FILE", "Where",
     "who comes there must know this file's one line; needed unless ADDRESS is local",
     OPTION_FILE, NET(admin_token_file), 0, 0},
    {"user", "NAME[:GROUP]", "Where",
     "if root starts it: whom it becomes once all is open, nobody unless this says "
     "otherwise; root: it stays root",
     OPTION_TEXT, SERVE(user), 0, 0},
    {"core-dumps", NULL, "Where", "leave one after a crash; strangers' pages are in it",
     OPTION_FLAG, NET(core_dumps), 0, 0},
    {"base-path", "PATH", "Where", "serve below this path, for example /pages", OPTION_TEXT,
     NET(base_path), 0, 0},
    {"bus", "SERVERS", "Bus",
     "be one node of many, by these servers of NATS: nats:// or "
     "tls://[USER:PASSWORD@]HOST[:PORT], with commas between them",
     OPTION_TEXT, NET(bus.servers), 0, 0},
    {"node", "NAME", "Bus", "this node's name, which no other may have; else one is chosen",
     OPTION_TEXT, NET(bus.node), 0, 0},
    {"bus-required", NULL, "Bus", "end if the bus cannot be had at the start", OPTION_FLAG,
     NET(bus_required), 0, 0},
    {"bus-credentials", "FILE", "Bus",
     "log in to it with a JWT and a seed, or a seed alone", OPTION_FILE,
     NET(bus.login.credentials_file), 0, 0},
    {"bus-user", "NAME", "Bus", "or with a name", OPTION_TEXT, NET(bus.login.user), 0, 0},
    {"bus-password-file", "FILE", "Bus", "and the password in this file", OPTION_FILE,
     NET(bus.login.password_file), 0, 0},
    {"bus-token-file", "FILE", "Bus", "or with the token in this file", OPTION_FILE,
     NET(bus.login.token_file), 0, 0},
    {"bus-ca", "FILE", "Bus", "authorities to trust in place of the system's, in PEM",
     OPTION_FILE, NET(bus.ca_file), 0, 0},
    {"partner", "NAME", "Partners",
     "another organisation, by its name on the bus; may be repeated, up to 8 times",
     OPTION_LIST, SERVE(partners), 0, 0},
    {"federate", "no|have|want|both", "Partners",
     "let partners have what is held here, or ask them for what nobody here holds",
     OPTION_CHOICE, SERVE(federate), 0, 0},
    {"partner-want-rate", "N", "Partners",
     "pages a second that one may ask for, and is asked for; 0: no limit",
     OPTION_COUNT | RELOADS, HUB(partner_want_rate), 0, 1000000},
    {"partner-claim-rate", "N", "Partners",
     "counts a second that one may tell, or ask for; 0: no limit", OPTION_COUNT | RELOADS,
     HUB(partner_claim_rate), 0, 1000000},
    {"partner-bytes-rate", "BYTES", "Partners",
     "of pages a second, to one and from one; 0: no limit", OPTION_SIZE | RELOADS,
     HUB(partner_bytes_rate), 0, (uint64_t)1 << 40},
    {"max-partner-orders", "N", "Partners",
     "pages that one may wait for at the same time, and that we wait for",
     OPTION_COUNT | RELOADS, HUB(partner_orders_max), 1, 1000000},
    {"max-partner-pages", "N", "Partners", "pages of which counts are shared with one",
     OPTION_COUNT | RELOADS, HUB(partner_pages_max), 0, 10000000},
    {"partner-refusal-rate", "N", "Partners",
     "refusals a second with which one is still listened to; 0: always",
     OPTION_COUNT | RELOADS, HUB(partner_refusal_rate), 0, 1000000},
    {"origin", "ORIGIN", "Who",
     "allow browsers on this site too, for example https://a.example; may be repeated",
     OPTION_LIST | RELOADS, SERVE(origins), 0, 0},
    {"embed-origin", "ORIGIN", "Who",
     "let this site show pages in a frame, for example https://a.example; may be repeated",
     OPTION_LIST | RELOADS, SERVE(embedders), 0, 0},
    {"require-origin", NULL, "Who", "refuse WebSocket clients that send no Origin",
     OPTION_FLAG | RELOADS, NET(require_origin), 0, 0},
    {"trusted-proxy", "CIDR", "Who",
     "believe what proxies there say of who calls; may be repeated", OPTION_LIST | RELOADS,
     SERVE(proxies), 0, 0},
    {"proxy-header", "x-forwarded-for|forwarded", "Who", "where they say it",
     OPTION_CHOICE | RELOADS, SERVE(proxy_header), 0, 0},
    {"deny-file", "FILE", "Who",
     "pages that are not relayed, a hash or the SHA-256 of a hash a line; read again when "
     "it changes and at SIGHUP",
     OPTION_FILE | RELOADS, NET(deny_file), 0, 0},
    {"max-connections", "N", "Who",
     "sessions at the same time; 0: as descriptors allow, up to 20000", OPTION_COUNT,
     HUB(connections_max), 0, 1000000},
    {"max-per-address", "N", "Who",
     "of which from one address, an IPv6 /64 counting as one; 0: no limit",
     OPTION_COUNT | RELOADS, HUB(connections_per_address_max), 0, 1000000},
    {"max-away-per-address", "N", "Who",
     "dropped holders that one address may have waiting; 0: no limit",
     OPTION_COUNT | RELOADS, HUB(away_per_address_max), 0, 1000000},
    {"max-callers", "N", "Who", "connections that are no sessions: HTTP, and handshakes",
     OPTION_COUNT, NET(callers_max), 1, 1000000},
    {"max-uploads", "N", "Who", "pages held by PUT, each with a connection of its own",
     OPTION_COUNT | RELOADS, NET(uploads_max), 0, 1000000},
    {"memory-reserve", "BYTES", "Sizes", "memory set aside for when the system has none",
     OPTION_SIZE, NET(reserve_bytes), 64 << 10, (uint64_t)1 << 30},
    {"max-page", "BYTES", "Sizes", "the largest page that is relayed",
     OPTION_SIZE | RELOADS, HUB(page_bytes_max), 1, 8 << 20},
    {"max-message", "BYTES", "Sizes", "the largest message that is not a page",
     OPTION_SIZE | RELOADS, HUB(message_bytes_max), 1 << 10, 1 << 20},
    {"max-payload", "BYTES", "Sizes", "the largest JSON payload that is not a page",
     OPTION_SIZE | RELOADS, HUB(payload_bytes_max), 256, 64 << 10},
    {"max-fragments", "N", "Sizes", "fragments in one message", OPTION_COUNT | RELOADS,
     HUB(fragments_max), 1, 1000000},
    {"max-in-flight", "BYTES", "Sizes", "memory for pages being received",
     OPTION_SIZE | RELOADS, HUB(in_flight_bytes_max), 1 << 20, (uint64_t)1 << 40},
    {"max-early", "BYTES", "Sizes",
     "what PUTs may send before they are asked, all together", OPTION_SIZE | RELOADS,
     NET(early_bytes_max), 0, (uint64_t)1 << 40},
    {"max-fetches-waiting", "N", "Sizes", "pages that may wait in line for that memory",
     OPTION_COUNT | RELOADS, HUB(fetches_waiting_max), 0, 1000000},
    {"max-unread", "BYTES", "Sizes",
     "of pages sent to one client that it has not read; more are not asked for",
     OPTION_SIZE | RELOADS, HUB(window_bytes), 1, 1 << 30},
    {"max-outbox", "BYTES", "Sizes", "what may wait for a client that does not read",
     OPTION_COUNT | RELOADS, NET(outbox_bytes_max), 64 << 10, 1 << 30},
    {"max-outbox-soft", "BYTES", "Sizes", "and for no longer than --write-timeout",
     OPTION_COUNT | RELOADS, NET(outbox_bytes_soft), 64 << 10, 1 << 30},
    {"max-queued", "BYTES", "Sizes",
     "what may wait for all clients together, a shared page counting once",
     OPTION_SIZE | RELOADS, NET(queued_bytes_max), 1 << 20, (uint64_t)1 << 40},
    {"max-topics", "N", "Rates", "topics in one session", OPTION_COUNT | RELOADS,
     HUB(topics_max), 1, 60000},
    {"message-rate", "N", "Rates", "messages a second in one session; 0: no limit",
     OPTION_COUNT | RELOADS, HUB(message_rate), 0, 1000000},
    {"message-burst", "N", "Rates", "and at once", OPTION_COUNT | RELOADS,
     HUB(message_burst), 1, 1000000},
    {"join-rate", "N", "Rates", "joins a second in one session; 0: no limit",
     OPTION_COUNT | RELOADS, HUB(join_rate), 0, 1000000},
    {"join-burst", "N", "Rates", "and at once", OPTION_COUNT | RELOADS, HUB(join_burst), 1,
     1000000},
    {"ask-rate", "N", "Rates", "content requests a second in one session; 0: no limit",
     OPTION_COUNT | RELOADS, HUB(ask_rate), 0, 1000000},
    {"ask-burst", "N", "Rates", "and at once", OPTION_COUNT | RELOADS, HUB(ask_burst), 1,
     1000000},
    {"no-rate-limits", NULL, "Rates", "rates that are not set are 0, for benchmarks",
     OPTION_FLAG | RELOADS, SERVE(no_rates), 0, 0},
    {"hedge", "MS", "Times", "another holder is asked after this", OPTION_COUNT | RELOADS,
     HUB(hedge_ms), 1, 3600000},
    {"first-holders-asked", "N", "Times",
     "when so many are asked at the same time, twice as many after each --hedge",
     OPTION_COUNT | RELOADS, HUB(holders_first_max), 1, 1000},
    {"max-holders-asked", "N", "Times", "but never more at the same time",
     OPTION_COUNT | RELOADS, HUB(holders_max), 1, 100000},
    {"answer-timeout", "MS", "Times", "a holder that sends nothing for so long is given up",
     OPTION_COUNT | RELOADS, HUB(answer_ms), 1, 3600000},
    {"answer-total-timeout", "MS", "Times", "and after this in any case",
     OPTION_COUNT | RELOADS, HUB(answer_total_ms), 1, 3600000},
    {"drain", "MS", "Times", "the end takes so long, so that clients come back in turn",
     OPTION_COUNT, NET(drain_ms), 0, 3600000},
    {"fetch-timeout", "MS", "Times", "an HTTP request waits so long for a page",
     OPTION_COUNT | RELOADS, NET(fetch_ms), 1, 3600000},
    {"count-interval", "MS", "Times", "least time between two visitor counts of a page",
     OPTION_COUNT | RELOADS, HUB(count_interval_ms), 1, 3600000},
    {"count-interval-max", "MS", "Times", "most time that a count may wait",
     OPTION_COUNT | RELOADS, HUB(count_interval_max_ms), 1, 3600000},
    {"counts-per-second", "N", "Times", "counts that one page may send, on average",
     OPTION_COUNT | RELOADS, HUB(count_per_second), 1, 10000000},
    {"grace", "MS", "Times", "a dropped holder with a token is waited for; 0: not at all",
     OPTION_COUNT | RELOADS, HUB(grace_ms), 0, 3600000},
    {"write-timeout", "MS", "Times", "a client that reads nothing for so long is cut off",
     OPTION_COUNT | RELOADS, NET(write_ms), 1, 3600000},
    {"ping", "MS", "Times", "a quiet client is pinged after this", OPTION_COUNT | RELOADS,
     NET(ping_ms), 1, 3600000},
    {"hang-up", "MS", "Times", "and given up after this", OPTION_COUNT | RELOADS,
     NET(hang_up_ms), 1, 3600000},
    {"header-timeout", "S", "Times", "an HTTP request's headers must come within",
     OPTION_COUNT, NET(header_seconds), 1, 3600},
    {"log-level", "error|warn|info|debug", "Log", "events of lower levels are not logged",
     OPTION_CHOICE | RELOADS, SERVE(log_level), 0, 0},
    {"log-format", "text|json", "Log", "key=value, or an object of JSON a line",
     OPTION_CHOICE | RELOADS, SERVE(log_format), 0, 0},
    {"log-addresses", NULL, "Log", "write clients' addresses into the log",
     OPTION_FLAG | RELOADS, SERVE(log_addresses), 0, 0},
};
/* clang-format on */

/* ---- what texts must be ---- */

bool options_is_tls(const char *listen)
{
    return strncmp(listen, TLS, strlen(TLS)) == 0;
}

/* Whether there is such a host is seen when it is bound. */
static bool is_listen(const char *value)
{
    if (options_is_tls(value)) value += strlen(TLS);
    const char *port = strrchr(value, ':'), *end = port;
    if (strncmp(value, "fd:", 3) == 0) return value[3] != '\0';
    if (strncmp(value, "unix:", 5) == 0)
        return value[5] != '\0' && strlen(value + 5) < UNIX_PATH_MAX;
    if (port == NULL || port == value) return false;
    for (end = port + 1; isdigit((unsigned char)*end);)
        end++;
    return end > port + 1 && *end == '\0' && end - port <= 6 &&
           strtoul(port + 1, NULL, 10) <= 65535;
}

/* A unix socket is its owner's alone: TLS would hide nothing. */
static bool is_admin(const char *value)
{
    bool local = options_is_tls(value) && strncmp(value + strlen(TLS), "unix:", 5) == 0;
    return !local && is_listen(value);
}

static bool is_mode(const char *value)
{
    size_t length = strlen(value);
    return length >= 1 && length <= 4 && strspn(value, "01234567") == length &&
           strtoul(value, NULL, 8) <= 0777;
}

static bool is_base_path(const char *value)
{
    size_t length = strlen(value);
    for (size_t i = 0; i < length; i++)
        if (!isalnum((unsigned char)value[i]) && strchr("/-._~", value[i]) == NULL)
            return false;
    return length == 0 ||
           (value[0] == '/' && value[length - 1] != '/' && length <= BASE_PATH_MAX);
}

static bool is_range(const char *value)
{
    struct address_range range;
    return address_parse_range(value, &range);
}

static bool is_bus(const char *value)
{
    struct nats_servers servers = {0};
    const char *wrong;
    bool is_right = nats_servers_add(&servers, value, &wrong);
    nats_servers_clear(&servers);
    return is_right;
}

static const struct option_check checks[] = {
    {"listen", is_listen,
     "HOST:PORT, unix:PATH (of at most 107 bytes) or fd:NAME, or tls: before one of them"},
    {"admin", is_admin, "HOST:PORT or fd:NAME, or tls: before one of them, or unix:PATH"},
    {"unix-mode", is_mode, "octal digits such as 660"},
    {"user", privileges_is_user, "a user of this machine, NAME or NAME:GROUP"},
    {"bus", is_bus, "a list of servers such as nats://a:4222,nats://b:4222"},
    {"node", bus_name_is_valid, "1 to 32 letters, digits, dots, lines and dashes"},
    {"partner", bus_partner_is_valid, "1 to 32 letters, digits, lines and dashes"},
    {"base-path", is_base_path, "a plain path that begins with / and does not end with it"},
    {"origin", address_is_origin, "a site such as https://a.example"},
    {"embed-origin", address_is_origin, "a site such as https://a.example"},
    {"trusted-proxy", is_range, "an address or a range such as 10.0.0.0/8"},
    {0}};

const struct option_table options_table = {
    .command = "serve",
    .about =
        "Serves pages that exist only whilst somebody is looking at them. Each option is\n"
        "also a variable, --max-page is WHILST_MAX_PAGE, and a key of the --config file,\n"
        "max-page. Flags win over variables, and those over the file.",
    .sets = {{rows, sizeof rows / sizeof rows[0], true}},
    .checks = checks,
    .config = "config",
};

/* ---- reading ---- */

/* A rate that was set by the same source as no-rate-limits, or a stronger one, stays. */
static void drop_rates(struct options *options)
{
    struct hub_config *hub = &options->server.hub;
    const struct option_given *given = options->reading.given;
    const struct rate {
        const char *flag;
        uint32_t *rate;
    } rates[] = {{"message-rate", &hub->message_rate},
                 {"join-rate", &hub->join_rate},
                 {"ask-rate", &hub->ask_rate}};
    size_t none = option_index_of(&options_table, "no-rate-limits");
    for (size_t i = 0; options->no_rates && i < sizeof rates / sizeof rates[0]; i++)
        if (given[option_index_of(&options_table, rates[i].flag)].source <
            given[none].source)
            *rates[i].rate = 0;
}

static void list_files(struct options *options)
{
    const struct option_row *row;
    size_t count = 0;
    for (size_t i = 0; (row = option_row_at(&options_table, i)) != NULL; i++) {
        if (option_kind_of(row) != OPTION_FILE) continue;
        const char *path = *(const char **)((char *)options + row->field);
        if (row->field == SERVE(config)) path = options->reading.file;
        if (path != NULL) options->files[count++] = path;
    }
    options->server.files = options->files;
    options->server.files_count = count;
}

void options_settle(struct options *options)
{
    struct server_config *server = &options->server;
    list_files(options);
    server->user = options->user != NULL ? options->user
                   : geteuid() == 0      ? USER_DEFAULT
                                         : NULL;
    server->listen = options->listen.texts;
    server->listen_count = options->listen.count;
    size_t listen = option_index_of(&options_table, "listen");
    server->listen_is_default = options->reading.given[listen].source == OPTION_DEFAULT;
    for (size_t i = 0; i < options->partners.count && i < PARTNERS_MAX; i++)
        snprintf(server->hub.partners[i], sizeof server->hub.partners[i], "%s",
                 options->partners.texts[i]);
    server->hub.partners_have =
        options->federate == FEDERATE_HAVE || options->federate == FEDERATE_BOTH;
    server->hub.partners_want =
        options->federate == FEDERATE_WANT || options->federate == FEDERATE_BOTH;
    server->unix_mode = (uint32_t)strtoul(options->unix_mode, NULL, 8);
    server->origins = options->origins.texts;
    server->origins_count = options->origins.count;
    server->embedders = options->embedders.texts;
    server->embedders_count = options->embedders.count;
    for (size_t i = 0; i < options->proxies.count; i++)
        address_parse_range(options->proxies.texts[i], &options->ranges[i]);
    server->proxies = (struct proxies){.ranges = options->ranges,
                                       .count = options->proxies.count,
                                       .header = (enum proxy_header)options->proxy_header};
}

void options_init(struct options *options)
{
    *options = (struct options){
        .server = server_config_default(),
        .listen = {.texts = {"127.0.0.1:4000"}, .count = 1},
        .unix_mode = "666",
        .log_level = LOG_LEVEL_INFO,
    };
    options->server.hub.connections_max = 0; /* as descriptors allow */
}

bool options_read(struct options *options, int count, char **arguments)
{
    struct option_reading *reading = &options->reading;
    option_table_read_all(&options_table, options, count, arguments, reading);
    if (reading->help) return false;
    drop_rates(options);
    options_agree(options);
    options_settle(options);
    return reading->mistakes == 0;
}

struct log_config options_log(const struct options *options)
{
    return (struct log_config){.level = (enum log_level)options->log_level,
                               .format = (enum log_format)options->log_format,
                               .addresses = options->log_addresses};
}

void options_clear(struct options *options)
{
    free(options->reading.texts);
    options->reading.texts = NULL;
}
