/* Clocks, /proc, and a histogram whose buckets grow with their values: each power of two
   is cut into HISTOGRAM_FINE equal parts. */
#include "measure.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static size_t bucket_of(uint64_t ns)
{
    if (ns < HISTOGRAM_FINE) return (size_t)ns;
    size_t power = 63 - (size_t)__builtin_clzll(ns) - 6; /* ns >> power is 64 to 127 */
    size_t bucket = (power + 1) * HISTOGRAM_FINE + (size_t)(ns >> power) - HISTOGRAM_FINE;
    return bucket < HISTOGRAM_SIZE ? bucket : HISTOGRAM_SIZE - 1;
}

/* The middle of a bucket. */
static uint64_t value_of(size_t bucket)
{
    if (bucket < 2 * HISTOGRAM_FINE) return bucket;
    size_t power = bucket / HISTOGRAM_FINE - 1;
    uint64_t base = (uint64_t)(bucket % HISTOGRAM_FINE + HISTOGRAM_FINE) << power;
    return base + (UINT64_C(1) << power) / 2;
}

void histogram_add(struct histogram *histogram, uint64_t ns)
{
    histogram->count++;
    if (ns > histogram->most) histogram->most = ns;
    histogram->buckets[bucket_of(ns)]++;
}

uint64_t histogram_quantile(const struct histogram *histogram, double share)
{
    uint64_t wanted = (uint64_t)(share * (double)histogram->count), seen = 0;
    if (histogram->count == 0) return 0;
    if (wanted >= histogram->count) wanted = histogram->count - 1;
    for (size_t i = 0; i < HISTOGRAM_SIZE; i++) {
        seen += histogram->buckets[i];
        if (seen > wanted)
            return value_of(i) < histogram->most ? value_of(i) : histogram->most;
    }
    return histogram->most;
}

uint64_t measure_now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

uint64_t measure_own_cpu_ns(void)
{
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (uint64_t)used.tv_sec * 1000000000 + (uint64_t)used.tv_nsec;
}

/* The first number in a file of one thread: nanoseconds on a CPU. */
static uint64_t thread_cpu_ns(const char *tasks, const char *thread)
{
    char path[sizeof "/proc//task//schedstat" + 300];
    unsigned long long ns = 0;
    snprintf(path, sizeof path, "%s/%s/schedstat", tasks, thread);
    FILE *file = fopen(path, "re");
    if (file == NULL) return 0;
    if (fscanf(file, "%llu", &ns) != 1) ns = 0;
    fclose(file);
    return ns;
}

uint64_t measure_cpu_ns(pid_t process)
{
    char tasks[40];
    uint64_t ns = 0;
    const struct dirent *entry;
    snprintf(tasks, sizeof tasks, "/proc/%ld/task", (long)process);
    DIR *directory = opendir(tasks);
    if (directory == NULL) return 0;
    while ((entry = readdir(directory)) != NULL)
        if (entry->d_name[0] != '.') ns += thread_cpu_ns(tasks, entry->d_name);
    closedir(directory);
    return ns;
}

static bool read_kilobytes(const char *line, const char *name, uint64_t *bytes)
{
    size_t size = strlen(name);
    if (strncmp(line, name, size) != 0 || line[size] != ':') return false;
    *bytes = strtoull(line + size + 1, NULL, 10) << 10;
    return true;
}

bool measure_memory(pid_t process, struct memory_use *use)
{
    char path[40], line[200];
    int found = 0;
    snprintf(path, sizeof path, "/proc/%ld/status", (long)process);
    FILE *file = fopen(path, "re");
    if (file == NULL) return false;
    while (fgets(line, sizeof line, file) != NULL) {
        found += read_kilobytes(line, "VmRSS", &use->resident);
        found += read_kilobytes(line, "RssAnon", &use->anonymous);
    }
    fclose(file);
    return found == 2;
}
