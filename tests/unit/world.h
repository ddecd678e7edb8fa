/* A hub with clients on a virtual clock, for the tests of everything above the codec.

   Text is written with ' for ", both in what a client says and in what it is expected to be
   sent; the latter is compared as JSON. Every message that the hub sends is checked on its
   way: it must be for a client that is connected, it must decode, and a page's content must
   have the hash of its topic. At the end all clients leave and nothing may be left. */
#ifndef WHILST_TESTS_WORLD_H
#define WHILST_TESTS_WORLD_H

#include "unit.h"

#include "whilst/hub.h"
#include "whilst/slice.h"

#include <stdbool.h>

/* Some pages and their names. */
#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* hello */
#define WORLD "486ea46224d1bb4fb680f34f7c9ad96a8f24ec88be73ea8e5a6c65260e9cb8a7" /* world */

struct client {
    struct world *world;
    const char *name; /* in messages of failed tests; borrowed */
    session_id id;    /* 0 when closed, disconnected or never admitted */
    struct message **inbox;
    size_t first, count, capacity;
    bool unread;   /* what it is sent stays on its way until `drain` */
    uint16_t code; /* of the close, 0 before */
    enum reason reason;
};

struct world {
    struct hub *hub;
    uint64_t now_ms;
    struct client **clients; /* all that ever were */
    struct client **at;      /* by the low half of their session's id */
    size_t count, at_count;
};

/* A hub with this configuration, or the default one. */
struct world *world_new(const struct hub_config *config);
/* Disconnects everybody, lets all time pass, asserts that no gauge stays, and frees it. */
void world_free(struct world *world);

/* The virtual clock; time passes through every deadline on the way. */
void pass(struct world *world, uint64_t ms);
/* Carries out the hub's effects; called by everything here that may bring some. */
void settle(struct world *world);

uint64_t refusals(struct world *world, enum reason reason);
struct metrics *metrics_of(struct world *world);

/* From nowhere, from an IPv4 address ::ffff:0:n, or with the reason why not. */
struct client *arrive(struct world *world, const char *name);
struct client *arrive_from(struct world *world, const char *name, uint8_t n);
struct client *arrive_as(struct world *world, const char *name, const struct address *from);
void drop(struct client *client);  /* its connection is lost */
void drain(struct client *client); /* all that it was sent is on its way */

/* A whole message in one part. */
__attribute__((format(printf, 2, 3))) void say(struct client *client, const char *format,
                                               ...);
void say_bytes(struct client *client, enum message_form form, const void *bytes,
               size_t size);
/* One part of a message. */
void say_part(struct client *client, enum message_form form, const void *bytes, size_t size,
              bool fragment, bool final);
/* A whole message cut into parts of `step` bytes. */
void say_in_parts(struct client *client, enum message_form form, const void *bytes,
                  size_t size, size_t step);

/* The next message that the client was sent; the caller unrefs it. */
struct message *take(struct client *client);
__attribute__((format(printf, 2, 3))) void expect(struct client *client, const char *format,
                                                  ...);
/* A binary broadcast of content in want:HASH. */
void expect_binary(struct client *client, const char *hash, const void *page, size_t size);
void expect_nothing(struct client *client);
void expect_closed(struct client *client, uint16_t code, enum reason reason);
void ignore_inbox(struct client *client); /* forgets what it was sent until now */
/* How many of the messages in the inbox are this event; the inbox stays. */
size_t count_events(const struct client *client, const char *event);

/* ---- what clients often do ---- */

/* Joins with join_ref '1' and this payload; takes the reply and leaves the rest. */
void hold(struct client *client, const char *hash, const char *payload);
void seek(struct client *client, const char *hash, const char *payload);
/* The same, and forgets whatever came. */
void hold_quietly(struct client *client, const char *hash);
void seek_quietly(struct client *client, const char *hash);
void expect_asked(struct client *client, const char *hash);
/* Answers a request with ref '2' as JSON. */
void answer(struct client *client, const char *hash, const char *text);
void answer_binary(struct client *client, const char *hash, const void *page, size_t size);
void expect_reply(struct client *client, const char *topic, const char *hash,
                  const char *ref,
                  const char *reason); /* to join_ref '1'; a NULL reason is ok {} */

/* ---- many holders ---- */

/* All arrive and hold the page; the count is settled and their inboxes are empty. */
void hold_all(struct world *world, const char *hash, struct client **clients, size_t count);
/* How many of them have been sent a content_request; empties their inboxes. */
size_t count_asked(struct client *const *clients, size_t count);
/* The only one of them that has been; empties their inboxes. */
struct client *who_is_asked(struct client *const *clients, size_t count);

#endif
