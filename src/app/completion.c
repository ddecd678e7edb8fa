/* Completions for shells, made of the tables of commands and options: names of commands, flags,
   values that are one of some words, and files. */
#include "completion.h"

#include "command.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

/* What an argument or operand is, as far as a shell can know it. */
enum value { VALUE_ANY, VALUE_FILE, VALUE_WORDS };

static enum value value_of(const char *argument)
{
    if (argument == NULL) return VALUE_ANY;
    if (strncmp(argument, "FILE", 4) == 0) return VALUE_FILE;
    return islower((unsigned char)argument[0]) ? VALUE_WORDS : VALUE_ANY;
}

/* a|b|c, and what may follow after a space: the words, with this between them. */
static void put_words(const char *words, char between, FILE *out)
{
    for (; *words != '\0' && *words != ' '; words++)
        fputc(*words == '|' ? between : *words, out);
}

static const struct option_table *table_of(const struct command *command)
{
    const void *defaults;
    return command->help == NULL || command->table == NULL ? NULL
                                                           : command->table(&defaults);
}

static void put_names(bool with_table, char between, FILE *out)
{
    const char *name;
    for (const struct command *command = commands; (name = command->name) != NULL;
         command++)
        if (command->help != NULL && (!with_table || command->table != NULL))
            fprintf(out, "%s%c", name, between);
}

/* Words first, then a file: check|show [FILE] */
static bool has_file_behind(const struct option_table *table)
{
    return value_of(table->operands) == VALUE_WORDS &&
           strstr(table->operands, "[FILE]") != NULL;
}

/* ---- bash ---- */

static void put_bash_flags(const struct command *command, FILE *out)
{
    const struct option_table *table = table_of(command);
    const struct option_row *row;
    if (table == NULL) return;
    fprintf(out, "    %s) flags='--help", command->name);
    for (size_t i = 0; (row = option_row_at(table, i)) != NULL; i++)
        fprintf(out, " --%s", row->flag);
    fputc('\'', out);
    if (value_of(table->operands) == VALUE_WORDS) {
        fputs(" words='", out);
        put_words(table->operands, ' ', out);
        fputc('\'', out);
        if (has_file_behind(table)) fputs("; ((COMP_CWORD > 2)) && words='' files=1", out);
    } else if (value_of(table->operands) == VALUE_FILE) {
        fputs(" files=1", out);
    }
    fputs(" ;;\n", out);
}

/* How flags go on that take a value. */
static void put_bash_values(const struct command *command, FILE *out)
{
    const struct option_table *table = table_of(command);
    const struct option_row *row;
    for (size_t i = 0; table != NULL && (row = option_row_at(table, i)) != NULL; i++) {
        char letter = option_letter_of(table, row);
        if (row->argument == NULL) continue;
        fprintf(out, "    '%s --%s'", command->name, row->flag);
        if (letter != '\0') fprintf(out, " | '%s -%c'", command->name, letter);
        fputs(") flags=''", out);
        if (value_of(row->argument) == VALUE_WORDS) {
            fputs(" words='", out);
            put_words(row->argument, ' ', out);
            fputs("' files=''", out);
        } else {
            fprintf(out, " words='' files=%s",
                    value_of(row->argument) == VALUE_FILE ? "1" : "''");
        }
        fputs(" ;;\n", out);
    }
}

void completion_print_bash(FILE *out)
{
    fputs("# bash completion of whilst, made by whilst help --bash\n"
          "_whilst()\n{\n"
          "    local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD-1]}\n"
          "    local command=${COMP_WORDS[1]} flags='' words='' files=''\n"
          "    if [[ $current == '=' ]]; then current=''\n"
          "    elif [[ $before == '=' ]]; then before=${COMP_WORDS[COMP_CWORD-2]}; fi\n"
          "    if ((COMP_CWORD == 1)); then command='' words='",
          out);
    put_names(false, ' ', out);
    fputs("'; fi\n    case $command in\n    help) flags='--man --bash --zsh' words='", out);
    put_names(true, ' ', out);
    fputs("' ;;\n", out);
    for (const struct command *command = commands; command->name != NULL; command++)
        put_bash_flags(command, out);
    fputs("    esac\n    case \"$command $before\" in\n", out);
    for (const struct command *command = commands; command->name != NULL; command++)
        put_bash_values(command, out);
    fputs("    esac\n"
          "    [[ $current == -* ]] && words=$flags files=''\n"
          "    mapfile -t COMPREPLY < <(compgen -W \"$words\" -- \"$current\")\n"
          "    if [[ $files ]]; then\n"
          "        compopt -o filenames\n"
          "        mapfile -t COMPREPLY < <(compgen -f -- \"$current\")\n"
          "    fi\n"
          "}\n"
          "complete -F _whilst whilst\n",
          out);
}

