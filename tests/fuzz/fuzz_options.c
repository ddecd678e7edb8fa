/* The command line, the environment and the configuration file: each line of the input is an
   argument, or behind a $ a variable, or behind a % a line of the file. What is accepted is
   within its limits; each mistake is said in one line. */
#include "app/options.h"
#include "must.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { ARGUMENTS_MAX = 100, VARIABLES_MAX = 20 };

struct line_list {
    char *arguments[ARGUMENTS_MAX + 4];
    char *variables[VARIABLES_MAX];
    int count, variables_count;
    FILE *file; /* NULL: none */
};

static char file_path[32]; /* it is in memory */

static void add_to_file(struct line_list *lines, const char *line)
{
    static char flag[] = "--config";
    static int descriptor = -1;
    if (lines->file == NULL) {
        if (descriptor < 0) descriptor = memfd_create("config", 0);
        MUST(descriptor >= 0 && ftruncate(descriptor, 0) == 0);
        snprintf(file_path, sizeof file_path, "/proc/self/fd/%d", descriptor);
        lines->file = fopen(file_path, "wb");
        MUST(lines->file != NULL);
        lines->arguments[lines->count++] = flag;
        lines->arguments[lines->count++] = file_path;
    }
    fprintf(lines->file, "%s\n", line);
}

static void add(struct line_list *lines, char *line)
{
    char *equals = strchr(line, '=');
    bool variable = strncmp(line, "$WHILST_", 8) == 0 && equals != NULL;
    if (line[0] == '%') {
        add_to_file(lines, line + 1);
    } else if (variable && lines->variables_count < VARIABLES_MAX) {
        *equals = '\0';
        setenv(line + 1, equals + 1, 1);
        lines->variables[lines->variables_count++] = line + 1;
    } else if (!variable && lines->count <= ARGUMENTS_MAX) {
        lines->arguments[lines->count++] = line;
    }
}

static void split(struct line_list *lines, char *text)
{
    static char name[] = "serve";
    lines->arguments[lines->count++] = name;
    for (char *newline; (newline = strchr(text, '\n')) != NULL; text = newline + 1) {
        *newline = '\0';
        add(lines, text);
    }
    add(lines, text);
    if (lines->file != NULL) fclose(lines->file);
}

static void check_refused(const struct line_list *lines, const char *said)
{
    size_t size = strlen(said), count = 0;
    for (const char *line = said; *line != '\0'; line = strchr(line, '\n') + 1, count++)
        MUST(strncmp(line, "whilst: ", 8) == 0 && strchr(line, '\n') != NULL);
    MUST(size > 0 && count > 0);
    MUST(count == 1 || lines->file != NULL || lines->variables_count > 0 ||
         lines->count > 2);
}

static void check_accepted(const struct options *options)
{
    const struct server_config *server = &options->server;
    const struct hub_config *hub = &server->hub;
    MUST(server->listen_count >= 1 && server->listen_count <= OPTION_LIST_MAX);
    MUST(server->origins_count <= OPTION_LIST_MAX);
    MUST(server->proxies.count <= OPTION_LIST_MAX);
    for (size_t i = 0; i < server->listen_count; i++)
        MUST(strchr(server->listen[i], ':') != NULL);
    for (size_t i = 0; i < server->proxies.count; i++)
        MUST(server->proxies.ranges[i].bits <= 128);
    MUST(server->base_path[0] == '\0' || server->base_path[0] == '/');
    MUST(hub->page_bytes_max >= 1 && hub->page_bytes_max <= 8 << 20);
    MUST(hub->message_bytes_max >= 1 << 10 && hub->payload_bytes_max >= 256);
    MUST(hub->fragments_max >= 1 && hub->topics_max >= 1 && hub->count_per_second >= 1);
    MUST(hub->in_flight_bytes_max >= 1 << 20 && server->queued_bytes_max >= 1 << 20);
    MUST(server->outbox_bytes_max >= 64 << 10 && server->header_seconds >= 1);
    MUST(options->log_level <= 3);
    MUST(server->outbox_bytes_soft <= server->outbox_bytes_max);
    MUST(server->ping_ms < server->hang_up_ms);
}

/* The program's standard error, caught for one reading. */
static bool read_quietly(struct options *options, struct line_list *lines, bool *help,
                         char **said)
{
    size_t size;
    FILE *before = stderr;
    stderr = open_memstream(said, &size);
    options_init(options);
    bool accepted = options_read(options, lines->count, lines->arguments);
    *help = options->reading.help;
    fclose(stderr);
    stderr = before;
    return accepted;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct line_list lines = {.count = 0};
    struct options options;
    bool help;
    char *text = malloc(size + 1), *said = NULL;
    memcpy(text, data, size);
    text[size] = '\0';
    split(&lines, text);
    bool accepted = read_quietly(&options, &lines, &help, &said);
    if (accepted) {
        check_accepted(&options);
        MUST(said[0] == '\0');
    } else if (help) {
        MUST(said[0] == '\0');
    } else {
        check_refused(&lines, said);
    }
    options_clear(&options);
    for (int i = 0; i < lines.variables_count; i++)
        unsetenv(lines.variables[i]);
    free(said);
    free(text);
    return 0;
}
