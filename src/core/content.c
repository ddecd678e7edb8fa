/* Both ends of a content frame's payload. */
#include "content.h"

#include "json.h"

/* What a "hash" member is worth: it must be a string, and name the page of the topic. */
static enum reason judge_hash(struct slice value, const struct page_hash *page)
{
    struct page_hash hash;
    if (value.data[0] != '"') return REASON_BAD_PAYLOAD;
    bool fits = value.size == HASH_HEX + 2 &&
                hash_from_hex(value.data + 1, HASH_HEX, &hash, NULL) &&
                hash_equal(&hash, page);
    return fits ? REASON_NONE : REASON_WRONG_HASH;
}

/* Looks at a member that stands beside the content. */
static void judge_member(struct content_beside *beside, struct slice key,
                         struct slice value, const struct page_hash *page)
{
    bool is_hash = slice_is(key, "hash");
    if (slice_is(key, "content") || (is_hash && beside->hash_named))
        beside->fault = REASON_BAD_PAYLOAD;
    else if (is_hash && beside->fault == REASON_NONE)
        beside->fault = judge_hash(value, page);
    beside->hash_named |= is_hash;
}

enum content_start content_find(struct slice payload, const struct page_hash *page,
                                struct content_beside *beside, struct slice *rest)
{
    static const enum content_start outcome[] = {CONTENT_FOUND, CONTENT_UNFINISHED,
                                                 CONTENT_BAD};
    struct json_cursor cursor = {payload.data, payload.data + payload.size};
    struct slice key, value;
    bool escaped;
    enum json_result result;
    char first = json_peek(&cursor);
    *beside = (struct content_beside){0};
    if (first != '{') return first == '\0' ? CONTENT_UNFINISHED : CONTENT_MISSING;
    if ((result = json_take(&cursor, '{')) != JSON_OK) return outcome[result];
    if (json_peek(&cursor) == '}') return CONTENT_MISSING;
    for (;;) {
        if ((result = json_take_string(&cursor, &key, &escaped)) != JSON_OK ||
            (result = json_take(&cursor, ':')) != JSON_OK)
            return outcome[result];
        bool is_content = slice_is(key, "content");
        first = json_peek(&cursor);
        if (is_content && first != '"')
            return first == '\0' ? CONTENT_UNFINISHED : CONTENT_MISSING;
        if (is_content) {
            *rest = (struct slice){cursor.at + 1, (size_t)(cursor.end - cursor.at - 1)};
            return CONTENT_FOUND;
        }
        if ((result = json_take_value(&cursor, &value)) != JSON_OK) return outcome[result];
        if (slice_is(key, "hash") && beside->hash_named) return CONTENT_MISSING;
        judge_member(beside, key, value, page);
        if (json_peek(&cursor) == '}') return CONTENT_MISSING;
        if ((result = json_take(&cursor, ',')) != JSON_OK) return outcome[result];
    }
}

enum reason content_read_tail(struct slice tail, const struct page_hash *page,
                              struct content_beside *beside)
{
    struct json_cursor cursor = {tail.data, tail.data + tail.size};
    struct slice key, value;
    bool escaped;
    while (json_take(&cursor, ',') == JSON_OK) {
        if (json_take_string(&cursor, &key, &escaped) != JSON_OK ||
            json_take(&cursor, ':') != JSON_OK ||
            json_take_value(&cursor, &value) != JSON_OK)
            return REASON_BAD_JSON;
        judge_member(beside, key, value, page);
    }
    if (json_take(&cursor, '}') != JSON_OK) return REASON_BAD_JSON;
    while (json_take(&cursor, ',') == JSON_OK)
        if (json_take_value(&cursor, &value) != JSON_OK) return REASON_BAD_JSON;
    if (json_take(&cursor, ']') != JSON_OK || json_take_end(&cursor) != JSON_OK)
        return REASON_BAD_JSON;
    return REASON_NONE;
}
