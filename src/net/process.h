/* What the system says of our process. */
#ifndef WHILST_NET_PROCESS_H
#define WHILST_NET_PROCESS_H

#include "whilst/print.h"

#include <stdint.h>

struct process {
    uint64_t resident_bytes, virtual_bytes;
    uint64_t cpu_us; /* of all its threads, since it began */
    uint64_t descriptors, descriptors_max;
};

/* Without walking anything that grows with the number of descriptors. `sockets`: how many
   the server has, where the kernel (before Linux 6.2) does not tell all descriptors at
   once. */
struct process process_read(uint64_t sockets);

/* The metrics that every Prometheus client library has, by their names there. `began_s`:
   seconds since 1970. */
void process_print(struct print *to, uint64_t sockets, int64_t began_s);

#endif
