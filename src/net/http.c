/* HTTP: one table of routes, and one place for headers.

   Every answer carries its security headers, which policy.c spells out. Nothing is
   read from disk: assets are in the binary, pages come from their holders (bytes.c). Besides
   GET and HEAD there is PUT, by which a page is held (upload.c). What else a client sends
   with a body is refused, and its connection is closed. */
#include "http.h"

#include "admin.h"
#include "bytes.h"
#include "callers.h"
#include "exposition.h"
#include "policy.h"
#include "request.h"
#include "upload.h"
#include "whilst/memory.h"

#include <assert.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* ---- headers ---- */

static const char *status_text(unsigned status)
{
    static const struct {
        unsigned status;
        const char *text;
    } texts[] = {{200, "OK"},
                 {201, "Created"},
                 {304, "Not Modified"},
                 {308, "Permanent Redirect"},
                 {400, "Bad Request"},
                 {401, "Unauthorized"},
                 {403, "Forbidden"},
                 {404, "Not Found"},
                 {405, "Method Not Allowed"},
                 {408, "Request Timeout"},
                 {411, "Length Required"},
                 {413, "Content Too Large"},
                 {422, "Unprocessable Content"},
                 {426, "Upgrade Required"},
                 {429, "Too Many Requests"},
                 {451, "Unavailable For Legal Reasons"},
                 {502, "Bad Gateway"},
                 {503, "Service Unavailable"},
                 {504, "Gateway Timeout"}};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++)
        if (texts[i].status == status) return texts[i].text;
    return "Unknown";
}

void http_print(struct http_text *text, const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    int written =
        vsnprintf(text->out + text->length, text->size - text->length, format, arguments);
    va_end(arguments);
    assert(written >= 0 && (size_t)written < text->size - text->length);
    text->length += (size_t)written;
}

void http_add(struct http_text *text, ...)
{
    va_list strings;
    const char *string;
    va_start(strings, text);
    while ((string = va_arg(strings, const char *)) != NULL) {
        size_t length = strlen(string);
        assert(length < text->size - text->length);
        memcpy(text->out + text->length, string, length + 1);
        text->length += length;
    }
    va_end(strings);
}

size_t http_print_head(struct lws *wsi, const struct http_answer *answer, char *out,
                       size_t size)
{
    uint32_t hsts_seconds = server_of(wsi)->config->hsts_seconds;
    struct http_text text = {out, size, 0};
    http_print(&text, "HTTP/1.1 %u ", answer->status);
    http_add(&text, status_text(answer->status), "\r\n", NULL);
    if (answer->type != NULL) http_add(&text, "Content-Type: ", answer->type, "\r\n", NULL);
    if (answer->status != 304 && !answer->length_unknown)
        http_print(&text, "Content-Length: %zu\r\n", answer->size);
    http_add(&text,
             "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n"
             "X-Robots-Tag: noindex, nofollow\r\n",
             NULL);
    if (hsts_seconds != 0 && lws_is_ssl(wsi) && !admin_owns(wsi)) /* RFC 6797, section 7 */
        http_print(&text, "Strict-Transport-Security: max-age=%" PRIu32 "\r\n",
                   hsts_seconds);
    if (answer->close || server_of(wsi)->stopping)
        http_add(&text, "Connection: close\r\n", NULL);
    http_add(&text, answer->headers == NULL ? "" : answer->headers, "\r\n", NULL);
    return text.length;
}

int http_send(struct lws *wsi, const struct http_answer *answer)
{
    size_t body = answer->head ? 0 : answer->size;
    uint8_t *buffer = memory_take(LWS_PRE + HTTP_HEAD_MAX + body);
    if (buffer == NULL) return -1;
    size_t head = http_print_head(wsi, answer, (char *)buffer + LWS_PRE, HTTP_HEAD_MAX);
    if (body > 0) memcpy(buffer + LWS_PRE + head, answer->body, body);
    server_of(wsi)->metrics.http_requests_total++;
    int written = lws_write(wsi, buffer + LWS_PRE, head + body, LWS_WRITE_HTTP_FINAL);
    memory_free(buffer);
    if (written < 0) return -1;
    if (answer->close && answer->body_left) {
        callers_skip(wsi);
        return 0;
    }
    if (answer->close || server_of(wsi)->stopping) return -1;
    if (lws_partial_buffered(wsi))
        lws_set_timeout(wsi, PENDING_TIMEOUT_HTTP_CONTENT,
                        (int)(server_of(wsi)->config->write_ms / 1000) + 1);
    return callers_answered(wsi);
}

