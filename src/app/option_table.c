/* The walk over a table of options. A flag --max-page is the variable WHILST_MAX_PAGE where the
   set says so, and the key max-page of the configuration file. Sources are read from the
   weakest to the strongest: file, environment, flags. A list starts anew with each of them; a
   value that is empty, in a file or a variable, is as if it were not there. */
#include "option_table.h"

#include "option_file.h"
#include "option_value.h"

#include <ctype.h>
#include <getopt.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_BYTES 64
#define SLIP_LEAST 5   /* shorter names of variables have too many others near */
#define SLIP_LETTERS 2 /* that may be wrong */

/* One reading of all sources. */
struct walk {
    const struct option_table *table;
    void *options;
    struct option_reading *reading;
    int count;
    char **arguments;
};

/* ---- rows ---- */

const struct option_row *option_row_at(const struct option_table *table, size_t index)
{
    for (size_t i = 0; i < OPTION_SETS; i++) {
        if (index < table->sets[i].count) return &table->sets[i].rows[index];
        index -= table->sets[i].count;
    }
    return NULL;
}

static bool find_row(const struct option_table *table, const char *flag, size_t *index)
{
    const struct option_row *row;
    for (*index = 0; (row = option_row_at(table, *index)) != NULL; ++*index)
        if (strcmp(row->flag, flag) == 0) return true;
    return false;
}

char option_letter_of(const struct option_table *table, const struct option_row *row)
{
    for (const struct option_letter *l = table->letters; l != NULL && l->letter; l++)
        if (strcmp(row->flag, l->flag) == 0) return l->letter;
    return '\0';
}

size_t option_index_of(const struct option_table *table, const char *flag)
{
    size_t index;
    if (!find_row(table, flag, &index)) abort();
    return index;
}

static size_t least_of(size_t a, size_t b, size_t c)
{
    size_t least = a < b ? a : b;
    return least < c ? least : c;
}

/* How many letters must be changed, added or left out to make the one of the other. */
static size_t distance(const char *a, const char *b)
{
    size_t row[NAME_MAX_BYTES], length = strlen(b);
    if (length >= NAME_MAX_BYTES) return SIZE_MAX;
    for (size_t j = 0; j <= length; j++)
        row[j] = j;
    for (size_t i = 0; a[i] != '\0'; i++) {
        size_t diagonal = row[0];
        row[0] = i + 1;
        for (size_t j = 0; j < length; j++) {
            size_t above = row[j + 1];
            row[j + 1] = least_of(above + 1, row[j] + 1, diagonal + (a[i] != b[j]));
            diagonal = above;
        }
    }
    return row[length];
}

/* The row that is most like a word that is none, and less than `least` letters away, or
   NULL. */
static const struct option_row *nearest_to(const struct option_table *table,
                                           const char *word, size_t least)
{
    const struct option_row *row, *nearest = NULL;
    for (size_t i = 0; (row = option_row_at(table, i)) != NULL; i++) {
        size_t far = distance(word, row->flag);
        if (far >= least) continue;
        least = far;
        nearest = row;
    }
    return nearest;
}

/* ---- mistakes ---- */

bool option_tell(struct option_reading *reading, const char *where, const char *format, ...)
{
    char what[1024];
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(what, sizeof what, format, arguments);
    va_end(arguments);
    reading->mistakes++;
    if (reading->tell != NULL)
        reading->tell(reading->context, &(struct option_mistake){where, what});
    else
        fprintf(stderr, "whilst: %s%s%s\n", where, where[0] == '\0' ? "" : ": ", what);
    return false;
}

static void print_where(const struct option_reading *reading, unsigned line,
                        char where[OPTION_WHERE_MAX])
{
    if (line > 0)
        snprintf(where, OPTION_WHERE_MAX, "%s:%u", reading->file, line);
    else
        snprintf(where, OPTION_WHERE_MAX, "%s", reading->file);
}

void option_where(const struct option_reading *reading, size_t index,
                  char where[OPTION_WHERE_MAX])
{
    const struct option_given *given = &reading->given[index];
    where[0] = '\0';
    if (given->source == OPTION_IN_FILE) print_where(reading, given->line, where);
}

