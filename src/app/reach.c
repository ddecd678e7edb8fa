/* From options to a server that can be connected to. */
#include "reach.h"

#include <stdio.h>

#define REACH(name) offsetof(struct reach_options, name)

const struct option_row reach_rows[REACH_ROWS] = {
    {"server", "URL", "Where",
     "http(s)://HOST[:PORT][/PATH] or unix:PATH [" REACH_SERVER "]", OPTION_TEXT,
     REACH(server), 0, 0},
    {"ca-file", "FILE", "Where",
     "trust the authorities in this PEM file instead of the system's", OPTION_TEXT,
     REACH(ca_file), 0, 0},
};

struct tls_context *reach_trust(const char *ca_file)
{
    struct tls_context *tls = tls_context_new(ca_file);
    if (tls == NULL)
        fprintf(stderr, "whilst: --ca-file: '%s' holds no certificate that can be used\n",
                ca_file == NULL ? "the system's list" : ca_file);
    return tls;
}

bool reach_open(struct reach *reach, const struct reach_options *options, const char *page)
{
    const char *wrong, *text = page == NULL ? options->server : page;
    if (!target_parse(text, &reach->target, &wrong)) {
        fprintf(stderr, "whilst: '%s' is not %s\n", text, wrong);
        return false;
    }
    if (!reach->target.secure || reach->tls != NULL) return true;
    reach->tls = reach_trust(options->ca_file);
    return reach->tls != NULL;
}

void reach_close(struct reach *reach)
{
    tls_context_free(reach->tls);
    reach->tls = NULL;
}

struct client_config reach_client(const struct reach *reach, uv_loop_t *loop)
{
    return client_config_default(loop, &reach->target, reach->tls);
}
