/* `whilst bench`: a table of mixes, each played on real connections. */
#include "bench.h"

#include "bench_mixes.h"
#include "option_print.h"

#include <stdlib.h>
#include <string.h>

static const struct mix {
    const char *name;
    bool (*play)(struct load *load);
} mixes[] = {
    {"idle", mix_idle},     {"crowd", mix_crowd},         {"fetch", mix_fetch},
    {"nobody", mix_nobody}, {"fanout", mix_fanout},       {"churn", mix_churn},
    {"storm", mix_storm},   {"frontpage", mix_frontpage},
};

static const struct mix *find_mix(const char *name)
{
    for (size_t i = 0; i < sizeof mixes / sizeof mixes[0]; i++)
        if (strcmp(mixes[i].name, name) == 0) return &mixes[i];
    return NULL;
}

struct message *bench_page_new(const struct bench_options *options, uint64_t number,
                               size_t size, struct page_hash *hash)
{
    struct message *page = message_new(MESSAGE_BINARY, 0, size);
    if (page == NULL) abort();
    memset(message_bytes(page), 'w', size);
    number ^= (uint64_t)options->seed << 40;
    memcpy(message_bytes(page), &number, sizeof number);
    page->size = size;
    *hash = hash_of(message_bytes(page), size);
    return page;
}

static int play(const struct mix *mix, const struct bench_options *options)
{
    struct load load;
    if (!load_open(&load, options)) {
        load_close(&load);
        return 1;
    }
    int code = mix->play(&load) ? 0 : 1;
    if (load.terminal) fprintf(stderr, "\r\033[K");
    if (load.reached)
        result_print(&load.result, options, mix->name, stdout);
    else
        code = EXIT_UNREACHABLE;
    load_close(&load);
    return code;
}

static void print_help(void)
{
    const void *defaults;
    const struct option_table *table = bench_table(&defaults);
    option_print_help(table, defaults, stdout);
}

int bench_main(int count, char **arguments)
{
    struct bench_options options;
    bool help;
    if (!bench_options_read(&options, count, arguments, &help)) {
        if (help) print_help();
        return help ? 0 : 2;
    }
    if (options.in_process) return bench_hub_run(&options);
    const struct mix *mix = find_mix(options.mix);
    if (mix != NULL) return play(mix, &options);
    fprintf(stderr, "whilst: there is no mix '%s'; see whilst bench --help\n", options.mix);
    return 2;
}
