/* Readings of command lines of `whilst serve`, for the tests of its options. */
#ifndef WHILST_UNIT_READINGS_H
#define WHILST_UNIT_READINGS_H

#include "app/options.h"
#include "unit.h"

/* One reading of a command line, and what it said on standard error. */
struct reading {
    struct options options;
    bool accepted, help;
    char *said;
};

/* `line`: the arguments, divided by spaces. The caller frees what was said. */
struct reading read_line(const char *line);

struct options accept_line(const char *line);

/* Refused in one line, with these words in it. */
void refuse_line(const char *line, const char *words);

#endif
