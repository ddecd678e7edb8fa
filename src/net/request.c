/* What all routes share: reading a request's headers, and answering with a text or an
   asset. */
#include "request.h"

#include "policy.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void request_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size)
{
    int length = lws_hdr_copy(wsi, out, (int)size, token);
    if (length < 0) length = 0;
    out[length] = '\0';
}

bool request_has_header(struct lws *wsi, enum lws_token_indexes token)
{
    char any[2];
    return lws_hdr_total_length(wsi, token) > 0 ||
           lws_hdr_copy_fragment(wsi, any, sizeof any, token, 0) >= 0;
}

/* Ways to write the two headers that the library takes for other headers, and a proxy may
   not. */
static bool has_disguised_length(struct lws *wsi)
{
    static const char *const names[] = {
        "content-length :",     "content-length\t:",   "transfer-encoding :",
        "transfer-encoding\t:", " content-length:",    "\tcontent-length:",
        " transfer-encoding:",  "\ttransfer-encoding:"};
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++)
        if (lws_hdr_custom_length(wsi, names[i], (int)strlen(names[i])) >= 0) return true;
    return false;
}

/* As the library decides it, whatever the length looks like; of these methods it reads a body
   even without a length. */
bool request_has_body(struct lws *wsi)
{
    char length[31];
    if (lws_hdr_copy(wsi, length, sizeof length, WSI_TOKEN_HTTP_CONTENT_LENGTH) > 0)
        return atoll(length) != 0;
    return lws_hdr_total_length(wsi, WSI_TOKEN_POST_URI) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_PUT_URI) > 0 ||
           lws_hdr_total_length(wsi, WSI_TOKEN_PATCH_URI) > 0;
}

/* Every request names one host (RFC 9112, section 3.2), and says in one way how long it is:
   what does otherwise is an error or an attempt to have two servers read it differently. */
const char *request_fault(struct lws *wsi)
{
    char host[256];
    /* Several come joined by commas. */
    request_header(wsi, WSI_TOKEN_HOST, host, sizeof host);
    if (host[0] == '\0' || strchr(host, ',') != NULL) return "a request names one host\n";
    if (has_disguised_length(wsi) ||
        (request_has_header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) &&
         request_has_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH)))
        return "this request has two lengths\n";
    return NULL;
}

const char *request_fault_bodiless(struct lws *wsi)
{
    char length[24];
    const char *fault = request_fault(wsi);
    request_header(wsi, WSI_TOKEN_HTTP_CONTENT_LENGTH, length, sizeof length);
    if (fault == NULL && (request_has_header(wsi, WSI_TOKEN_HTTP_TRANSFER_ENCODING) ||
                          (length[0] != '\0' && strcmp(length, "0") != 0)))
        return "this request has no body\n";
    return fault;
}

/* The host goes into a policy, so it must be of harmless characters. An IPv6 address has no
   place in a policy's sources. */
void request_read_host(struct request *request)
{
    request_header(request->wsi, WSI_TOKEN_HOST, request->host, sizeof request->host);
    for (const char *c = request->host; *c != '\0'; c++)
        if (!isalnum((unsigned char)*c) && strchr("-._:", *c) == NULL)
            request->host[0] = '\0';
}

bool request_accepts(const struct request *request, enum lws_token_indexes token,
                     const char *what)
{
    char value[512];
    request_header(request->wsi, token, value, sizeof value);
    return strstr(value, what) != NULL;
}

bool request_origin_allowed(const struct request *request)
{
    const struct server_config *config = request->server->config;
    char origin[512], host[256];
    if (!request_has_header(request->wsi, WSI_TOKEN_ORIGIN)) return !config->require_origin;
    request_header(request->wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin);
    request_header(request->wsi, WSI_TOKEN_HOST, host, sizeof host);
    return policy_may_connect(config, origin, host);
}

int request_send_text(const struct request *request, unsigned status, const char *body,
                      const char *headers)
{
    char lines[1024];
    snprintf(lines, sizeof lines, "Cache-Control: no-store\r\n" POLICY_PLAIN "%s",
             headers == NULL ? "" : headers);
    struct http_answer answer = {.status = status,
                                 .type = "text/plain;charset=utf-8",
                                 .body = (const uint8_t *)body,
                                 .size = strlen(body),
                                 .headers = lines,
                                 .head = request->head,
                                 .close = request->close || status == 400 || status == 405,
                                 .body_left = request->body};
    return http_send(request->wsi, &answer);
}

const struct asset *request_find_asset(const char *path)
{
    for (size_t i = 0; i < assets_count; i++)
        if (strcmp(assets[i].path, path) == 0) return &assets[i];
    return NULL;
}

int request_send_asset(const struct request *request, const struct asset *asset)
{
    char lines[HTTP_HEAD_MAX - 512], origin[512];
    struct http_text text = {lines, sizeof lines, 0};
    struct asset_body body = asset->identity;
    const char *encoding = NULL;
    if (asset->br.bytes != NULL &&
        request_accepts(request, WSI_TOKEN_HTTP_ACCEPT_ENCODING, "br")) {
        body = asset->br;
        encoding = "br";
    } else if (asset->gzip.bytes != NULL &&
               request_accepts(request, WSI_TOKEN_HTTP_ACCEPT_ENCODING, "gzip")) {
        body = asset->gzip;
        encoding = "gzip";
    }
    bool known = request_accepts(request, WSI_TOKEN_HTTP_IF_NONE_MATCH, asset->etag);
    http_add(&text, "ETag: ", asset->etag,
             "\r\nVary: Accept, Accept-Encoding\r\nCache-Control: ",
             asset->immutable ? "public, max-age=31536000, immutable" : "no-cache", "\r\n",
             NULL);
    if (encoding != NULL && !known)
        http_add(&text, "Content-Encoding: ", encoding, "\r\n", NULL);
    request_header(request->wsi, WSI_TOKEN_ORIGIN, origin, sizeof origin);
    policy_print(&text, asset->policy, request->server->config, request->host, origin);
    struct http_answer answer = {.status = known ? 304 : 200,
                                 .type = asset->type,
                                 .body = body.bytes,
                                 .size = known ? 0 : body.size,
                                 .headers = lines,
                                 .head = request->head};
    return http_send(request->wsi, &answer);
}
