/* Rings of connections. */
#ifndef WHILST_NET_RING_H
#define WHILST_NET_RING_H

/* A doubly linked ring of connections; the head is a member of none. */
struct ring {
    struct ring *next, *previous;
};

static inline void ring_init(struct ring *ring)
{
    ring->next = ring->previous = ring;
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

#endif
