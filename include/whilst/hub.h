/* The server's brain. It knows sessions, pages and time; it does no I/O.

   Five inputs (connect, receive, drained, disconnect and tick) change it; what is to be
   done then stands in a queue of effects, which the caller drains with hub_next_effect
   after every input. Time is the `now_ms` it is handed, which never goes back; chance is
   the seed. The same inputs bring the same effects. */
#ifndef WHILST_HUB_H
#define WHILST_HUB_H

#include "whilst/bus.h"
#include "whilst/deny.h"
#include "whilst/hash.h"
#include "whilst/message.h"
#include "whilst/metrics.h"
#include "whilst/reason.h"

/* Names a session: the low half is a small number that is used again, the high half makes
   each use of it distinct. Never 0. */
typedef uint64_t session_id;

/* Where a session comes from, for the limits of one address: IPv6, or IPv4 as
   ::ffff:a.b.c.d. All zero is nowhere (a unix socket, ourselves) and has no limit. */
struct address {
    uint8_t bytes[16];
};

/* Who counts as one customer: an IPv4 address, or everybody in an IPv6 /64. */
struct address address_network(const struct address *address);

/* Every limit of the core; docs/operations.md has the table. A rate of 0 is no limit. */
struct hub_config {
    size_t page_bytes_max;
    size_t message_bytes_max; /* of a text message other than content */
    size_t payload_bytes_max; /* of JSON that is read as a tree */
    uint32_t fragments_max;   /* in one message */
    size_t in_flight_bytes_max;
    uint32_t fetches_waiting_max; /* for memory in flight */
    size_t window_bytes; /* of pages that a session has been sent and has not read */
    uint32_t connections_max;
    uint32_t connections_per_address_max; /* 0: no limit */
    uint32_t away_per_address_max;        /* 0: no limit */
    uint32_t topics_max;                  /* of one session */
    uint32_t message_rate, message_burst; /* a second, and at once */
    uint32_t join_rate, join_burst;
    uint32_t ask_rate, ask_burst;
    uint32_t holders_first_max; /* asked at the same time, one more each hedge_ms */
    uint32_t holders_max;       /* then twice as many each hedge_ms, up to this */
    uint32_t hedge_ms;
    uint32_t answer_ms;         /* a holder is given up after this long without a byte */
    uint32_t answer_total_ms;   /* and after this long in any case */
    uint32_t count_interval_ms; /* between two counts of a page, at least */
    uint32_t count_interval_max_ms;
    uint32_t count_per_second;   /* counts that one page may send, on average */
    uint32_t grace_ms;           /* a dropped holder with a token stays away for so long */
    char node[BUS_NAME_MAX + 1]; /* this node's name on the bus; "": it is alone */
    uint64_t incarnation;        /* larger at each start of this node: a time */
    uint32_t bus_nodes_max;      /* others that are heeded */
    uint32_t bus_heartbeat_ms;   /* 12 % more or less each time */
    uint32_t bus_silence_ms;     /* a node not heard for so long is gone */
    uint32_t bus_answer_ms;      /* and is asked for a page no more after this */
    uint32_t bus_again_ms;       /* when nobody has a page, it is asked for once more */
    uint32_t bus_linger_ms;      /* a page nobody is at is still counted for so long */
    uint32_t bus_lingering_max;  /* such pages */
    uint32_t bus_refresh_ms;     /* every page's count is told again after this */
    uint32_t bus_orders_max;     /* pages that other nodes want and wait for */
    size_t bus_orders_bytes_max; /* of them, on their way to other nodes */
    uint32_t bus_want_rate, bus_want_burst; /* of one node, a second and at once */
    char partners[PARTNERS_MAX]
                 [PARTNER_NAME_MAX + 1]; /* other organisations; "": no more */
    bool partners_have;                  /* they may have what is held here */
    bool partners_want;                  /* they are asked for what nobody here holds */
    uint32_t partner_want_rate;          /* of one partner, a second and at once */
    uint32_t partner_claim_rate;         /* the same, of counts and questions for them */
    uint32_t partner_refusal_rate;       /* one with more refusals than that is not heard */
    uint32_t partner_orders_max;         /* its wants under way, and ours of it */
    uint32_t partner_pages_max;          /* pages of which counts are shared with it */
    size_t partner_bytes_rate;           /* of pages to it, a second; and from it */
};

