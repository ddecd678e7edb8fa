/* The library for other programs: a client, and a translation of what happens to it.

   Life: open - events - close - CLOSED. The client lives from open until the loop has let
   go of its handles; then CLOSED is told and all memory is given back. Between close and
   CLOSED nothing is told. What is held is listed, because a page may turn out too large
   when the server tells its limit. */
#include "whilst/whilst.h"

#include "net/client.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

_Static_assert(WHILST_VERSION_NUMBER == VERSION_NUMBER, "the header has the version");
_Static_assert(WHILST_HASH_SIZE == HASH_HEX + 1, "a hash as text");
_Static_assert(WHILST_ADDRESS_SIZE >= TARGET_URL_MAX, "room for every address");
_Static_assert(WHILST_PAGE_BYTES_MAX == CLIENT_PAGE_MAX, "the largest page");

struct held {
    struct held *next;
    struct page_hash hash;
    size_t size;
};

struct whilst {
    struct target target;
    struct tls_context *tls; /* of a secure target */
    struct client_config config;
    struct client *client;
    whilst_callback *callback;
    void *data;
    struct held *held;
    size_t page_max; /* that the server relays, as far as it is known */
    bool closing;
    bool garbled; /* what the server last sent is not of the protocol */
};

const char *whilst_version(void)
{
    return VERSION;
}

const char *whilst_result_text(enum whilst_result result)
{
    switch (result) {
    case WHILST_OK: return "done";
    case WHILST_NOT_A_HASH: return "a hash has 64 hexadecimal digits";
    case WHILST_TOO_LARGE: return "the page is larger than the server relays";
    case WHILST_NO_MEMORY: return "there is no memory";
    case WHILST_CLOSING: return "the connection is being closed";
    }
    return "";
}

/* ---- what is held ---- */

static void forget_held(struct whilst *whilst, const struct page_hash *hash)
{
    for (struct held **at = &whilst->held; *at != NULL; at = &(*at)->next) {
        struct held *held = *at;
        if (!hash_equal(&held->hash, hash)) continue;
        *at = held->next;
        free(held);
        return;
    }
}

static bool list_held(struct whilst *whilst, const struct page_hash *hash, size_t size)
{
    struct held *held = malloc(sizeof *held);
    if (held == NULL) return false;
    forget_held(whilst, hash);
    *held = (struct held){whilst->held, *hash, size};
    whilst->held = held;
    return true;
}

/* ---- what happens ---- */

static void tell(struct whilst *whilst, struct whilst_event event)
{
    if (event.text == NULL) event.text = "";
    if (event.reason == NULL) event.reason = "";
    whilst->callback(whilst, &event, whilst->data);
}

static void tell_page(struct whilst *whilst, const struct page_hash *hash,
                      struct whilst_event event)
{
    char hex[WHILST_HASH_SIZE];
    hash_to_hex(hash, 0, hex);
    event.hash = hex;
    tell(whilst, event);
}

static const struct held *find_too_large(const struct whilst *whilst)
{
    const struct held *held = whilst->held;
    while (held != NULL && held->size <= whilst->page_max)
        held = held->next;
    return held;
}

/* The largest page is known now: those above it were held in vain. */
static void hear_limit(struct whilst *whilst, size_t page_max)
{
    const struct held *held;
    if (page_max > 0) whilst->page_max = page_max;
    while (!whilst->closing && (held = find_too_large(whilst)) != NULL) {
        struct page_hash hash = held->hash;
        peer_leave(client_peer(whilst->client), &hash);
        forget_held(whilst, &hash);
        tell_page(whilst, &hash,
                  (struct whilst_event){.kind = WHILST_REFUSED, .reason = "page_size"});
    }
}

static void hear_found(struct whilst *whilst, const struct peer_event *event)
{
    tell_page(whilst, &event->hash,
              (struct whilst_event){.kind = WHILST_FOUND,
                                    .bytes = message_bytes(event->page),
                                    .size = event->page->size});
}

static void hear_garbled(struct whilst *whilst)
{
    whilst->garbled = true;
    client_drop(whilst->client);
}

