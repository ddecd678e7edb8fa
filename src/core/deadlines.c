/* A binary min-heap of deadlines whose items know their own place, so that any of them can
   be moved or taken out in logarithmic time. The heap owns its array only, which has room
   for every deadline that was admitted. */
#include "deadlines.h"

#include "memory.h"

#include <assert.h>

static void put(struct deadlines *d, uint32_t place, struct deadline *deadline)
{
    d->heap[place - 1] = deadline;
    deadline->place = place;
}

static void sift_up(struct deadlines *d, struct deadline *deadline, uint32_t place)
{
    while (place > 1 && d->heap[place / 2 - 1]->due_ms > deadline->due_ms) {
        put(d, place, d->heap[place / 2 - 1]);
        place /= 2;
    }
    put(d, place, deadline);
}

static void sift_down(struct deadlines *d, struct deadline *deadline, uint32_t place)
{
    for (;;) {
        uint32_t child = 2 * place;
        if (child > d->count) break;
        if (child < d->count && d->heap[child]->due_ms < d->heap[child - 1]->due_ms)
            child++;
        if (d->heap[child - 1]->due_ms >= deadline->due_ms) break;
        put(d, place, d->heap[child - 1]);
        place = child;
    }
    put(d, place, deadline);
}

bool deadlines_admit(struct deadlines *d, uint32_t count)
{
    uint32_t capacity = d->capacity == 0 ? 16 : d->capacity;
    while (capacity < d->admitted + count)
        capacity *= 2;
    if (capacity != d->capacity) {
        struct deadline **heap =
            memory_resize(d->heap, capacity * sizeof(struct deadline *));
        if (heap == NULL) return false;
        d->heap = heap;
        d->capacity = capacity;
    }
    d->admitted += count;
    return true;
}

void deadlines_dismiss(struct deadlines *d, uint32_t count)
{
    assert(d->admitted - count >= d->count);
    d->admitted -= count;
}

void deadlines_set(struct deadlines *d, struct deadline *deadline, uint64_t due_ms)
{
    if (deadline->place != 0) deadlines_unset(d, deadline);
    assert(d->count < d->admitted);
    deadline->due_ms = due_ms;
    d->count++;
    sift_up(d, deadline, d->count);
}

void deadlines_unset(struct deadlines *d, struct deadline *deadline)
{
    uint32_t place = deadline->place;
    if (place == 0) return;
    deadline->place = 0;
    struct deadline *last = d->heap[--d->count];
    if (last == deadline) return;
    if (place > 1 && d->heap[place / 2 - 1]->due_ms > last->due_ms)
        sift_up(d, last, place);
    else
        sift_down(d, last, place);
}

struct deadline *deadlines_first(const struct deadlines *d)
{
    return d->count == 0 ? NULL : d->heap[0];
}

void deadlines_clear(struct deadlines *d)
{
    assert(d->count == 0 && d->admitted == 0);
    memory_free(d->heap);
    *d = (struct deadlines){0};
}