/* The defaults of docs/operations.md. */
struct hub_config hub_config_default(void);

struct hub;

/* The caller frees it. The seed should be random: it is the tables' secret too. */
struct hub *hub_new(const struct hub_config *config, const uint64_t seed[2]);
/* Frees what is left, effects that were not drained included. */
void hub_free(struct hub *hub);

/* A new session, or 0 with the reason. */
session_id hub_connect(struct hub *hub, const struct address *from, uint64_t now_ms,
                       enum reason *reason);

/* Some bytes of a message, as they come. A message is one or more parts; parts of one
   session come in order. Parts for a session that is gone are ignored. */
struct hub_part {
    enum message_form form;
    const void *bytes;
    size_t size;
    bool fragment; /* the part begins a WebSocket frame */
    bool final;    /* the message ends with it */
};
void hub_receive(struct hub *hub, session_id session, const struct hub_part *part,
                 uint64_t now_ms);

/* Holders of an earlier process are on their way to this one: until then a page that nobody
   holds is searched for, and is not missing. UINT64_MAX: until another time is said. */
void hub_await(struct hub *hub, uint64_t until_ms, uint64_t now_ms);
bool hub_awaits(const struct hub *hub);

/* Everything that the session was sent is on its way: it may be sent more pages. To be
   called each time when a connection that was sent content has nothing left to write. */
void hub_drained(struct hub *hub, session_id session, uint64_t now_ms);

/* The connection is gone, without a word. */
void hub_disconnect(struct hub *hub, session_id session, uint64_t now_ms);

/* To be called when hub_next_deadline is reached; harmless at any other time. */
void hub_tick(struct hub *hub, uint64_t now_ms);

/* When hub_tick has work, or UINT64_MAX. */
uint64_t hub_next_deadline(const struct hub *hub);

enum effect_kind {
    EFFECT_SEND,
    EFFECT_CLOSE, /* the session is gone already: only its connection is to be closed */
};

struct effect {
    enum effect_kind kind;
    session_id session;
    struct message *message; /* of SEND: a reference that becomes the caller's */
    uint16_t code;           /* of CLOSE: RFC 6455, section 7.4 */
    enum reason reason;
};

/* Takes the oldest effect; false when there is none. */
bool hub_next_effect(struct hub *hub, struct effect *effect);

/* ---- many nodes as one; of no effect without a name of the node ---- */

/* The connection to the bus is there, with no subscriptions, or is gone. */
void hub_bus_up(struct hub *hub, bool up, uint64_t now_ms);

/* A message came from the bus, on whatever subject. */
void hub_bus(struct hub *hub, const struct bus_message *message, uint64_t now_ms);

/* Takes the oldest effect for the bus; to be drained like the others, after every input. */
bool hub_next_bus_effect(struct hub *hub, struct bus_effect *effect);

/* What is counted of each partner. X(type, field, help);
   whilst_partner_<field>{partner}. */
#define PARTNER_METRICS(X)                                                                 \
    X(gauge, asked, "Our requests for pages to the partner under way now")                 \
    X(gauge, orders, "The partner's requests for pages under way now")                     \
    X(gauge, pages, "Pages of which counts are shared with the partner now")               \
    X(gauge, deaf, "1 whilst the partner is not listened to")                              \
    X(gauge, rests, "1 whilst the partner is not asked, after it failed")                  \
    X(counter, received_total, "Messages received from the partner")                       \
    X(counter, wants_total, "Requests for pages to the partner")                           \
    X(counter, contents_total, "Pages received from the partner and found right")          \
    X(counter, content_bytes_total, "Bytes of those")                                      \
    X(counter, served_total, "Pages sent to the partner")                                  \
    X(counter, served_bytes_total, "Bytes of those")                                       \
    X(counter, claims_total, "Counts that the partner told and that were taken")

