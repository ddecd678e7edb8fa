/* The last hour, for the dashboard: a ring of samples, one each HISTORY_STEP_S. Gauges are
   taken as they are, of counters what they grew by since the sample before. The whole ring
   is 720 samples of at most 256 bytes, 180 KB, and is there only with an operator's
   address. */
#include "history.h"

#include "process.h"
#include "server_state.h"
#include "whilst/memory.h"

#include <assert.h>
#include <jansson.h>
#include <time.h>

/* X(field): what is now. */
#define GAUGES(X)                                                                          \
    X(sessions)                                                                            \
    X(pages)                                                                               \
    X(holders)                                                                             \
    X(away)                                                                                \
    X(seekers)                                                                             \
    X(fetches)                                                                             \
    X(in_flight_bytes)

/* X(field): what it grew by. */
#define COUNTERS(X)                                                                        \
    X(contents_total)                                                                      \
    X(served_total)                                                                        \
    X(content_bytes_total)                                                                 \
    X(served_bytes_total)                                                                  \
    X(messages_received_total)                                                             \
    X(messages_sent_total)                                                                 \
    X(joins_total)

struct sample {
    uint32_t time_s; /* since 1970 */
    float content_p50_s, content_p99_s, loop_p99_s;
    float cpu; /* of one processor: 1 is all of it */
    uint32_t descriptors;
    uint64_t resident_bytes, queued_bytes;
#define X(field) uint64_t field;
    GAUGES(X)
#undef X
#define X(field) uint32_t field;
    COUNTERS(X)
#undef X
    uint16_t refusals[REASONS_END];
};

_Static_assert(sizeof(struct sample) <= 256, "operations.md says how large a sample is");

struct history {
    struct server *server;
    uv_timer_t timer;
    uint64_t count; /* of samples ever taken; the last has this number */
    struct metrics before;
    struct buckets delays_before;
    uint64_t cpu_before_us, taken_ns;
    struct sample samples[HISTORY_SAMPLES];
};

static uint32_t grown(uint64_t now, uint64_t before)
{
    return now - before > UINT32_MAX ? UINT32_MAX : (uint32_t)(now - before);
}

static void note_counters(struct sample *sample, const struct metrics *now,
                          const struct metrics *before)
{
    struct buckets contents =
        buckets_since(&now->content_seconds, &before->content_seconds);
    sample->content_p50_s =
        (float)buckets_quantile(&contents, &metrics_content_seconds, 0.5);
    sample->content_p99_s =
        (float)buckets_quantile(&contents, &metrics_content_seconds, 0.99);
#define X(field) sample->field = now->field;
    GAUGES(X)
#undef X
#define X(field) sample->field = grown(now->field, before->field);
    COUNTERS(X)
#undef X
    for (int reason = 0; reason < REASONS_END; reason++) {
        uint32_t more = grown(now->refusals[reason], before->refusals[reason]);
        sample->refusals[reason] = more > UINT16_MAX ? UINT16_MAX : (uint16_t)more;
    }
}

static void note_process(struct sample *sample, struct history *history)
{
    struct process process = process_read(history->server->metrics.sockets);
    uint64_t now_ns = uv_hrtime(), passed_us = (now_ns - history->taken_ns) / 1000;
    sample->resident_bytes = process.resident_bytes;
    sample->descriptors = (uint32_t)process.descriptors;
    if (passed_us > 0)
        sample->cpu = (float)(process.cpu_us - history->cpu_before_us) / (float)passed_us;
    history->cpu_before_us = process.cpu_us;
    history->taken_ns = now_ns;
}

static void on_due(uv_timer_t *timer)
{
    struct history *history = timer->data;
    struct server *server = history->server;
    struct sample *sample = &history->samples[++history->count % HISTORY_SAMPLES];
    struct buckets delays = buckets_since(&server->pulse.delays, &history->delays_before);
    *sample = (struct sample){.time_s = (uint32_t)time(NULL),
                              .queued_bytes = server->metrics.queued_bytes};
    note_counters(sample, hub_metrics(server->hub), &history->before);
    note_process(sample, history);
    sample->loop_p99_s = (float)buckets_quantile(&delays, &pulse_shape, 0.99);
    history->before = *hub_metrics(server->hub);
    history->delays_before = server->pulse.delays;
}

