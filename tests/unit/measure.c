/* The histogram of times, and what is read from /proc. */
#include "../../src/app/measure.h"

#include "unit.h"

#include <stdlib.h>
#include <unistd.h>

static struct histogram *histogram_new(void)
{
    return calloc(1, sizeof(struct histogram));
}

TEST(nothing_has_no_quantiles)
{
    struct histogram *histogram = histogram_new();
    assert_int_equal(histogram_quantile(histogram, 0.5), 0);
    free(histogram);
}

TEST(a_time_is_kept_to_within_a_64th)
{
    for (uint64_t ns = 1; ns < UINT64_MAX / 3; ns = ns * 3 + 1) {
        struct histogram *histogram = histogram_new();
        histogram_add(histogram, ns);
        histogram_add(histogram, UINT64_MAX);
        uint64_t kept = histogram_quantile(histogram, 0),
                 off = kept > ns ? kept - ns : ns - kept;
        assert_true(off <= ns / 64);
        free(histogram);
    }
}

TEST(quantiles_are_in_order)
{
    struct histogram *histogram = histogram_new();
    for (uint64_t i = 1000; i > 0; i--)
        histogram_add(histogram, i * 1000);
    assert_int_equal(histogram->count, 1000);
    assert_int_equal(histogram->most, 1000000);
    uint64_t half = histogram_quantile(histogram, 0.5),
             most = histogram_quantile(histogram, 1);
    assert_in_range(half, 490000, 512000);
    assert_in_range(histogram_quantile(histogram, 0.99), 975000, 1000000);
    assert_int_equal(most, 1000000);
    free(histogram);
}

TEST(a_process_uses_memory_and_time)
{
    struct memory_use use = {0};
    uint64_t before = measure_own_cpu_ns();
    assert_true(measure_memory(getpid(), &use));
    assert_true(use.anonymous > 0 && use.resident > use.anonymous);
    while (measure_own_cpu_ns() - before < 20000000) {
    }
    assert_true(measure_cpu_ns(getpid()) > 0);
    assert_int_equal(measure_cpu_ns(-1), 0);
    assert_false(measure_memory(-1, &use));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_has_no_quantiles),
        cmocka_unit_test(a_time_is_kept_to_within_a_64th),
        cmocka_unit_test(quantiles_are_in_order),
        cmocka_unit_test(a_process_uses_memory_and_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
