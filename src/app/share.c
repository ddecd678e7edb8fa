/* `whilst share`: holds files as long as it runs, and says who is there. */
#include "errand.h"
#include "errands.h"
#include "files.h"
#include "naming.h"
#include "option_print.h"
#include "qr.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct share_options {
    struct reach_options reach; /* first */
    uint32_t until_held;
    const char *type; /* NULL: as bytes and name tell */
    bool qr, named;
};

struct shared {
    const char *path;
    struct message *page;
    struct page_hash hash;
    bool held, told; /* its address was printed */
    uint32_t others; /* who hold it too */
    uint64_t handed; /* times that it was handed over */
};

struct share {
    struct errand errand; /* first */
    struct share_options options;
    struct shared *files;
    size_t count;
};

#define SHARE(name) offsetof(struct share_options, name)

static const struct option_row rows[] = {
    {"named", NULL, "What", "say the file's name and type in the page's first line",
     OPTION_FLAG, SHARE(named), 0, 0},
    {"type", "TYPE", "What", "say this media type there, for example text/markdown",
     OPTION_TEXT, SHARE(type), 0, 0},
    {"qr", NULL, "What", "show the address as a QR code too", OPTION_FLAG, SHARE(qr), 0, 0},
    {"until-held", "N", "What", "end when so many others hold every file; 0: stay",
     OPTION_COUNT, SHARE(until_held), 0, 1000000},
};

static const struct option_table table = {
    .command = "share",
    .operands = "FILE…|-",
    .about =
        "Holds files until it is ended (Ctrl+C), and prints their addresses. A file is\n"
        "read once: what happens to it afterwards does not matter. It is shared as it is,\n"
        "unless --named or --type puts a first line before it that says what it is.",
    .sets = {REACH_SET, {rows, sizeof rows / sizeof rows[0], false}},
};

static const struct share_options defaults = {.reach = REACH_DEFAULTS};

const struct option_table *share_table(const void **shown)
{
    *shown = &defaults;
    return &table;
}

static struct share *share_of(struct errand *errand)
{
    return (struct share *)(void *)errand;
}

static void show_status(struct errand *errand)
{
    const struct share *share = share_of(errand);
    uint64_t others = 0, handed = 0, bytes = 0;
    char text[24];
    for (size_t i = 0; i < share->count; i++) {
        others += share->files[i].others;
        handed += share->files[i].handed;
        bytes += share->files[i].handed * share->files[i].page->size;
    }
    errand_show(errand, "%llu other%s here; handed over %llu time%s, %s",
                (unsigned long long)others, others == 1 ? "" : "s",
                (unsigned long long)handed, handed == 1 ? "" : "s",
                errand_bytes(bytes, text));
}

/* One file: its address. Several: as sha256sum does, with their names. */
static void print_address(struct share *share, struct site *site, struct shared *file)
{
    char url[TARGET_URL_MAX], name[256];
    file->told = true;
    target_print(&site->reach.target, &file->hash, url);
    file_show_name(file->path, name);
    errand_show(&share->errand, "%s", "");
    if (share->count == 1)
        printf("%s\n", url);
    else
        printf("%s  %s\n", url, name);
    if (fflush(stdout) != 0) {
        errand_say(&share->errand, "whilst: standard output cannot be written");
        errand_end(&share->errand, EXIT_FAILED);
        return;
    }
    if (share->options.qr) qr_print(url, stderr);
}

/* In the order in which the files were named. */
static void print_addresses(struct share *share, struct site *site)
{
    for (size_t i = 0; i < share->count && share->files[i].held; i++)
        if (!share->files[i].told) print_address(share, site, &share->files[i]);
}

static bool all_held(const struct share *share)
{
    for (size_t i = 0; i < share->count; i++)
        if (share->files[i].others < share->options.until_held) return false;
    return share->options.until_held > 0;
}

static void count_others(struct share *share, struct shared *file, uint32_t count)
{
    char hex[HASH_HEX + 1];
    uint32_t others = count > 0 ? count - 1 : 0;
    if (others == file->others) return;
    hash_to_hex(&file->hash, 0, hex);
    if (!share->errand.terminal)
        errand_say(&share->errand, "%.12s %s; %u other%s here", hex,
                   others > file->others ? "somebody came" : "somebody left", others,
                   others == 1 ? "" : "s");
    file->others = others;
    if (all_held(share)) errand_end(&share->errand, EXIT_DONE);
}

