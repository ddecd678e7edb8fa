/* The options of `whilst serve`. */
#ifndef WHILST_APP_OPTIONS_H
#define WHILST_APP_OPTIONS_H

#include "net/log.h"
#include "net/server.h"
#include "option_table.h"

#include <stdbool.h>

/* Which way pages go between us and partners: the words of --federate. */
enum federate { FEDERATE_NO, FEDERATE_HAVE, FEDERATE_WANT, FEDERATE_BOTH };

/* What the options fill in. Texts are borrowed from the command line, the environment and
   reading.texts; server points into the struct itself, which must stay where it is. */
struct options {
    struct server_config server; /* first */
    struct option_list listen, origins, embedders, proxies, partners;
    struct address_range ranges[OPTION_LIST_MAX]; /* the proxies */
    uint32_t proxy_header;                        /* enum proxy_header */
    uint32_t federate;                            /* enum federate */
    uint32_t log_level;                           /* enum log_level */
    uint32_t log_format;                          /* enum log_format */
    bool log_addresses;
    bool no_rates;
    const char *config, *unix_mode, *user;
    const char *files[OPTION_ROWS_MAX]; /* all that are named */
    struct option_reading reading;
};

extern const struct option_table options_table;

/* The defaults. The caller may set reading.tell and reading.context then. */
void options_init(struct options *options);

/* Reads file, environment and flags over the defaults. False after mistakes, each of which has
   been told, or with reading.help set when help was asked for. */
bool options_read(struct options *options, int count, char **arguments);

/* Makes `server` what the other fields say, after one of those was changed. */
void options_settle(struct options *options);

/* Tells what contradicts something else. */
void options_agree(struct options *options);

/* Whether an address to listen at is one of TLS. */
bool options_is_tls(const char *listen);

struct log_config options_log(const struct options *options);

void options_clear(struct options *options);

#endif
