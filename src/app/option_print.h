/* What a table of options can say of itself. */
#ifndef WHILST_APP_OPTION_PRINT_H
#define WHILST_APP_OPTION_PRINT_H

#include "option_table.h"

/* For --help. `defaults` is a struct as option_table_read is given. */
void option_print_help(const struct option_table *table, const void *defaults, FILE *out);

/* A configuration file with every option as a comment and its default; as it stands, and with
   those comments opened, it changes nothing. */
void option_print_defaults(const struct option_table *table, const void *defaults,
                           FILE *out);

/* The same form, with what is in force and where it comes from. */
void option_print_given(const struct option_table *table, const void *options,
                        const struct option_reading *reading, FILE *out);

/* Whether a row has a default that is worth to be said. */
bool option_has_default(const struct option_row *row, const void *defaults);

/* A row's value as it would be written; of a list, one after the other. */
void option_print_value(const struct option_row *row, const void *options, FILE *out);

#endif
