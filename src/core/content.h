/* The payload of a `content` frame as text: {"content": TEXT, "hash": HASH}, read from its
   two ends while TEXT itself goes by. */
#ifndef WHILST_CORE_CONTENT_H
#define WHILST_CORE_CONTENT_H

#include "whilst/hash.h"
#include "whilst/reason.h"
#include "whilst/slice.h"

#include <stdbool.h>

/* What is known of the members beside the content; zeroed before the first. */
struct content_beside {
    enum reason fault; /* what is wrong with them */
    bool hash_named;
};

enum content_start {
    CONTENT_UNFINISHED,
    CONTENT_FOUND,
    CONTENT_MISSING, /* an object without a "content" string or with two "hash"; no object */
    CONTENT_BAD,     /* not JSON */
};

/* Finds where the content string begins; `rest` is what follows its quote. */
enum content_start content_find(struct slice payload, const struct page_hash *page,
                                struct content_beside *beside, struct slice *rest);
/* Reads what follows the content string, to the end of the message. REASON_NONE, or
   REASON_BAD_JSON. */
enum reason content_read_tail(struct slice tail, const struct page_hash *page,
                              struct content_beside *beside);

#endif