/* Events that are the same in both languages. */
static enum whilst_event_kind kind_of(enum peer_event_kind kind)
{
    switch (kind) {
    case PEER_HOLDING: return WHILST_HOLDING;
    case PEER_COUNT: return WHILST_COUNT;
    case PEER_ASKED: return WHILST_HANDED;
    case PEER_NOBODY: return WHILST_NOBODY;
    case PEER_OVER: return WHILST_OVER;
    case PEER_WRONG: return WHILST_WRONG;
    default: return WHILST_REFUSED;
    }
}

/* What passes by itself, because the peer tries again, and what is of topic "all", which is
   nobody's page. */
static bool says_nothing(const struct peer_event *event)
{
    static const char *const passing[] = {"busy", "join_rate", "not_asked"};
    static const struct page_hash none;
    if (event->kind != PEER_REFUSED && event->kind != PEER_OVER) return false;
    if (hash_equal(&event->hash, &none)) return true;
    for (size_t i = 0; i < sizeof passing / sizeof passing[0]; i++)
        if (strcmp(event->reason, passing[i]) == 0) return true;
    return false;
}

static void on_event(struct client *client, const struct peer_event *event)
{
    struct whilst *whilst = client_owner(client);
    if (whilst->closing || says_nothing(event)) return;
    switch (event->kind) {
    case PEER_LIMITS: hear_limit(whilst, event->count); return;
    case PEER_FOUND: hear_found(whilst, event); return;
    case PEER_GARBLED: hear_garbled(whilst); return;
    case PEER_OVER: forget_held(whilst, &event->hash); break;
    default: break;
    }
    tell_page(whilst, &event->hash,
              (struct whilst_event){.kind = kind_of(event->kind),
                                    .count = event->count,
                                    .reason = event->reason});
}

static void on_opened(struct client *client)
{
    struct whilst *whilst = client_owner(client);
    if (!whilst->closing) tell(whilst, (struct whilst_event){.kind = WHILST_CONNECTED});
}

static enum whilst_fault fault_of(enum link_fault fault)
{
    switch (fault) {
    case LINK_UNREACHABLE: return WHILST_UNREACHABLE;
    case LINK_FOREIGN:
    case LINK_TOO_LARGE: return WHILST_FOREIGN;
    case LINK_CLOSED: return WHILST_SERVER_CLOSED;
    default: return WHILST_BROKEN;
    }
}

static void tell_lost(struct whilst *whilst, const struct link_end *end, uint64_t again_ms)
{
    char text[sizeof end->text + 16];
    struct whilst_event event = {.kind = WHILST_LOST,
                                 .fault = fault_of(end->fault),
                                 .text = text,
                                 .again_ms = again_ms};
    if (end->fault == LINK_CLOSED)
        snprintf(text, sizeof text, "%u %s", end->code, end->text);
    else
        snprintf(text, sizeof text, "%s", end->text);
    if (whilst->garbled) {
        event.fault = WHILST_FOREIGN;
        event.text = "the server does not speak the protocol";
        whilst->garbled = false;
    }
    tell(whilst, event);
}

static void on_ended(struct client *client, const struct link_end *end, uint64_t again_ms)
{
    struct whilst *whilst = client_owner(client);
    if (whilst->closing)
        client_free(client);
    else
        tell_lost(whilst, end, again_ms);
}

/* ---- life ---- */

static void destroy(struct whilst *whilst)
{
    while (whilst->held != NULL)
        forget_held(whilst, &whilst->held->hash);
    tls_context_free(whilst->tls);
    free(whilst);
}

static void on_freed(void *owner)
{
    struct whilst *whilst = owner;
    tell(whilst, (struct whilst_event){.kind = WHILST_CLOSED});
    destroy(whilst);
}

/* Whom to reach, and whom to trust. */
static bool set_server(struct whilst *whilst, const char *server, const char *ca_file,
                       char error[WHILST_ERROR_SIZE])
{
    const char *wrong;
    if (!target_parse(server, &whilst->target, &wrong)) {
        snprintf(error, WHILST_ERROR_SIZE, "'%.200s' is not %s", server, wrong);
        return false;
    }
    if (!whilst->target.secure) return true;
    whilst->tls = tls_context_new(ca_file);
    if (whilst->tls != NULL) return true;
    snprintf(error, WHILST_ERROR_SIZE, "'%.200s' holds no certificate that can be used",
             ca_file == NULL ? "the system's list" : ca_file);
    return false;
}

