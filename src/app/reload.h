/* The configuration of a running server, read again at SIGHUP. */
#ifndef WHILST_APP_RELOAD_H
#define WHILST_APP_RELOAD_H

#include "options.h"

struct reload {
    struct options *options; /* in force, changed in place */
    struct options before;   /* as they were read: the server adjusts some to its means */
    int count;               /* the command line */
    char **arguments;
    char *texts; /* of the file that was read last, or NULL */
};

/* Makes `options` ones that the server reads again. `reload` is borrowed for as long. */
void reload_attach(struct reload *reload, struct options *options, int count,
                   char **arguments);
void reload_clear(struct reload *reload);

#endif
