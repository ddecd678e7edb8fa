/* `whilst config`: what can be said of a configuration without serving. Its actions take the
   arguments of `whilst serve`, and may have the file in front of them. */
#include "config.h"

#include "net/admin.h"
#include "net/certificate.h"
#include "net/deny_file.h"
#include "option_print.h"
#include "options.h"
#include "serve.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define EXIT_WRONG 2

/* ---- files ---- */

static bool can_read(const char *path)
{
    FILE *file = fopen(path, "rb");
    if (file == NULL) return false;
    int first = fgetc(file);
    bool readable = first != EOF || !ferror(file); /* a directory is opened, and not read */
    int error = errno;
    fclose(file);
    errno = error;
    return readable;
}

static void check_file(struct options *options, size_t index, const char *path)
{
    char where[OPTION_WHERE_MAX];
    const char *flag = option_row_at(&options_table, index)->flag;
    struct deny_complaint complaint;
    struct deny_text text;
    struct page_hash token;
    const char *fault = NULL;
    option_where(&options->reading, index, where);
    if (!can_read(path)) {
        option_tell(&options->reading, where, "%s: %s: %s; check the path", flag, path,
                    strerror(errno));
        return;
    }
    if (path == options->server.admin_token_file) {
        fault = admin_read_token(path, &token);
    } else if (path == options->server.deny_file && !deny_file_check(path, &complaint)) {
        text = deny_complaint_print(&complaint);
        fault = text.text;
    }
    if (fault != NULL)
        option_tell(&options->reading, where, "%s: %s: %s", flag, path, fault);
}

/* What serving would find out later. */
static void check_files(struct options *options)
{
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(&options_table, i)) != NULL; i++) {
        if (option_kind_of(row) != OPTION_FILE || strcmp(row->flag, "config") == 0)
            continue;
        const char *path = *(const char **)((char *)options + row->field);
        if (path != NULL) check_file(options, i, path);
    }
}

/* The first fault of certificate and key, unless one was told of their files already. */
static void check_certificate(struct options *options)
{
    struct certificate_fault fault;
    char where[OPTION_WHERE_MAX];
    const struct server_config *server = &options->server;
    if (server->tls_certificate == NULL || options->reading.mistakes > 0 ||
        certificate_check(server->tls_certificate, server->tls_key, &fault))
        return;
    option_where(&options->reading, option_index_of(&options_table, fault.option), where);
    option_tell(&options->reading, where, "%s: %s: %s", fault.option, fault.file,
                fault.what);
}

/* ---- actions ---- */

static int check(struct options *options)
{
    check_files(options);
    check_certificate(options);
    if (options->reading.mistakes > 0) return EXIT_WRONG;
    printf("%s: no mistakes\n",
           options->reading.file == NULL ? "without a file" : options->reading.file);
    return 0;
}

static int show(struct options *options)
{
    if (options->reading.mistakes > 0) return EXIT_WRONG;
    option_print_given(&options_table, options, &options->reading, stdout);
    return 0;
}

static int print_defaults(struct options *options)
{
    if (options->reading.mistakes > 0) return EXIT_WRONG;
    struct options defaults;
    options_init(&defaults);
    option_print_defaults(&options_table, &defaults, stdout);
    return 0;
}

static const struct action {
    const char *name, *help;
    int (*run)(struct options *options); /* what was read, perhaps with mistakes */
} actions[] = {
    {"check", "tell every mistake with its line: exit code 0 if there is none, else 2",
     check},
    {"show", "print what would be in force, and where each value comes from", show},
    {"defaults", "print a configuration file that has every option", print_defaults},
};

static const char about[] =
    "What a configuration says, without serving. FILE is as --config FILE, and\n"
    "OPTION as for whilst serve; without FILE it is the one in WHILST_CONFIG.";

const struct option_table *config_table(const void **defaults)
{
    static struct option_table table;
    table = *serve_table(defaults);
    table.command = "config";
    table.operands = "check|show|defaults [FILE]";
    table.about = about;
    return &table;
}

#define ACTIONS (sizeof actions / sizeof actions[0])

static int print_help(void)
{
    printf("usage: whilst config ACTION [FILE] [OPTION…]\n\n"
           "%s\n\n",
           about);
    for (size_t i = 0; i < ACTIONS; i++)
        printf("  %-10s %s\n", actions[i].name, actions[i].help);
    return 0;
}

/* Reads ACTION [FILE] [OPTION…] as `serve [--config FILE] [OPTION…]`, and acts. */
static int run(const struct action *action, int count, char **arguments)
{
    static char config[] = "--config";
    struct options options;
    bool named = count > 1 && arguments[1][0] != '-';
    char **line = calloc((size_t)count + 2, sizeof *line);
    int size = 0;
    if (line == NULL) return 1;
    line[size++] = arguments[0];
    if (named) line[size++] = config;
    for (int i = 1; i < count; i++)
        line[size++] = arguments[i];
    options_init(&options);
    options_read(&options, size, line);
    int code = options.reading.help ? print_help() : action->run(&options);
    options_clear(&options);
    free(line);
    return code;
}

int config_main(int count, char **arguments)
{
    const char *name = count > 1 ? arguments[1] : "";
    if (strcmp(name, "--help") == 0 || strcmp(name, "-h") == 0) return print_help();
    for (size_t i = 0; i < ACTIONS; i++)
        if (strcmp(name, actions[i].name) == 0)
            return run(&actions[i], count - 1, arguments + 1);
    fprintf(stderr, "whilst: config wants check, show or defaults; see whilst config "
                    "--help\n");
    return EXIT_WRONG;
}