/* Writes them in the Prometheus text format; nothing without partners. */
void hub_print_partners(struct print *to, struct hub *hub);

/* This node is about to go: what it has can still be had, but its holders are sent away,
   and whoever seeks their pages is to wait for them. */
void hub_bus_go(struct hub *hub, uint64_t now_ms);

/* This node goes: the others need not wait for its silence to know. To be called before the
   connection is closed. */
void hub_bus_leave(struct hub *hub, uint64_t now_ms);

enum bus_state hub_bus_state(const struct hub *hub);

/* Other limits, rates and times from now on. They are for what is new: nobody is closed for
   what the old ones allowed, a message that has begun ends under those, and rates begin
   anew. Of connections_max and the bus nothing may change. */
void hub_take_config(struct hub *hub, const struct hub_config *config, uint64_t now_ms);

/* Refuses these pages from now on, instead of those refused before. Their holders and
   seekers are told `blocked`. Takes the list, which may be NULL. */
void hub_take_deny_list(struct hub *hub, struct deny_list *list, uint64_t now_ms);

/* Whether a session is being asked for a page, or takes part in a search for one. */
bool hub_is_busy(const struct hub *hub, session_id session);

/* Whether a page is refused. */
bool hub_denies(const struct hub *hub, const struct page_hash *hash);

/* Adds one page to those that are refused; false if there is no memory. */
bool hub_deny_page(struct hub *hub, const struct page_hash *hash, uint64_t now_ms);

/* Ends a page for everybody who is at it now: they are told `dropped`, and may come again.
   Returns how many were told. */
uint32_t hub_drop_page(struct hub *hub, const struct page_hash *hash, uint64_t now_ms);

/* Closes a session with `dropped`; false if there is none. */
bool hub_drop_session(struct hub *hub, session_id session, uint64_t now_ms);

/* What the operator is told of a page, and of a session. */
struct hub_page {
    struct page_hash hash;
    uint32_t holders; /* those away included */
    uint32_t away, seekers;
    uint32_t bytes; /* its size; 0 until it was relayed */
    uint64_t age_ms;
};

struct hub_session {
    session_id id;
    struct address network;    /* whose limits are its; all zero: nobody's */
    uint32_t holding, seeking; /* pages */
    uint32_t asked;            /* requests that it has not answered yet */
    uint32_t unread_bytes;     /* of pages it was sent */
    uint64_t age_ms;
};

struct hub_node {
    const char *name;        /* borrowed; "" before it was told */
    uint32_t pages, holders; /* who is there, as far as this node was told */
    uint64_t age_ms;         /* it has been heard for so long */
    uint64_t silent_ms;      /* and not since */
};

/* Tells of all other nodes that are heard now. */
void hub_list_nodes(const struct hub *hub, uint64_t now_ms,
                    void (*tell)(const struct hub_node *node, void *context),
                    void *context);

/* Tells of about `most` pages or sessions, and returns where to go on, or 0 after the last;
   begin with 0. What comes or goes between two calls may be told or not; what stays is told
   once. `tell` must not call the hub. */
uint64_t hub_walk_pages(const struct hub *hub, uint64_t from, uint32_t most,
                        uint64_t now_ms,
                        void (*tell)(const struct hub_page *page, void *context),
                        void *context);
uint64_t hub_walk_sessions(const struct hub *hub, uint64_t from, uint32_t most,
                           uint64_t now_ms,
                           void (*tell)(const struct hub_session *session, void *context),
                           void *context);

/* How many hold a page, those away included; in all nodes, as far as this one knows. */
uint32_t hub_holders(struct hub *hub, const struct page_hash *hash);
/* Has the other nodes asked; in so many milliseconds hub_holders knows. 0: it does. */
uint32_t hub_ask_holders(struct hub *hub, const struct page_hash *hash, uint64_t now_ms);

/* A page's size; 0 until it was relayed since it came. */
uint32_t hub_page_bytes(struct hub *hub, const struct page_hash *hash);

/* For refusals and counts that only the transport sees. */
struct metrics *hub_metrics(struct hub *hub);

const struct hub_config *hub_settings(const struct hub *hub);

#endif
