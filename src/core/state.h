/* The core's types on one page.

   struct hub owns everything. A session owns its memberships (one for each topic it is in)
   and its intake (the message it is sending us). A page is owned by the table of pages and
   lives whilst it has a holder or a seeker. A holder with a token has a slot; when its
   connection drops, the membership leaves the session and belongs to the page until it is
   taken over or its grace is over. */
#ifndef WHILST_CORE_STATE_H
#define WHILST_CORE_STATE_H

#include "deadlines.h"
#include "table.h"
#include "topic.h"
#include "whilst/hub.h"
#include "whilst/wire.h"

#define TOKEN_MIN 8
#define TOKEN_MAX 64

/* Whether a holder's answer will be taken. */
enum ask_state { ASK_NONE, ASK_PENDING };

/* A session in a topic. */
struct membership {
    struct membership *next; /* in the session's list */
    struct session *session; /* NULL whilst away */
    struct page *page;       /* NULL in "all" */
    struct slot *slot;       /* of a holder with a token */
    uint32_t index;          /* in the page's group */
    uint32_t count_told;     /* the last visitors_count sent; 0 before */
    uint8_t kind;            /* enum topic_kind */
    uint8_t ask;             /* enum ask_state, of a holder */
    uint8_t late;            /* answers to come that are dropped without blame */
    bool silent : 1;         /* a holder that did not answer in time */
    bool watches : 1;        /* a holder that is told how many are away */
    bool claims : 1;         /* a holder that is told what partners claim */
    bool proven : 1;         /* a holder that is known to have had the page */
    bool active : 1;         /* a seeker that takes part in its page's fetch */
    bool waiting : 1;        /* a seeker whose session has no room for its page yet */
    bool binary : 1;         /* a seeker that takes binary content */
    bool status : 1;         /* a seeker that wants status events */
    bool upper : 1;          /* the topic was joined with upper-case letters */
    uint8_t join_ref_kind;   /* enum ref_kind */
    uint8_t join_ref_size;
    char join_ref[]; /* then, with `upper`, the letter case: 64 bits */
};

/* Members of a page in no order, but for those in front: holders that may be asked, seekers
   that are to be served. Of the holders in front, those that are proven come first. */
struct group {
    union {
        struct membership *one;   /* whilst capacity is 0, as in most */
        struct membership **many; /* else */
    } members;
    uint32_t count, front, proven, capacity;
};

static inline struct membership *group_at(const struct group *group, uint32_t index)
{
    return group->capacity == 0 ? group->members.one : group->members.many[index];
}

struct page {
    struct table_link link;
    struct page_hash hash;
    struct group holders, seekers;
    struct fetch *fetch;       /* NULL when nobody is being asked */
    struct deadline count_due; /* set whilst a change waits; else when it was last told */
    uint32_t bytes;            /* its size; 0 until it was relayed */
    uint32_t born_s;           /* when somebody came to it */
    uint32_t counted;          /* the count that was last told; 0 before */
    uint32_t away : 22;        /* of the holders */
    uint32_t claimed : 1;      /* somebody wanted to know what partners claim */
    uint32_t watched : 1;      /* somebody wanted to know how many are away */
    uint32_t failure : 8;      /* enum reason: how the last fetch ended without bytes */
};

#define ASKS_FEW 4 /* most fetches have no more */

/* A holder that was asked, and still may answer. */
struct pending {
    struct membership *holder;
    uint64_t asked_ms, heard_ms;
};

/* The effort to bring one page to its seekers. */
struct fetch {
    struct page *page;
    struct deadline due;
    struct fetch *before, *after; /* whilst it stands in line */
    uint64_t begun_ms;
    uint64_t hedge_ms;          /* when more holders are asked beside the present ones */
    uint32_t asked;             /* holders asked so far */
    uint32_t asked_told;        /* the same, as seekers were told it last */
    uint32_t abreast;           /* so many are asked at the same time by now */
    uint32_t active;            /* seekers that take part */
    uint32_t pending, capacity; /* of asks */
    struct pending *asks, few[ASKS_FEW];
    uint8_t postponed; /* how often there was no memory for an answer */
    bool in_line;      /* for memory: nobody is being asked */
};

/* A holder's claim to its place, kept over a lost connection. */
struct slot {
    struct table_link link; /* by page and token */
    struct membership *holder;
    struct origin *origin;
    struct deadline grace; /* set whilst away */
    uint8_t token_size;
    char token[];
};

/* An address with sessions or away holders. */
struct origin {
    struct table_link link;
    struct address address;
    uint32_t sessions, away;
};

/* A token bucket, as the time at which it will be full again. */
struct bucket {
    uint64_t full_us;
};

/* A page that a session once sent wrong bytes for. */
struct barred {
    struct barred *next;
    struct page_hash hash;
};

struct session {
    session_id id;
    struct membership *topics;
    struct barred *barred;
    struct intake *intake; /* NULL between messages */
    struct origin *origin; /* NULL for an address without limits */
    struct bucket messages, joins, asks;
    uint32_t next_roomy; /* the place of the next in the hub's list, + 1 */
    uint32_t born_s;     /* when it connected */
    uint32_t unread; /* bytes of pages it was sent since its connection was last drained */
    uint16_t served; /* from the key of the page it was last served */
    uint16_t topics_count;
    uint16_t pending;         /* requests in flight */
    uint16_t active, waiting; /* its seekers that take part in a fetch; that have no room */
    uint8_t lost; /* enum reason: it could not be told something, and is to be closed */
    bool roomy;   /* it stands in the hub's list */
};

/* A place for a session, and how often it was used. */
struct place {
    struct session *session; /* NULL when free */
    uint32_t generation;
    uint32_t next_free; /* place + 1 */
};

struct hub {
    struct hub_config config;
    size_t page_bytes_highest; /* the largest page_bytes_max that was ever in force */
    uint64_t secret[2];
    uint64_t chance; /* state of the random numbers */
    uint64_t now_ms;
    struct place *places;
    uint32_t places_count, places_capacity, free_place; /* place + 1 */
    struct table pages, slots, origins;
    uint32_t roomy; /* place + 1 of a session that may have room for a waiting seeker */
    struct fetch *line_first, *line_last; /* fetches that wait for memory */
    struct deadline line_due;             /* set whilst there are any */
    struct deadline await_due; /* when holders are awaited no longer: awaited.c */
    uint64_t await_at;         /* where the walk that tells so goes on */
    bool awaits;
    struct intake *intakes_first, *intakes_last; /* with memory, the oldest first */
    struct deny_list *denied;                    /* NULL: none */
    struct deadlines deadlines;
    struct effect *effects; /* a ring */
    size_t effects_first, effects_count, effects_capacity;
    uint32_t lost, lost_at; /* sessions that are lost, and where they are looked for */
    struct metrics metrics;
    struct bus *bus; /* bus_types.h; NULL: this hub is alone */
};

/* The end of every input: what waited for room or memory that is free now goes on. */
void hub_settle(struct hub *hub);

#endif