static bool tell_at_line(struct option_reading *reading, unsigned line, const char *what)
{
    char where[OPTION_WHERE_MAX];
    print_where(reading, line, where);
    return option_tell(reading, where, "%s", what);
}

/* What is said after an unknown word: what may have been meant, with `before` before it. */
static void suggest(const struct option_table *table, const char *word, const char *before,
                    char text[OPTION_WANTED_MAX])
{
    /* What is further away is another word. */
    const struct option_row *nearest = nearest_to(table, word, strlen(word) / 3 + 2);
    if (nearest != NULL)
        snprintf(text, OPTION_WANTED_MAX, "; did you mean %s%s?", before, nearest->flag);
    else
        snprintf(text, OPTION_WANTED_MAX, "; see whilst %s --help", table->command);
}

static void name_variable(const struct option_row *row, char name[NAME_MAX_BYTES])
{
    size_t length = strlen(strcpy(name, "WHILST_"));
    for (const char *c = row->flag; *c != '\0' && length + 1 < NAME_MAX_BYTES; c++)
        name[length++] = *c == '-' ? '_' : (char)toupper((unsigned char)*c);
    name[length] = '\0';
}

/* ---- values ---- */

static bool add_text(struct option_list *list, const char *value, bool first)
{
    if (first) list->count = 0;
    if (list->count == OPTION_LIST_MAX) return false;
    list->texts[list->count++] = value;
    return true;
}

static bool is_checked(const struct option_table *table, const struct option_row *row,
                       const char *value, char wanted[OPTION_WANTED_MAX])
{
    const struct option_check *check = table->checks;
    for (; check != NULL && check->flag != NULL; check++)
        if (strcmp(check->flag, row->flag) == 0 && !check->is_right(value)) {
            snprintf(wanted, OPTION_WANTED_MAX, "%s", check->wanted);
            return false;
        }
    return true;
}

/* False with what is wanted when the value is not right. */
static bool put(const struct walk *walk, const struct option_row *row, const char *value,
                bool first, char wanted[OPTION_WANTED_MAX])
{
    void *field = (char *)walk->options + row->field;
    uint64_t number = 0;
    if (!is_checked(walk->table, row, value, wanted)) return false;
    switch (option_kind_of(row)) {
    case OPTION_COUNT:
        if (!option_read_number(row, value, &number, wanted)) return false;
        *(uint32_t *)field = (uint32_t)number;
        return true;
    case OPTION_SIZE:
        if (!option_read_number(row, value, &number, wanted)) return false;
        *(size_t *)field = (size_t)number;
        return true;
    case OPTION_FLAG:
        snprintf(wanted, OPTION_WANTED_MAX, "yes or no");
        return option_read_flag(value, field);
    case OPTION_TEXT:
    case OPTION_FILE: *(const char **)field = value; return true;
    case OPTION_LIST:
        snprintf(wanted, OPTION_WANTED_MAX, "allowed: the list is full");
        return add_text(field, value, first);
    case OPTION_CHOICE:
        snprintf(wanted, OPTION_WANTED_MAX, "one of %s", row->argument);
        return option_read_choice(row, value, field);
    }
    return false;
}

static bool tell_wrong(const struct walk *walk, const struct option_row *row,
                       const struct option_given *given, const char *value,
                       const char *wanted)
{
    char variable[NAME_MAX_BYTES], what[1024];
    if (given->source == OPTION_IN_FILE) {
        snprintf(what, sizeof what, "%s: '%s' is not %s", row->flag, value, wanted);
        return tell_at_line(walk->reading, given->line, what);
    }
    name_variable(row, variable);
    if (given->source == OPTION_VARIABLE)
        return option_tell(walk->reading, "", "%s: '%s' is not %s", variable, value,
                           wanted);
    return option_tell(walk->reading, "", "--%s: '%s' is not %s", row->flag, value, wanted);
}

static void set(const struct walk *walk, size_t index, const struct option_given *by,
                const char *value)
{
    char wanted[OPTION_WANTED_MAX];
    const struct option_row *row = option_row_at(walk->table, index);
    struct option_given *given = &walk->reading->given[index];
    bool first = given->source != by->source;
    *given = *by;
    if (!put(walk, row, value, first, wanted)) tell_wrong(walk, row, by, value, wanted);
}

