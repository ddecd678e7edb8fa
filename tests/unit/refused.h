/* A hub whose allocations are refused, with clients and a bus that are played by hand.
   Whatever it says is checked on its way. Allocations are counted whilst the hub is at
   work. */
#ifndef WHILST_TESTS_REFUSED_H
#define WHILST_TESTS_REFUSED_H

#include "bus.h"

#include "whilst/hub.h"

#include <stdbool.h>
#include <stdint.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824" /* hello */
#define HELLO_UPPER "2CF24DBA5FB0A30E26E83B2AC5B9E29E1B161E5C1FA7425E73043362938B9824"
#define JOIN(topic, payload) "[\"1\",\"1\",\"" topic "\",\"phx_join\"," payload "]"

enum { CLIENTS = 40 };

extern uint64_t now_ms;
extern bool asked[CLIENTS];
extern uint64_t wanted,
    wanted_far; /* the last request to another node, to a partner; 0: none */

/* What clients do. */
void arrive(int client);
void drop(int client);
void say(int client, const char *text);
void say_in_parts(int client, const char *text);
void answer_binary(int client, const char *page);
/* What has a ref is answered, or else the session is closed. */
void call(int client, const char *text);

void pass(uint64_t ms);
/* The operator's list. */
void block(const char *list);

void connect_bus(bool up);
void hear_message(const struct bus_message *message);
/* A message on that subject, with a reply to the record's request at node b. */
void hear_on(const struct bus_subject *subject, const struct bus_record *record,
             const char *body);

/* Plays a conversation with a new hub whilst the allocations from the first to the last are
   refused. Afterwards all is well and nothing left. */
void play_with(const struct hub_config *config, void (*conversation)(void), uint64_t first,
               uint64_t last);

#endif