struct history *history_open_new(struct server *server)
{
    struct history *history = memory_new(sizeof *history);
    if (history == NULL) return NULL;
    history->server = server;
    history->taken_ns = uv_hrtime();
    history->cpu_before_us = process_read(0).cpu_us;
    history->before = *hub_metrics(server->hub);
    history->timer.data = history;
    uv_timer_init(&server->loop, &history->timer);
    uv_timer_start(&history->timer, on_due, HISTORY_STEP_S * 1000, HISTORY_STEP_S * 1000);
    return history;
}

static void on_closed(uv_handle_t *handle)
{
    memory_free(handle->data);
}

void history_close(struct history *history)
{
    if (history != NULL) uv_close((uv_handle_t *)&history->timer, on_closed);
}

/* ---- as JSON ---- */

/* X(name, type, expression of `sample`) */
#define COLUMNS(X)                                                                         \
    X("time", integer, sample->time_s)                                                     \
    X("visitors", integer, (json_int_t)sample->sessions)                                   \
    X("pages", integer, (json_int_t)sample->pages)                                         \
    X("holders", integer, (json_int_t)sample->holders)                                     \
    X("away", integer, (json_int_t)sample->away)                                           \
    X("seekers", integer, (json_int_t)sample->seekers)                                     \
    X("fetches", integer, (json_int_t)sample->fetches)                                     \
    X("in_flight_bytes", integer, (json_int_t)sample->in_flight_bytes)                     \
    X("queued_bytes", integer, (json_int_t)sample->queued_bytes)                           \
    X("memory_bytes", integer, (json_int_t)sample->resident_bytes)                         \
    X("descriptors", integer, sample->descriptors)                                         \
    X("cpu", real, (double)sample->cpu)                                                    \
    X("content_p50_s", real, (double)sample->content_p50_s)                                \
    X("content_p99_s", real, (double)sample->content_p99_s)                                \
    X("loop_p99_s", real, (double)sample->loop_p99_s)                                      \
    X("contents", integer, sample->contents_total)                                         \
    X("served", integer, sample->served_total)                                             \
    X("received_bytes", integer, sample->content_bytes_total)                              \
    X("served_bytes", integer, sample->served_bytes_total)                                 \
    X("messages_received", integer, sample->messages_received_total)                       \
    X("messages_sent", integer, sample->messages_sent_total)                               \
    X("joins", integer, sample->joins_total)

static const struct sample *sample_at(const struct history *history, uint64_t number)
{
    return &history->samples[number % HISTORY_SAMPLES];
}

/* Refusals by reason; those that never came in these samples are left out. */
static json_t *refusals_new(const struct history *history, uint64_t first)
{
    json_t *refusals = json_object();
    for (enum reason reason = 1; reason < REASONS_END; reason++) {
        uint64_t sum = 0;
        json_t *column = json_array();
        for (uint64_t at = first; at <= history->count; at++) {
            uint16_t more = sample_at(history, at)->refusals[reason];
            json_array_append_new(column, json_integer(more));
            sum += more;
        }
        if (sum > 0)
            json_object_set_new(refusals, metrics_reason_label(reason), column);
        else
            json_decref(column);
    }
    return refusals;
}

json_t *history_json_new(const struct history *history, uint64_t after)
{
    uint64_t kept = history->count < HISTORY_SAMPLES ? history->count : HISTORY_SAMPLES;
    uint64_t first = history->count - kept + 1;
    if (after <= history->count && after + 1 > first) first = after + 1;
    json_t *columns = json_object();
#define X(name, type, value)                                                               \
    {                                                                                      \
        json_t *column = json_array();                                                     \
        for (uint64_t at = first; at <= history->count; at++) {                            \
            const struct sample *sample = sample_at(history, at);                          \
            json_array_append_new(column, json_##type(value));                             \
        }                                                                                  \
        json_object_set_new(columns, name, column);                                        \
    }
    COLUMNS(X)
#undef X
    json_object_set_new(columns, "refusals", refusals_new(history, first));
    return json_pack("{s:I, s:i, s:i, s:o}", "next", (json_int_t)history->count, "step_s",
                     HISTORY_STEP_S, "span_s", HISTORY_STEP_S * HISTORY_SAMPLES, "columns",
                     columns);
}
