/* What the hub counts. Each row is a field of struct metrics and a line in /metrics. */
#ifndef WHILST_METRICS_H
#define WHILST_METRICS_H

#include "whilst/buckets.h"
#include "whilst/reason.h"

#include <stddef.h>
#include <stdint.h>

/* X(type, field, help); the public name is whilst_<field>. */
#define METRICS(X)                                                                         \
    X(gauge, sessions, "Sessions connected now")                                           \
    X(gauge, pages, "Pages that somebody holds or seeks now")                              \
    X(gauge, holders, "Holders connected now")                                             \
    X(gauge, away, "Holders whose connection dropped and whose grace time runs")           \
    X(gauge, seekers, "Seekers now, those served included")                                \
    X(gauge, fetches, "Fetches under way now, those in line included")                     \
    X(gauge, fetches_waiting, "Fetches in line for memory")                                \
    X(gauge, seekers_waiting, "Seekers that wait for their own connection to be read")     \
    X(gauge, denied, "Entries of the operator's deny list")                                \
    X(gauge, in_flight_bytes, "Bytes of pages being received now")                         \
    X(gauge, bus_nodes, "Other nodes that are heard now")                                  \
    X(gauge, bus_interests, "Pages whose counts are shared with other nodes now")          \
    X(gauge, bus_cells, "Counts of pages that other nodes told")                           \
    X(gauge, bus_wants, "Requests for pages to other nodes under way now")                 \
    X(gauge, bus_orders, "Requests for pages from other nodes under way now")              \
    X(gauge, bus_orders_bytes, "Bytes of pages on their way to other nodes")               \
    X(counter, sessions_total, "Sessions ever connected")                                  \
    X(counter, messages_received_total, "Messages received from sessions")                 \
    X(counter, messages_sent_total, "Messages sent to sessions")                           \
    X(counter, joins_total, "Topics joined")                                               \
    X(counter, fetches_total, "Fetches begun")                                             \
    X(counter, asks_total, "Requests sent to holders")                                     \
    X(counter, hedges_total, "Requests sent because the first holder was slow")            \
    X(counter, given_up_total, "Holders given up because they did not answer")             \
    X(counter, postponed_total,                                                            \
      "Answers refused for want of memory, asked for again later")                         \
    X(counter, late_total, "Answers that came after another holder's")                     \
    X(counter, contents_total, "Pages received and found right")                           \
    X(counter, content_bytes_total, "Bytes of pages received and found right")             \
    X(counter, served_total, "Seekers served")                                             \
    X(counter, served_bytes_total, "Bytes of pages handed to seekers")                     \
    X(counter, counts_total, "Visitor counts sent")                                        \
    X(counter, take_overs_total, "Holders continued by their token")                       \
    X(counter, bus_published_total, "Messages published to other nodes")                   \
    X(counter, bus_received_total, "Messages received from other nodes")                   \
    X(counter, bus_wants_total, "Requests for pages to other nodes")                       \
    X(counter, bus_contents_total, "Pages received from other nodes and found right")      \
    X(counter, bus_served_total, "Pages sent to other nodes")                              \
    X(counter, bus_resyncs_total, "Times that all counts were told and asked for again")   \
    X(counter, bus_lost_total, "Messages to other nodes dropped for want of memory")

/* X(field, scale, help, bounds…), as struct buckets_shape has them. */
#define HISTOGRAMS(X)                                                                      \
    X(content_seconds, 1000, "Time from the first request for a page to its last byte", 1, \
      2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000)              \
    X(page_bytes, 1, "Sizes of pages received and found right", 64, 256, 1 << 10, 2 << 10, \
      4 << 10, 8 << 10, 16 << 10, 32 << 10, 64 << 10, 128 << 10, 256 << 10, 512 << 10,     \
      1 << 20, 4 << 20, 8 << 20)

struct metrics {
#define X(type, field, help) uint64_t field;
    METRICS(X)
#undef X
#define X(field, scale, help, ...) struct buckets field;
    HISTOGRAMS(X)
#undef X
    uint64_t refusals[REASONS_END];
};

/* The shapes of the hub's histograms: metrics_content_seconds and so on. */
#define X(field, scale, help, ...) extern const struct buckets_shape metrics_##field;
HISTOGRAMS(X)
#undef X

/* The label of a reason in whilst_refusals_total; "" for REASON_NONE. */
const char *metrics_reason_label(enum reason reason);

/* Writes one metric; numbers up to 2^53 are told exactly. */
void metrics_print_row(struct print *to, const char *name, const char *type,
                       const char *help, double value);

/* Writes the Prometheus text format (version 0.0.4). */
void metrics_print(struct print *to, const struct metrics *metrics);

#endif
