/* The commands of the program as a table: for whoever runs one, and for all that is made from
   it: help, the manual page and the shells' completions. */
#ifndef WHILST_APP_COMMAND_H
#define WHILST_APP_COMMAND_H

#include "option_table.h"

struct command {
    const char *name, *help; /* help NULL: another name, which is not shown */
    int (*run)(int count, char **arguments);
    /* Its options, and a struct with their defaults; NULL: it has none. */
    const struct option_table *(*table)(const void **defaults);
};

extern const struct command commands[]; /* ends with {0} */

/* The command of this name, or NULL. */
const struct command *command_find(const char *name);

#endif
