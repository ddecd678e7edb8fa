/* The names of topics: "phoenix", "all", "have:" or "want:" and a hash. */
#ifndef WHILST_CORE_TOPIC_H
#define WHILST_CORE_TOPIC_H

#include "whilst/hash.h"
#include "whilst/slice.h"

#define TOPIC_TEXT_MAX (5 + HASH_HEX)

enum topic_kind { TOPIC_NONE, TOPIC_PHOENIX, TOPIC_ALL, TOPIC_HAVE, TOPIC_WANT };

/* A topic as a frame names it. */
struct topic {
    enum topic_kind kind;
    struct page_hash hash; /* of HAVE and WANT */
    uint64_t upper;        /* which of its digits were written in upper case */
};

/* TOPIC_NONE for anything that is not a topic. */
struct topic topic_parse(struct slice text);

/* "have:" or "want:" and the hash, its digits as `upper` says; `text` holds it. */
struct slice topic_print(enum topic_kind kind, const struct page_hash *hash, uint64_t upper,
                         char text[TOPIC_TEXT_MAX]);

#endif
