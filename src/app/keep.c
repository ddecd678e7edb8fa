/* `whilst keep`: gets pages, then holds them, for as long as it runs; `whilst watch` does the
   same for one page, and prints what happens to it. */
#include "errand.h"
#include "errands.h"
#include "files.h"
#include "option_print.h"

#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct keep_options {
    struct reach_options reach; /* first */
    const char *list;
    bool json;
};

enum kept_state { KEPT_SOUGHT, KEPT_NOBODY, KEPT_HELD, KEPT_OVER };

struct kept {
    struct page_hash hash;
    struct site *site;
    enum kept_state state;
    time_t since; /* when it was found */
    size_t bytes;
    uint32_t here; /* who hold it, this one included */
    uint64_t handed;
};

struct keep {
    struct errand errand; /* first */
    struct keep_options options;
    struct kept *pages;
    size_t count;
    size_t rows; /* of the table that stands on the terminal */
    bool watch;
};

#define LIST_BYTES_MAX ((size_t)1 << 20)
#define KEEP(name) offsetof(struct keep_options, name)

static const struct option_row keep_rows[] = {
    {"list", "FILE", "What", "more pages, one a line; # begins a remark", OPTION_TEXT,
     KEEP(list), 0, 0},
};

static const struct option_row watch_rows[] = {
    {"json", NULL, "What", "each line is a JSON object", OPTION_FLAG, KEEP(json), 0, 0},
};

static const struct option_table of_keep = {
    .command = "keep",
    .operands = "URL|HASH…",
    .about =
        "Gets pages from those who hold them and holds them too, until it is ended. Lost\n"
        "connections are taken up again for ever.",
    .sets = {REACH_SET, {keep_rows, sizeof keep_rows / sizeof keep_rows[0], false}},
};

static const struct option_table of_watch = {
    .command = "watch",
    .operands = "URL|HASH",
    .about =
        "Prints who comes to a page and who leaves it, a line each. Counts are told to\n"
        "those who hold a page: it gets the page and holds it, and counts itself.",
    .sets = {REACH_SET, {watch_rows, sizeof watch_rows / sizeof watch_rows[0], false}},
};

static const struct keep_options defaults = {.reach = REACH_DEFAULTS};

const struct option_table *keep_table(const void **shown)
{
    *shown = &defaults;
    return &of_keep;
}

const struct option_table *watch_table(const void **shown)
{
    *shown = &defaults;
    return &of_watch;
}

static struct keep *keep_of(struct errand *errand)
{
    return (struct keep *)(void *)errand;
}

/* ---- lines ---- */

static const char *time_text(char text[24])
{
    time_t now = time(NULL);
    struct tm parts;
    strftime(text, 24, "%Y-%m-%dT%H:%M:%SZ", gmtime_r(&now, &parts));
    return text;
}

static void print_json(const struct kept *page, const char *event)
{
    char when[24], hex[HASH_HEX + 1];
    hash_to_hex(&page->hash, 0, hex);
    json_t *json = json_pack("{s:s, s:s, s:s, s:I}", "time", time_text(when), "page", hex,
                             "event", event, "here", (json_int_t)page->here);
    json_dumpf(json, stdout, JSON_COMPACT);
    putchar('\n');
    json_decref(json);
}

/* Something happened to a page. Who watches reads standard output; who keeps, the log. */
static void tell(struct keep *keep, const struct kept *page, const char *event)
{
    char when[24], hex[HASH_HEX + 1], here[24] = "";
    hash_to_hex(&page->hash, 0, hex);
    if (page->here > 0) snprintf(here, sizeof here, ", %u here", page->here);
    if (!keep->watch) {
        if (!keep->errand.terminal)
            errand_say(&keep->errand, "%.12s %s%s", hex, event, here);
        return;
    }
    errand_show(&keep->errand, "%s", "");
    if (keep->options.json)
        print_json(page, event);
    else
        printf("%s %s%s\n", time_text(when), event, here);
    if (fflush(stdout) == 0) return;
    errand_say(&keep->errand, "whilst: standard output cannot be written");
    errand_end(&keep->errand, EXIT_FAILED);
}

/* ---- the table ---- */

static const char *age_text(time_t since, char text[24])
{
    long age = (long)(time(NULL) - since);
    if (since == 0)
        strcpy(text, "-");
    else if (age < 3600)
        snprintf(text, 24, "%ld:%02ld", age / 60, age % 60);
    else
        snprintf(text, 24, "%ld:%02ld h", age / 3600, age / 60 % 60);
    return text;
}

static void print_row(const struct kept *page)
{
    static const char *const states[] = {"sought", "nobody has it", "held", "closed"};
    char hex[HASH_HEX + 1], age[24], bytes[24];
    hash_to_hex(&page->hash, 0, hex);
    fprintf(stderr, "\033[K%.16s  %-13s %10s %10s %6u here, handed over %llu times\n", hex,
            states[page->state], errand_bytes(page->bytes, bytes),
            age_text(page->since, age), page->here, (unsigned long long)page->handed);
}

/* Stands where the last one stood. */
static void show_table(struct errand *errand)
{
    struct keep *keep = keep_of(errand);
    if (!errand->terminal || keep->watch || errand->ending) return;
    if (keep->rows > 0) fprintf(stderr, "\033[%zuA\r", keep->rows);
    for (size_t i = 0; i < keep->count; i++)
        print_row(&keep->pages[i]);
    keep->rows = keep->count;
    fflush(stderr);
}

/* ---- what happens ---- */

