/* The options of `whilst serve`. */
#ifndef WHILST_APP_OPTIONS_H
#define WHILST_APP_OPTIONS_H

#include "net/server.h"
#include "option_table.h"

#include <stdbool.h>
#include <stdio.h>

/* What the options fill in. Texts are borrowed from the command line and the
   environment. */
struct options {
    struct server_config server;
    const char *listen[OPTION_LIST_MAX], *origins[OPTION_LIST_MAX];
    const char *embedders[OPTION_LIST_MAX];
    size_t listen_count, origins_count, embedders_count;
    struct address_range proxies[OPTION_LIST_MAX];
    size_t proxies_count;
    uint32_t log_level;
};

/* Reads environment and flags over the defaults. False after a mistake, which has been said
   in one line on standard error, or with *help set when help was asked for. */
bool options_read(struct options *options, int count, char **arguments, bool *help);

void options_print_help(FILE *out);

#endif
