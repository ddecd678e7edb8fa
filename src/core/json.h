/* JSON (RFC 8259) without a tree: a scanner that borrows, and string escapes both ways. */
#ifndef WHILST_CORE_JSON_H
#define WHILST_CORE_JSON_H

#include "whilst/slice.h"

#include <stdint.h>

#define JSON_DEPTH_MAX 32

enum json_result {
    JSON_OK,
    JSON_MORE, /* right so far, but the text ends here */
    JSON_BAD,
};

struct json_cursor {
    const char *at, *end;
};

/* The character after white space, without taking it; 0 at the end. */
char json_peek(struct json_cursor *cursor);

/* Each of these skips white space, takes one thing and leaves the cursor behind it. */
enum json_result json_take(struct json_cursor *cursor, char punctuation);
/* `raw` is what stands between the quotes; `escaped` tells whether it has a backslash. */
enum json_result json_take_string(struct json_cursor *cursor, struct slice *raw,
                                  bool *escaped);
enum json_result json_take_value(struct json_cursor *cursor, struct slice *raw);
/* JSON_OK if nothing but white space is left. */
enum json_result json_take_end(struct json_cursor *cursor);

/* The value of `key` in an object that json_take_value has accepted; empty if absent. */
struct slice json_member(struct slice object, const char *key);

/* Takes the escapes out of a string that arrives in parts. Zeroed memory is its start. */
struct json_unescaper {
    bool done;      /* the closing quote was read */
    uint8_t digits; /* hexadecimal digits still to come of \uXXXX */
    bool backslash; /* the next character is an escape */
    uint16_t unit;  /* the \u unit being read */
    uint16_t high;  /* a high surrogate that waits for its low one, or 0 */
};

/* Reads characters of a string up to and with its closing quote and writes the text they
   mean to `out`, which must have room for size + 3 bytes. *used says how many were read:
   all of them unless the string ended. JSON_MORE until it did. */
enum json_result json_unescape(struct json_unescaper *unescaper, const char *in,
                               size_t size, size_t *used, uint8_t *out, size_t *written);

/* A check for UTF-8 (RFC 3629) of text that arrives in parts. Zeroed memory is its start;
   `wanted` is 0 where a character ends. */
struct json_utf8 {
    uint8_t wanted;      /* bytes of a character that are still to come */
    uint8_t least, most; /* between which the next one must be */
};

/* False as soon as no text could go on like this. */
bool json_feed_utf8(struct json_utf8 *utf8, const uint8_t *text, size_t size);
bool json_is_utf8(const uint8_t *text, size_t size);

/* The bytes that `text` takes as the inside of a JSON string, and the act of writing it;
   json_escape returns the end of what it wrote. */
size_t json_escaped_size(const uint8_t *text, size_t size);
uint8_t *json_escape(const uint8_t *text, size_t size, uint8_t *out);

#endif
