/* How clients find their server: the options that all of them share. */
#ifndef WHILST_APP_REACH_H
#define WHILST_APP_REACH_H

#include "net/client.h"
#include "option_table.h"

#define REACH_SERVER "http://127.0.0.1:4000"

/* What a client's process ends with: docs/cli.md. */
enum reach_exit {
    EXIT_DONE,
    EXIT_FAILED,      /* of this machine: a file, memory */
    EXIT_USAGE,       /* the command line */
    EXIT_NOBODY,      /* nobody holds the page */
    EXIT_WRONG,       /* the bytes were not the page's */
    EXIT_UNREACHABLE, /* no server, or one that speaks something else */
    EXIT_LIMIT,       /* over a limit of the server or of the client */
};

struct reach_options {
    const char *server;  /* as target_parse reads it */
    const char *ca_file; /* NULL: the system's authorities */
};

#define REACH_ROWS 2
extern const struct option_row reach_rows[REACH_ROWS];
#define REACH_SET                                                                          \
    {                                                                                      \
        reach_rows, REACH_ROWS, true                                                       \
    }
#define REACH_DEFAULTS                                                                     \
    {                                                                                      \
        .server = REACH_SERVER                                                             \
    }

/* The server, and the authorities that it is judged by; all zero before. */
struct reach {
    struct target target;
    struct tls_context *tls;
};

/* From the options, or from a page's address if `page` is one (NULL: there is none). False
   after a mistake, which has been said in one line. */
bool reach_open(struct reach *reach, const struct reach_options *options, const char *page);
void reach_close(struct reach *reach);

/* The authorities of this file, or the system's; NULL after a mistake, which has been
   said. */
struct tls_context *reach_trust(const char *ca_file);

/* A client's configuration for this server. */
struct client_config reach_client(const struct reach *reach, uv_loop_t *loop);

#endif