static void set_state(struct keep *keep, struct kept *page, enum kept_state state,
                      const char *event)
{
    bool changed = page->state != state;
    page->state = state;
    if (changed) tell(keep, page, event);
}

static void count(struct keep *keep, struct kept *page, uint32_t here)
{
    const char *event = here > page->here ? "somebody came" : "somebody left";
    bool first = page->here == 0;
    if (here == page->here) return;
    page->here = here;
    tell(keep, page, first ? "counted" : event);
}

static void hear(struct keep *keep, struct kept *page, const struct peer_event *event)
{
    switch (event->kind) {
    case PEER_FOUND:
        page->since = time(NULL);
        page->bytes = event->page->size;
        set_state(keep, page, KEPT_HELD, "got it");
        break;
    case PEER_COUNT: count(keep, page, event->count); break;
    case PEER_NOBODY: set_state(keep, page, KEPT_NOBODY, "nobody has it"); break;
    case PEER_ASKED:
        page->handed++;
        tell(keep, page, "handed over");
        break;
    case PEER_OVER: set_state(keep, page, KEPT_OVER, "the server closed it"); break;
    case PEER_WRONG: tell(keep, page, "wrong bytes came"); break;
    case PEER_REFUSED: tell(keep, page, event->reason); break;
    default: break;
    }
}

static void on_event(struct site *site, const struct peer_event *event)
{
    struct keep *keep = keep_of(site->errand);
    for (size_t i = 0; i < keep->count && !keep->errand.ending; i++)
        if (keep->pages[i].site == site && hash_equal(&keep->pages[i].hash, &event->hash))
            hear(keep, &keep->pages[i], event);
    show_table(&keep->errand);
}

/* A line on standard error pushes the table down: it is drawn anew below. */
static void on_changed(struct site *site, const struct link_end *end, uint64_t again_ms)
{
    struct keep *keep = keep_of(site->errand);
    (void)again_ms;
    keep->rows = 0;
    for (size_t i = 0; i < keep->count; i++) {
        if (keep->pages[i].site != site) continue;
        if (end != NULL) keep->pages[i].here = 0;
        tell(keep, &keep->pages[i], end != NULL ? "connection lost" : "connected again");
    }
}

/* ---- pages ---- */

static bool add_page(struct keep *keep, const char *text)
{
    struct page_hash hash;
    const char *address;
    if (!errand_page(text, &hash, &address)) return false;
    struct site *site = errand_site(&keep->errand, &keep->options.reach, address);
    if (site == NULL) return false;
    for (size_t i = 0; i < keep->count; i++)
        if (keep->pages[i].site == site && hash_equal(&keep->pages[i].hash, &hash))
            return true;
    keep->pages = realloc(keep->pages, (keep->count + 1) * sizeof *keep->pages);
    if (keep->pages == NULL) abort();
    keep->pages[keep->count++] = (struct kept){.hash = hash, .site = site};
    peer_seek(client_peer(site->client), &hash, true);
    return true;
}

static bool add_line(struct keep *keep, char *line)
{
    line[strcspn(line, "#")] = '\0';
    line += strspn(line, " \t\r");
    line[strcspn(line, " \t\r")] = '\0';
    return line[0] == '\0' || add_page(keep, line);
}

static bool add_list(struct keep *keep, int *code)
{
    struct message *list = file_read(keep->options.list, LIST_BYTES_MAX, code);
    if (list == NULL) return false;
    char *text = calloc(1, list->size + 1), *line = text, *end;
    if (text == NULL) abort();
    memcpy(text, message_bytes(list), list->size);
    bool good = true;
    *code = EXIT_USAGE;
    for (; good && line != NULL; line = end) {
        end = strchr(line, '\n');
        if (end != NULL) *end++ = '\0';
        good = add_line(keep, line);
    }
    free(text);
    message_unref(list);
    return good;
}

static int run(struct keep *keep, int operands, char **texts)
{
    int code = EXIT_USAGE;
    bool good = true;
    errand_init(&keep->errand);
    for (int i = 0; good && i < operands; i++)
        good = add_page(keep, texts[i]);
    if (good && keep->options.list != NULL) good = add_list(keep, &code);
    if (good && keep->count == 0) {
        fprintf(stderr, "whilst: keep wants a page; see whilst keep --help\n");
        good = false;
    }
    code = good ? errand_run(&keep->errand) : errand_drop(&keep->errand, code);
    free(keep->pages);
    return code;
}

static int read_options(struct keep *keep, const struct option_table *table, int count,
                        char **arguments, int *first)
{
    bool help;
    keep->options = defaults;
    if (option_table_read(table, &keep->options, count, arguments, first, &help)) return -1;
    if (help) option_print_help(table, &defaults, stdout);
    return help ? EXIT_DONE : EXIT_USAGE;
}

int keep_main(int count, char **arguments)
{
    struct keep keep = {.errand = {.event = on_event,
                                   .second = show_table,
                                   .changed = on_changed,
                                   .patient = true,
                                   .reconnect = true}};
    int first, code = read_options(&keep, &of_keep, count, arguments, &first);
    return code >= 0 ? code : run(&keep, count - first, arguments + first);
}

int watch_main(int count, char **arguments)
{
    struct keep keep = {
        .errand = {.event = on_event, .changed = on_changed, .reconnect = true},
        .watch = true};
    int first, code = read_options(&keep, &of_watch, count, arguments, &first);
    if (code >= 0) return code;
    if (count - first == 1) return run(&keep, 1, arguments + first);
    fprintf(stderr, "whilst: watch wants one page; see whilst watch --help\n");
    return EXIT_USAGE;
}
