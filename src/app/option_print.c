/* The printers of a table of options: help, a configuration file, and what is in force. */
#include "option_print.h"

#include <string.h>

static const void *field_of(const struct option_row *row, const void *options)
{
    return (const char *)options + row->field;
}

static void print_choice(const struct option_row *row, uint32_t choice, FILE *out)
{
    const char *word = row->argument;
    for (; choice > 0; choice--)
        word += strcspn(word, "|") + 1;
    fprintf(out, "%.*s", (int)strcspn(word, "|"), word);
}

static void print_list(const struct option_list *list, FILE *out)
{
    for (size_t i = 0; i < list->count; i++)
        fprintf(out, "%s%s", i == 0 ? "" : " ", list->texts[i]);
}

void option_print_value(const struct option_row *row, const void *options, FILE *out)
{
    const void *field = field_of(row, options);
    const char *text;
    switch (option_kind_of(row)) {
    case OPTION_COUNT: fprintf(out, "%lu", (unsigned long)*(const uint32_t *)field); break;
    case OPTION_SIZE: fprintf(out, "%zu", *(const size_t *)field); break;
    case OPTION_FLAG: fputs(*(const bool *)field ? "yes" : "no", out); break;
    case OPTION_TEXT:
    case OPTION_FILE:
        text = *(const char *const *)field;
        fputs(text == NULL ? "" : text, out);
        break;
    case OPTION_LIST: print_list(field, out); break;
    case OPTION_CHOICE: print_choice(row, *(const uint32_t *)field, out); break;
    }
}

/* ---- help ---- */

bool option_has_default(const struct option_row *row, const void *defaults)
{
    enum option_kind kind = option_kind_of(row);
    const struct option_list *list = field_of(row, defaults);
    return kind == OPTION_COUNT || kind == OPTION_SIZE || kind == OPTION_CHOICE ||
           (kind == OPTION_LIST && list->count > 0);
}

static void print_help_row(const struct option_table *table, const struct option_row *row,
                           const void *defaults, FILE *out)
{
    char left[96], letter[] = {'-', option_letter_of(table, row), ',', ' ', '\0'};
    if (letter[1] == '\0') letter[0] = '\0';
    snprintf(left, sizeof left, "%s--%s %s", letter, row->flag,
             row->argument == NULL ? "" : row->argument);
    fprintf(out, "  %-30s %s", left, row->help);
    if (option_has_default(row, defaults)) {
        fputs(" [", out);
        option_print_value(row, defaults, out);
        fputs("]", out);
    }
    fprintf(out, "\n");
}

void option_print_help(const struct option_table *table, const void *defaults, FILE *out)
{
    const char *group = "";
    const struct option_row *row;
    fprintf(out, "usage: whilst %s [OPTION…]%s%s\n\n%s\n", table->command,
            table->operands == NULL ? "" : " ",
            table->operands == NULL ? "" : table->operands, table->about);
    for (size_t i = 0; (row = option_row_at(table, i)) != NULL; i++) {
        if (strcmp(group, row->group) != 0) fprintf(out, "\n%s\n", row->group);
        group = row->group;
        print_help_row(table, row, defaults, out);
    }
}

/* ---- configuration files ---- */

static bool is_in_file(const struct option_table *table, const struct option_row *row)
{
    return table->config == NULL || strcmp(row->flag, table->config) != 0;
}

/* The lines that set a row; what is repeated has several. */
static void print_entries(const char *before, const struct option_row *row,
                          const void *options, const char *after, FILE *out)
{
    const struct option_list *list = field_of(row, options);
    if (option_kind_of(row) == OPTION_LIST && list->count > 0) {
        for (size_t i = 0; i < list->count; i++)
            fprintf(out, "%s%s = %s%s\n", before, row->flag, list->texts[i], after);
        return;
    }
    fprintf(out, "%s%s = ", before, row->flag);
    option_print_value(row, options, out);
    fprintf(out, "%s\n", after);
}

static void print_meaning(const struct option_row *row, FILE *out)
{
    const char *argument = row->argument == NULL ? "yes|no" : row->argument;
    fprintf(out, "\n# %s: %s", argument, row->help);
    if (option_kind_of(row) == OPTION_COUNT || option_kind_of(row) == OPTION_SIZE)
        fprintf(out, " (%llu to %llu)", (unsigned long long)row->least,
                (unsigned long long)row->most);
    fprintf(out, "%s\n", (row->kind & OPTION_RELOADS) ? "" : "; a change needs a restart");
}

void option_print_defaults(const struct option_table *table, const void *defaults,
                           FILE *out)
{
    const char *group = "";
    const struct option_row *row;
    fprintf(
        out,
        "# The configuration of whilst %s: every option with its default.\n"
        "# A line is 'key = value'. What may be repeated is one line each. BYTES take K, "
        "M\n# and G. Variables (WHILST_MAX_PAGE) and flags (--max-page) win over this "
        "file.\n",
        table->command);
    for (size_t i = 0; (row = option_row_at(table, i)) != NULL; i++) {
        if (!is_in_file(table, row)) continue;
        if (strcmp(group, row->group) != 0) fprintf(out, "\n# ---- %s ----\n", row->group);
        group = row->group;
        print_meaning(row, out);
        print_entries("#", row, defaults, "", out);
    }
}

void option_print_given(const struct option_table *table, const void *options,
                        const struct option_reading *reading, FILE *out)
{
    static const char *const sources[] = {"default", "", "variable", "flag"};
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(table, i)) != NULL; i++) {
        char where[OPTION_WHERE_MAX], after[OPTION_WHERE_MAX + 3];
        option_where(reading, i, where);
        snprintf(after, sizeof after, " ; %s",
                 where[0] != '\0' ? where : sources[reading->given[i].source]);
        if (is_in_file(table, row)) print_entries("", row, options, after, out);
    }
}
