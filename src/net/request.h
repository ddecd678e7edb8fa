/* One HTTP request: its headers, what is wrong with it, and the answers that many routes
   give. */
#ifndef WHILST_NET_REQUEST_H
#define WHILST_NET_REQUEST_H

#include "assets.h"
#include "http.h"

struct request {
    struct lws *wsi;
    struct server *server;
    const char *path; /* below the base path */
    bool head, close; /* `close`: the connection ends with the answer */
    bool body;        /* the library reads one, if it is not stopped */
    char host[256];   /* as the client named us; "" if it is not a plain name and port */
};

/* Copies a header; "" if it is missing or too long. */
void request_header(struct lws *wsi, enum lws_token_indexes token, char *out, size_t size);
/* Whether a header was sent at all, be it empty. */
bool request_has_header(struct lws *wsi, enum lws_token_indexes token);
bool request_accepts(const struct request *request, enum lws_token_indexes token,
                     const char *what);

/* Whether the library takes what follows the headers for a body. */
bool request_has_body(struct lws *wsi);
/* What is wrong with any request, and with one that has no body; in words, or NULL. */
const char *request_fault(struct lws *wsi);
const char *request_fault_bodiless(struct lws *wsi);
/* Whether documents of the request's origin, or programs, may do more than read. */
bool request_origin_allowed(const struct request *request);
/* Fills in `host`. */
void request_read_host(struct request *request);

/* Both end the request, and return what the library's callback must. The first sends a short
   text; `headers` as in struct http_answer. */
int request_send_text(const struct request *request, unsigned status, const char *body,
                      const char *headers);
int request_send_asset(const struct request *request, const struct asset *asset);

/* What is at /metrics and /healthz. */
int http_serve_metrics(const struct request *request);
int http_serve_health(const struct request *request);

/* NULL: there is none at this path. */
const struct asset *request_find_asset(const char *path);

#endif