/* ---- routes ---- */

int http_serve_health(const struct request *request)
{
    if (request->server->stopping)
        return request_send_text(request, 503, "stopping\n", NULL);
    return request_send_text(request, 200, "ok\n", NULL);
}

int http_serve_metrics(const struct request *request)
{
    size_t size;
    char *text = exposition_new(request->server, &size);
    if (text == NULL) return -1;
    struct http_answer answer = {.status = 200,
                                 .type = "text/plain; version=0.0.4; charset=utf-8",
                                 .body = (const uint8_t *)text,
                                 .size = size,
                                 .headers = "Cache-Control: no-store\r\n" POLICY_PLAIN,
                                 .head = request->head};
    int result = http_send(request->wsi, &answer);
    memory_free(text);
    return result;
}

/* With an address of the operator's own, the numbers are there. */
static int serve_metrics(const struct request *request)
{
    if (request->server->config->admin == NULL) return http_serve_metrics(request);
    return request_send_text(request, 404, "there is nothing at this address\n", NULL);
}

static int serve_socket(const struct request *request)
{
    return request_send_text(request, 400, "this address takes WebSocket connections\n",
                             NULL);
}

static int serve_bytes(const struct request *request, const struct page_hash *hash)
{
    char etag[HASH_HEX + 16] = "\"sha256-";
    hash_to_hex(hash, 0, etag + 8);
    strcat(etag, "\"");
    bool known = request_accepts(request, WSI_TOKEN_HTTP_IF_NONE_MATCH, etag);
    return bytes_request(request->wsi, hash, request->head, known);
}

static int serve_raw(const struct request *request)
{
    struct page_hash hash;
    const char *hex = request->path + strlen("/raw/");
    if (!hash_from_hex(hex, strlen(hex), &hash, NULL))
        return request_send_text(request, 404, "an address is 64 hexadecimal digits\n",
                                 NULL);
    return serve_bytes(request, &hash);
}

/* A page's name by RFC 6920, in the form for HTTP (section 4). */
static int serve_named(const struct request *request)
{
    struct page_hash hash;
    const char *name = request->path + strlen("/.well-known/ni/sha-256/");
    if (!hash_from_base64url(name, strlen(name), &hash))
        return request_send_text(request, 404, "a name is 43 characters of base64url\n",
                                 NULL);
    return serve_bytes(request, &hash);
}

/* Another way to write a page's address. */
static int serve_elsewhere(const struct request *request, const struct page_hash *hash)
{
    char hex[HASH_HEX + 1], location[512];
    hash_to_hex(hash, 0, hex);
    snprintf(location, sizeof location, "Location: %s/%s\r\n",
             request->server->config->base_path, hex);
    return request_send_text(request, 308, "the address is 64 digits in lower case\n",
                             location);
}

/* "/<hash>", where people and programs meet. */
static int serve_page(const struct request *request, const struct page_hash *hash)
{
    if (request_accepts(request, WSI_TOKEN_HTTP_ACCEPT, "text/html"))
        return request_send_asset(request, request_find_asset("/-/page"));
    return serve_bytes(request, hash);
}

/* Addresses that are not assets. A path that ends with "/" stands for all below it. */
static const struct route {
    const char *path;
    int (*serve)(const struct request *request);
} routes[] = {
    {"/healthz", http_serve_health}, {"/readyz", http_serve_health},
    {"/metrics", serve_metrics},     {"/raw/", serve_raw},
    {"/ws/websocket", serve_socket}, {"/.well-known/ni/sha-256/", serve_named},
};

