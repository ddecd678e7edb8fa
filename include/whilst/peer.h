/* The client's brain: the mirror of a session. It joins, holds, seeks, answers, checks and
   rejoins; it does no I/O. Its shape is the hub's: inputs, then messages and events to
   drain, then a deadline. */
#ifndef WHILST_PEER_H
#define WHILST_PEER_H

#include "whilst/hash.h"
#include "whilst/message.h"

#define PEER_TOKEN_MAX 64
#define PEER_REASON_MAX 32

struct peer_config {
    uint32_t heartbeat_ms; /* between two signs of life; 0: none */
    uint32_t reply_ms;     /* a join without a reply is tried again */
    char token[PEER_TOKEN_MAX +
               1]; /* continuity of what is held (protocol.md, 3.2); "": none */
    bool as_text;  /* speak JSON only, as the original's clients did */
    bool limits;   /* ask for the server's limits when joining "all" */
};

struct peer_config peer_config_default(void);

struct peer;

struct peer *peer_new(const struct peer_config *config);
void peer_free(struct peer *peer);
/* For the joins to come. */
void peer_set_token(struct peer *peer, const char *token);

/* What it should do. All survive a lost connection, and are taken up again after it, in the
   order in which they were first wished. */

/* Be in topic "all". */
void peer_visit(struct peer *peer);
/* Hold a page. The peer takes a reference to the message, whose bytes must be the page's:
   this is not checked. */
void peer_hold(struct peer *peer, const struct page_hash *hash, struct message *page);
/* Seek a page until it is found; its bytes come with PEER_FOUND. With `then_hold` the peer
   goes on as a holder. */
void peer_seek(struct peer *peer, const struct page_hash *hash, bool then_hold);
/* Stop holding or seeking. */
void peer_leave(struct peer *peer, const struct page_hash *hash);
/* Leave everything: a holder with a token who does not say so is waited for. */
void peer_leave_all(struct peer *peer);

/* What happens to it. */

void peer_opened(struct peer *peer, uint64_t now_ms);
void peer_closed(struct peer *peer);
void peer_receive(struct peer *peer, enum message_form form, const void *bytes, size_t size,
                  uint64_t now_ms);
void peer_tick(struct peer *peer, uint64_t now_ms);
/* When peer_tick has work, or UINT64_MAX. */
uint64_t peer_next_deadline(const struct peer *peer);

/* What it wants. */

/* The next message to send, a reference that becomes the caller's; NULL when there is
   none. */
struct message *peer_next_message(struct peer *peer);

enum peer_event_kind {
    PEER_LIMITS,  /* `count` bytes is the largest page that the server relays */
    PEER_HOLDING, /* a page's join was accepted */
    PEER_COUNT,   /* `count` hold it */
    PEER_ASKED,   /* its bytes were sent to the server */
    PEER_FOUND,   /* `page` has its bytes, checked */
    PEER_NOBODY,  /* nobody can be asked now; `reason` says why; the peer goes on seeking */
    PEER_OVER,    /* the server closed a topic, as when another session shows its token: the
                     peer holds or seeks that page no more */
    PEER_REFUSED, /* the server refused: `reason`; for a join, it is tried again later */
    PEER_WRONG,   /* the server sent bytes with another hash, which were dropped */
    PEER_GARBLED, /* the server sent something that is no frame */
};

struct peer_event {
    enum peer_event_kind kind;
    struct page_hash hash;
    uint32_t count;
    char reason[PEER_REASON_MAX];
    struct message *page; /* of PEER_FOUND: a reference that becomes the caller's */
};

/* Takes the oldest event; false when there is none. */
bool peer_next_event(struct peer *peer, struct peer_event *event);

#endif
