/* `whilst admin`: sees and steers a running server, through its operator's address.

   A table of what can be done; each takes what it needs, asks, and prints: for people on a
   terminal, in columns with tabs elsewhere, or as JSON. */
#include "errands.h"

#include "ask.h"
#include "errand.h"
#include "option_print.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define ADMIN_ADDRESS "127.0.0.1:4001"
#define SHOWN_ON_TERMINAL 40

struct admin_options {
    const char *address, *token_file, *ca_file;
    uint32_t most;
    bool json;
};

#define ADMIN(name) offsetof(struct admin_options, name)

static const struct option_row where_rows[] = {
    {"admin", "ADDRESS", "Where",
     "HOST:PORT, https://HOST:PORT or unix:PATH [" ADMIN_ADDRESS "]", OPTION_TEXT,
     ADMIN(address), 0, 0},
    {"admin-token-file", "FILE", "Where", "the one line that the address wants to hear",
     OPTION_TEXT, ADMIN(token_file), 0, 0},
    {"ca-file", "FILE", "Where",
     "trust the authorities in this PEM file instead of the system's", OPTION_TEXT,
     ADMIN(ca_file), 0, 0},
};

static const struct option_row what_rows[] = {
    {"most", "N", "What", "rows of a list; 0: all, or 40 on a terminal", OPTION_COUNT,
     ADMIN(most), 0, 1000000000},
    {"json", NULL, "What", "print JSON, a line each", OPTION_FLAG, ADMIN(json), 0, 0},
};

static const struct option_table table = {
    .command = "admin",
    .operands =
        "status|pages|sessions|nodes|drop|block|close|log-level|drain [HASH|SESSION|LEVEL]",
    .about =
        "Sees and steers a running server that was started with --admin ADDRESS.\n\n"
        "  status           what it is and does\n"
        "  pages            the pages there are, those with the most viewers first\n"
        "  sessions         who is connected, those who have been for longest first\n"
        "  nodes            this node and the others that it hears\n"
        "  drop HASH        end a page: all who are at it are told, and may come again\n"
        "  block HASH       refuse a page from now on\n"
        "  close SESSION    end a session\n"
        "  log-level LEVEL  error, warn, info or debug\n"
        "  drain            send everybody away and end the server",
    .sets = {{where_rows, sizeof where_rows / sizeof where_rows[0], true},
             {what_rows, sizeof what_rows / sizeof what_rows[0], false}},
};

static const struct admin_options defaults = {.address = ADMIN_ADDRESS};

const struct option_table *admin_table(const void **shown)
{
    *shown = &defaults;
    return &table;
}

struct admin_run {
    struct admin_options options;
    struct ask ask;
    const char *operand;
    bool terminal;
};

/* ---- asking ---- */

static int exit_of(int status)
{
    if (status == 0) return EXIT_UNREACHABLE;
    if (status == 404) return EXIT_NOBODY;
    return status == 200 ? EXIT_DONE : EXIT_LIMIT;
}

/* The answer to be printed, or NULL with the exit code after what was wrong has been said. */
static json_t *ask(const struct admin_run *run, const char *method, const char *path,
                   int *code)
{
    int status;
    json_t *answer = ask_new(&run->ask, method, path, &status);
    const char *error = json_string_value(json_object_get(answer, "error"));
    *code = exit_of(status);
    if (answer == NULL || status == 200) return answer;
    fprintf(stderr, "whilst: the server says: %s\n", error == NULL ? "no" : error);
    json_decref(answer);
    return NULL;
}

/* All of a list, which comes in steps; NULL as above. */
static json_t *ask_list(const struct admin_run *run, const char *what, int *code)
{
    json_t *all = json_array();
    char path[128];
    json_int_t next = 0;
    do {
        snprintf(path, sizeof path, "/api/%s?from=%lld", what, (long long)next);
        json_t *answer = ask(run, "GET", path, code);
        if (answer == NULL) {
            json_decref(all);
            return NULL;
        }
        json_array_extend(all, json_object_get(answer, what));
        next = json_integer_value(json_object_get(answer, "next"));
        json_decref(answer);
    } while (next != 0);
    return all;
}

static json_int_t number(const json_t *row, const char *name)
{
    return json_integer_value(json_object_get(row, name));
}

static const char *word(const json_t *row, const char *name)
{
    const char *text = json_string_value(json_object_get(row, name));
    return text == NULL ? "-" : text;
}

/* ---- printing ---- */

static void print_json(const json_t *value)
{
    json_dumpf(value, stdout, JSON_COMPACT);
    putchar('\n');
}

