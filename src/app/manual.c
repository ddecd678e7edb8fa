/* The manual page, made of the tables of commands and options. What several commands share is
   written out for the first of them, and named for the others. */
#include "manual.h"

#include "command.h"
#include "option_print.h"
#include "reach.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAMED_MAX                                                                          \
    4 /* options that are named one by one when they were written out before */

/* ---- roff ---- */

static void put_character(char character, FILE *out)
{
    switch (character) {
    case '-': fputs("\\-", out); break;
    case '\\': fputs("\\e", out); break;
    case '~': fputs("\\(ti", out); break;
    case '^': fputs("\\(ha", out); break;
    case '`': fputs("\\(ga", out); break;
    case '\'': fputs("\\(aq", out); break;
    default: fputc(character, out);
    }
}

/* Text as it is, but that no line of it is a request. A line that begins with a space stands
   by itself: so are the tables within texts kept. */
static void put_text(const char *text, FILE *out)
{
    for (bool begins = true; *text != '\0'; begins = *text++ == '\n') {
        if (begins && *text == '.') fputs("\\&", out);
        if (begins && *text == '\n')
            fputs(".PP", out);
        else if (begins && *text == ' ')
            fputs(".br\n\\&", out);
        put_character(*text, out);
    }
}

static void put_line(const char *text, FILE *out)
{
    put_text(text, out);
    fputc('\n', out);
}

/* Words of capitals are what the user puts in: FILE, URL|HASH. */
static void put_arguments(const char *text, FILE *out)
{
    bool slanted = false;
    for (; *text != '\0'; text++) {
        bool wanted = isupper((unsigned char)*text);
        if (wanted != slanted) fputs(wanted ? "\\fI" : "\\fR", out);
        slanted = wanted;
        put_character(*text, out);
    }
    if (slanted) fputs("\\fR", out);
}

/* ---- options ---- */

static void put_flag(const struct option_row *row, FILE *out)
{
    fputs("\\fB\\-\\-", out);
    put_text(row->flag, out);
    fputs("\\fR", out);
}

static void put_default(const struct option_row *row, const void *defaults, FILE *out)
{
    char text[256] = "";
    FILE *value = fmemopen(text, sizeof text, "w");
    if (value == NULL) abort();
    option_print_value(row, defaults, value);
    fclose(value);
    fputs(" [", out);
    put_text(text, out);
    fputs("]", out);
}

static void put_option(const struct option_table *table, const struct option_row *row,
                       const void *defaults, FILE *out)
{
    char letter = option_letter_of(table, row);
    fputs(".TP\n", out);
    if (letter != '\0') fprintf(out, "\\fB\\-%c\\fR, ", letter);
    put_flag(row, out);
    if (row->argument != NULL) {
        fputc(' ', out);
        put_arguments(row->argument, out);
    }
    fputc('\n', out);
    put_text(row->help, out);
    if (option_has_default(row, defaults)) put_default(row, defaults, out);
    fputc('\n', out);
}

static void put_set(const struct option_table *table, const struct option_set *set,
                    const void *defaults, FILE *out)
{
    const char *group = "";
    for (size_t i = 0; i < set->count; i++) {
        const struct option_row *row = &set->rows[i];
        if (strcmp(row->group, group) != 0) fprintf(out, ".PP\n%s:\n", row->group);
        group = row->group;
        put_option(table, row, defaults, out);
    }
}

/* The first command that has this set among its options. */
static const char *owner_of(const struct option_set *set)
{
    for (const struct command *command = commands; command->name != NULL; command++) {
        const void *defaults;
        if (command->table == NULL) continue;
        const struct option_table *table = command->table(&defaults);
        for (size_t i = 0; i < OPTION_SETS; i++)
            if (table->sets[i].rows == set->rows) return command->name;
    }
    return "";
}

static void put_shared(const struct option_set *set, const char *owner, FILE *out)
{
    fputs(".PP\n", out);
    if (set->count > NAMED_MAX) fputs("All options", out);
    for (size_t i = 0; set->count <= NAMED_MAX && i < set->count; i++) {
        if (i > 0) fputs(i + 1 < set->count ? ", " : " and ", out);
        put_flag(&set->rows[i], out);
    }
    fprintf(out, " are as for \\fBwhilst %s\\fR.\n", owner);
}

