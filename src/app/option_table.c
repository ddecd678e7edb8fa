/* The walk over a table of options. A flag --max-page is the variable WHILST_MAX_PAGE where
   the set says so; flags come last and win. Numbers of bytes take K, M and G. */
#include "option_table.h"

#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <stdlib.h>
#include <string.h>

#define ROWS_MAX 128
#define SETS (sizeof(((struct option_table *)0)->sets) / sizeof(struct option_set))

static const struct option_row *row_at(const struct option_table *table, size_t index)
{
    for (size_t i = 0; i < SETS; i++) {
        if (index < table->sets[i].count) return &table->sets[i].rows[index];
        index -= table->sets[i].count;
    }
    return NULL;
}

bool option_fail(const struct option_row *row, const char *value, const char *wanted)
{
    fprintf(stderr, "whilst: --%s: '%s' is not %s\n", row->flag, value, wanted);
    return false;
}

bool option_read_number(const struct option_row *row, const char *value, uint64_t *number)
{
    static const char *const units = "KMG";
    char *end, wanted[96];
    errno = 0;
    unsigned long long base = strtoull(value, &end, 10);
    const char *unit = *end == '\0' ? NULL : strchr(units, toupper((unsigned char)*end));
    bool sized = strcmp(row->argument, "BYTES") == 0 && unit != NULL && end[1] == '\0';
    *number = base;
    if (sized) *number <<= 10 * (unit - units + 1);
    snprintf(wanted, sizeof wanted, "a number from %llu to %llu",
             (unsigned long long)row->least, (unsigned long long)row->most);
    if (errno != 0 || !isdigit((unsigned char)value[0]) || (*end != '\0' && !sized) ||
        base > UINT64_MAX >> 30 || *number < row->least || *number > row->most)
        return option_fail(row, value, wanted);
    return true;
}

bool option_add(const struct option_row *row, const char *value, bool first,
                const char **list, size_t *count)
{
    if (first) *count = 0;
    if (*count == OPTION_LIST_MAX)
        return option_fail(row, value, "allowed: the list is full");
    list[(*count)++] = value;
    return true;
}

static bool set(const struct option_table *table, void *options,
                const struct option_row *row, const char *value, bool first)
{
    void *field = (char *)options + row->field;
    uint64_t number = 0;
    switch (row->kind) {
    case OPTION_COUNT:
        if (!option_read_number(row, value, &number)) return false;
        *(uint32_t *)field = (uint32_t)number;
        return true;
    case OPTION_SIZE:
        if (!option_read_number(row, value, &number)) return false;
        *(size_t *)field = (size_t)number;
        return true;
    case OPTION_FLAG: *(bool *)field = true; return true;
    case OPTION_TEXT: *(const char **)field = value; return true;
    default: return table->read(options, row, value, first);
    }
}

