/* Memory: all that the program takes while it serves, its own and that of its libraries,
   comes through here, and any of it may be refused. */
#ifndef WHILST_MEMORY_H
#define WHILST_MEMORY_H

#include <stdbool.h>
#include <stddef.h>

/* Sets a reserve aside, for the whole life of the process: when the system has no more,
   blocks of at most MEMORY_RESERVE_BLOCK bytes come from it. Without a call there is none.
   False if there is no memory for it. */
bool memory_set_aside(size_t bytes);

#define MEMORY_RESERVE_BLOCK ((size_t)16 << 10)

/* Zeroed memory, or NULL. */
void *memory_new(size_t size);
/* As malloc and realloc: on failure the old block is untouched. */
void *memory_take(size_t size);
void *memory_resize(void *memory, size_t size);
void memory_free(void *memory); /* NULL is allowed */

/* Whether the reserve is being used up and the system still has nothing to give: what can be
   refused should be. */
bool memory_is_short(void);

/* For metrics: bytes of the reserve in use, and how often the system refused. */
size_t memory_reserve_used(void);
unsigned long long memory_failures(void);

#endif
