/* Memory for book-keeping. What a peer's bytes size is allocated elsewhere, and may
   fail. */
#ifndef WHILST_CORE_MEMORY_H
#define WHILST_CORE_MEMORY_H

#include <stdlib.h>

/* Zeroed memory; without any left there is nothing to go on with. */
static inline void *memory_new(size_t size)
{
    void *memory = calloc(1, size);
    if (memory == NULL) abort();
    return memory;
}

/* As realloc, but never NULL. */
static inline void *memory_resize(void *memory, size_t size)
{
    void *resized = realloc(memory, size);
    if (resized == NULL) abort();
    return resized;
}

#define MEMORY_OWNER(pointer, type, field)                                                 \
    ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

#endif
