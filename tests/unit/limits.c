/* Token buckets, and what one address may have. */
#include "limits.h"

#include "unit.h"

#include <string.h>

static const uint64_t seed[2] = {1, 2};

static uint32_t take_all(struct bucket *bucket, uint32_t rate, uint32_t burst,
                         uint64_t now_ms)
{
    uint32_t taken = 0;
    while (taken < 100000 && limits_take(bucket, rate, burst, now_ms))
        taken++;
    return taken;
}

TEST(a_new_bucket_is_full)
{
    static const uint32_t bursts[] = {1, 2, 20, 128, 200, 5000};
    for (size_t i = 0; i < sizeof bursts / sizeof bursts[0]; i++) {
        struct bucket early = {0}, late = {0};
        assert_int_equal(take_all(&early, 10, bursts[i], 0), bursts[i]);
        assert_int_equal(take_all(&late, 10, bursts[i], 1u << 30), bursts[i]);
    }
}

TEST(an_empty_bucket_fills_at_its_rate_and_no_further_than_its_burst)
{
    struct bucket bucket = {0};
    take_all(&bucket, 50, 200, 1000);
    assert_int_equal(take_all(&bucket, 50, 200, 1019), 0);
    assert_int_equal(take_all(&bucket, 50, 200, 1020), 1);
    assert_int_equal(take_all(&bucket, 50, 200, 2020), 50);
    assert_int_equal(take_all(&bucket, 50, 200, 1000000), 200);
}

TEST(a_refused_take_costs_nothing)
{
    struct bucket bucket = {0};
    take_all(&bucket, 10, 1, 0);
    for (uint64_t now = 0; now < 100; now++)
        assert_false(limits_take(&bucket, 10, 1, now));
    assert_true(limits_take(&bucket, 10, 1, 100));
}

TEST(over_a_long_time_the_rate_is_kept)
{
    static const uint32_t rates[] = {1, 3, 7, 10, 20, 50, 999};
    for (size_t i = 0; i < sizeof rates / sizeof rates[0]; i++) {
        struct bucket bucket = {0};
        uint32_t taken = 0;
        for (uint64_t now = 0; now < 100000; now++)
            taken += limits_take(&bucket, rates[i], 5, now) ? 1 : 0;
        uint32_t expected = 5 + 100 * rates[i];
        assert_in_range(taken, expected - expected / 1000 - 1,
                        expected + expected / 1000 + 1);
    }
}

TEST(a_rate_of_zero_is_no_limit)
{
    struct bucket bucket = {0};
    assert_int_equal(take_all(&bucket, 0, 0, 0), 100000);
}

TEST(a_burst_of_zero_still_lets_one_pass)
{
    struct bucket bucket = {0};
    assert_int_equal(take_all(&bucket, 1, 0, 5), 1);
}

/* ---- addresses ---- */

static struct hub *hub_with(uint32_t connections, uint32_t per_address, uint32_t away)
{
    struct hub_config config = hub_config_default();
    config.connections_max = connections;
    config.connections_per_address_max = per_address;
    config.away_per_address_max = away;
    return hub_new(&config, seed);
}

static struct address ipv4(uint8_t last)
{
    struct address address = {{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 192, 0, 2, last}};
    return address;
}

static struct address ipv6(uint8_t network, uint8_t host)
{
    struct address address = {{0x20, 0x01, 0x0d, 0xb8, 0, 0, 0, network}};
    address.bytes[8] = host;
    address.bytes[15] = host;
    return address;
}

static enum reason enter(struct hub *hub, struct address address, struct origin **origin)
{
    return limits_enter(hub, &address, origin);
}

TEST(one_address_may_have_so_many_and_another_as_many)
{
    struct hub *hub = hub_with(UINT32_MAX, 2, 0);
    struct origin *a[3], *b;
    assert_int_equal(enter(hub, ipv4(1), &a[0]), REASON_NONE);
    assert_int_equal(enter(hub, ipv4(1), &a[1]), REASON_NONE);
    assert_ptr_equal(a[0], a[1]);
    assert_int_equal(enter(hub, ipv4(1), &a[2]), REASON_ADDRESS_CONNECTIONS);
    assert_null(a[2]);
    assert_int_equal(enter(hub, ipv4(2), &b), REASON_NONE);
    assert_ptr_not_equal(a[0], b);
    limits_leave(hub, a[0]);
    assert_int_equal(enter(hub, ipv4(1), &a[2]), REASON_NONE);
    limits_leave(hub, a[1]);
    limits_leave(hub, a[2]);
    limits_leave(hub, b);
    assert_int_equal(hub->origins.count, 0);
    hub_free(hub);
}