/* ---- the file ---- */

static void on_unknown(const struct walk *walk, unsigned line, const char *key)
{
    char what[1024], suggestion[OPTION_WANTED_MAX];
    suggest(walk->table, key, "", suggestion);
    snprintf(what, sizeof what, "unknown option '%s'%s", key, suggestion);
    tell_at_line(walk->reading, line, what);
}

static void on_entry(void *context, unsigned line, const char *key, const char *value)
{
    const struct walk *walk = context;
    size_t index;
    if (!find_row(walk->table, key, &index) || strcmp(key, walk->table->config) == 0) {
        on_unknown(walk, line, key);
        return;
    }
    const struct option_given *given = &walk->reading->given[index];
    bool again = given->source == OPTION_IN_FILE;
    if (again && option_kind_of(option_row_at(walk->table, index)) != OPTION_LIST) {
        char what[200];
        snprintf(what, sizeof what, "%s stands in line %u already", key, given->line);
        tell_at_line(walk->reading, line, what);
    } else if (value[0] != '\0') {
        set(walk, index, &(struct option_given){OPTION_IN_FILE, line}, value);
    }
}

static void on_mistake(void *context, unsigned line, const char *what)
{
    tell_at_line(((const struct walk *)context)->reading, line, what);
}

static void read_file(struct walk *walk)
{
    struct option_file_reader reader = {on_entry, on_mistake, walk};
    if (walk->reading->file == NULL) return;
    option_file_read(walk->reading->file, &reader, &walk->reading->texts);
}

/* ---- the environment ---- */

static const char *variable_of(const struct option_row *row)
{
    char name[NAME_MAX_BYTES];
    name_variable(row, name);
    const char *value = getenv(name);
    return value == NULL || value[0] == '\0' ? NULL : value;
}

static void read_environment(struct walk *walk)
{
    size_t index = 0;
    for (size_t i = 0; i < OPTION_SETS; i++) {
        const struct option_set *rows = &walk->table->sets[i];
        for (size_t j = 0; j < rows->count; j++, index++) {
            const char *value = rows->environment ? variable_of(&rows->rows[j]) : NULL;
            if (value != NULL)
                set(walk, index, &(struct option_given){OPTION_VARIABLE, 0}, value);
        }
    }
}

/* A variable may be another program's, or of another command: only one that is all but the
   name of an option must have been meant to be it. */
static void tell_slip(const struct walk *walk, const char *variable)
{
    char word[NAME_MAX_BYTES], meant[NAME_MAX_BYTES];
    size_t size = strcspn(variable, "="), index;
    const size_t prefix = strlen("WHILST_");
    if (strncmp(variable, "WHILST_", prefix) != 0 || size - prefix >= sizeof word) return;
    for (size_t i = prefix; i < size; i++)
        word[i - prefix] =
            variable[i] == '_' ? '-' : (char)tolower((unsigned char)variable[i]);
    word[size - prefix] = '\0';
    if (size - prefix < SLIP_LEAST || find_row(walk->table, word, &index)) return;
    const struct option_row *nearest = nearest_to(walk->table, word, SLIP_LETTERS + 1);
    if (nearest == NULL) return;
    name_variable(nearest, meant);
    option_tell(walk->reading, "", "unknown variable %.*s; did you mean %s?", (int)size,
                variable, meant);
}

static void read_slips(const struct walk *walk)
{
    for (char **variable = environ; *variable != NULL; variable++)
        tell_slip(walk, *variable);
}

/* ---- flags ---- */

