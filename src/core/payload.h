/* Payloads that are read as a tree: of every event but `content`. */
#ifndef WHILST_CORE_PAYLOAD_H
#define WHILST_CORE_PAYLOAD_H

#include "state.h"

#include <jansson.h>

/* Whether it is plainly {}, which needs no tree. */
bool payload_is_empty(const struct frame *frame);

/* The payload as an object, which the caller frees by json_decref; NULL if it is none, is
   binary, is longer than payload_bytes_max or says a key twice (bad_payload), or without
   memory (busy). The reason is bad_payload also with an object, for what it lacks. */
json_t *payload_load_new(const struct hub *hub, const struct frame *frame,
                         enum reason *reason);

/* REASON_NONE if it is such an object, whatever its members. */
enum reason payload_judge(const struct hub *hub, const struct frame *frame);

#endif
