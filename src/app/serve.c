/* `whilst serve`: options in, server out. */
#include "serve.h"

#include "net/log.h"
#include "options.h"

int serve_main(int count, char **arguments)
{
    struct options options;
    bool help;
    if (!options_read(&options, count, arguments, &help)) {
        if (help) options_print_help(stdout);
        return help ? 0 : 2;
    }
    log_set_level((enum log_level)options.log_level);
    return server_run(&options.server);
}