TEST(an_ipv6_network_of_64_bits_is_one_address)
{
    struct hub *hub = hub_with(UINT32_MAX, 2, 0);
    struct origin *origins[4];
    assert_int_equal(enter(hub, ipv6(1, 1), &origins[0]), REASON_NONE);
    assert_int_equal(enter(hub, ipv6(1, 2), &origins[1]), REASON_NONE);
    assert_int_equal(enter(hub, ipv6(1, 3), &origins[3]), REASON_ADDRESS_CONNECTIONS);
    assert_int_equal(enter(hub, ipv6(2, 1), &origins[2]), REASON_NONE);
    for (int i = 0; i < 3; i++)
        limits_leave(hub, origins[i]);
    hub_free(hub);
}

TEST(nowhere_has_no_limit_of_its_own)
{
    struct hub *hub = hub_with(UINT32_MAX, 1, 1);
    struct address nowhere = {{0}};
    struct origin *origin;
    for (int i = 0; i < 10; i++) {
        assert_int_equal(enter(hub, nowhere, &origin), REASON_NONE);
        assert_null(origin);
        assert_true(limits_go_away(hub, origin));
    }
    limits_come_back(hub, NULL);
    limits_leave(hub, NULL);
    hub_free(hub);
}

TEST(zero_connections_for_each_address_is_no_limit)
{
    struct hub *hub = hub_with(UINT32_MAX, 0, 0);
    struct origin *origin = NULL;
    for (int i = 0; i < 500; i++)
        assert_int_equal(enter(hub, ipv4(1), &origin), REASON_NONE);
    assert_int_equal(origin->sessions, 500);
    for (int i = 0; i < 500; i++)
        assert_true(limits_go_away(hub, origin));
    for (int i = 0; i < 500; i++)
        limits_come_back(hub, origin);
    for (int i = 0; i < 500; i++)
        limits_leave(hub, origin);
    hub_free(hub);
}

TEST(a_full_hub_takes_nobody_from_anywhere)
{
    struct hub *hub = hub_with(3, 2, 0);
    struct address nowhere = {{0}};
    struct origin *origin;
    hub->metrics.sessions = 3;
    assert_int_equal(enter(hub, nowhere, &origin), REASON_CONNECTIONS);
    assert_int_equal(enter(hub, ipv4(1), &origin), REASON_CONNECTIONS);
    assert_int_equal(hub->origins.count, 0);
    hub_free(hub);
}

TEST(an_address_is_remembered_whilst_it_has_somebody_away)
{
    struct hub *hub = hub_with(UINT32_MAX, 2, 2);
    struct origin *origin;
    enter(hub, ipv4(1), &origin);
    assert_true(limits_go_away(hub, origin));
    assert_true(limits_go_away(hub, origin));
    assert_false(limits_go_away(hub, origin));
    limits_leave(hub, origin);
    assert_int_equal(hub->origins.count, 1);
    limits_come_back(hub, origin);
    assert_true(limits_go_away(hub, origin));
    limits_come_back(hub, origin);
    limits_come_back(hub, origin);
    assert_int_equal(hub->origins.count, 0);
    hub_free(hub);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_new_bucket_is_full),
        cmocka_unit_test(an_empty_bucket_fills_at_its_rate_and_no_further_than_its_burst),
        cmocka_unit_test(a_refused_take_costs_nothing),
        cmocka_unit_test(over_a_long_time_the_rate_is_kept),
        cmocka_unit_test(a_rate_of_zero_is_no_limit),
        cmocka_unit_test(a_burst_of_zero_still_lets_one_pass),
        cmocka_unit_test(one_address_may_have_so_many_and_another_as_many),
        cmocka_unit_test(an_ipv6_network_of_64_bits_is_one_address),
        cmocka_unit_test(nowhere_has_no_limit_of_its_own),
        cmocka_unit_test(zero_connections_for_each_address_is_no_limit),
        cmocka_unit_test(a_full_hub_takes_nobody_from_anywhere),
        cmocka_unit_test(an_address_is_remembered_whilst_it_has_somebody_away),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
