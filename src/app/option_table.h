/* Options as a table: one list of rows for each command. The table is walked by the readers of
   the configuration file, of the environment and of flags, and by the printers of help, of a
   configuration file and of what is in force. A later source wins over an earlier one. */
#ifndef WHILST_APP_OPTION_TABLE_H
#define WHILST_APP_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTION_LIST_MAX 32
#define OPTION_SETS 2
#define OPTION_ROWS_MAX 128
#define OPTION_WHERE_MAX 4200

enum option_kind {
    OPTION_COUNT,  /* uint32_t */
    OPTION_SIZE,   /* size_t; the argument BYTES takes K, M and G */
    OPTION_FLAG,   /* bool */
    OPTION_TEXT,   /* const char *, or NULL */
    OPTION_FILE,   /* the same: a file that must be readable */
    OPTION_LIST,   /* struct option_list; the option may be repeated */
    OPTION_CHOICE, /* uint32_t: which of the argument's words, a|b|c */
};

/* Added to a row's kind: SIGHUP may change it in a running server. */
#define OPTION_RELOADS 0x100

struct option_list {
    const char *texts[OPTION_LIST_MAX];
    size_t count;
};

struct option_row {
    const char *flag, *argument, *group, *help;
    int kind;             /* enum option_kind, perhaps with OPTION_RELOADS */
    size_t field;         /* in the command's struct */
    uint64_t least, most; /* of numbers */
};

/* Rows that stand together. The command's struct begins with what the first set fills. */
struct option_set {
    const struct option_row *rows;
    size_t count;
    bool environment; /* each is a variable too: --max-page is WHILST_MAX_PAGE */
};

struct option_letter {
    char letter;
    const char *flag;
};

/* What a text must be beside what its kind says. */
struct option_check {
    const char *flag;
    bool (*is_right)(const char *value);
    const char *wanted; /* "HOST:PORT or unix:PATH" */
};

struct option_table {
    const char *command;  /* as it is typed: "serve" */
    const char *operands; /* for the usage line; NULL: there are none */
    const char *about;    /* for the help */
    struct option_set sets[OPTION_SETS];
    const struct option_letter *letters; /* ends with {0}; or NULL */
    const struct option_check *checks;   /* ends with {0}; or NULL */
    const char *config;                  /* the flag that names a file; or NULL */
};

/* Where a row's value comes from, the weakest first. */
enum option_source { OPTION_DEFAULT, OPTION_IN_FILE, OPTION_VARIABLE, OPTION_ARGUMENT };

struct option_given {
    enum option_source source;
    unsigned line; /* of the file */
};

/* One mistake. `where` is "FILE:LINE", "FILE", or "" for variables and flags. */
struct option_mistake {
    const char *where, *what;
};

/* How the options were read. To begin with all is 0 but for `tell` and `context`. */
struct option_reading {
    /* Is told every mistake; NULL: they are lines on standard error. */
    void (*tell)(void *context, const struct option_mistake *mistake);
    void *context;
    struct option_given given[OPTION_ROWS_MAX]; /* by row */
    const char *file;                           /* the configuration file, or NULL */
    char *texts;       /* of the file: values may point into it; the caller frees it */
    unsigned mistakes; /* how many */
    int first_operand; /* the first argument that is no flag; those stand together at the end */
    bool help;         /* asked for */
};

/* Reads the file, the environment and flags into `options`, over what it holds: all of them, so
   that each mistake is told, but nothing after a flag that there is not. False after a mistake,
   or with reading->help set when help was asked for. */
bool option_table_read_all(const struct option_table *table, void *options, int count,
                           char **arguments, struct option_reading *reading);

/* The same for commands that have no configuration file. *first_operand as above. */
bool option_table_read(const struct option_table *table, void *options, int count,
                       char **arguments, int *first_operand, bool *help);

/* Tells a mistake that is in no single value, in printf's way. False. */
__attribute__((format(printf, 3, 4))) bool
option_tell(struct option_reading *reading, const char *where, const char *format, ...);

/* Where a row's value was set: "FILE:LINE", or "" when it was in no file. */
void option_where(const struct option_reading *reading, size_t index,
                  char where[OPTION_WHERE_MAX]);

/* The rows of all sets, one after the other; NULL after the last. */
const struct option_row *option_row_at(const struct option_table *table, size_t index);
/* The index of a row, which there must be. */
size_t option_index_of(const struct option_table *table, const char *flag);

/* The letter that is short for a row, or 0. */
char option_letter_of(const struct option_table *table, const struct option_row *row);

static inline enum option_kind option_kind_of(const struct option_row *row)
{
    return (enum option_kind)(row->kind & ~OPTION_RELOADS);
}

#endif
