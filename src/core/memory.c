/* The reserve, and the way to it.

   The system is asked first. When it refuses, a small block comes from the reserve: from the
   list of blocks of its class (powers of two) that were given back, or from what is left of
   the one block that was set aside. What is in the reserve moves out when it is resized and
   there is memory again; when the last block is given back the reserve is whole. Half of it
   is meant for what is under way already: before that is cut into, memory_is_short tells the
   server to refuse what is new. */
#include "whilst/memory.h"

#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define FIRST_CLASS 5 /* blocks of 32 bytes */
#define LAST_CLASS 14 /* MEMORY_RESERVE_BLOCK */
#define PROBE ((size_t)64 << 10)

/* Stands before each block of the reserve. */
struct head {
    struct head *next; /* of the blocks given back */
    size_t class;
};

_Static_assert(sizeof(struct head) % 16 == 0, "blocks are aligned as malloc's are");
_Static_assert((size_t)1 << LAST_CLASS == MEMORY_RESERVE_BLOCK, "the last class");

static struct {
    uint8_t *bytes;
    size_t size, cut, used;
    struct head *free[LAST_CLASS + 1];
    unsigned long long failures;
} reserve;

bool memory_set_aside(size_t bytes)
{
    uint8_t *block = malloc(bytes);
    if (block == NULL) return false;
    memset(block, 1, bytes); /* so that the system cannot change its mind */
    reserve.bytes = block;
    reserve.size = bytes;
    return true;
}

static size_t class_of(size_t size)
{
    size_t class = FIRST_CLASS;
    while (((size_t)1 << class) < size)
        class ++;
    return class;
}

static bool is_reserved(const void *memory)
{
    uintptr_t at = (uintptr_t)memory, first = (uintptr_t)reserve.bytes;
    return reserve.bytes != NULL && at >= first && at - first < reserve.size;
}

static struct head *head_of(void *memory)
{
    return (struct head *)memory - 1;
}

static size_t size_of(void *memory)
{
    return (size_t)1 << head_of(memory)->class;
}

static struct head *cut(size_t class)
{
    size_t size = sizeof(struct head) + ((size_t)1 << class);
    if (reserve.size - reserve.cut < size) return NULL;
    struct head *head = (struct head *)(void *)(reserve.bytes + reserve.cut);
    reserve.cut += size;
    head->class = class;
    return head;
}

static void *take_reserved(size_t size)
{
    reserve.failures++;
    if (size > MEMORY_RESERVE_BLOCK) return NULL;
    size_t class = class_of(size);
    struct head *head = reserve.free[class];
    if (head != NULL)
        reserve.free[class] = head->next;
    else
        head = cut(class);
    if (head == NULL) return NULL;
    reserve.used += sizeof *head + ((size_t)1 << class);
    return head + 1;
}

static void give_back(void *memory)
{
    struct head *head = head_of(memory);
    reserve.used -= sizeof *head + size_of(memory);
    head->next = reserve.free[head->class];
    reserve.free[head->class] = head;
    if (reserve.used > 0) return;
    memset(reserve.free, 0, sizeof reserve.free);
    reserve.cut = 0;
}

void *memory_take(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    return memory != NULL ? memory : take_reserved(size);
}

void *memory_new(size_t size)
{
    void *memory = calloc(1, size > 0 ? size : 1);
    if (memory != NULL) return memory;
    memory = take_reserved(size);
    if (memory != NULL) memset(memory, 0, size);
    return memory;
}

/* A block of the reserve: out of it if there is memory again. */
static void *move(void *memory, size_t size)
{
    size_t old = size_of(memory);
    void *moved = malloc(size);
    if (moved == NULL && size <= old) return memory;
    if (moved == NULL) moved = take_reserved(size);
    if (moved == NULL) return NULL;
    memcpy(moved, memory, old < size ? old : size);
    give_back(memory);
    return moved;
}

void *memory_resize(void *memory, size_t size)
{
    if (size == 0) size = 1;
    if (memory == NULL) return memory_take(size);
    if (is_reserved(memory)) return move(memory, size);
    void *resized = realloc(memory, size);
    if (resized != NULL || (resized = take_reserved(size)) == NULL) return resized;
    size_t old = malloc_usable_size(memory);
    memcpy(resized, memory, old < size ? old : size);
    free(memory);
    return resized;
}

void memory_free(void *memory)
{
    if (is_reserved(memory))
        give_back(memory);
    else
        free(memory);
}

bool memory_is_short(void)
{
    if (reserve.cut <= reserve.size / 2) return false;
    void *probe = malloc(PROBE);
    free(probe);
    return probe == NULL;
}

size_t memory_reserve_used(void)
{
    return reserve.used;
}

unsigned long long memory_failures(void)
{
    return reserve.failures;
}
