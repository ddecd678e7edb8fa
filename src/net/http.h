/* HTTP: what is served at which address, and with which headers. */
#ifndef WHILST_NET_HTTP_H
#define WHILST_NET_HTTP_H

#include "server_state.h"

/* An event of the library that has to do with HTTP; returns what its callback must. */
int http_event(struct lws *wsi, enum lws_callback_reasons reason, void *in, size_t size);

/* Once a second: ends requests that wait too long, or whose client is gone. */
void http_sweep(struct server *server);
/* Tells those who hold a page that the server stops. */
void http_stop(struct server *server);

/* Text that is built up. It must fit: what is printed is ours, and bounded. */
struct http_text {
    char *out;
    size_t size, length;
};

__attribute__((format(printf, 2, 3))) void http_print(struct http_text *text,
                                                      const char *format, ...);
/* Several strings; the last is NULL. */
void http_add(struct http_text *text, ...) __attribute__((sentinel));

/* An answer. Zeroed memory but for the status is an answer without a body. */
struct http_answer {
    unsigned status;
    const char *type;
    const uint8_t *body;
    size_t size;
    const char *headers; /* further lines, each ending with CR LF; or NULL */
    bool head;           /* the request was HEAD: everything but the body */
    bool length_unknown; /* of a body that is not sent */
    bool close;          /* the connection ends with it */
    bool body_left;      /* and the request's body has not all been read */
};

/* Writes the status line and headers of an answer on this connection; returns their length,
   at most `size`. */
size_t http_print_head(struct lws *wsi, const struct http_answer *answer, char *out,
                       size_t size);

/* Writes all of an answer at once and ends the request; returns what the callback must. */
int http_send(struct lws *wsi, const struct http_answer *answer);

#define HTTP_HEAD_MAX 4096

#endif
