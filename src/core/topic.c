/* Topics as text and back. */
#include "topic.h"

struct topic topic_parse(struct slice text)
{
    struct topic topic = {.kind = TOPIC_NONE};
    if (slice_is(text, "phoenix")) topic.kind = TOPIC_PHOENIX;
    if (slice_is(text, "all")) topic.kind = TOPIC_ALL;
    if (text.size != TOPIC_TEXT_MAX) return topic;
    bool have = memcmp(text.data, "have:", 5) == 0,
         want = memcmp(text.data, "want:", 5) == 0;
    if ((have || want) && hash_from_hex(text.data + 5, HASH_HEX, &topic.hash, &topic.upper))
        topic.kind = have ? TOPIC_HAVE : TOPIC_WANT;
    return topic;
}

struct slice topic_print(enum topic_kind kind, const struct page_hash *hash, uint64_t upper,
                         char text[TOPIC_TEXT_MAX])
{
    char hex[HASH_HEX + 1];
    memcpy(text, kind == TOPIC_HAVE ? "have:" : "want:", 5);
    hash_to_hex(hash, upper, hex);
    memcpy(text + 5, hex, HASH_HEX);
    return (struct slice){text, TOPIC_TEXT_MAX};
}
