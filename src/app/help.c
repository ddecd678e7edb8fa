/* `whilst help`: the commands, one command, or what is made of all their tables. */
#include "help.h"

#include "command.h"
#include "completion.h"
#include "manual.h"

#include <string.h>

static void print_commands(FILE *out)
{
    fputs("usage: whilst COMMAND [OPTION…]\n\n"
          "Pages that exist only whilst somebody is looking at them.\n\n",
          out);
    for (const struct command *command = commands; command->name != NULL; command++)
        if (command->help != NULL)
            fprintf(out, "  %-10s %s\n", command->name, command->help);
    fputs("\nwhilst help COMMAND, or whilst COMMAND --help, has a command's options.\n"
          "--man, --bash and --zsh print the manual page and the shells' completions.\n",
          out);
}

static int show_command(const struct command *command)
{
    static char help[] = "--help";
    char name[32];
    snprintf(name, sizeof name, "%s", command->name);
    char *arguments[] = {name, help, NULL};
    return command->run(2, arguments);
}

int help_main(int count, char **arguments)
{
    static const struct form {
        const char *flag;
        void (*print)(FILE *out);
    } forms[] = {{"--help", print_commands},
                 {"-h", print_commands},
                 {"--man", manual_print},
                 {"--bash", completion_print_bash},
                 {"--zsh", completion_print_zsh}};
    if (count < 2) {
        print_commands(stdout);
        return 0;
    }
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++)
        if (strcmp(arguments[1], forms[i].flag) == 0) {
            forms[i].print(stdout);
            return 0;
        }
    const struct command *command = command_find(arguments[1]);
    if (command != NULL && command->table != NULL) return show_command(command);
    if (command != NULL) {
        printf("usage: whilst %s\n\n%s\n", command->name,
               command->help == NULL ? "" : command->help);
        return 0;
    }
    fprintf(stderr, "whilst: there is no command '%s' to help with; see whilst help\n",
            arguments[1]);
    return 2;
}
