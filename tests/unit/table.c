/* The hash table and its hash. */
#include "table.h"

#include "unit.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* SipHash-2-4 of the bytes 0, 1, 2, … under the key 00 01 … 0f: the vectors that come with
   the reference implementation (Aumasson and Bernstein, "SipHash: a fast short-input
   PRF"). */
static const uint64_t vectors[64] = {
    0x726fdb47dd0e0e31, 0x74f839c593dc67fd, 0x0d6c8009d9a94f5a, 0x85676696d7fb7e2d,
    0xcf2794e0277187b7, 0x18765564cd99a68d, 0xcbc9466e58fee3ce, 0xab0200f58b01d137,
    0x93f5f5799a932462, 0x9e0082df0ba9e4b0, 0x7a5dbbc594ddb9f3, 0xf4b32f46226bada7,
    0x751e8fbc860ee5fb, 0x14ea5627c0843d90, 0xf723ca908e7af2ee, 0xa129ca6149be45e5,
    0x3f2acc7f57c29bdb, 0x699ae9f52cbe4794, 0x4bc1b3f0968dd39c, 0xbb6dc91da77961bd,
    0xbed65cf21aa2ee98, 0xd0f2cbb02e3b67c7, 0x93536795e3a33e88, 0xa80c038ccd5ccec8,
    0xb8ad50c6f649af94, 0xbce192de8a85b8ea, 0x17d835b85bbb15f3, 0x2f2e6163076bcfad,
    0xde4daaaca71dc9a5, 0xa6a2506687956571, 0xad87a3535c49ef28, 0x32d892fad841c342,
    0x7127512f72f27cce, 0xa7f32346f95978e3, 0x12e0b01abb051238, 0x15e034d40fa197ae,
    0x314dffbe0815a3b4, 0x027990f029623981, 0xcadcd4e59ef40c4d, 0x9abfd8766a33735c,
    0x0e3ea96b5304a7d0, 0xad0c42d6fc585992, 0x187306c89bc215a9, 0xd4a60abcf3792b95,
    0xf935451de4f21df2, 0xa9538f0419755787, 0xdb9acddff56ca510, 0xd06c98cd5c0975eb,
    0xe612a3cb9ecba951, 0xc766e62cfcadaf96, 0xee64435a9752fe72, 0xa192d576b245165a,
    0x0a8787bf8ecb74b2, 0x81b3e73d20b49b6f, 0x7fa8220ba3b2ecea, 0x245731c13ca42499,
    0xb78dbfaf3a8d83bd, 0xea1ad565322a1a0b, 0x60e61c23a3795013, 0x6606d7e446282b93,
    0x6ca4ecb15c5f91e1, 0x9f626da15c9625f3, 0xe51b38608ef25f57, 0x958a324ceb064572,
};

struct thing {
    struct table_link link;
    uint64_t name;
};

static struct thing *find(struct table *table, uint64_t key, uint64_t name)
{
    struct table_link *link = table_first(table, key);
    while (link != NULL && ((struct thing *)link)->name != name)
        link = table_next(link);
    return (struct thing *)link;
}

TEST(siphash_gives_the_published_values)
{
    const uint64_t secret[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t bytes[64];
    for (size_t size = 0; size < 64; size++) {
        bytes[size] = (uint8_t)size;
        assert_true(siphash(secret, bytes, size) == vectors[size]);
    }
}

TEST(siphash_does_not_care_where_its_bytes_lie)
{
    const uint64_t secret[2] = {UINT64_C(0x0706050403020100), UINT64_C(0x0f0e0d0c0b0a0908)};
    uint8_t bytes[48];
    for (size_t shift = 0; shift < 8; shift++) {
        for (size_t i = 0; i < 40; i++)
            bytes[shift + i] = (uint8_t)i;
        assert_true(siphash(secret, bytes + shift, 40) == vectors[40]);
    }
}

TEST(siphash_depends_on_both_halves_of_the_secret)
{
    const uint64_t a[2] = {1, 2}, b[2] = {1, 3}, c[2] = {2, 2};
    assert_true(siphash(a, "x", 1) != siphash(b, "x", 1));
    assert_true(siphash(a, "x", 1) != siphash(c, "x", 1));
}

TEST(an_empty_table_finds_nothing)
{
    struct table table = {0};
    assert_null(table_first(&table, 0));
    table_clear(&table);
}

TEST(links_that_share_a_key_are_all_found)
{
    struct table table = {0};
    struct thing things[100];
    for (uint64_t i = 0; i < 100; i++) {
        things[i].name = i;
        table_add(&table, &things[i].link, i % 3);
    }
    for (uint64_t i = 0; i < 100; i++)
        assert_ptr_equal(find(&table, i % 3, i), &things[i]);
    for (uint64_t key = 0; key < 3; key++) {
        int count = 0;
        struct table_link *link = table_first(&table, key);
        for (; link != NULL; link = table_next(link))
            count += link->key == key ? 1 : 1000;
        assert_int_equal(count, key == 0 ? 34 : 33);
    }
    for (int i = 0; i < 100; i++)
        table_remove(&table, &things[i].link);
    table_clear(&table);
}

TEST(keys_that_differ_only_in_high_bits_are_told_apart)
{
    struct table table = {0};
    struct thing things[32];
    for (uint64_t i = 0; i < 32; i++)
        table_add(&table, &things[i].link, i << 59);
    for (uint64_t i = 0; i < 32; i++) {
        assert_ptr_equal(table_first(&table, i << 59), &things[i].link);
        assert_null(table_next(&things[i].link));
    }
    for (int i = 0; i < 32; i++)
        table_remove(&table, &things[i].link);
    table_clear(&table);
}

TEST(everything_is_found_at_every_step_of_growing)
{
    enum { MANY = 600 };
    struct table table = {0};
    struct thing things[MANY];
    const uint64_t secret[2] = {5, 6};
    for (uint64_t i = 0; i < MANY; i++) {
        things[i].name = i;
        table_add(&table, &things[i].link, siphash(secret, &i, sizeof i));
        for (uint64_t j = 0; j < MANY; j++) {
            struct thing *found = find(&table, siphash(secret, &j, sizeof j), j);
            assert_ptr_equal(found, j <= i ? &things[j] : NULL);
        }
    }
    for (int i = 0; i < MANY; i++)
        table_remove(&table, &things[i].link);
    assert_int_equal(table.count, 0);
    table_clear(&table);
}

TEST(no_addition_moves_more_than_a_few_buckets)
{
    enum { MANY = 5000 };
    struct table table = {0};
    struct thing *things = calloc(MANY, sizeof *things);
    size_t moved = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        const struct table_link *const *old = (const struct table_link *const *)table.old;
        moved = table.moved;
        table_add(&table, &things[i].link, i * UINT64_C(0x9e3779b97f4a7c15));
        if (old != NULL && table.old == (void *)old) assert_true(table.moved - moved <= 4);
    }
    for (int i = 0; i < MANY; i++)
        table_remove(&table, &things[i].link);
    table_clear(&table);
    free(things);
}

TEST(a_hundred_thousand_come_and_go_as_in_a_model)
{
    enum { MANY = 100000 };
    struct table table = {0};
    struct thing *things = calloc(MANY, sizeof *things);
    bool *present = calloc(MANY, sizeof *present);
    const uint64_t secret[2] = {1, 2};
    uint64_t random = 42;
    size_t count = 0;
    for (int step = 0; step < 3 * MANY; step++) {
        uint64_t i = random_below(&random, MANY), key = siphash(secret, &i, sizeof i);
        assert_ptr_equal(find(&table, key, i), present[i] ? &things[i] : NULL);
        things[i].name = i;
        if (present[i])
            table_remove(&table, &things[i].link);
        else
            table_add(&table, &things[i].link, key);
        present[i] = !present[i];
        if (present[i])
            count++;
        else
            count--;
        assert_int_equal(table.count, count);
    }
    for (uint64_t i = 0; i < MANY; i++)
        if (present[i]) table_remove(&table, &things[i].link);
    table_clear(&table);
    free(present);
    free(things);
}

static void count_visit(struct table_link *link, void *context)
{
    uint32_t *visits = context;
    visits[((struct thing *)link)->name]++;
}

TEST(a_walk_visits_once_all_that_stays_whilst_the_table_grows)
{
    enum { STAY = 700, MANY = 6000 };
    struct thing *things = calloc(MANY, sizeof *things);
    const uint64_t secret[2] = {7, 8};
    for (uint32_t step = 1; step < 40; step += 3) {
        struct table table = {0};
        uint32_t *visits = calloc(MANY, sizeof *visits);
        uint64_t from = 0, there = 0;
        do {
            /* Some come between two steps, and every fifth of them goes again. */
            for (uint64_t end = there + (there < STAY ? STAY : step * 9);
                 there < end && there < MANY; there++) {
                things[there].name = there;
                table_add(&table, &things[there].link,
                          siphash(secret, &there, sizeof there));
                if (there >= STAY && there % 5 == 0)
                    table_remove(&table, &things[there].link);
            }
            from = table_walk(&table, from, step, count_visit, visits);
        } while (from != 0);
        assert_true(there > STAY);
        for (uint64_t i = 0; i < MANY; i++) {
            if (i < STAY) assert_int_equal(visits[i], 1);
            assert_in_range(visits[i], 0, 1);
        }
        for (uint64_t i = 0; i < there; i++)
            if (i < STAY || i % 5 != 0) table_remove(&table, &things[i].link);
        table_clear(&table);
        free(visits);
    }
    free(things);
}

TEST(a_walk_does_a_little_at_a_time_in_a_table_that_has_become_empty_too)
{
    enum { MANY = 1 << 15, LEFT = 3 };
    struct table table = {0};
    struct thing *things = calloc(MANY, sizeof *things);
    uint32_t *visits = calloc(MANY, sizeof *visits);
    uint64_t from = 0, steps = 0;
    for (uint64_t i = 0; i < MANY; i++) {
        things[i].name = i;
        table_add(&table, &things[i].link, i * UINT64_C(0x9e3779b97f4a7c15));
    }
    do {
        size_t before = 0, after = 0;
        for (size_t i = 0; i < MANY; i++)
            before += visits[i];
        from = table_walk(&table, from, 2048, count_visit, visits);
        for (size_t i = 0; i < MANY; i++)
            after += visits[i];
        assert_in_range(after - before, 1, 2048 + 64);
    } while (from != 0);
    for (int i = 0; i < MANY; i++)
        assert_int_equal(visits[i], 1);
    for (int i = LEFT; i < MANY; i++)
        table_remove(&table, &things[i].link);
    do
        from = table_walk(&table, from, 64, count_visit, visits);
    while (++steps, from != 0);
    assert_in_range(steps, MANY / 64 / 16, 2 * MANY / 64 / 16 + LEFT);
    for (int i = 0; i < LEFT; i++) {
        assert_int_equal(visits[i], 2);
        table_remove(&table, &things[i].link);
    }
    table_clear(&table);
    free(visits);
    free(things);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(siphash_gives_the_published_values),
        cmocka_unit_test(siphash_does_not_care_where_its_bytes_lie),
        cmocka_unit_test(siphash_depends_on_both_halves_of_the_secret),
        cmocka_unit_test(an_empty_table_finds_nothing),
        cmocka_unit_test(links_that_share_a_key_are_all_found),
        cmocka_unit_test(keys_that_differ_only_in_high_bits_are_told_apart),
        cmocka_unit_test(everything_is_found_at_every_step_of_growing),
        cmocka_unit_test(no_addition_moves_more_than_a_few_buckets),
        cmocka_unit_test(a_hundred_thousand_come_and_go_as_in_a_model),
        cmocka_unit_test(a_walk_visits_once_all_that_stays_whilst_the_table_grows),
        cmocka_unit_test(
            a_walk_does_a_little_at_a_time_in_a_table_that_has_become_empty_too),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
