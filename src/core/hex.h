/* Hexadecimal digits. */
#ifndef WHILST_CORE_HEX_H
#define WHILST_CORE_HEX_H

#include <stdint.h>

/* The value of a digit of either case, or -1. */
static inline int hex_value(char digit)
{
    static const int8_t values[256] = {
        /* plus one; 0 for what is no digit */
        ['0'] = 1,  ['1'] = 2,  ['2'] = 3,  ['3'] = 4,  ['4'] = 5,  ['5'] = 6,
        ['6'] = 7,  ['7'] = 8,  ['8'] = 9,  ['9'] = 10, ['a'] = 11, ['b'] = 12,
        ['c'] = 13, ['d'] = 14, ['e'] = 15, ['f'] = 16, ['A'] = 11, ['B'] = 12,
        ['C'] = 13, ['D'] = 14, ['E'] = 15, ['F'] = 16};
    return values[(uint8_t)digit] - 1;
}

#endif