static const struct route *find_route(const char *path)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        size_t length = strlen(routes[i].path);
        bool below = routes[i].path[length - 1] == '/';
        if (below ? strncmp(path, routes[i].path, length) == 0
                  : strcmp(path, routes[i].path) == 0)
            return &routes[i];
    }
    return NULL;
}

static int serve(const struct request *request)
{
    struct page_hash hash;
    uint64_t upper;
    const char *path = request->path, *name = path + 1;
    size_t size = strlen(name);
    if (hash_from_hex(name, size, &hash, &upper))
        return upper == 0 ? serve_page(request, &hash) : serve_elsewhere(request, &hash);
    if (hash_from_base64url(name, size, &hash) || hash_from_base32(name, size, &hash))
        return serve_elsewhere(request, &hash);
    const struct route *route = find_route(path);
    if (route != NULL) return route->serve(request);
    const struct asset *asset = request_find_asset(path);
    if (asset != NULL && asset->policy != ASSET_ADMIN)
        return request_send_asset(request, asset);
    return request_send_text(request, 404, "there is nothing at this address\n", NULL);
}

/* The path below the base, or NULL if it is not below it. "/base" alone is "". */
static const char *below_base(const struct server *server, const char *path)
{
    const char *base = server->config->base_path;
    size_t length = strlen(base);
    if (strncmp(path, base, length) != 0) return NULL;
    return path[length] == '/' || path[length] == '\0' ? path + length : NULL;
}

static int refuse_method(const struct request *request)
{
    struct page_hash hash;
    const char *name = request->path == NULL ? "" : request->path + 1;
    if (hash_from_hex(name, strlen(name), &hash, NULL))
        return request_send_text(request, 405, "only GET, HEAD and PUT\n",
                                 "Allow: GET, HEAD, PUT\r\n");
    return request_send_text(request, 405, "only GET and HEAD\n", "Allow: GET, HEAD\r\n");
}

/* PUT: a page at its address, and nothing anywhere else. */
static int serve_upload(struct request *request)
{
    struct page_hash hash;
    uint64_t upper;
    const char *path = request->path == NULL ? "" : request->path;
    const char *name = path[0] == '/' ? path + 1 : path;
    size_t size = strlen(name);
    const char *fault = request_fault(request->wsi);
    request->close = true;
    if (fault != NULL) return request_send_text(request, 400, fault, NULL);
    if (!request_origin_allowed(request))
        return request_send_text(request, 403, "this origin is not allowed\n", NULL);
    if (hash_from_hex(name, size, &hash, &upper) && upper == 0)
        return upload_request(request->wsi, &hash, request->body);
    if (hash_from_hex(name, size, &hash, &upper) ||
        hash_from_base64url(name, size, &hash) || hash_from_base32(name, size, &hash))
        return serve_elsewhere(request, &hash);
    if (size == 0 || find_route(path) != NULL || strncmp(path, "/-/", 3) == 0)
        return refuse_method(request);
    return request_send_text(request, 400,
                             "the address of a page is 64 digits: its SHA-256\n", NULL);
}

/* `path` has its escapes taken out, and may hold a NUL within its size. */
static int begin(struct lws *wsi, const char *path, size_t size)
{
    struct request request = {.wsi = wsi, .server = server_of(wsi)};
    if (caller_of(wsi) == NULL) return -1;
    callers_note_request(caller_of(wsi));
    bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    request.head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    request.path = strlen(path) == size ? below_base(request.server, path) : NULL;
    request.body = request_has_body(wsi);
    request_read_host(&request);
    if (request.body && !callers_read_anew(caller_of(wsi))) {
        request.body = false;
        return request_send_text(
            &request, 400, "a body is not sent before the last answer has come\n", NULL);
    }
    if (lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0) return serve_upload(&request);
    if (!get && !request.head) return refuse_method(&request);
    const char *fault = request_fault_bodiless(wsi);
    if (fault != NULL) return request_send_text(&request, 400, fault, NULL);
    if (request.path == NULL)
        return request_send_text(&request, 404, "there is nothing at this address\n", NULL);
    if (request.path[0] == '\0') {
        char location[512];
        snprintf(location, sizeof location, "Location: %s/\r\n",
                 request.server->config->base_path);
        return request_send_text(&request, 308, "the address ends with a slash\n",
                                 location);
    }
    return serve(&request);
}

