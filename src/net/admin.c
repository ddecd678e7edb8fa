/* The operator's address: who may come in, and what is where.

   By default it is local: a loopback address or a unix socket, and whoever can reach it is
   trusted. A browser on the same machine can reach it too, on behalf of any site, so that
   each request must name us by a local name (another name is DNS rebinding), must not come
   from another site's document, and must, if it changes anything, carry a header that no
   form and no plain fetch can have. With a token, which any other address needs, whoever
   knows it is trusted. Connections are few, apart from those of visitors, so that the
   operator gets in when the server is full. */
#include "admin.h"

#include "callers.h"
#include "exposition.h"
#include "policy.h"
#include "request.h"
#include "server_state.h"
#include "whilst/memory.h"

#include <ctype.h>
#include <errno.h>
#include <openssl/crypto.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONNECTIONS_MAX 64
#define TOKEN_LEAST 16
#define TOKEN_MOST 256
#define INTENT_HEADER "whilst-admin:" /* of requests that change something */

/* ---- the token ---- */

#define TRY "; try: openssl rand -hex 32"

/* What is wrong with a token, or NULL. */
static const char *fault_of(const char *text, size_t size)
{
    if (size < TOKEN_LEAST || size > TOKEN_MOST)
        return "a token has 16 to 256 characters" TRY;
    for (size_t i = 0; i < size; i++)
        if (!isgraph((unsigned char)text[i]))
            return "a token is one line without spaces" TRY;
    return NULL;
}

const char *admin_read_token(const char *path, struct page_hash *token)
{
    static char why[100];
    char text[TOKEN_MOST + 2];
    FILE *file = fopen(path, "re");
    size_t size = file == NULL ? 0 : fread(text, 1, sizeof text, file);
    bool whole = file != NULL && !ferror(file);
    snprintf(why, sizeof why, "%s; check the path", strerror(errno));
    const char *fault = whole ? NULL : why;
    if (file != NULL) fclose(file);
    while (size > 0 && isspace((unsigned char)text[size - 1]))
        size--;
    if (fault == NULL) fault = fault_of(text, size);
    if (fault == NULL) *token = hash_of(text, size);
    OPENSSL_cleanse(text, sizeof text);
    return fault;
}

/* Hashes are compared, so that neither length nor beginning of the token tell in the time it
   takes. */
static bool is_token(const struct admin *admin, const char *text, size_t size)
{
    struct page_hash given = hash_of(text, size);
    return CRYPTO_memcmp(given.bytes, admin->token.bytes, sizeof given.bytes) == 0;
}

/* "Bearer TOKEN", or "Basic" with any name and the token as the password (RFC 6750, RFC
   7617). */
static bool knows_token(const struct admin *admin, struct lws *wsi)
{
    char value[600];
    unsigned char plain[sizeof value];
    request_header(wsi, WSI_TOKEN_HTTP_AUTHORIZATION, value, sizeof value);
    if (strncasecmp(value, "Bearer ", 7) == 0)
        return is_token(admin, value + 7, strlen(value + 7));
    size_t size = strlen(value);
    if (strncasecmp(value, "Basic ", 6) != 0 || (size - 6) % 4 != 0) return false;
    int length = EVP_DecodeBlock(plain, (const unsigned char *)value + 6, (int)size - 6);
    for (size_t end = size; length > 0 && value[end - 1] == '=' && end > size - 2; end--)
        length--;
    const unsigned char *colon = length <= 0 ? NULL : memchr(plain, ':', (size_t)length);
    if (colon == NULL) return false;
    const char *password = (const char *)colon + 1;
    return is_token(admin, password, (size_t)(plain + length - (colon + 1)));
}

/* ---- who may come in ---- */

/* Whether a Host header names this machine to itself, with whatever port. */
static bool is_local_name(const char *host)
{
    struct address address;
    static const uint8_t mapped[13] = {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 127};
    static const uint8_t six[16] = {[15] = 1};
    if (strncasecmp(host, "localhost", 9) == 0) return host[9] == '\0' || host[9] == ':';
    if (!address_parse(host, &address)) return false;
    return memcmp(address.bytes, mapped, sizeof mapped) == 0 ||
           memcmp(address.bytes, six, sizeof six) == 0;
}

static bool has_intent(struct lws *wsi)
{
    return lws_hdr_custom_length(wsi, INTENT_HEADER, (int)strlen(INTENT_HEADER)) > 0;
}

static int refuse(const struct request *request, enum admin_refusal why, unsigned status,
                  const char *words)
{
    struct request last = *request;
    last.close = true;
    request->server->admin.refusals[why]++;
    return request_send_text(&last, status, words,
                             status == 401
                                 ? "WWW-Authenticate: Basic realm=\"whilst admin\", "
                                   "charset=\"UTF-8\"\r\n"
                                 : NULL);
}