/* ---- zsh ---- */

/* Help between brackets and colons, in single quotes. */
static void put_zsh_text(const char *text, FILE *out)
{
    for (; *text != '\0'; text++) {
        if (strchr("[]:\\", *text) != NULL) fputc('\\', out);
        if (*text == '\'')
            fputs("'\\''", out);
        else
            fputc(*text, out);
    }
}

static void put_zsh_value(const char *argument, FILE *out)
{
    if (value_of(argument) == VALUE_WORDS) {
        fputs("value:(", out);
        put_words(argument, ' ', out);
        fputc(')', out);
        return;
    }
    put_zsh_text(argument, out);
    fputs(value_of(argument) == VALUE_FILE ? ":_files" : ": ", out);
}

static void put_zsh_option(const struct option_table *table, const struct option_row *row,
                           FILE *out)
{
    bool repeated = option_kind_of(row) == OPTION_LIST;
    char letter = option_letter_of(table, row);
    fputs("            ", out);
    if (letter != '\0')
        fprintf(out, "'(-%c --%s)'{-%c,--%s%s}'[", letter, row->flag, letter, row->flag,
                row->argument == NULL ? "" : "=");
    else
        fprintf(out, "'%s--%s%s[", repeated ? "*" : "", row->flag,
                row->argument == NULL ? "" : "=");
    put_zsh_text(row->help, out);
    fputc(']', out);
    if (row->argument != NULL) {
        fputc(':', out);
        put_zsh_value(row->argument, out);
    }
    fputs("' \\\n", out);
}

static void put_zsh_command(const struct command *command, FILE *out)
{
    const struct option_table *table = table_of(command);
    const struct option_row *row;
    if (table == NULL) return;
    fprintf(out, "        %s) _arguments -S '--help[print what there is]' \\\n",
            command->name);
    for (size_t i = 0; (row = option_row_at(table, i)) != NULL; i++)
        put_zsh_option(table, row, out);
    if (table->operands != NULL) {
        fputs(value_of(table->operands) == VALUE_WORDS ? "            '1:"
                                                       : "            '*:",
              out);
        put_zsh_value(table->operands, out);
        fputc('\'', out);
        if (has_file_behind(table)) fputs(" '2:FILE:_files'", out);
    }
    fputs(" ;;\n", out);
}

void completion_print_zsh(FILE *out)
{
    fputs("#compdef whilst\n# Made by whilst help --zsh\n"
          "_whilst() {\n"
          "    local context state state_descr line\n"
          "    typeset -A opt_args\n"
          "    _arguments -C '1:command:->command' '*::argument:->argument'\n"
          "    case $state in\n"
          "    command)\n        local -a names=(\n",
          out);
    for (const struct command *command = commands; command->name != NULL; command++) {
        if (command->help == NULL) continue;
        fprintf(out, "            '%s:", command->name);
        put_zsh_text(command->help, out);
        fputs("'\n", out);
    }
    fputs("        )\n        _describe command names ;;\n"
          "    argument)\n        case $words[1] in\n"
          "        help) _arguments --man --bash --zsh '1:command:(",
          out);
    put_names(true, ' ', out);
    fputs(")' ;;\n", out);
    for (const struct command *command = commands; command->name != NULL; command++)
        put_zsh_command(command, out);
    fputs("        esac ;;\n    esac\n}\n_whilst \"$@\"\n", out);
}
