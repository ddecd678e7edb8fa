/* The table of `whilst bench`. */
#include "bench_options.h"

#include "option_print.h"

#include <string.h>

#define BENCH(name) offsetof(struct bench_options, name)

/* clang-format off: one row a line */
static const struct option_row rows[] = {
    {"visitors", "N", "Load", "connections", OPTION_COUNT, BENCH(visitors), 1, 1000000},
    {"at-once", "N", "Load", "of which so many are being opened at a time", OPTION_COUNT,
     BENCH(at_once), 1, 100000},
    {"per-address", "N", "Load",
     "so many come from one address of 127.0.0.0/8; 0: all from the same", OPTION_COUNT,
     BENCH(per_address), 0, 28000},
    {"holders", "N", "Load", "of the visitors hold pages (fetch); 0: one in ten",
     OPTION_COUNT, BENCH(holders), 0, 1000000},
    {"holders-server", "URL", "Load", "they connect to this one, another node (fetch)",
     OPTION_TEXT, BENCH(holders_server), 0, 0},
    {"pages", "N", "Load", "pages (fetch, frontpage, --in-process)", OPTION_COUNT,
     BENCH(pages), 1, 100000000},
    {"size", "BYTES", "Load", "of a page (fetch, fanout, frontpage)", OPTION_SIZE,
     BENCH(size), 8, 8 << 20},
    {"rate", "N", "Load", "fetches or arrivals a second (fetch, nobody, churn)",
     OPTION_COUNT, BENCH(rate), 1, 1000000},
    {"seconds", "N", "Load", "how long (idle, fetch, nobody, churn, frontpage)",
     OPTION_COUNT, BENCH(seconds), 1, 1000000},
    {"stay", "MS", "Load", "how long a visitor stays, on average (churn, frontpage)",
     OPTION_COUNT, BENCH(stay_ms), 1, 100000000},
    {"rounds", "N", "Load", "how often (fanout)", OPTION_COUNT, BENCH(rounds), 1, 1000000},
    {"in-flight", "N", "Load", "pages on their way to each visitor (fanout)", OPTION_COUNT,
     BENCH(in_flight), 1, 100},
    {"counts", NULL, "Load", "fan out visitor counts instead of pages (fanout)",
     OPTION_FLAG, BENCH(counts), 0, 0},
    {"seed", "N", "Load", "where chance begins", OPTION_COUNT, BENCH(seed), 0, UINT32_MAX},
    {"in-process", NULL, "Load", "no sockets: the hub alone, in this process", OPTION_FLAG,
     BENCH(in_process), 0, 0},
    {"sessions", "N", "Load", "sessions (--in-process)", OPTION_COUNT, BENCH(sessions), 1,
     50000000},
    {"server-pid", "PID", "Report", "read the server's CPU time and memory from /proc",
     OPTION_COUNT, BENCH(server_pid), 1, INT32_MAX},
    {"json", NULL, "Report", "one line of JSON instead of a table", OPTION_FLAG,
     BENCH(json), 0, 0},
};
/* clang-format on */

static const struct option_table table = {
    .command = "bench",
    .operands = "idle|crowd|fetch|nobody|fanout|churn|storm|frontpage",
    .about =
        "Puts load on a server and says what it cost. The server should be run with\n"
        "--no-rate-limits on a core of its own, and this on another (taskset -c).\n"
        "\n"
        "  idle       visitors come, each in \"all\" and at a page of its own; then "
        "silence\n"
        "  crowd      all visitors join one page at once\n"
        "  fetch      seekers ask holders for pages, at a steady rate\n"
        "  nobody     seekers ask for pages that nobody holds, at a steady rate\n"
        "  fanout     one page, or one count, goes to all visitors\n"
        "  churn      visitors come, stay a while and go\n"
        "  storm      all visitors lose their connection and come back at once\n"
        "  frontpage  a day on the front page: arrivals, stays, reloads, drawn from a seed",
    .sets = {REACH_SET, {rows, sizeof rows / sizeof rows[0], false}},
};

static const struct bench_options defaults = {.reach = REACH_DEFAULTS,
                                              .per_address = 100,
                                              .visitors = 1000,
                                              .at_once = 64,
                                              .pages = 100,
                                              .size = 10240,
                                              .rate = 1000,
                                              .seconds = 10,
                                              .stay_ms = 5000,
                                              .rounds = 20,
                                              .in_flight = 1,
                                              .seed = 1,
                                              .sessions = 2000000};

const struct option_table *bench_table(const void **shown)
{
    *shown = &defaults;
    return &table;
}

bool bench_options_read(struct bench_options *options, int count, char **arguments,
                        bool *help)
{
    int first;
    *options = defaults;
    if (!option_table_read(&table, options, count, arguments, &first, help)) return false;
    if (first < count) options->mix = arguments[first];
    if ((options->mix != NULL) != options->in_process && count - first <= 1) return true;
    fprintf(stderr,
            "whilst: bench wants one mix, or --in-process; see whilst bench --help\n");
    return false;
}