/* "1:05", "2:05 h", "3 d". */
static const char *age(json_int_t seconds, char text[24])
{
    long long s = seconds;
    if (s < 3600)
        snprintf(text, 24, "%lld:%02lld", s / 60, s % 60);
    else if (s < 86400)
        snprintf(text, 24, "%lld:%02lld h", s / 3600, s / 60 % 60);
    else
        snprintf(text, 24, "%lld d", s / 86400);
    return text;
}

static void print_page(const struct admin_run *run, const json_t *row)
{
    char size[24] = "-", old[24];
    json_int_t bytes = number(row, "bytes");
    if (!run->terminal) {
        printf("%s\t%lld\t%lld\t%lld\t%lld\t%lld\n", word(row, "hash"),
               number(row, "holders"), number(row, "away"), number(row, "seekers"), bytes,
               number(row, "age_s"));
        return;
    }
    if (bytes > 0) errand_bytes((uint64_t)bytes, size);
    printf("%.24s… %8lld %6lld %8lld %10s %9s\n", word(row, "hash"), number(row, "holders"),
           number(row, "away"), number(row, "seekers"), size,
           age(number(row, "age_s"), old));
}

static void print_session(const struct admin_run *run, const json_t *row)
{
    char size[24], old[24];
    if (!run->terminal) {
        printf("%s\t%s\t%lld\t%lld\t%lld\t%lld\t%lld\n", word(row, "session"),
               word(row, "network"), number(row, "holding"), number(row, "seeking"),
               number(row, "asked"), number(row, "unread_bytes"), number(row, "age_s"));
        return;
    }
    printf("%-14s %-28s %6lld %6lld %6lld %10s %9s\n", word(row, "session"),
           word(row, "network"), number(row, "holding"), number(row, "seeking"),
           number(row, "asked"), errand_bytes((uint64_t)number(row, "unread_bytes"), size),
           age(number(row, "age_s"), old));
}

static double real(const json_t *row, const char *name)
{
    return json_number_value(json_object_get(row, name));
}

static void print_node(const struct admin_run *run, const json_t *row)
{
    bool here = json_is_true(json_object_get(row, "here"));
    char old[24], heard[24] = "here", trip[24] = "-";
    if (!run->terminal) {
        printf("%s\t%lld\t%lld\t%.1f\t%.0f\t%s\t%.6f\n", word(row, "node"),
               number(row, "pages"), number(row, "holders"), real(row, "heard_s"),
               real(row, "age_s"), word(row, "server"), real(row, "round_trip_s"));
        return;
    }
    if (!here) snprintf(heard, sizeof heard, "%.1f s ago", real(row, "heard_s"));
    if (json_is_string(json_object_get(row, "server")))
        snprintf(trip, sizeof trip, "%.2f ms", 1000 * real(row, "round_trip_s"));
    printf("%-32s %8lld %8lld %10s %9s  %-24s %10s\n", word(row, "node"),
           number(row, "pages"), number(row, "holders"), heard,
           age((json_int_t)real(row, "age_s"), old), word(row, "server"), trip);
}

static json_int_t viewers(const json_t *page)
{
    return number(page, "holders") + number(page, "seekers");
}

static int by_viewers(const void *a, const void *b)
{
    json_int_t left = viewers(*(json_t *const *)a), right = viewers(*(json_t *const *)b);
    return left != right ? (left < right ? 1 : -1)
                         : strcmp(word(*(json_t *const *)a, "hash"),
                                  word(*(json_t *const *)b, "hash"));
}

static int by_age(const void *a, const void *b)
{
    json_int_t left = number(*(json_t *const *)a, "age_s");
    json_int_t right = number(*(json_t *const *)b, "age_s");
    return left != right ? (left < right ? 1 : -1)
                         : strcmp(word(*(json_t *const *)a, "session"),
                                  word(*(json_t *const *)b, "session"));
}

static int by_name(const void *a, const void *b)
{
    const json_t *left = *(json_t *const *)a, *right = *(json_t *const *)b;
    int here = json_is_true(json_object_get(right, "here")) -
               json_is_true(json_object_get(left, "here"));
    return here != 0 ? here : strcmp(word(left, "node"), word(right, "node"));
}

struct list {
    const char *what, *head; /* in the path and the answer; above the columns */
    int (*compare)(const void *a, const void *b);
    void (*print)(const struct admin_run *run, const json_t *row);
};

