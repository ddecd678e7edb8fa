/* `whilst serve`. */
#ifndef WHILST_APP_SERVE_H
#define WHILST_APP_SERVE_H

#include "option_table.h"

int serve_main(int count, char **arguments);
const struct option_table *serve_table(const void **defaults); /* as in struct command */

#endif
