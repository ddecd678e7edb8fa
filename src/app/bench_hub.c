#include "bench.h"
int bench_hub_run(const struct bench_options *options)
{
    (void)options;
    return 1;
}
