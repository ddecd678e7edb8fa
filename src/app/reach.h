/* How clients find their server: the options that all of them share. */
#ifndef WHILST_APP_REACH_H
#define WHILST_APP_REACH_H

#include "net/client.h"
#include "option_table.h"

#define REACH_SERVER "http://127.0.0.1:4000"

struct reach_options {
    const char *server;  /* as target_parse reads it */
    const char *ca_file; /* NULL: the system's authorities */
};

extern const struct option_set reach_set;
struct reach_options reach_defaults(void);

/* The server, and the authorities that it is judged by; all zero before. */
struct reach {
    struct target target;
    struct tls_context *tls;
};

/* From the options, or from a page's address if `page` is one (NULL: there is none). False
   after a mistake, which has been said in one line. */
bool reach_open(struct reach *reach, const struct reach_options *options, const char *page);
void reach_close(struct reach *reach);

/* A client's configuration for this server. */
struct client_config reach_client(const struct reach *reach, uv_loop_t *loop);

#endif
