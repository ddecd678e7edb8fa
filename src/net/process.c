/* Our process, read from /proc and getrusage. */
#include "process.h"

#include "whilst/metrics.h"

#include <inttypes.h>
#include <stdio.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#define OTHER_DESCRIPTORS 16 /* the loop's, the log, listeners */

static void read_memory(struct process *process)
{
    uint64_t pages[2] = {0}, page_bytes = (uint64_t)sysconf(_SC_PAGESIZE);
    FILE *file = fopen("/proc/self/statm", "re");
    if (file == NULL) return;
    if (fscanf(file, "%" SCNu64 " %" SCNu64, &pages[0], &pages[1]) == 2) {
        process->virtual_bytes = pages[0] * page_bytes;
        process->resident_bytes = pages[1] * page_bytes;
    }
    fclose(file);
}

static uint64_t microseconds(struct timeval time)
{
    return (uint64_t)time.tv_sec * 1000000 + (uint64_t)time.tv_usec;
}

struct process process_read(uint64_t sockets)
{
    struct process process = {.descriptors = sockets + OTHER_DESCRIPTORS};
    struct rusage usage;
    struct rlimit limit;
    struct stat directory; /* its size is how many are open, since Linux 6.2 */
    read_memory(&process);
    if (getrusage(RUSAGE_SELF, &usage) == 0)
        process.cpu_us = microseconds(usage.ru_utime) + microseconds(usage.ru_stime);
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) process.descriptors_max = limit.rlim_cur;
    if (stat("/proc/self/fd", &directory) == 0 && directory.st_size > 0)
        process.descriptors = (uint64_t)directory.st_size;
    return process;
}

void process_print(struct print *to, uint64_t sockets, int64_t began_s)
{
    struct process process = process_read(sockets);
    metrics_print_row(to, "process_cpu_seconds_total", "counter",
                      "Processor time that the process used, in seconds",
                      (double)process.cpu_us / 1e6);
    metrics_print_row(to, "process_resident_memory_bytes", "gauge",
                      "Memory of the process that is in RAM, in bytes",
                      (double)process.resident_bytes);
    metrics_print_row(to, "process_virtual_memory_bytes", "gauge",
                      "Address space of the process, in bytes",
                      (double)process.virtual_bytes);
    metrics_print_row(to, "process_open_fds", "gauge", "Descriptors that are open",
                      (double)process.descriptors);
    metrics_print_row(to, "process_max_fds", "gauge", "Descriptors that may be open",
                      (double)process.descriptors_max);
    metrics_print_row(to, "process_start_time_seconds", "gauge",
                      "When the process began, in seconds since 1970", (double)began_s);
}
