/* The heap of deadlines against a model that looks at all of them. */
#include "deadlines.h"

#include "unit.h"

#include <stdlib.h>

enum { MANY = 300 };

static struct deadline items[MANY];

static uint64_t earliest(void)
{
    uint64_t first = UINT64_MAX;
    for (int i = 0; i < MANY; i++)
        if (items[i].place != 0 && items[i].due_ms < first) first = items[i].due_ms;
    return first;
}

static void assert_heap_is_sound(const struct deadlines *deadlines)
{
    for (uint32_t i = 0; i < deadlines->count; i++) {
        assert_int_equal(deadlines->heap[i]->place, i + 1);
        if (i > 0)
            assert_true(deadlines->heap[(i + 1) / 2 - 1]->due_ms <=
                        deadlines->heap[i]->due_ms);
    }
}

TEST(an_empty_heap_has_no_first)
{
    struct deadlines deadlines = {0};
    assert_true(deadlines_admit(&deadlines, MANY));
    assert_null(deadlines_first(&deadlines));
    deadlines_dismiss(&deadlines, MANY);
    deadlines_clear(&deadlines);
}

TEST(what_is_not_set_may_be_unset)
{
    struct deadlines deadlines = {0};
    assert_true(deadlines_admit(&deadlines, MANY));
    struct deadline one = {.kind = DEADLINE_AWAY};
    deadlines_unset(&deadlines, &one);
    deadlines_set(&deadlines, &one, 5);
    assert_int_equal(one.place, 1);
    deadlines_unset(&deadlines, &one);
    deadlines_unset(&deadlines, &one);
    assert_int_equal(one.place, 0);
    deadlines_dismiss(&deadlines, MANY);
    deadlines_clear(&deadlines);
}

TEST(a_deadline_that_is_set_again_moves)
{
    struct deadlines deadlines = {0};
    assert_true(deadlines_admit(&deadlines, MANY));
    struct deadline a = {0}, b = {0};
    deadlines_set(&deadlines, &a, 10);
    deadlines_set(&deadlines, &b, 20);
    assert_ptr_equal(deadlines_first(&deadlines), &a);
    deadlines_set(&deadlines, &a, 30);
    assert_ptr_equal(deadlines_first(&deadlines), &b);
    assert_int_equal(deadlines.count, 2);
    deadlines_set(&deadlines, &a, 0);
    assert_ptr_equal(deadlines_first(&deadlines), &a);
    deadlines_set(&deadlines, &a, UINT64_MAX);
    assert_ptr_equal(deadlines_first(&deadlines), &b);
    deadlines_unset(&deadlines, &b);
    deadlines_unset(&deadlines, &a);
    deadlines_dismiss(&deadlines, MANY);
    deadlines_clear(&deadlines);
}

TEST(they_come_out_in_order)
{
    struct deadlines deadlines = {0};
    assert_true(deadlines_admit(&deadlines, MANY));
    uint64_t random = 7, last = 0;
    for (int i = 0; i < MANY; i++)
        deadlines_set(&deadlines, &items[i], random_below(&random, 1000));
    for (int i = 0; i < MANY; i++) {
        struct deadline *first = deadlines_first(&deadlines);
        assert_true(first->due_ms >= last);
        last = first->due_ms;
        deadlines_unset(&deadlines, first);
    }
    deadlines_dismiss(&deadlines, MANY);
    deadlines_clear(&deadlines);
}

TEST(any_order_of_sets_and_unsets_agrees_with_the_model)
{
    struct deadlines deadlines = {0};
    assert_true(deadlines_admit(&deadlines, MANY));
    uint64_t random = 99;
    for (int step = 0; step < 20000; step++) {
        struct deadline *item = &items[random_below(&random, MANY)];
        if (random_below(&random, 3) == 0)
            deadlines_unset(&deadlines, item);
        else
            deadlines_set(&deadlines, item, random_below(&random, 500));
        const struct deadline *first = deadlines_first(&deadlines);
        assert_true((first == NULL ? UINT64_MAX : first->due_ms) == earliest());
        if (step % 64 == 0) assert_heap_is_sound(&deadlines);
    }
    for (int i = 0; i < MANY; i++)
        deadlines_unset(&deadlines, &items[i]);
    deadlines_dismiss(&deadlines, MANY);
    deadlines_clear(&deadlines);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_empty_heap_has_no_first),
        cmocka_unit_test(what_is_not_set_may_be_unset),
        cmocka_unit_test(a_deadline_that_is_set_again_moves),
        cmocka_unit_test(they_come_out_in_order),
        cmocka_unit_test(any_order_of_sets_and_unsets_agrees_with_the_model),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
