/* The commands that are errands. */
#ifndef WHILST_APP_ERRANDS_H
#define WHILST_APP_ERRANDS_H

#include "option_table.h"

int share_main(int count, char **arguments);
int get_main(int count, char **arguments);
int keep_main(int count, char **arguments);
int watch_main(int count, char **arguments);
int admin_main(int count, char **arguments);

/* As in struct command. */
const struct option_table *share_table(const void **defaults);
const struct option_table *get_table(const void **defaults);
const struct option_table *keep_table(const void **defaults);
const struct option_table *admin_table(const void **defaults);
const struct option_table *watch_table(const void **defaults);

#endif
