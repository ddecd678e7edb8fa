/* The options of `whilst bench`. */
#ifndef WHILST_APP_BENCH_OPTIONS_H
#define WHILST_APP_BENCH_OPTIONS_H

#include "reach.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

struct bench_options {
    struct reach_options reach; /* first: the options that all clients share fill it */
    const char *mix;            /* the operand; NULL with in_process */
    const char *holders_server; /* NULL: they are at the same */
    bool json, in_process, counts;
    uint32_t server_pid;  /* 0: unknown */
    uint32_t per_address; /* visitors that come from one address of 127.0.0.0/8; 0: all */
    uint32_t visitors, at_once, holders, pages, seconds, rate, seed;
    uint32_t stay_ms, rounds, in_flight;
    uint32_t sessions; /* in process */
    size_t size;
};

/* False after a mistake, which has been said, or with *help set. */
bool bench_options_read(struct bench_options *options, int count, char **arguments,
                        bool *help);
const struct option_table *bench_table(const void **defaults); /* as in struct command */

#endif
