/* `whilst get`: fetches one page, checks it, writes it. */
#include "errands.h"

#include "errand.h"
#include "files.h"
#include "option_print.h"
#include "whilst/label.h"

#include <stdio.h>
#include <string.h>

struct get_options {
    struct reach_options reach; /* first */
    const char *output;
    bool wait, content;
};

struct get {
    struct errand errand; /* first */
    struct get_options options;
    struct page_hash hash;
};

#define GET(name) offsetof(struct get_options, name)

static const struct option_row rows[] = {
    {"output", "FILE", "What", "write there instead of to standard output", OPTION_TEXT,
     GET(output), 0, 0},
    {"content", NULL, "What",
     "leave out the first line, if it is one that says what the page is", OPTION_FLAG,
     GET(content), 0, 0},
    {"wait", NULL, "What", "if nobody holds the page, wait until somebody does",
     OPTION_FLAG, GET(wait), 0, 0},
};

static const struct option_letter letters[] = {{'o', "output"}, {'w', "wait"}, {0}};

static const struct option_table table = {
    .command = "get",
    .operands = "URL|HASH",
    .about = "Fetches a page from whoever holds it, checks its hash and writes it. A file\n"
             "appears under its name only when it is whole. Exit codes: 0 done, 3 nobody\n"
             "holds it, 4 the bytes were wrong, 5 no server, 6 a limit or a rule.",
    .sets = {REACH_SET, {rows, sizeof rows / sizeof rows[0], false}},
    .letters = letters,
};

static const struct get_options defaults = {.reach = REACH_DEFAULTS};

const struct option_table *get_table(const void **shown)
{
    *shown = &defaults;
    return &table;
}

static struct get *get_of(struct errand *errand)
{
    return (struct get *)(void *)errand;
}

static void take(struct get *get, struct message *page)
{
    struct slice bytes = {(const char *)message_bytes(page), page->size};
    if (get->options.content) bytes = label_read(bytes.data, bytes.size).content;
    errand_hide(&get->errand);
    bool written = file_write(get->options.output, (const uint8_t *)bytes.data, bytes.size);
    errand_end(&get->errand, written ? EXIT_DONE : EXIT_FAILED);
}

static void nobody(struct get *get, const char *reason)
{
    if (get->options.wait) {
        errand_show(&get->errand, "nobody holds it; waiting");
    } else if (strcmp(reason, "wrong_bytes") == 0) {
        errand_say(&get->errand, "whilst: those who hold the page sent other bytes");
        errand_end(&get->errand, EXIT_WRONG);
    } else {
        errand_say(&get->errand, strcmp(reason, "silent") == 0
                                     ? "whilst: those who hold the page do not answer"
                                     : "whilst: nobody holds the page now");
        errand_end(&get->errand, EXIT_NOBODY);
    }
}

/* Some refusals pass by themselves, and the peer tries again. */
static void refused(struct get *get, const char *reason)
{
    if (strcmp(reason, "busy") == 0 || strcmp(reason, "join_rate") == 0) return;
    errand_say(&get->errand, "whilst: the server refuses: %s", reason);
    errand_end(&get->errand, EXIT_LIMIT);
}

static void on_event(struct site *site, const struct peer_event *event)
{
    struct get *get = get_of(site->errand);
    switch (event->kind) {
    case PEER_FOUND: take(get, event->page); break;
    case PEER_NOBODY: nobody(get, event->reason); break;
    case PEER_REFUSED: refused(get, event->reason); break;
    case PEER_WRONG:
        errand_say(&get->errand, "whilst: the server sent other bytes");
        errand_end(&get->errand, EXIT_WRONG);
        break;
    case PEER_GARBLED:
        errand_say(&get->errand, "whilst: the server does not speak the protocol");
        errand_end(&get->errand, EXIT_UNREACHABLE);
        break;
    default: break;
    }
}

static void on_second(struct errand *errand)
{
    char text[24];
    uint64_t received = client_received(errand->sites->client);
    if (received > 0) errand_show(errand, "%s so far", errand_bytes(received, text));
}

int get_main(int count, char **arguments)
{
    struct get get = {
        .errand = {.event = on_event, .second = on_second, .signal_code = 130},
        .options = defaults};
    const char *address;
    int first;
    bool help;
    if (!option_table_read(&table, &get.options, count, arguments, &first, &help)) {
        if (help) option_print_help(&table, &defaults, stdout);
        return help ? EXIT_DONE : EXIT_USAGE;
    }
    if (count - first != 1) {
        fprintf(stderr, "whilst: get wants one page; see whilst get --help\n");
        return EXIT_USAGE;
    }
    if (!errand_page(arguments[first], &get.hash, &address)) return EXIT_USAGE;
    if (!file_may_write(get.options.output)) return EXIT_FAILED;
    get.errand.reconnect = get.errand.patient = get.options.wait;
    errand_init(&get.errand);
    struct site *site = errand_site(&get.errand, &get.options.reach, address);
    if (site == NULL) return errand_drop(&get.errand, EXIT_USAGE);
    peer_seek(client_peer(site->client), &get.hash, false);
    return errand_run(&get.errand);
}
