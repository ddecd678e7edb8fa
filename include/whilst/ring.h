/* Rings of things that are owned elsewhere. */
#ifndef WHILST_RING_H
#define WHILST_RING_H

#include <stdbool.h>

/* A doubly linked ring; the head is a member of none. What is in no ring is one by
   itself. */
struct ring {
    struct ring *next, *previous;
};

static inline void ring_init(struct ring *ring)
{
    ring->next = ring->previous = ring;
}

static inline bool ring_is_empty(const struct ring *head)
{
    return head->next == head;
}

static inline void ring_remove(struct ring *ring)
{
    ring->next->previous = ring->previous;
    ring->previous->next = ring->next;
    ring_init(ring);
}

/* Moves to the end. */
static inline void ring_append(struct ring *head, struct ring *ring)
{
    ring_remove(ring);
    ring->previous = head->previous;
    ring->next = head;
    head->previous->next = ring;
    head->previous = ring;
}

/* Moves all that are in another one to the end. */
static inline void ring_append_all(struct ring *head, struct ring *other)
{
    if (ring_is_empty(other)) return;
    other->next->previous = head->previous;
    head->previous->next = other->next;
    other->previous->next = head;
    head->previous = other->previous;
    ring_init(other);
}

#endif
