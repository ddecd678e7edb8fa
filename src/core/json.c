/* A scanner for JSON that borrows from its input and never builds a tree.

   It exists because a tree costs up to 80 times the text: the envelope of every frame and
   the large "content" string are scanned here; only small payloads go to jansson. The
   scanner is strict (RFC 8259), refuses lone surrogates and depth over JSON_DEPTH_MAX, and
   tells "ends too early" from "wrong", so that a frame can be judged by its head before the
   rest came. It leaves the check of raw bytes for UTF-8 to json_is_utf8. */
#include "json.h"

#include "hex.h"

#include <assert.h>

static void skip_space(struct json_cursor *cursor)
{
    while (cursor->at < cursor->end && (*cursor->at == ' ' || *cursor->at == '\n' ||
                                        *cursor->at == '\t' || *cursor->at == '\r'))
        cursor->at++;
}

char json_peek(struct json_cursor *cursor)
{
    skip_space(cursor);
    return cursor->at < cursor->end ? *cursor->at : '\0';
}

enum json_result json_take(struct json_cursor *cursor, char punctuation)
{
    skip_space(cursor);
    if (cursor->at == cursor->end) return JSON_MORE;
    if (*cursor->at != punctuation) return JSON_BAD;
    cursor->at++;
    return JSON_OK;
}

enum json_result json_take_end(struct json_cursor *cursor)
{
    skip_space(cursor);
    return cursor->at == cursor->end ? JSON_OK : JSON_BAD;
}

/* The character that a one-letter escape means, or 0. */
static char escape_meaning(char letter)
{
    switch (letter) {
    case '"':
    case '\\':
    case '/': return letter;
    case 'b': return '\b';
    case 'f': return '\f';
    case 'n': return '\n';
    case 'r': return '\r';
    case 't': return '\t';
    default: return 0;
    }
}

static size_t put_utf8(uint32_t point, uint8_t *out)
{
    if (point < 0x80) {
        out[0] = (uint8_t)point;
        return 1;
    }
    if (point < 0x800) {
        out[0] = (uint8_t)(0xc0 | point >> 6);
        out[1] = (uint8_t)(0x80 | (point & 0x3f));
        return 2;
    }
    if (point < 0x10000) {
        out[0] = (uint8_t)(0xe0 | point >> 12);
        out[1] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
        out[2] = (uint8_t)(0x80 | (point & 0x3f));
        return 3;
    }
    out[0] = (uint8_t)(0xf0 | point >> 18);
    out[1] = (uint8_t)(0x80 | (point >> 12 & 0x3f));
    out[2] = (uint8_t)(0x80 | (point >> 6 & 0x3f));
    out[3] = (uint8_t)(0x80 | (point & 0x3f));
    return 4;
}

/* A \uXXXX unit is complete: writes its character, or keeps a high surrogate. */
static enum json_result end_unit(struct json_unescaper *u, uint8_t *out, size_t *written)
{
    bool high = u->unit >= 0xd800 && u->unit < 0xdc00;
    bool low = u->unit >= 0xdc00 && u->unit < 0xe000;
    if (low != (u->high != 0)) return JSON_BAD;
    if (high) {
        u->high = u->unit;
        return JSON_MORE;
    }
    uint32_t point = u->unit;
    if (low) point = 0x10000 + ((u->high - 0xd800u) << 10) + (u->unit - 0xdc00u);
    u->high = 0;
    *written += put_utf8(point, out + *written);
    return JSON_MORE;
}

/* One character that is part of an escape. */
static enum json_result escape_step(struct json_unescaper *u, char c, uint8_t *out,
                                    size_t *written)
{
    if (u->digits > 0) {
        int value = hex_value(c);
        if (value < 0) return JSON_BAD;
        u->unit = (uint16_t)(u->unit << 4 | value);
        return --u->digits > 0 ? JSON_MORE : end_unit(u, out, written);
    }
    u->backslash = false;
    if (c == 'u') {
        u->digits = 4;
        u->unit = 0;
        return JSON_MORE;
    }
    char meaning = escape_meaning(c);
    if (meaning == 0 || u->high != 0) return JSON_BAD;
    out[(*written)++] = (uint8_t)meaning;
    return JSON_MORE;
}