static void put_command(const struct command *command, FILE *out)
{
    const void *defaults;
    const struct option_table *table = command->table(&defaults);
    fprintf(out, ".SS whilst %s\n", command->name);
    put_line(table->about, out);
    for (size_t i = 0; i < OPTION_SETS; i++) {
        const struct option_set *set = &table->sets[i];
        const char *owner = owner_of(set);
        if (set->count == 0) continue;
        if (strcmp(owner, command->name) == 0)
            put_set(table, set, defaults, out);
        else
            put_shared(set, owner, out);
    }
}

/* ---- the page ---- */

static void put_synopsis(FILE *out)
{
    const char *between = "";
    for (const struct command *command = commands; command->name != NULL; command++) {
        const void *defaults;
        if (command->help == NULL) continue;
        fprintf(out, "%s\\fBwhilst %s\\fR", between, command->name);
        between = ".br\n";
        if (command->table != NULL) {
            const char *operands = command->table(&defaults)->operands;
            fputs(" [\\fIOPTION\\fR…] ", out);
            if (operands != NULL) put_arguments(operands, out);
        }
        fputc('\n', out);
    }
}

static void put_exit_codes(FILE *out)
{
    static const struct meaning {
        int code;
        const char *text;
    } meanings[] = {
        {EXIT_DONE, "Done; also when share, keep, watch or serve was ended by a signal."},
        {EXIT_FAILED, "A file could not be read or written; serving was not possible."},
        {EXIT_USAGE, "The command line or the configuration is wrong."},
        {EXIT_NOBODY, "Nobody holds the page now, or those who do not answer."},
        {EXIT_WRONG, "The bytes that came were not the page's."},
        {EXIT_UNREACHABLE, "No server could be reached, or it cannot be trusted."},
        {EXIT_LIMIT, "Over a limit of the server, or against a rule of its operator."},
        {130, "whilst get was interrupted."},
    };
    fputs(".SH EXIT STATUS\n", out);
    for (size_t i = 0; i < sizeof meanings / sizeof meanings[0]; i++) {
        fprintf(out, ".TP\n%d\n", meanings[i].code);
        put_line(meanings[i].text, out);
    }
}

static void put_end(FILE *out)
{
    fputs(".SH ENVIRONMENT\n", out);
    put_line(
        "Each option of whilst serve is a variable too: WHILST_MAX_PAGE is --max-page.\n"
        "The other commands take WHILST_SERVER and WHILST_CA_FILE.",
        out);
    fputs(".SH EXAMPLES\n.nf\n", out);
    put_line("whilst serve --listen 127.0.0.1:4000\n"
             "whilst share --qr notes.txt\n"
             "whilst get http://127.0.0.1:4000/HASH -o notes.txt\n"
             "curl http://127.0.0.1:4000/raw/HASH",
             out);
    fputs(".fi\n.SH SEE ALSO\n", out);
    put_line("The guides in /usr/share/doc/whilst: cli.md, operations.md, protocol.md, "
             "library.md.",
             out);
}

void manual_print(FILE *out)
{
    fprintf(out,
            ".\\\" Made of the program's tables by whilst help --man.\n"
            ".TH WHILST 1 \"\" \"whilst %s\" \"User Commands\"\n"
            ".nh\n.ad l\n"
            ".SH NAME\n"
            "whilst \\- pages that exist only whilst somebody is looking at them\n"
            ".SH SYNOPSIS\n",
            WHILST_VERSION);
    put_synopsis(out);
    fputs(".SH DESCRIPTION\n", out);
    put_line(
        "A page is bytes, named by their SHA-256. The server keeps none: it knows who\n"
        "holds which page, asks one of them when somebody wants it, checks the bytes and\n"
        "hands them over. When the last holder leaves, the page is gone.",
        out);
    fputs(".SH COMMANDS\n", out);
    for (const struct command *command = commands; command->name != NULL; command++)
        if (command->help != NULL && command->table != NULL) put_command(command, out);
    put_exit_codes(out);
    put_end(out);
}
