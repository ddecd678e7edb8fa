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

static int print_help(void)
{
    struct options shown;
    options_init(&shown);
    option_print_help(&options_table, &shown, stdout);
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
