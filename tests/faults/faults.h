/* Allocations that fail on purpose.

   A program that is linked with this file and with --wrap=malloc, calloc and realloc counts the
   allocations that its own objects make whilst `armed`, and refuses those numbered `first` to
   `last`. What libraries allocate is counted as far as it comes through whilst/memory.h. */
#ifndef WHILST_TESTS_FAULTS_H
#define WHILST_TESTS_FAULTS_H

#include <stdint.h>

/* All 64 bits, in this order: tests/e2e/faults.js reads and writes them in a shared file, which
   WHILST_FAULTS names. */
struct faults {
    uint64_t armed;
    uint64_t calls; /* made whilst armed */
    uint64_t first, last;
    uint64_t failed;
};

extern struct faults *faults;

#endif
