/* What the hub, the sockets, the loop and the process count, as one text. */
#include "exposition.h"

#include "admin.h"
#include "bus.h"
#include "log.h"
#include "process.h"
#include "whilst/memory.h"

#include <openssl/crypto.h>

static void print_build(struct print *to)
{
    print(to,
          "# HELP whilst_build_info Which program this is, and on which libraries\n"
          "# TYPE whilst_build_info gauge\n"
          "whilst_build_info{version=\"%s\",libuv=\"%s\",libwebsockets=\"%s\","
          "openssl=\"%s\"} 1\n",
          WHILST_VERSION, uv_version_string(), lws_get_library_version(),
          OpenSSL_version(OPENSSL_VERSION_STRING));
}

static void print_all(struct print *to, const struct server *server)
{
    print_build(to);
    metrics_print(to, hub_metrics(server->hub));
#define X(type, field, help)                                                               \
    metrics_print_row(to, "whilst_" #field, #type, help, (double)server->metrics.field);
    NET_METRICS(X)
#undef X
    bus_print(to, server);
    admin_print_metrics(to, server);
    buckets_print(to, &server->pulse.delays, &pulse_shape);
    process_print(to, server->metrics.sockets, server->began_s);
}

/* What lies elsewhere until somebody asks. */
static void gather(struct net_metrics *metrics)
{
    metrics->log_lines_dropped_total = log_dropped();
    metrics->reserve_used_bytes = memory_reserve_used();
    metrics->memory_failures_total = memory_failures();
}

char *exposition_new(struct server *server, size_t *size)
{
    struct print measured = {0}, to = {0};
    gather(&server->metrics);
    print_all(&measured, server);
    to.size = measured.length + 64; /* numbers may grow meanwhile */
    to.out = memory_take(to.size);
    if (to.out == NULL) return NULL;
    print_all(&to, server);
    *size = to.length < to.size ? to.length : to.size - 1;
    return to.out;
}
