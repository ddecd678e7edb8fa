/* What every unit test includes: cmocka with the headers that it wants before it. */
#ifndef WHILST_TESTS_UNIT_H
#define WHILST_TESTS_UNIT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#define TEST(name) static void name(__attribute__((unused)) void **state)

/* Numbers that are the same in every run (xorshift64*; Vigna, 2016). The state must not be
 * 0. */
static inline uint64_t random_next(uint64_t *random)
{
    *random ^= *random >> 12;
    *random ^= *random << 25;
    *random ^= *random >> 27;
    return *random * UINT64_C(0x2545f4914f6cdd1d);
}

static inline uint32_t random_below(uint64_t *random, uint32_t below)
{
    return (uint32_t)((random_next(random) >> 32) % below);
}

#endif