static void check_limit(struct share *share, uint32_t most)
{
    for (size_t i = 0; i < share->count; i++) {
        char name[256];
        if (share->files[i].page->size <= most) continue;
        file_show_name(share->files[i].path, name);
        errand_say(&share->errand,
                   "whilst: %s: %zu bytes; this server relays pages of up to %u", name,
                   share->files[i].page->size, most);
        errand_end(&share->errand, EXIT_LIMIT);
        return;
    }
}

static struct shared *find_file(struct share *share, const struct page_hash *hash)
{
    for (size_t i = 0; i < share->count; i++)
        if (hash_equal(&share->files[i].hash, hash)) return &share->files[i];
    return NULL;
}

static void hear(struct share *share, struct site *site, struct shared *file,
                 const struct peer_event *event)
{
    switch (event->kind) {
    case PEER_HOLDING:
        for (size_t i = 0; i < share->count; i++) /* the same bytes may be there twice */
            if (hash_equal(&share->files[i].hash, &event->hash))
                share->files[i].held = true;
        print_addresses(share, site);
        break;
    case PEER_COUNT: count_others(share, file, event->count); break;
    case PEER_ASKED: file->handed++; break;
    case PEER_OVER:
        errand_say(&share->errand, "whilst: the server closed a page");
        errand_end(&share->errand, EXIT_LIMIT);
        break;
    default: break;
    }
}

static void refused(struct share *share, const char *reason)
{
    if (strcmp(reason, "busy") == 0 || strcmp(reason, "join_rate") == 0 ||
        strcmp(reason, "not_asked") == 0)
        return;
    errand_say(&share->errand, "whilst: the server refuses: %s", reason);
    errand_end(&share->errand, EXIT_LIMIT);
}

static void on_event(struct site *site, const struct peer_event *event)
{
    struct share *share = share_of(site->errand);
    struct shared *file = find_file(share, &event->hash);
    if (event->kind == PEER_LIMITS && event->count > 0)
        check_limit(share, event->count);
    else if (event->kind == PEER_REFUSED)
        refused(share, event->reason);
    else if (event->kind == PEER_GARBLED) {
        errand_say(&share->errand, "whilst: the server does not speak the protocol");
        errand_end(&share->errand, EXIT_UNREACHABLE);
    } else if (file != NULL)
        hear(share, site, file, event);
    if (!share->errand.ending) show_status(&share->errand);
}

/* Puts a label before the file's bytes, if one is wanted. */
static bool add_label(const struct share *share, struct shared *file)
{
    struct label label;
    struct slice bytes = {(const char *)message_bytes(file->page), file->page->size};
    if (!share->options.named && share->options.type == NULL) return true;
    if (!naming_read(file->path, bytes, share->options.named, share->options.type, &label))
        return false;
    struct message *page = label_write_new(&label);
    if (page == NULL) abort();
    message_unref(file->page);
    file->page = page;
    return true;
}

static int read_files(struct share *share, char **paths)
{
    int code;
    share->files = calloc(share->count, sizeof *share->files);
    if (share->files == NULL) abort();
    for (size_t i = 0; i < share->count; i++) {
        struct shared *file = &share->files[i];
        file->path = paths[i];
        file->page = file_read(paths[i], CLIENT_PAGE_MAX, &code);
        if (file->page == NULL) return code;
        if (!add_label(share, file)) return EXIT_USAGE;
        file->hash = hash_of(message_bytes(file->page), file->page->size);
    }
    return EXIT_DONE;
}

static int run(struct share *share)
{
    errand_init(&share->errand);
    struct site *site = errand_site(&share->errand, &share->options.reach, NULL);
    if (site == NULL) return errand_drop(&share->errand, EXIT_USAGE);
    for (size_t i = 0; i < share->count; i++)
        peer_hold(client_peer(site->client), &share->files[i].hash, share->files[i].page);
    return errand_run(&share->errand);
}

int share_main(int count, char **arguments)
{
    struct share share = {
        .errand = {.event = on_event, .second = show_status, .reconnect = true},
        .options = defaults};
    int first;
    bool help;
    if (!option_table_read(&table, &share.options, count, arguments, &first, &help)) {
        if (help) option_print_help(&table, &defaults, stdout);
        return help ? EXIT_DONE : EXIT_USAGE;
    }
    if (first == count) {
        fprintf(stderr, "whilst: share wants a file, or - for standard input; see whilst "
                        "share --help\n");
        return EXIT_USAGE;
    }
    share.count = (size_t)(count - first);
    int code = read_files(&share, arguments + first);
    if (code == EXIT_DONE) code = run(&share);
    for (size_t i = 0; i < share.count; i++)
        message_unref(share.files[i].page);
    free(share.files);
    return code;
}