static const char *variable_of(const struct option_row *row)
{
    char name[64] = "WHILST_";
    size_t length = strlen(name);
    for (const char *c = row->flag; *c != '\0'; c++)
        name[length++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    name[length] = '\0';
    return getenv(name);
}

static bool read_environment(const struct option_table *table, void *options)
{
    for (size_t i = 0; i < SETS; i++) {
        const struct option_set *rows = &table->sets[i];
        for (size_t j = 0; rows->environment && j < rows->count; j++) {
            const char *value = variable_of(&rows->rows[j]);
            if (value != NULL && value[0] != '\0' &&
                !set(table, options, &rows->rows[j], value, true))
                return false;
        }
    }
    return true;
}

/* What getopt_long is to know: the rows, --help, and the letters. */
static size_t list_flags(const struct option_table *table, struct option known[],
                         char letters[32])
{
    const struct option_row *row;
    size_t count = 0, length = strlen(strcpy(letters, ":h"));
    for (; (row = row_at(table, count)) != NULL && count < ROWS_MAX; count++)
        known[count] = (struct option){
            row->flag, row->argument == NULL ? no_argument : required_argument, NULL, 0};
    known[count] = (struct option){"help", no_argument, NULL, 'h'};
    for (const struct option_letter *l = table->letters; l != NULL && l->letter; l++) {
        letters[length++] = l->letter;
        for (size_t i = 0; i < count; i++)
            if (strcmp(known[i].name, l->flag) == 0 && known[i].has_arg)
                letters[length++] = ':';
    }
    letters[length] = '\0';
    return count;
}

static int index_of_letter(const struct option_table *table, const struct option known[],
                           int letter)
{
    const struct option_letter *l = table->letters;
    int at = 0;
    while (l->letter != letter)
        l++;
    while (strcmp(known[at].name, l->flag) != 0)
        at++;
    return at;
}

static bool fail_unknown(const struct option_table *table, const char *flag)
{
    fprintf(stderr, "whilst: unknown option %s; see whilst %s --help\n", flag,
            table->command);
    return false;
}

/* `text` is the argument that getopt_long has just read; of several letters in one it has
   not come to the end. */
static bool fail_flag(const struct option_table *table, int found, const char *letters,
                      const char *text)
{
    char letter[] = {'-', (char)optopt, '\0'};
    if (found == ':') {
        fprintf(stderr, "whilst: %s needs a value\n", text);
        return false;
    }
    bool is_letter = optopt != 0 && strchr(letters, optopt) == NULL;
    return fail_unknown(table, is_letter ? letter : text);
}

/* Whether a long flag was written out: getopt_long takes its beginning for it too, and of
   several flags with this beginning the first. */
static bool is_written_out(const char *text, const char *flag)
{
    size_t length = strcspn(text, "=");
    return length == strlen(flag) + 2 && strncmp(text + 2, flag, length - 2) == 0;
}

static bool read_flags(const struct option_table *table, void *options, int count,
                       char **arguments, bool *help)
{
    struct option known[ROWS_MAX + 2] = {{0}};
    bool seen[ROWS_MAX] = {false};
    char letters[32];
    int at = 0, found;
    list_flags(table, known, letters);
    opterr = 0;
    while ((found = getopt_long(count, arguments, letters, known, &at)) != -1) {
        const char *text = arguments[optind - 1];
        if (found == 'h') {
            *help = true;
            return false;
        }
        if (found == '?' || found == ':') return fail_flag(table, found, letters, text);
        if (found == 0 && optarg == text) text = arguments[optind - 2];
        if (found == 0 && !is_written_out(text, known[at].name))
            return fail_unknown(table, text);
        if (found != 0) at = index_of_letter(table, known, found);
        bool first = !seen[at];
        seen[at] = true;
        if (!set(table, options, row_at(table, (size_t)at), optarg, first)) return false;
    }
    return true;
}

bool option_table_read(const struct option_table *table, void *options, int count,
                       char **arguments, int *first_operand, bool *help)
{
    *help = false;
    if (!read_environment(table, options) ||
        !read_flags(table, options, count, arguments, help))
        return false;
    *first_operand = optind;
    if (optind == count || table->operands != NULL) return true;
    fprintf(stderr, "whilst: unexpected '%s'; see whilst %s --help\n", arguments[optind],
            table->command);
    return false;
}

static void print_default(FILE *out, const struct option_row *row, const void *defaults)
{
    const void *field = (const char *)defaults + row->field;
    if (row->kind == OPTION_COUNT && *(const uint32_t *)field != UINT32_MAX)
        fprintf(out, " [%lu]", (unsigned long)*(const uint32_t *)field);
    if (row->kind == OPTION_SIZE) fprintf(out, " [%zu]", *(const size_t *)field);
}

static void print_row(const struct option_table *table, const struct option_row *row,
                      const void *defaults, FILE *out)
{
    char left[64], letter[8] = "";
    for (const struct option_letter *l = table->letters; l != NULL && l->letter; l++)
        if (strcmp(row->flag, l->flag) == 0)
            snprintf(letter, sizeof letter, "-%c, ", l->letter);
    snprintf(left, sizeof left, "%s--%s %s", letter, row->flag,
             row->argument == NULL ? "" : row->argument);
    fprintf(out, "  %-30s %s", left, row->help);
    print_default(out, row, defaults);
    fprintf(out, "\n");
}

void option_table_print_help(const struct option_table *table, const void *defaults,
                             FILE *out)
{
    const char *group = "";
    const struct option_row *row;
    fprintf(out, "usage: whilst %s [OPTION…]%s%s\n\n%s\n", table->command,
            table->operands == NULL ? "" : " ",
            table->operands == NULL ? "" : table->operands, table->about);
    for (size_t i = 0; (row = row_at(table, i)) != NULL; i++) {
        if (strcmp(group, row->group) != 0) fprintf(out, "\n%s\n", row->group);
        group = row->group;
        print_row(table, row, defaults, out);
    }
}
