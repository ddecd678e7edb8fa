/* The hub's counters as text, and the words of its refusals; both walk the rows of a
   table. */
#include "whilst/metrics.h"

#include <inttypes.h>

const char *reason_word(enum reason reason)
{
    static const char *const words[] = {"",
#define X(name, label, word) word,
                                        REASONS(X)
#undef X
    };
    return words[reason];
}

const char *metrics_reason_label(enum reason reason)
{
    static const char *const labels[] = {"",
#define X(name, label, word) label,
                                         REASONS(X)
#undef X
    };
    return labels[reason];
}

#define X(field, scale, help, ...)                                                         \
    const struct buckets_shape metrics_##field = {                                         \
        "whilst_" #field, help, scale, {__VA_ARGS__}};
HISTOGRAMS(X)
#undef X

void metrics_print_row(struct print *to, const char *name, const char *type,
                       const char *help, double value)
{
    print(to, "# HELP %s %s\n# TYPE %s %s\n%s %.16g\n", name, help, name, type, name,
          value);
}

void metrics_print(struct print *to, const struct metrics *metrics)
{
#define X(type, field, help)                                                               \
    metrics_print_row(to, "whilst_" #field, #type, help, (double)metrics->field);
    METRICS(X)
#undef X
#define X(field, scale, help, ...) buckets_print(to, &metrics->field, &metrics_##field);
    HISTOGRAMS(X)
#undef X
    print(to, "# HELP whilst_refusals_total What was refused, by reason\n"
              "# TYPE whilst_refusals_total counter\n");
    for (enum reason reason = 1; reason < REASONS_END; reason++)
        print(to, "whilst_refusals_total{reason=\"%s\"} %" PRIu64 "\n",
              metrics_reason_label(reason), metrics->refusals[reason]);
}
