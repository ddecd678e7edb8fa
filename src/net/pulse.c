/* The loop's pulse. Whilst the loop deals with one thing, everything else waits: what a turn
   takes, but for its waiting for events, is the delay that anybody may meet. It is the clock
   on the wall that counts, so that time in which the process was given no processor is seen
   too. */
#include "pulse.h"

const struct buckets_shape pulse_shape = {
    "whilst_loop_delay_seconds",
    "Time that one turn of the loop took, in which all else waited",
    1000000,
    {50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 50000, 100000, 200000, 500000,
     1000000, 5000000}};

static void on_turn(uv_prepare_t *prepare)
{
    struct pulse *pulse = prepare->data;
    uint64_t now_ns = uv_hrtime(), idle_ns = uv_metrics_idle_time(prepare->loop);
    uint64_t turn_ns = now_ns - pulse->turned_ns, waited_ns = idle_ns - pulse->idle_ns;
    uint64_t busy_ns = turn_ns > waited_ns ? turn_ns - waited_ns : 0;
    if (pulse->turned_ns != 0) buckets_note(&pulse->delays, &pulse_shape, busy_ns / 1000);
    pulse->turned_ns = now_ns;
    pulse->idle_ns = idle_ns;
}

void pulse_open(struct pulse *pulse, uv_loop_t *loop)
{
    uv_loop_configure(loop, UV_METRICS_IDLE_TIME);
    uv_prepare_init(loop, &pulse->prepare);
    pulse->prepare.data = pulse;
    uv_prepare_start(&pulse->prepare, on_turn);
}

void pulse_close(struct pulse *pulse)
{
    uv_close((uv_handle_t *)&pulse->prepare, NULL);
}