static int print_list(const struct admin_run *run, const struct list *list)
{
    int code;
    json_t *all = ask_list(run, list->what, &code);
    if (all == NULL) return code;
    size_t count = json_array_size(all), most = run->options.most;
    const json_t **rows = malloc((count + 1) * sizeof *rows);
    if (rows == NULL) return EXIT_FAILED;
    for (size_t i = 0; i < count; i++)
        rows[i] = json_array_get(all, i);
    qsort(rows, count, sizeof *rows, list->compare);
    if (most == 0) most = run->terminal ? SHOWN_ON_TERMINAL : count;
    if (run->terminal && count > 0) puts(list->head);
    for (size_t i = 0; i < count && i < most; i++)
        if (run->options.json)
            print_json(rows[i]);
        else
            list->print(run, rows[i]);
    if (run->terminal && most < count)
        printf("… and %zu more; --most N shows them\n", count - most);
    if (run->terminal && count == 0) printf("there are no %s now\n", list->what);
    free(rows);
    json_decref(all);
    return EXIT_DONE;
}

/* ---- the commands ---- */

static int run_pages(const struct admin_run *run)
{
    static const struct list list = {
        "pages", "page                       holders   away  seekers       size       age",
        by_viewers, print_page};
    return print_list(run, &list);
}

static int run_sessions(const struct admin_run *run)
{
    static const struct list list = {
        "sessions",
        "session        network                       holds  seeks  asked     unread       "
        "age",
        by_age, print_session};
    return print_list(run, &list);
}

static int run_nodes(const struct admin_run *run)
{
    static const struct list list = {"nodes",
                                     "node                                pages  holders   "
                                     "   heard       age  server of "
                                     "the bus       round trip",
                                     by_name, print_node};
    return print_list(run, &list);
}

static void print_status(const json_t *status)
{
    char memory[24], old[24];
    const json_t *limits = json_object_get(status, "limits");
    json_int_t now = (json_int_t)time(NULL);
    printf("whilst %s, process %lld, %s for %s\n", word(status, "version"),
           number(status, "pid"), word(status, "state"),
           age(now - number(status, "began_s"), old));
    if (number(status, "predecessor") != 0)
        printf("predecessor  process %lld, which is draining\n",
               number(status, "predecessor"));
    printf("visitors     %lld of at most %lld\n", number(status, "visitors"),
           number(limits, "connections"));
    printf("pages        %lld; holders %lld, of which away %lld; seekers %lld\n",
           number(status, "pages"), number(status, "holders"), number(status, "away"),
           number(status, "seekers"));
    printf("memory       %s\n",
           errand_bytes((uint64_t)number(status, "memory_bytes"), memory));
    printf("processor    %.1f s\n", json_real_value(json_object_get(status, "cpu_s")));
    printf("descriptors  %lld of at most %lld\n", number(status, "descriptors"),
           number(limits, "descriptors"));
    printf("refused      %lld pages, from %s\n", number(status, "denied"),
           word(status, "deny_file"));
    printf("log level    %s\n", word(status, "log_level"));
}

static int run_status(const struct admin_run *run)
{
    int code;
    json_t *status = ask(run, "GET", "/api/status", &code);
    if (status == NULL) return code;
    if (run->options.json)
        print_json(status);
    else
        print_status(status);
    json_decref(status);
    return EXIT_DONE;
}

/* Changes something; the answer is JSON if that is wanted, else NULL with *code. */
static json_t *act(const struct admin_run *run, const char *path, int *code)
{
    json_t *answer = ask(run, "POST", path, code);
    if (answer == NULL || !run->options.json) return answer;
    print_json(answer);
    json_decref(answer);
    return NULL;
}

static bool page_path(const struct admin_run *run, const char *verb, char path[128],
                      char hex[HASH_HEX + 1])
{
    struct page_hash hash;
    const char *address;
    if (!errand_page(run->operand, &hash, &address)) return false;
    hash_to_hex(&hash, 0, hex);
    snprintf(path, 128, "/api/pages/%s/%s", hex, verb);
    return true;
}

static int run_drop(const struct admin_run *run)
{
    char path[128], hex[HASH_HEX + 1];
    int code;
    if (!page_path(run, "drop", path, hex)) return EXIT_USAGE;
    json_t *answer = act(run, path, &code);
    if (answer == NULL) return code;
    printf("dropped; %lld told\n", number(answer, "told"));
    json_decref(answer);
    return EXIT_DONE;
}