/* What getopt_long is to know: the rows, --help, and the letters. */
static size_t list_flags(const struct option_table *table, struct option known[],
                         char letters[32])
{
    const struct option_row *row;
    size_t count = 0, length = strlen(strcpy(letters, ":h"));
    for (; (row = option_row_at(table, count)) != NULL && count < OPTION_ROWS_MAX; count++)
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

static int index_of_letter(const struct option_table *table, int letter)
{
    const struct option_letter *l = table->letters;
    while (l->letter != letter)
        l++;
    return (int)option_index_of(table, l->flag);
}

static bool fail_unknown(const struct walk *walk, const char *flag)
{
    char suggestion[OPTION_WANTED_MAX], word[NAME_MAX_BYTES];
    bool is_long = strncmp(flag, "--", 2) == 0;
    snprintf(word, sizeof word, "%.*s", (int)strcspn(flag, "="), flag);
    suggest(walk->table, is_long ? word + 2 : "", "--", suggestion);
    return option_tell(walk->reading, "", "unknown option %s%s", flag, suggestion);
}

/* `text` is the argument that getopt_long has just read; of several letters in one it has
   not come to the end. */
static bool fail_flag(const struct walk *walk, int found, const char *letters,
                      const char *text)
{
    char letter[] = {'-', (char)optopt, '\0'};
    if (found == ':') return option_tell(walk->reading, "", "%s needs a value", text);
    bool is_letter = optopt != 0 && strchr(letters, optopt) == NULL;
    return fail_unknown(walk, is_letter ? letter : text);
}

/* Whether a long flag was written out: getopt_long takes its beginning for it too, and of
   several flags with this beginning the first. */
static bool is_written_out(const char *text, const char *flag)
{
    size_t length = strcspn(text, "=");
    return length == strlen(flag) + 2 && strncmp(text + 2, flag, length - 2) == 0;
}

/* Shows every flag to `visit`. False after one that cannot be understood, which has been
   told, or when help was asked for. */
static bool walk_flags(struct walk *walk,
                       void (*visit)(struct walk *walk, size_t index, const char *value))
{
    struct option known[OPTION_ROWS_MAX + 2] = {{0}};
    char letters[32];
    int at = 0, found;
    list_flags(walk->table, known, letters);
    opterr = 0;
    optind = 0; /* from the beginning */
    while ((found = getopt_long(walk->count, walk->arguments, letters, known, &at)) != -1) {
        const char *text = walk->arguments[optind - 1];
        if (found == 'h') {
            walk->reading->help = true;
            return false;
        }
        if (found == '?' || found == ':') return fail_flag(walk, found, letters, text);
        if (found == 0 && optarg == text) text = walk->arguments[optind - 2];
        if (found == 0 && !is_written_out(text, known[at].name))
            return fail_unknown(walk, text);
        if (found != 0) at = index_of_letter(walk->table, found);
        visit(walk, (size_t)at, optarg == NULL ? "yes" : optarg);
    }
    walk->reading->first_operand = optind;
    return true;
}

static void visit_config(struct walk *walk, size_t index, const char *value)
{
    const char *config = walk->table->config;
    if (config != NULL && strcmp(option_row_at(walk->table, index)->flag, config) == 0)
        walk->reading->file = value;
}

static void visit_value(struct walk *walk, size_t index, const char *value)
{
    set(walk, index, &(struct option_given){OPTION_ARGUMENT, 0}, value);
}

/* ---- all of it ---- */

/* Which file is to be read, and whether all flags can be understood. */
static bool look_ahead(struct walk *walk)
{
    const struct option_table *table = walk->table;
    struct option_reading *reading = walk->reading;
    if (!walk_flags(walk, visit_config)) return false;
    if (reading->file == NULL && table->config != NULL)
        reading->file =
            variable_of(option_row_at(table, option_index_of(table, table->config)));
    if (reading->first_operand == walk->count || table->operands != NULL) return true;
    return option_tell(reading, "", "unexpected '%s'; see whilst %s --help",
                       walk->arguments[reading->first_operand], table->command);
}

bool option_table_read_all(const struct option_table *table, void *options, int count,
                           char **arguments, struct option_reading *reading)
{
    struct walk walk = {table, options, reading, count, arguments};
    if (!look_ahead(&walk)) return false;
    read_file(&walk);
    read_environment(&walk);
    if (table->config != NULL) read_slips(&walk);
    walk_flags(&walk, visit_value);
    return reading->mistakes == 0;
}

bool option_table_read(const struct option_table *table, void *options, int count,
                       char **arguments, int *first_operand, bool *help)
{
    struct option_reading reading = {0};
    bool read = option_table_read_all(table, options, count, arguments, &reading);
    *first_operand = reading.first_operand;
    *help = reading.help;
    return read;
}
