/* The load driver: visitors, the phases that are measured, and the mixes that play them. */
#ifndef WHILST_APP_BENCH_H
#define WHILST_APP_BENCH_H

#include "bench_options.h"
#include "measure.h"
#include "whilst/message.h"

int bench_main(int count, char **arguments);

/* A stretch of a run, or several stretches of the same name together. */
struct phase {
    const char *name;
    const char *unit;        /* of what is counted */
    struct histogram *times; /* how long each took */
    uint64_t count;          /* those done; may be more than were timed */
    uint64_t wall_ns, server_ns, driver_ns;
    uint64_t began_ns, server_began_ns, driver_began_ns; /* of the present stretch */
};

/* Things worth telling beside the phases. */
struct note {
    const char *name, *unit;
    double value;
};

struct fault_count {
    char text[64];
    uint32_t count;
};

#define PHASES_MAX 16
#define NOTES_MAX 16
#define FAULTS_MAX 16

struct result {
    struct phase phases[PHASES_MAX];
    struct note notes[NOTES_MAX];
    struct fault_count faults[FAULTS_MAX];
    size_t phases_count, notes_count, faults_count;
};

void result_note(struct result *result, const char *name, double value, const char *unit);
void result_fault(struct result *result, const char *text);
void result_clear(struct result *result);
/* `process`: of the server, or 0. */
struct phase *result_begin(struct result *result, const char *name, const char *unit,
                           pid_t process);
void result_end(struct phase *phase, pid_t process);
/* `mix` and the options it was run with, as a table or as a line of JSON. */
void result_print(const struct result *result, const struct bench_options *options,
                  const char *mix, FILE *out);

/* A page that no other number has, for this seed; of 8 bytes at least. */
struct message *bench_page_new(const struct bench_options *options, uint64_t number,
                               size_t size, struct page_hash *hash);

/* In process: the hub without sockets. */
int bench_hub_run(const struct bench_options *options);

#endif