static void connect_to(struct whilst *whilst, struct uv_loop_s *loop)
{
    whilst->config = client_config_default(loop, &whilst->target, whilst->tls);
    whilst->config.peer.limits = true;
    whilst->config.reconnect = true;
    whilst->config.opened = on_opened;
    whilst->config.event = on_event;
    whilst->config.ended = on_ended;
    whilst->config.freed = on_freed;
    whilst->client = client_new(&whilst->config, whilst);
    client_draw_token(whilst->client);
    peer_visit(client_peer(whilst->client));
    uv_update_time(loop); /* the loop may not have run for long */
    client_open(whilst->client, NULL);
}

struct whilst *whilst_open(struct uv_loop_s *loop, const char *server, const char *ca_file,
                           whilst_callback *callback, void *data,
                           char error[WHILST_ERROR_SIZE])
{
    struct whilst *whilst = calloc(1, sizeof *whilst);
    if (whilst == NULL) abort();
    whilst->callback = callback;
    whilst->data = data;
    whilst->page_max = WHILST_PAGE_BYTES_MAX;
    if (!set_server(whilst, server, ca_file, error)) {
        destroy(whilst);
        return NULL;
    }
    error[0] = '\0';
    connect_to(whilst, loop);
    return whilst;
}

void whilst_close(struct whilst *whilst)
{
    if (whilst->closing) return;
    whilst->closing = true;
    peer_leave_all(client_peer(whilst->client));
    if (client_is_open(whilst->client))
        client_close(whilst->client);
    else
        client_free(whilst->client);
}

/* ---- pages ---- */

static bool read_hash(const char *text, struct page_hash *hash)
{
    return hash_from_hex(text, strlen(text), hash, NULL);
}

enum whilst_result whilst_hold(struct whilst *whilst, const void *bytes, size_t size,
                               char hash[WHILST_HASH_SIZE])
{
    struct page_hash name = hash_of(bytes, size);
    hash_to_hex(&name, 0, hash);
    if (whilst->closing) return WHILST_CLOSING;
    if (size > whilst->page_max) return WHILST_TOO_LARGE;
    struct message *page = message_new(MESSAGE_BINARY, 0, size);
    if (page == NULL) return WHILST_NO_MEMORY;
    message_append(page, bytes, size);
    bool listed = list_held(whilst, &name, size);
    if (listed) peer_hold(client_peer(whilst->client), &name, page);
    message_unref(page);
    client_settle(whilst->client);
    return listed ? WHILST_OK : WHILST_NO_MEMORY;
}

static enum whilst_result seek(struct whilst *whilst, const char *hash, bool then_hold)
{
    struct page_hash name;
    if (!read_hash(hash, &name)) return WHILST_NOT_A_HASH;
    if (whilst->closing) return WHILST_CLOSING;
    peer_seek(client_peer(whilst->client), &name, then_hold);
    client_settle(whilst->client);
    return WHILST_OK;
}

enum whilst_result whilst_get(struct whilst *whilst, const char *hash)
{
    return seek(whilst, hash, false);
}

enum whilst_result whilst_watch(struct whilst *whilst, const char *hash)
{
    return seek(whilst, hash, true);
}

enum whilst_result whilst_leave(struct whilst *whilst, const char *hash)
{
    struct page_hash name;
    if (!read_hash(hash, &name)) return WHILST_NOT_A_HASH;
    if (whilst->closing) return WHILST_CLOSING;
    peer_leave(client_peer(whilst->client), &name);
    forget_held(whilst, &name);
    client_settle(whilst->client);
    return WHILST_OK;
}

/* ---- names and addresses ---- */

void whilst_hash(const void *bytes, size_t size, char hash[WHILST_HASH_SIZE])
{
    struct page_hash name = hash_of(bytes, size);
    hash_to_hex(&name, 0, hash);
}

bool whilst_find_hash(const char *text, char hash[WHILST_HASH_SIZE])
{
    struct target target;
    const char *wrong;
    if (!read_hash(text, &target.page) &&
        !(target_parse(text, &target, &wrong) && target.has_page))
        return false;
    hash_to_hex(&target.page, 0, hash);
    return true;
}

enum whilst_result whilst_address(const struct whilst *whilst, const char *hash,
                                  char address[WHILST_ADDRESS_SIZE])
{
    struct page_hash name;
    if (!read_hash(hash, &name)) return WHILST_NOT_A_HASH;
    target_print(&whilst->target, &name, address);
    return WHILST_OK;
}
