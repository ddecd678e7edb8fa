/* Memory, and what it is part of. */
#ifndef WHILST_CORE_MEMORY_H
#define WHILST_CORE_MEMORY_H

#include "whilst/memory.h"

#define MEMORY_OWNER(pointer, type, field)                                                 \
    ((type *)(void *)((char *)(pointer)-offsetof(type, field)))

#endif
