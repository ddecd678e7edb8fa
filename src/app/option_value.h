/* What the texts of options mean. */
#ifndef WHILST_APP_OPTION_VALUE_H
#define WHILST_APP_OPTION_VALUE_H

#include "option_table.h"

#define OPTION_WANTED_MAX 256

/* A number within the row's bounds, K, M and G behind it if it is one of bytes. `wanted`
   says what would be right, in any case. */
bool option_read_number(const struct option_row *row, const char *value, uint64_t *number,
                        char wanted[OPTION_WANTED_MAX]);

/* Yes or no, true or false, on or off, 1 or 0. */
bool option_read_flag(const char *value, bool *flag);

/* Which of the words of the row's argument, a|b|c. */
bool option_read_choice(const struct option_row *row, const char *value, uint32_t *choice);

#endif
