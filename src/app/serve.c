/* `whilst serve`: options in, server out. */
#include "serve.h"

#include "option_print.h"
#include "options.h"
#include "reload.h"

static int serve(struct options *options, int count, char **arguments)
{
    struct reload reload;
    struct log_config log = options_log(options);
    log_configure(&log);
    reload_attach(&reload, options, count, arguments);
    int code = server_run(&options->server);
    reload_clear(&reload);
    return code;
}

const struct option_table *serve_table(const void **defaults)
{
    static struct options shown;
    options_init(&shown);
    *defaults = &shown;
    return &options_table;
}

static int print_help(void)
{
    const void *defaults;
    const struct option_table *table = serve_table(&defaults);
    option_print_help(table, defaults, stdout);
    return 0;
}

int serve_main(int count, char **arguments)
{
    struct options options;
    options_init(&options);
    int code = options_read(&options, count, arguments) ? serve(&options, count, arguments)
               : options.reading.help                   ? print_help()
                                                        : 2;
    options_clear(&options);
    return code;
}
