/* Options as a table: one list of rows for each command, walked by the reader of flags, the
   reader of the environment and the printer of help. */
#ifndef WHILST_APP_OPTION_TABLE_H
#define WHILST_APP_OPTION_TABLE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define OPTION_LIST_MAX 32

enum option_kind {
    OPTION_COUNT, /* uint32_t */
    OPTION_SIZE,  /* size_t; the argument BYTES takes K, M and G */
    OPTION_FLAG,  /* bool */
    OPTION_TEXT,  /* const char * */
    OPTION_OWN,   /* this and what follows: read by the table's own function */
};

struct option_row {
    const char *flag, *argument, *group, *help;
    int kind;             /* enum option_kind */
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

struct option_table {
    const char *command;  /* as it is typed: "serve" */
    const char *operands; /* for the usage line; NULL: there are none */
    const char *about;    /* for the help */
    struct option_set sets[2];
    const struct option_letter *letters; /* ends with {0}; or NULL */
    /* Reads rows of kind OPTION_OWN and above. `first`: it is the first value of its row
       from where it comes, so that flags replace what the environment gave. */
    bool (*read)(void *options, const struct option_row *row, const char *value,
                 bool first);
};

/* Reads environment and flags into `options`, over what it holds. *first_operand is the
   index of the first argument that is no flag; those stand together at the end. False
   after a mistake, which has been said in one line on standard error, or with *help set
   when help was asked for. */
bool option_table_read(const struct option_table *table, void *options, int count,
                       char **arguments, int *first_operand, bool *help);

/* `defaults` is a struct as option_table_read is given. */
void option_table_print_help(const struct option_table *table, const void *defaults,
                             FILE *out);

/* For the tables' own readers: says in one line what was wanted; false. */
bool option_fail(const struct option_row *row, const char *value, const char *wanted);

/* A number in the row's range. */
bool option_read_number(const struct option_row *row, const char *value, uint64_t *number);

/* Adds to a list of at most OPTION_LIST_MAX, which starts anew with the first. */
bool option_add(const struct option_row *row, const char *value, bool first,
                const char **list, size_t *count);

#endif
