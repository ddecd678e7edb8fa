/* What is due when: one heap for everything in the hub that waits for a time. */
#ifndef WHILST_CORE_DEADLINES_H
#define WHILST_CORE_DEADLINES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum deadline_kind {
    DEADLINE_COUNT,    /* a page's count is to be told */
    DEADLINE_FETCH,    /* a fetch may hedge or give a holder up */
    DEADLINE_AWAY,     /* an away holder's grace is over */
    DEADLINE_LINE,     /* fetches have waited for memory for long enough */
    DEADLINE_AWAIT,    /* holders of an earlier process are awaited no longer */
    DEADLINE_ALIVE,    /* this node is to say that it lives */
    DEADLINE_WALK,     /* some interests are to be told again */
    DEADLINE_NODE,     /* another node was silent, or its cells are to be dropped */
    DEADLINE_INTEREST, /* an interest has something to tell, or ends */
    DEADLINE_ORDER,    /* another node is to be told that its page is looked for */
    DEADLINE_PARTNER,  /* a partner is to be listened to again */
};

/* Lives inside its object; zeroed memory is one that is not set, but for its kind. */
struct deadline {
    uint64_t due_ms;
    uint32_t place; /* in the heap, from 1; 0 when not set */
    enum deadline_kind kind;
};

/* Zeroed memory is an empty heap. */
struct deadlines {
    struct deadline **heap;
    uint32_t count, admitted, capacity;
};

/* Room for so many more deadlines, so that setting one needs no memory; false if there is
   none. */
bool deadlines_admit(struct deadlines *deadlines, uint32_t count);
void deadlines_dismiss(struct deadlines *deadlines, uint32_t count);

/* Sets or moves. */
void deadlines_set(struct deadlines *deadlines, struct deadline *deadline, uint64_t due_ms);
void deadlines_unset(struct deadlines *deadlines, struct deadline *deadline);
/* The earliest, or NULL. */
struct deadline *deadlines_first(const struct deadlines *deadlines);
void deadlines_clear(struct deadlines *deadlines);

#endif
