/* What a measurement is made of: times in a histogram, and what processes use. */
#ifndef WHILST_APP_MEASURE_H
#define WHILST_APP_MEASURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

/* Times in nanoseconds, kept to within 1/64 of their size; zeroed memory is empty. */
#define HISTOGRAM_FINE 64
#define HISTOGRAM_SIZE (HISTOGRAM_FINE * 59)

struct histogram {
    uint64_t count, most;
    uint32_t buckets[HISTOGRAM_SIZE];
};

void histogram_add(struct histogram *histogram, uint64_t ns);
/* The time below which this share (0 to 1) of all lies; 0 if there is none. */
uint64_t histogram_quantile(const struct histogram *histogram, double share);

/* Nanoseconds of a clock that never goes back. */
uint64_t measure_now_ns(void);

/* CPU time that a process has used so far, its threads included, in nanoseconds; 0 if it
   cannot be read. */
uint64_t measure_cpu_ns(pid_t process);
uint64_t measure_own_cpu_ns(void);

/* Memory of a process, in bytes. */
struct memory_use {
    uint64_t resident;  /* VmRSS */
    uint64_t anonymous; /* RssAnon: what it allocated itself */
};
bool measure_memory(pid_t process, struct memory_use *use);

#endif
