/* The bus: the path between the hubs of several nodes, as a hub sees it.

   A node publishes small messages on subjects and subscribes to subjects; docs/protocol.md,
   section 8, says which and what. A hub does no I/O: what it wants of the bus stands in a
   queue of its own (hub_next_bus_effect), and what arrives is handed to hub_bus. The texts
   of subjects are those of NATS. */
#ifndef WHILST_BUS_H
#define WHILST_BUS_H

#include "whilst/hash.h"
#include "whilst/message.h"
#include "whilst/slice.h"

#define BUS_NAME_MAX 32     /* characters of a node's name */
#define PARTNER_NAME_MAX 32 /* characters of a partner's name */
#define PARTNERS_MAX 8
#define BUS_SUBJECT_MAX 72 /* of a subject's text, without a terminator */
#define BUS_GROUP "h"      /* the queue group of those who hold a page */

/* A message's bytes stand in its head and, if they are a page's, in its body. */
#define BUS_HEAD_MAX 72
#define BUS_CHUNK_BYTES ((size_t)64 << 10)
#define BUS_MESSAGE_MAX (BUS_HEAD_MAX + BUS_CHUNK_BYTES)

enum bus_subject_kind {
    BUS_NOTHING,   /* no subject; as a message's reply: it wants none */
    BUS_HEARTBEAT, /* hb */
    BUS_NODE,      /* n.<node> */
    BUS_INBOX,     /* i.<node>.<request>, i.<node>.* */
    BUS_WANT,      /* w.<hash> */
    BUS_PRESENCE,  /* p.<hash> */
    BUS_CLAIMS,    /* c, with a partner only */
};

/* A partner's subjects have "f.<partner>." before them where it speaks, "t.<partner>."
   where it is spoken to; its wants go by "w" alone. */
enum bus_side { BUS_HOME, BUS_FROM, BUS_TO };

struct bus_subject {
    enum bus_subject_kind kind;
    enum bus_side side;
    char partner[PARTNER_NAME_MAX + 1]; /* "" at home */
    bool every;            /* of INBOX: i.<node>.*, which can only be subscribed to */
    struct page_hash hash; /* of WANT and PRESENCE, at home */
    uint64_t node;         /* of NODE and INBOX */
    uint64_t request;      /* of INBOX */
};

/* What a node's name becomes in subjects and messages: the first 8 bytes of its SHA-256. */
uint64_t bus_node_of(const char *name);
/* 1 to BUS_NAME_MAX of A-Z a-z 0-9 . _ - */
bool bus_name_is_valid(const char *name);
/* 1 to PARTNER_NAME_MAX of A-Z a-z 0-9 _ - */
bool bus_partner_is_valid(const char *name);

/* Writes a subject and a terminator; returns its length. */
size_t bus_subject_write(const struct bus_subject *subject, char text[BUS_SUBJECT_MAX + 1]);
/* False if it is none of ours. */
bool bus_subject_read(struct slice text, struct bus_subject *subject);

enum bus_effect_kind {
    EFFECT_PUBLISH,
    EFFECT_SUBSCRIBE,
    EFFECT_UNSUBSCRIBE,
    EFFECT_DEAF, /* to be logged: the subject's partner is not listened to for deaf_ms */
};

/* What the connection to the bus is to do. There are none whilst it is down. The connection
   must not hand a node its own messages (NATS: echo false), must ask for no-responders, and
   loses all subscriptions with it. */
struct bus_effect {
    enum bus_effect_kind kind;
    bool group;            /* SUBSCRIBE: as one of BUS_GROUP */
    uint64_t subscription; /* SUBSCRIBE, UNSUBSCRIBE: names it, in this connection */
    struct bus_subject subject;
    struct bus_subject reply; /* PUBLISH */
    size_t head_size;         /* PUBLISH: its first bytes */
    uint8_t head[BUS_HEAD_MAX];
    struct message *body; /* PUBLISH: NULL, or a reference that becomes the caller's; the
                             rest of the bytes are body_size from its body_at-th */
    size_t body_at, body_size;
    uint32_t deaf_ms; /* DEAF */
};

/* What came. Borrowed for the call. */
struct bus_message {
    struct bus_subject subject; /* BUS_NOTHING: one that bus_subject_read does not know */
    struct bus_subject reply;
    bool nobody; /* no-responders: nobody is subscribed to what was published with this
                    subject as its reply */
    const void *bytes;
    size_t size;
};

/* How this hub stands to the bus. */
enum bus_state {
    BUS_NONE, /* it is alone, and no function of the bus has an effect */
    BUS_DOWN,
    BUS_UP,
    BUS_NAME_TAKEN, /* another node has its name: it is alone until the program starts again,
                       and the connection may be closed */
};

#endif