static void print_blocked(const json_t *answer, const char *hex)
{
    const char *file = json_string_value(json_object_get(answer, "deny_file"));
    printf("blocked; %lld told\n", number(answer, "told"));
    if (json_is_true(json_object_get(answer, "written")))
        printf("it stays so: it was written to %s\n", file);
    else if (file != NULL)
        printf("until %s is read again, for it could not be written (%s); add this "
               "line:\n%s\n",
               file, word(answer, "why"), hex);
    else
        printf("until the server ends; to keep it so, write this line to a file and start "
               "with --deny-file FILE:\n%s\n",
               hex);
}

static int run_block(const struct admin_run *run)
{
    char path[128], hex[HASH_HEX + 1];
    int code;
    if (!page_path(run, "block", path, hex)) return EXIT_USAGE;
    json_t *answer = act(run, path, &code);
    if (answer == NULL) return code;
    print_blocked(answer, hex);
    json_decref(answer);
    return EXIT_DONE;
}

static int run_close(const struct admin_run *run)
{
    char path[128];
    int code;
    if (run->operand[strspn(run->operand, "0123456789abcdef")] != '\0' ||
        strlen(run->operand) > 16) {
        fprintf(stderr, "whilst: '%s' is no session; whilst admin sessions lists them\n",
                run->operand);
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "/api/sessions/%s/close", run->operand);
    json_t *answer = act(run, path, &code);
    if (answer != NULL) puts("closed");
    json_decref(answer);
    return code;
}

static int run_log_level(const struct admin_run *run)
{
    char path[128];
    int code;
    if (strspn(run->operand, "abcdefghijklmnopqrstuvwxyz") != strlen(run->operand) ||
        strlen(run->operand) > 16) {
        fprintf(stderr, "whilst: a level is error, warn, info or debug\n");
        return EXIT_USAGE;
    }
    snprintf(path, sizeof path, "/api/log-level/%s", run->operand);
    json_t *answer = act(run, path, &code);
    if (answer != NULL) printf("the log level is %s\n", word(answer, "log_level"));
    json_decref(answer);
    return code;
}

static int run_drain(const struct admin_run *run)
{
    int code;
    json_t *answer = act(run, "/api/drain", &code);
    if (answer != NULL)
        printf("draining; visitors sent away: %lld\n", number(answer, "visitors"));
    json_decref(answer);
    return code;
}

static const struct admin_command {
    const char *name, *operand; /* NULL: it takes none */
    int (*run)(const struct admin_run *run);
} commands[] = {
    {"status", NULL, run_status},    {"pages", NULL, run_pages},
    {"nodes", NULL, run_nodes},      {"sessions", NULL, run_sessions},
    {"drop", "HASH", run_drop},      {"block", "HASH", run_block},
    {"close", "SESSION", run_close}, {"log-level", "LEVEL", run_log_level},
    {"drain", NULL, run_drain},
};

static const struct admin_command *find_command(const char *name)
{
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(commands[i].name, name) == 0) return &commands[i];
    return NULL;
}

/* NULL after a mistake, which has been said. */
static const struct admin_command *choose(int count, char **operands)
{
    const struct admin_command *command = count == 0 ? NULL : find_command(operands[0]);
    if (command == NULL)
        fprintf(stderr, "whilst: %s%s%s; see whilst admin --help\n",
                count == 0 ? "admin needs a command" : "unknown command '",
                count == 0 ? "" : operands[0], count == 0 ? "" : "'");
    else if (command->operand != NULL && count != 2)
        fprintf(stderr, "whilst: it is whilst admin %s %s\n", command->name,
                command->operand);
    else if (command->operand == NULL && count != 1)
        fprintf(stderr, "whilst: unexpected '%s'; see whilst admin --help\n", operands[1]);
    else
        return command;
    return NULL;
}

int admin_main(int count, char **arguments)
{
    struct admin_run run = {.options = defaults};
    int first;
    bool help;
    if (!option_table_read(&table, &run.options, count, arguments, &first, &help)) {
        if (help) option_print_help(&table, &defaults, stdout);
        return help ? EXIT_DONE : EXIT_USAGE;
    }
    const struct admin_command *command = choose(count - first, arguments + first);
    if (command == NULL) return EXIT_USAGE;
    if (!ask_open(&run.ask, run.options.address, run.options.token_file,
                  run.options.ca_file))
        return EXIT_FAILED;
    run.operand = arguments[first + 1];
    run.terminal = isatty(STDOUT_FILENO) && !run.options.json;
    int code = command->run(&run);
    ask_close(&run.ask);
    return fflush(stdout) == 0 ? code : EXIT_FAILED;
}