static bool is_plain(char c)
{
    return (unsigned char)c >= 0x20 && c != '"' && c != '\\';
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

/* Not 0 if a byte of eight is less than this, which is 128 at most (Mycroft's test). */
static uint64_t has_less(uint64_t eight, uint8_t than)
{
    return (eight - EACH(than)) & ~eight & EACH(0x80);
}

/* How many characters from the first on are plain. */
static size_t plain_run(const char *text, size_t size)
{
    size_t run = 0;
    for (uint64_t eight; size - run >= sizeof eight; run += sizeof eight) {
        memcpy(&eight, text + run, sizeof eight);
        if (has_less(eight, 0x20) || has_less(eight ^ EACH('"'), 1) ||
            has_less(eight ^ EACH('\\'), 1))
            break;
    }
    while (run < size && is_plain(text[run]))
        run++;
    return run;
}

enum json_result json_unescape(struct json_unescaper *u, const char *in, size_t size,
                               size_t *used, uint8_t *out, size_t *written)
{
    size_t i = 0;
    enum json_result result = JSON_MORE;
    *written = 0;
    assert(!u->done);
    while (i < size && result == JSON_MORE && !u->done) {
        size_t run = i;
        if (u->backslash || u->digits > 0) {
            result = escape_step(u, in[i++], out, written);
            continue;
        }
        if (u->high != 0 && in[i] != '\\') return JSON_BAD;
        run += plain_run(in + run, size - run);
        memcpy(out + *written, in + i, run - i);
        *written += run - i;
        i = run;
        if (i == size) break;
        if (in[i] == '"')
            u->done = true;
        else if (in[i] == '\\')
            u->backslash = true;
        else
            return JSON_BAD;
        i++;
    }
    *used = i;
    return u->done ? JSON_OK : result;
}

enum json_result json_take_string(struct json_cursor *cursor, struct slice *raw,
                                  bool *escaped)
{
    enum json_result result = json_take(cursor, '"');
    if (result != JSON_OK) return result;
    struct json_unescaper unescaper = {0};
    const char *begin = cursor->at;
    *escaped = false;
    while (!unescaper.done) {
        if (!unescaper.backslash && unescaper.digits == 0 && unescaper.high == 0)
            cursor->at += plain_run(cursor->at, (size_t)(cursor->end - cursor->at));
        if (cursor->at == cursor->end) return JSON_MORE;
        if (*cursor->at == '"' && !*escaped) break;
        uint8_t sink[4];
        size_t used, written;
        *escaped = *escaped || *cursor->at == '\\';
        if (json_unescape(&unescaper, cursor->at, 1, &used, sink, &written) == JSON_BAD)
            return JSON_BAD;
        cursor->at++;
    }
    if (!unescaper.done) cursor->at++; /* nothing was escaped: the quote is still there */
    *raw = (struct slice){begin, (size_t)(cursor->at - 1 - begin)};
    return JSON_OK;
}

static enum json_result take_word(struct json_cursor *cursor, const char *word)
{
    for (; *word != '\0'; word++, cursor->at++) {
        if (cursor->at == cursor->end) return JSON_MORE;
        if (*cursor->at != *word) return JSON_BAD;
    }
    return JSON_OK;
}

static enum json_result take_digits(struct json_cursor *cursor)
{
    const char *begin = cursor->at;
    while (cursor->at < cursor->end && *cursor->at >= '0' && *cursor->at <= '9')
        cursor->at++;
    if (cursor->at > begin) return JSON_OK;
    return cursor->at == cursor->end ? JSON_MORE : JSON_BAD;
}

static bool next_is(const struct json_cursor *cursor, char a, char b)
{
    return cursor->at < cursor->end && (*cursor->at == a || *cursor->at == b);
}

static enum json_result take_number(struct json_cursor *cursor)
{
    enum json_result result;
    if (next_is(cursor, '-', '-')) cursor->at++;
    if (next_is(cursor, '0', '0'))
        cursor->at++;
    else if ((result = take_digits(cursor)) != JSON_OK)
        return result;
    if (next_is(cursor, '.', '.')) {
        cursor->at++;
        if ((result = take_digits(cursor)) != JSON_OK) return result;
    }
    if (next_is(cursor, 'e', 'E')) {
        cursor->at++;
        if (next_is(cursor, '+', '-')) cursor->at++;
        return take_digits(cursor);
    }
    return JSON_OK;
}

static enum json_result take_nested(struct json_cursor *cursor, int depth);

/* The inside of an array or object, after its opening bracket, with its closing one. */
static enum json_result take_members(struct json_cursor *cursor, char close, int depth)
{
    enum json_result result;
    struct slice key;
    bool escaped;
    if (depth == JSON_DEPTH_MAX) return JSON_BAD;
    if ((result = json_take(cursor, close)) != JSON_BAD) return result;
    for (;;) {
        if (close == '}') {
            if ((result = json_take_string(cursor, &key, &escaped)) != JSON_OK)
                return result;
            if ((result = json_take(cursor, ':')) != JSON_OK) return result;
        }
        if ((result = take_nested(cursor, depth + 1)) != JSON_OK) return result;
        if ((result = json_take(cursor, close)) != JSON_BAD) return result;
        if ((result = json_take(cursor, ',')) != JSON_OK) return result;
    }
}

static enum json_result take_nested(struct json_cursor *cursor, int depth)
{
    struct slice raw;
    bool escaped;
    skip_space(cursor);
    if (cursor->at == cursor->end) return JSON_MORE;
    switch (*cursor->at) {
    case '"': return json_take_string(cursor, &raw, &escaped);
    case '{': cursor->at++; return take_members(cursor, '}', depth);
    case '[': cursor->at++; return take_members(cursor, ']', depth);
    case 't': return take_word(cursor, "true");
    case 'f': return take_word(cursor, "false");
    case 'n': return take_word(cursor, "null");
    default: return take_number(cursor);
    }
}

enum json_result json_take_value(struct json_cursor *cursor, struct slice *raw)
{
    skip_space(cursor);
    const char *begin = cursor->at;
    enum json_result result = take_nested(cursor, 0);
    *raw = (struct slice){begin, (size_t)(cursor->at - begin)};
    return result;
}

struct slice json_member(struct slice object, const char *key)
{
    struct json_cursor cursor = {object.data, object.data + object.size};
    struct slice name, value;
    bool escaped;
    if (json_take(&cursor, '{') != JSON_OK) return (struct slice){0};
    while (json_take_string(&cursor, &name, &escaped) == JSON_OK &&
           json_take(&cursor, ':') == JSON_OK &&
           json_take_value(&cursor, &value) == JSON_OK) {
        if (slice_is(name, key)) return value;
        if (json_take(&cursor, ',') != JSON_OK) break;
    }
    return (struct slice){0};
}

/* Begins a character of several bytes; false if none begins with this one. */
static bool begin_character(struct json_utf8 *utf8, uint8_t first)
{
    if (first < 0xc2 || first > 0xf4) return false;
    utf8->wanted = first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    utf8->least = first == 0xe0 ? 0xa0 : first == 0xf0 ? 0x90 : 0x80;
    utf8->most = first == 0xed ? 0x9f : first == 0xf4 ? 0x8f : 0xbf;
    return true;
}

bool json_feed_utf8(struct json_utf8 *utf8, const uint8_t *text, size_t size)
{
    size_t i = 0;
    while (i < size) {
        uint64_t eight = UINT64_MAX;
        if (utf8->wanted > 0) {
            if (text[i] < utf8->least || text[i] > utf8->most) return false;
            utf8->wanted--;
            utf8->least = 0x80;
            utf8->most = 0xbf;
            i++;
            continue;
        }
        if (size - i >= sizeof eight) memcpy(&eight, text + i, sizeof eight);
        if ((eight & UINT64_C(0x8080808080808080)) == 0)
            i += sizeof eight;
        else if (text[i] < 0x80)
            i++;
        else if (!begin_character(utf8, text[i++]))
            return false;
    }
    return true;
}

bool json_is_utf8(const uint8_t *text, size_t size)
{
    struct json_utf8 utf8 = {0};
    return json_feed_utf8(&utf8, text, size) && utf8.wanted == 0;
}

/* The letter of a two-character escape for `c`, or 0. */
static char short_escape(uint8_t c)
{
    switch (c) {
    case '"':
    case '\\': return (char)c;
    case '\b': return 'b';
    case '\f': return 'f';
    case '\n': return 'n';
    case '\r': return 'r';
    case '\t': return 't';
    default: return 0;
    }
}

size_t json_escaped_size(const uint8_t *text, size_t size)
{
    size_t total = size, i = 0;
    for (;;) {
        i += plain_run((const char *)text + i, size - i);
        if (i == size) return total;
        total += short_escape(text[i++]) != 0 ? 1 : 5;
    }
}

uint8_t *json_escape(const uint8_t *text, size_t size, uint8_t *out)
{
    for (size_t i = 0;; i++) {
        size_t run = plain_run((const char *)text + i, size - i);
        if (run > 0) memcpy(out, text + i, run);
        out += run;
        i += run;
        if (i == size) return out;
        uint8_t c = text[i];
        char letter = short_escape(c);
        *out++ = '\\';
        if (letter != 0) {
            *out++ = (uint8_t)letter;
            continue;
        }
        memcpy(out, "u00", 3);
        out[3] = (uint8_t)("0123456789abcdef"[c >> 4]);
        out[4] = (uint8_t)("0123456789abcdef"[c & 15]);
        out += 5;
    }
}
