/* Buckets: where values fall, what is told of them, and what is made of them. */
#include "whilst/buckets.h"
#include "whilst/metrics.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

static const struct buckets_shape shape = {
    "whilst_test_seconds",
    "Nothing",
    1000,
    {1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000, 60000}};

static void assert_near(double is, double wanted)
{
    assert_true(is > wanted - 1e-9 && is < wanted + 1e-9);
}

TEST(a_value_falls_into_the_first_bucket_whose_bound_it_does_not_exceed)
{
    struct buckets buckets = {0};
    static const uint64_t values[] = {0, 1, 2, 3, 60000, 60001, UINT64_C(1) << 40};
    for (size_t i = 0; i < sizeof values / sizeof values[0]; i++)
        buckets_note(&buckets, &shape, values[i]);
    assert_int_equal(buckets.counts[0], 2);
    assert_int_equal(buckets.counts[1], 1);
    assert_int_equal(buckets.counts[2], 1);
    assert_int_equal(buckets.counts[BUCKETS_BOUNDS - 1], 1);
    assert_int_equal(buckets.counts[BUCKETS_BOUNDS], 2);
    assert_int_equal(buckets_total(&buckets), 7);
    assert_int_equal(buckets.sum, 6 + 60000 + 60001 + (UINT64_C(1) << 40));
}

TEST(buckets_are_told_as_running_totals_in_the_unit_of_the_name)
{
    struct buckets buckets = {0};
    char text[2048];
    struct print to = {text, sizeof text, 0};
    buckets_note(&buckets, &shape, 1);
    buckets_note(&buckets, &shape, 4);
    buckets_note(&buckets, &shape, 70000);
    buckets_print(&to, &buckets, &shape);
    assert_int_equal(to.length, strlen(text));
    assert_ptr_equal(strstr(text, "# HELP whilst_test_seconds Nothing\n"
                                  "# TYPE whilst_test_seconds histogram\n"
                                  "whilst_test_seconds_bucket{le=\"0.001\"} 1\n"
                                  "whilst_test_seconds_bucket{le=\"0.002\"} 1\n"
                                  "whilst_test_seconds_bucket{le=\"0.005\"} 2\n"),
                     text);
    assert_non_null(strstr(text, "whilst_test_seconds_bucket{le=\"60\"} 2\n"
                                 "whilst_test_seconds_bucket{le=\"+Inf\"} 3\n"
                                 "whilst_test_seconds_sum 70.005\n"
                                 "whilst_test_seconds_count 3\n"));
}

TEST(a_quantile_lies_where_an_even_bucket_would_have_it)
{
    struct buckets buckets = {0};
    assert_near(buckets_quantile(&buckets, &shape, 0.5), 0);
    for (int i = 0; i < 50; i++)
        buckets_note(&buckets, &shape, 15); /* 10 to 20 */
    for (int i = 0; i < 50; i++)
        buckets_note(&buckets, &shape, 150); /* 100 to 200 */
    assert_near(buckets_quantile(&buckets, &shape, 0.25), 0.015);
    assert_near(buckets_quantile(&buckets, &shape, 0.5), 0.020);
    assert_near(buckets_quantile(&buckets, &shape, 0.75), 0.150);
    assert_near(buckets_quantile(&buckets, &shape, 1), 0.200);
    buckets_note(&buckets, &shape, 90000); /* beyond: no more is known than the bound */
    assert_near(buckets_quantile(&buckets, &shape, 1), 60);
}

TEST(what_came_since_a_copy_is_told_alone)
{
    struct buckets buckets = {0}, before, since;
    buckets_note(&buckets, &shape, 3);
    before = buckets;
    buckets_note(&buckets, &shape, 3);
    buckets_note(&buckets, &shape, 90000);
    since = buckets_since(&buckets, &before);
    assert_int_equal(buckets_total(&since), 2);
    assert_int_equal(since.counts[2], 1);
    assert_int_equal(since.sum, 90003);
}

TEST(the_bounds_of_every_histogram_rise)
{
#define X(field, scale, help, ...)                                                         \
    for (size_t i = 1; i < BUCKETS_BOUNDS; i++)                                            \
        assert_true(metrics_##field.bounds[i] > metrics_##field.bounds[i - 1]);
    HISTOGRAMS(X)
#undef X
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(
            a_value_falls_into_the_first_bucket_whose_bound_it_does_not_exceed),
        cmocka_unit_test(buckets_are_told_as_running_totals_in_the_unit_of_the_name),
        cmocka_unit_test(a_quantile_lies_where_an_even_bucket_would_have_it),
        cmocka_unit_test(what_came_since_a_copy_is_told_alone),
        cmocka_unit_test(the_bounds_of_every_histogram_rise),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