static int writeable(struct lws *wsi)
{
    const struct caller *caller = caller_of(wsi);
    return caller != NULL && caller->upload != NULL ? upload_writeable(wsi)
                                                    : bytes_writeable(wsi);
}

static int closed(struct lws *wsi)
{
    upload_closed(wsi);
    return bytes_closed(wsi);
}

/* ---- upgrades ---- */

static bool version_allowed(struct lws *wsi)
{
    char argument[64];
    for (int i = 0; lws_hdr_copy_fragment(wsi, argument, sizeof argument,
                                          WSI_TOKEN_HTTP_URI_ARGS, i) >= 0;
         i++)
        if (strncmp(argument, "vsn=", 4) == 0) return strcmp(argument, "vsn=2.0.0") == 0;
    return false;
}

/* Sixteen bytes in base64 (RFC 6455, section 4.2.1): what the library would not look at. */
static bool key_allowed(struct lws *wsi)
{
    char key[32];
    request_header(wsi, WSI_TOKEN_KEY, key, sizeof key);
    return strlen(key) == 24 && strcmp(key + 22, "==") == 0;
}

static int refuse_upgrade(struct request *request, unsigned status, const char *why)
{
    request->server->metrics.upgrades_refused_total++;
    request->close = true;
    request_send_text(request, status, why,
                      status == 426 ? "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                                    : NULL);
    return -1;
}

static int confirm_upgrade(struct lws *wsi)
{
    struct request request = {.wsi = wsi, .server = server_of(wsi)};
    char upgrade[16], path[128], version[8];
    request_header(wsi, WSI_TOKEN_UPGRADE, upgrade, sizeof upgrade);
    request_header(wsi, WSI_TOKEN_GET_URI, path, sizeof path);
    request_header(wsi, WSI_TOKEN_VERSION, version, sizeof version);
    if (strcasecmp(upgrade, "websocket") != 0) return -1;
    const char *fault = request_fault_bodiless(wsi);
    if (fault != NULL) return refuse_upgrade(&request, 400, fault);
    const char *below = below_base(request.server, path);
    if (below == NULL || strcmp(below, "/ws/websocket") != 0)
        return refuse_upgrade(&request, 404, "WebSocket connections go to /ws/websocket\n");
    if (strcmp(version, "13") != 0)
        return refuse_upgrade(&request, 426, "the only WebSocket version is 13\n");
    if (!key_allowed(wsi))
        return refuse_upgrade(&request, 400, "a Sec-WebSocket-Key has 16 bytes\n");
    if (!version_allowed(wsi))
        return refuse_upgrade(&request, 403, "the only version is vsn=2.0.0\n");
    if (!request_origin_allowed(&request))
        return refuse_upgrade(&request, 403, "this origin is not allowed\n");
    return 0;
}

/* ---- events ---- */

int http_event(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size)
{
    switch (reason) {
    case LWS_CALLBACK_HTTP:
        return admin_owns(wsi) ? admin_request(wsi, in, size) : begin(wsi, in, size);
    case LWS_CALLBACK_HTTP_CONFIRM_UPGRADE:
        return admin_owns(wsi) ? -1 : confirm_upgrade(wsi);
    case LWS_CALLBACK_HTTP_BODY: return upload_body(wsi, in, size);
    case LWS_CALLBACK_HTTP_BODY_COMPLETION: return upload_body_complete(wsi);
    case LWS_CALLBACK_HTTP_WRITEABLE: return writeable(wsi);
    case LWS_CALLBACK_CLOSED_HTTP: return closed(wsi);
    default: return 0;
    }
}

void http_sweep(struct server *server)
{
    bytes_sweep(server);
    upload_sweep(server);
    callers_sweep(server);
}

void http_stop(struct server *server)
{
    upload_stop_all(server);
}
