/* `whilst config`. */
#ifndef WHILST_APP_CONFIG_H
#define WHILST_APP_CONFIG_H

#include "option_table.h"

int config_main(int count, char **arguments);
const struct option_table *config_table(const void **defaults); /* as in struct command */

#endif
