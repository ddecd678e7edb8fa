/* What the hub counts. Each row is a field of struct metrics and a line in /metrics. */
#ifndef WHILST_METRICS_H
#define WHILST_METRICS_H

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
    X(counter, sessions_total, "Sessions ever connected")                                  \
    X(counter, messages_received_total, "Messages received from sessions")                 \
    X(counter, messages_sent_total, "Messages sent to sessions")                           \
    X(counter, joins_total, "Topics joined")                                               \
    X(counter, fetches_total, "Fetches begun")                                             \
    X(counter, asks_total, "Requests sent to holders")                                     \
    X(counter, hedges_total, "Requests sent because the first holder was slow")            \
    X(counter, given_up_total, "Holders given up because they did not answer")             \
    X(counter, postponed_total, "Answers refused for want of memory, asked for again later") \
    X(counter, late_total, "Answers that came after another holder's")                     \
    X(counter, contents_total, "Pages received and found right")                           \
    X(counter, content_bytes_total, "Bytes of pages received and found right")             \
    X(counter, served_total, "Seekers served")                                             \
    X(counter, counts_total, "Visitor counts sent")                                        \
    X(counter, take_overs_total, "Holders continued by their token")

struct metrics {
#define X(type, field, help) uint64_t field;
    METRICS(X)
#undef X
    uint64_t refusals[REASONS_END];
};

/* Writes one metric, as snprintf does. */
size_t metrics_print_row(const char *name, const char *type, const char *help,
                         uint64_t value, char *out, size_t size);

/* Writes the Prometheus text format (version 0.0.4) to `out` as snprintf does: at most
   `size` bytes with the terminator; returns the length that all of it has. */
size_t metrics_print(const struct metrics *metrics, char *out, size_t size);

#endif
