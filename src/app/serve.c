/* `whilst serve`: options in, server out. */
#include "serve.h"

#include "option_print.h"
#include "options.h"

static int serve(const struct options *options)
{
    struct log_config log = options_log(options);
    log_configure(&log);
    return server_run(&options->server);
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
    int code = options_read(&options, count, arguments) ? serve(&options)
               : options.reading.help                   ? print_help()
                                                        : 2;
    options_clear(&options);
    return code;
}
