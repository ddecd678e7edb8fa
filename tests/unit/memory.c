/* The reserve: what it gives when the system refuses, and how it becomes whole again. */
#include "faults.h"
#include "unit.h"

#include "whilst/memory.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum { RESERVE = 256 << 10 };

static void refuse(bool all)
{
    *faults = (struct faults){.armed = all, .first = 1, .last = UINT64_MAX};
}

static bool is_filled(const char *memory, char with, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (memory[i] != with) return false;
    return true;
}

TEST(as_long_as_the_system_gives_the_reserve_is_untouched)
{
    char *memory = memory_new(100);
    assert_true(is_filled(memory, 0, 100));
    memory = memory_resize(memory, 200);
    assert_int_equal(memory_reserve_used(), 0);
    assert_false(memory_is_short());
    memory_free(memory);
    memory_free(NULL);
}

TEST(small_blocks_come_from_the_reserve_large_ones_from_nowhere)
{
    unsigned long long before = memory_failures();
    refuse(true);
    char *small = memory_new(MEMORY_RESERVE_BLOCK), *nothing = memory_new(0);
    assert_non_null(small);
    assert_non_null(nothing);
    assert_int_equal((uintptr_t)small % 16, 0);
    assert_true(is_filled(small, 0, MEMORY_RESERVE_BLOCK));
    assert_null(memory_take(MEMORY_RESERVE_BLOCK + 1));
    assert_int_equal(memory_failures() - before, 3);
    assert_true(memory_reserve_used() > MEMORY_RESERVE_BLOCK);
    memory_free(small);
    memory_free(nothing);
    refuse(false);
    assert_int_equal(memory_reserve_used(), 0);
}

TEST(a_block_is_resized_into_the_reserve_within_it_and_out_of_it)
{
    char *memory = memory_take(100);
    memset(memory, 'a', 100);
    refuse(true);
    memory = memory_resize(memory, 120);
    assert_true(memory_reserve_used() > 0);
    assert_true(is_filled(memory, 'a', 100));
    char *larger = memory_resize(memory, 5000);
    assert_true(is_filled(larger, 'a', 100));
    assert_null(memory_resize(larger, 100000));
    assert_ptr_equal(memory_resize(larger, 10), larger);
    refuse(false);
    larger = memory_resize(larger, 100);
    assert_true(is_filled(larger, 'a', 10));
    assert_int_equal(memory_reserve_used(), 0);
    memory_free(larger);
}

/* Takes blocks of one size until there are none. */
static size_t exhaust(char **blocks, size_t most, size_t size)
{
    size_t count = 0;
    while (count < most && (blocks[count] = memory_take(size)) != NULL)
        memset(blocks[count++], 'b', size);
    return count;
}

TEST(it_ends_and_is_whole_again_when_all_is_given_back)
{
    static char *blocks[RESERVE / 32];
    refuse(true);
    size_t large = exhaust(blocks, RESERVE, 8000);
    assert_int_equal(large, RESERVE / (8192 + 16));
    for (size_t i = 0; i < large; i++)
        memory_free(blocks[i]);
    size_t small = exhaust(blocks, RESERVE, 20);
    assert_int_equal(small, RESERVE / (32 + 16));
    memory_free(blocks[7]);
    char *again = memory_take(32);
    assert_ptr_equal(again, blocks[7]);
    for (size_t i = 0; i < small; i++)
        memory_free(blocks[i]);
    refuse(false);
    assert_int_equal(memory_reserve_used(), 0);
}

TEST(memory_is_short_only_whilst_the_system_still_refuses)
{
    char *blocks[RESERVE / 8192];
    size_t count = 0;
    refuse(true);
    while (!memory_is_short())
        blocks[count++] = memory_take(8000);
    assert_true(memory_reserve_used() > RESERVE / 2 &&
                memory_reserve_used() < RESERVE / 2 + 9000);
    refuse(false);
    assert_false(memory_is_short());
    while (count > 0)
        memory_free(blocks[--count]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(as_long_as_the_system_gives_the_reserve_is_untouched),
        cmocka_unit_test(small_blocks_come_from_the_reserve_large_ones_from_nowhere),
        cmocka_unit_test(a_block_is_resized_into_the_reserve_within_it_and_out_of_it),
        cmocka_unit_test(it_ends_and_is_whole_again_when_all_is_given_back),
        cmocka_unit_test(memory_is_short_only_whilst_the_system_still_refuses),
    };
    if (!memory_set_aside(RESERVE)) return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
