/* What must hold whatever the input; a fuzzer keeps the input that breaks it. */
#ifndef WHILST_TESTS_MUST_H
#define WHILST_TESTS_MUST_H

#include <stdio.h>
#include <stdlib.h>

#define MUST(condition)                                                                    \
    do {                                                                                   \
        if (!(condition)) {                                                                \
            fprintf(stderr, "%s:%d: must hold: %s\n", __FILE__, __LINE__, #condition);     \
            abort();                                                                       \
        }                                                                                  \
    } while (0)

#endif