/* Answers by itself who may not; *result is what the callback must return then. */
static bool let_in(const struct request *request, bool post, int *result)
{
    struct admin *admin = &request->server->admin;
    char host[256], origin[512];
    const char *fault = request_fault_bodiless(request->wsi);
    request_header(request->wsi, WSI_TOKEN_HOST, host, sizeof host);
    request_header(request->wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin);
    if (fault != NULL)
        *result = refuse(request, ADMIN_FAULT, 400, fault);
    else if (!admin->has_token && !is_local_name(host))
        *result = refuse(request, ADMIN_HOST, 403,
                         "without a token this address is localhost alone\n");
    else if (request_has_header(request->wsi, WSI_TOKEN_ORIGIN) &&
             !policy_is_own(origin, host))
        *result = refuse(request, ADMIN_ORIGIN, 403, "another site may do nothing here\n");
    else if (admin->has_token && !knows_token(admin, request->wsi))
        *result = refuse(request, ADMIN_TOKEN, 401, "the token is wanted\n");
    else if (post && !has_intent(request->wsi))
        *result = refuse(request, ADMIN_ORIGIN, 403,
                         "what changes something carries the header Whilst-Admin: 1\n");
    else
        return true;
    return false;
}

/* ---- what is where ---- */

static int serve_asset(const struct request *request)
{
    const char *path = strcmp(request->path, "/") == 0 ? "/-/admin" : request->path;
    const struct asset *asset = request_find_asset(path);
    if (asset == NULL || asset->policy != ASSET_ADMIN)
        return request_send_text(request, 404, "there is nothing at this address\n", NULL);
    return request_send_asset(request, asset);
}

int admin_request(struct lws *wsi, const char *path, size_t size)
{
    struct request request = {.wsi = wsi, .server = server_of(wsi), .path = path};
    bool post = lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0;
    bool get = lws_hdr_total_length(wsi, WSI_TOKEN_GET_URI) > 0;
    int result;
    callers_note_request(caller_of(wsi));
    request.head = lws_hdr_total_length(wsi, WSI_TOKEN_HEAD_URI) > 0;
    request.close = post;
    if (!get && !post && !request.head)
        return refuse(&request, ADMIN_FAULT, 405, "only GET, HEAD and POST\n");
    if (!let_in(&request, post, &result)) return result;
    if (strlen(path) == size && strncmp(path, "/api/", 5) == 0)
        return api_serve(&request, post);
    if (post || strlen(path) != size)
        return request_send_text(&request, 404, "there is nothing at this address\n", NULL);
    if (strcmp(path, "/metrics") == 0) return http_serve_metrics(&request);
    if (strcmp(path, "/healthz") == 0) return http_serve_health(&request);
    return serve_asset(&request);
}

bool admin_has_room(struct server *server)
{
    struct admin *admin = &server->admin;
    if (admin->connections < CONNECTIONS_MAX) return true;
    admin->refusals[ADMIN_CROWD]++;
    return false;
}

bool admin_owns(struct lws *wsi)
{
    const struct caller *caller = caller_of(wsi);
    return caller != NULL && caller->admin;
}

/* ---- life ---- */

bool admin_open(struct server *server)
{
    const char *path = server->config->admin_token_file;
    if (path == NULL) return true;
    const char *fault = admin_read_token(path, &server->admin.token);
    server->admin.has_token = fault == NULL;
    if (fault != NULL) fprintf(stderr, "whilst: --admin-token-file %s: %s\n", path, fault);
    return fault == NULL;
}

bool admin_start(struct server *server)
{
    struct admin *admin = &server->admin;
    if (server->config->admin == NULL) return true;
    admin->history = history_open_new(server);
    survey_open(&admin->survey, server);
    return admin->history != NULL;
}

void admin_close(struct server *server)
{
    if (server->config->admin == NULL) return;
    history_close(server->admin.history);
    survey_close(&server->admin.survey);
}

void admin_print_metrics(struct print *to, const struct server *server)
{
    static const char *const labels[] = {
#define X(name, label) label,
        ADMIN_REFUSALS(X)
#undef X
    };
    print(to, "# HELP whilst_admin_refusals_total What the operator's address refused, by "
              "reason\n# TYPE whilst_admin_refusals_total counter\n");
    for (size_t i = 0; i < ADMIN_REFUSALS_END; i++)
        print(to, "whilst_admin_refusals_total{reason=\"%s\"} %llu\n", labels[i],
              (unsigned long long)server->admin.refusals[i]);
}
