/* The codec of Phoenix Channels v2.

   Decoding borrows: a frame points into the message. It comes in two depths, because the
   payload of a `content` frame is a whole page: the head alone tells what a message is
   while the rest is still arriving. Encoding runs one function twice, first to count and
   then to write, so that a message is allocated once and exactly.

   What a payload means is not decided here. */
#include "whilst/wire.h"

#include "json.h"

#include <assert.h>

/* ---- text, in ---- */

static enum json_result take_integer(struct json_cursor *cursor, struct ref *ref)
{
    enum json_result result = json_take_value(cursor, &ref->text);
    if (result != JSON_OK) return result;
    if (cursor->at == cursor->end) return JSON_MORE; /* a digit may follow */
    for (size_t i = 0; i < ref->text.size; i++) {
        char c = ref->text.data[i];
        if (!(c >= '0' && c <= '9') && !(c == '-' && i == 0)) return JSON_BAD;
    }
    ref->kind = REF_INTEGER;
    return JSON_OK;
}

/* Null, a string without escapes, or an integer; at most WIRE_REF_MAX characters. */
static enum json_result take_ref(struct json_cursor *cursor, struct ref *ref)
{
    enum json_result result;
    bool escaped = false;
    char first = json_peek(cursor);
    if (first == '"') {
        ref->kind = REF_STRING;
        result = json_take_string(cursor, &ref->text, &escaped);
    } else if (first == 'n') {
        result = json_take_value(cursor, &ref->text);
        ref->text = (struct slice){0};
    } else {
        result = take_integer(cursor, ref);
    }
    if (result != JSON_OK) return result;
    bool right = !escaped && ref->text.size <= WIRE_REF_MAX &&
                 json_is_utf8((const uint8_t *)ref->text.data, ref->text.size);
    return right ? JSON_OK : JSON_BAD;
}

/* A topic or an event; `store` takes it if it has escapes to be taken out. */
static enum json_result take_name(struct json_cursor *cursor, struct slice *name,
                                  char *store)
{
    bool escaped;
    enum json_result result = json_take_string(cursor, name, &escaped);
    if (result != JSON_OK) return result;
    if (escaped) {
        struct json_unescaper unescaper = {0};
        size_t used, written;
        if (name->size > 6 * WIRE_NAME_MAX) return JSON_BAD;
        uint8_t plain[6 * WIRE_NAME_MAX + 3];
        json_unescape(&unescaper, name->data, name->size, &used, plain, &written);
        if (written > WIRE_NAME_MAX) return JSON_BAD;
        memcpy(store, plain, written);
        *name = (struct slice){store, written};
    }
    bool right = name->size >= 1 && name->size <= WIRE_NAME_MAX &&
                 json_is_utf8((const uint8_t *)name->data, name->size);
    return right ? JSON_OK : JSON_BAD;
}

/* `[join_ref, ref, topic, event,` */
static enum json_result take_text_head(struct json_cursor *cursor, struct frame *frame)
{
    enum json_result result;
    if ((result = json_take(cursor, '[')) != JSON_OK) return result;
    if ((result = take_ref(cursor, &frame->join_ref)) != JSON_OK) return result;
    if ((result = json_take(cursor, ',')) != JSON_OK) return result;
    if ((result = take_ref(cursor, &frame->ref)) != JSON_OK) return result;
    if ((result = json_take(cursor, ',')) != JSON_OK) return result;
    if ((result = take_name(cursor, &frame->topic, frame->names[0])) != JSON_OK)
        return result;
    if ((result = json_take(cursor, ',')) != JSON_OK) return result;
    if ((result = take_name(cursor, &frame->event, frame->names[1])) != JSON_OK)
        return result;
    return json_take(cursor, ',');
}

/* What follows the payload: elements that nobody reads, and the end. */
static enum json_result take_text_tail(struct json_cursor *cursor)
{
    struct slice ignored;
    enum json_result result;
    while ((result = json_take(cursor, ',')) == JSON_OK)
        if ((result = json_take_value(cursor, &ignored)) != JSON_OK) return result;
    if ((result = json_take(cursor, ']')) != JSON_OK) return result;
    return json_take_end(cursor);
}

/* A reply is written as a push whose payload holds the rest of it. */
static enum wire_result unwrap_reply(struct frame *frame)
{
    struct slice status = json_member(frame->payload, "status");
    struct slice response = json_member(frame->payload, "response");
    if (status.size < 3 || status.data[0] != '"' || response.size == 0) return WIRE_BAD;
    if (memchr(status.data, '\\', status.size) != NULL) return WIRE_BAD;
    frame->kind = FRAME_REPLY;
    frame->event = (struct slice){0};
    frame->status = (struct slice){status.data + 1, status.size - 2};
    frame->payload = response;
    return WIRE_OK;
}

/* Tells replies and broadcasts of the server from its pushes. */
static enum wire_result sort_server_text(struct frame *frame)
{
    if (slice_is(frame->event, "phx_reply")) return unwrap_reply(frame);
    if (frame->join_ref.kind == REF_NULL && frame->ref.kind == REF_NULL)
        frame->kind = FRAME_BROADCAST;
    return WIRE_OK;
}

static enum wire_result decode_text(enum wire_sender from, struct json_cursor cursor,
                                    struct frame *frame)
{
    if (take_text_head(&cursor, frame) != JSON_OK) return WIRE_BAD;
    if (json_take_value(&cursor, &frame->payload) != JSON_OK) return WIRE_BAD;
    if (take_text_tail(&cursor) != JSON_OK) return WIRE_BAD;
    return from == WIRE_SERVER ? sort_server_text(frame) : WIRE_OK;
}

/* ---- binary, in ---- */

/* The kinds of Phoenix's binary frames and the strings that each has, in order. */
enum { FIELD_JOIN_REF, FIELD_REF, FIELD_TOPIC, FIELD_NAME, FIELDS };

static bool has_field(enum frame_kind kind, enum wire_sender from, int field)
{
    if (field == FIELD_JOIN_REF) return kind != FRAME_BROADCAST;
    if (field == FIELD_REF)
        return kind == FRAME_REPLY || (kind == FRAME_PUSH && from == WIRE_CLIENT);
    return true;
}

static struct ref binary_ref(struct slice text)
{
    return (struct ref){text.size > 0 ? REF_STRING : REF_NULL, text};
}

/* A reference travels as JSON or as bytes, so it must be what both can carry. */
static bool ref_is_clean(struct slice text)
{
    for (size_t i = 0; i < text.size; i++)
        if ((uint8_t)text.data[i] < 0x20 || text.data[i] == '"' || text.data[i] == '\\')
            return false;
    return text.size <= WIRE_REF_MAX && json_is_utf8((const uint8_t *)text.data, text.size);
}

static bool name_is_clean(struct slice text)
{
    return text.size >= 1 && json_is_utf8((const uint8_t *)text.data, text.size);
}

static enum wire_result decode_binary(enum wire_sender from, const char *bytes, size_t size,
                                      struct frame *frame)
{
    struct slice fields[FIELDS] = {{0}};
    size_t lengths = 1, at;
    if (size == 0) return WIRE_MORE;
    frame->kind = (enum frame_kind)bytes[0];
    if ((uint8_t)bytes[0] > FRAME_BROADCAST) return WIRE_BAD;
    if (from == WIRE_CLIENT && frame->kind != FRAME_PUSH) return WIRE_BAD;
    for (int i = 0; i < FIELDS; i++) {
        if (!has_field(frame->kind, from, i)) continue;
        if (lengths == size) return WIRE_MORE;
        fields[i].size = (uint8_t)bytes[lengths++];
    }
    at = lengths;
    for (int i = 0; i < FIELDS; i++) {
        if (size - at < fields[i].size) return WIRE_MORE;
        fields[i].data = bytes + at;
        at += fields[i].size;
    }
    if (!ref_is_clean(fields[FIELD_JOIN_REF]) || !ref_is_clean(fields[FIELD_REF]) ||
        !name_is_clean(fields[FIELD_TOPIC]) || !name_is_clean(fields[FIELD_NAME]))
        return WIRE_BAD;
    frame->join_ref = binary_ref(fields[FIELD_JOIN_REF]);
    frame->ref = binary_ref(fields[FIELD_REF]);
    frame->topic = fields[FIELD_TOPIC];
    *(frame->kind == FRAME_REPLY ? &frame->status : &frame->event) = fields[FIELD_NAME];
    frame->payload = (struct slice){bytes + at, size - at};
    return WIRE_OK;
}

/* ---- in ---- */

static void clear(struct frame *frame, enum message_form form)
{
    frame->kind = FRAME_PUSH;
    frame->form = form;
    frame->join_ref = frame->ref = (struct ref){0};
    frame->topic = frame->event = frame->status = frame->payload = (struct slice){0};
}

enum wire_result wire_decode_head(enum wire_sender from, enum message_form form,
                                  const void *bytes, size_t size, struct frame *frame)
{
    const char *text = bytes;
    clear(frame, form);
    if (form == MESSAGE_BINARY) return decode_binary(from, text, size, frame);
    struct json_cursor cursor = {text, text + size};
    enum json_result result = take_text_head(&cursor, frame);
    if (result != JSON_OK) return result == JSON_MORE ? WIRE_MORE : WIRE_BAD;
    frame->payload = (struct slice){cursor.at, (size_t)(cursor.end - cursor.at)};
    return WIRE_OK;
}

enum wire_result wire_decode(enum wire_sender from, enum message_form form,
                             const void *bytes, size_t size, struct frame *frame)
{
    const char *text = bytes;
    clear(frame, form);
    if (form == MESSAGE_TEXT)
        return decode_text(from, (struct json_cursor){text, text + size}, frame);
    return decode_binary(from, text, size, frame) == WIRE_OK ? WIRE_OK : WIRE_BAD;
}

/* ---- out ---- */

/* Where encoding goes: `at` NULL only counts. */
struct sink {
    uint8_t *at;
    size_t size;
};

static void put(struct sink *sink, struct slice text)
{
    if (sink->at != NULL && text.size > 0)
        memcpy(sink->at + sink->size, text.data, text.size);
    sink->size += text.size;
}

/* Inline, so that the length of a constant is one. */
static inline void put_text(struct sink *sink, const char *text)
{
    put(sink, slice_of(text));
}

static void put_escaped(struct sink *sink, const uint8_t *text, size_t size)
{
    if (sink->at == NULL)
        sink->size += json_escaped_size(text, size);
    else
        sink->size = (size_t)(json_escape(text, size, sink->at + sink->size) - sink->at);
}

static void put_string(struct sink *sink, struct slice text)
{
    put_text(sink, "\"");
    put_escaped(sink, (const uint8_t *)text.data, text.size);
    put_text(sink, "\"");
}

static void put_ref(struct sink *sink, struct ref ref)
{
    if (ref.kind == REF_NULL)
        put_text(sink, "null");
    else if (ref.kind == REF_INTEGER)
        put(sink, ref.text);
    else
        put_string(sink, ref.text);
}

static void put_text_head(struct sink *sink, const struct frame *frame)
{
    put_text(sink, "[");
    put_ref(sink, frame->join_ref);
    put_text(sink, ",");
    put_ref(sink, frame->ref);
    put_text(sink, ",");
    put_string(sink, frame->topic);
    put_text(sink, ",");
    put_string(sink, frame->kind == FRAME_REPLY ? slice_of("phx_reply") : frame->event);
    put_text(sink, ",");
}

static void put_text_frame(struct sink *sink, const struct frame *frame)
{
    put_text_head(sink, frame);
    if (frame->kind == FRAME_REPLY) {
        put_text(sink, "{\"status\":");
        put_string(sink, frame->status);
        put_text(sink, ",\"response\":");
    }
    put(sink, frame->payload);
    if (frame->kind == FRAME_REPLY) put_text(sink, "}");
    put_text(sink, "]");
}

static void put_byte(struct sink *sink, size_t value)
{
    char byte = (char)value;
    assert(value <= UINT8_MAX);
    put(sink, (struct slice){&byte, 1});
}

static void put_binary_frame(struct sink *sink, const struct frame *frame,
                             enum wire_sender from)
{
    struct slice fields[FIELDS] = {frame->join_ref.text, frame->ref.text, frame->topic,
                                   frame->kind == FRAME_REPLY ? frame->status
                                                              : frame->event};
    put_byte(sink, frame->kind);
    for (int i = 0; i < FIELDS; i++)
        if (has_field(frame->kind, from, i)) put_byte(sink, fields[i].size);
    for (int i = 0; i < FIELDS; i++)
        if (has_field(frame->kind, from, i)) put(sink, fields[i]);
    put(sink, frame->payload);
}

static void put_frame(struct sink *sink, const struct frame *frame, enum wire_sender from)
{
    if (frame->form == MESSAGE_TEXT)
        put_text_frame(sink, frame);
    else
        put_binary_frame(sink, frame, from);
}

struct message *wire_encode_new(enum wire_sender from, const struct frame *frame)
{
    struct sink sink = {0};
    put_frame(&sink, frame, from);
    struct message *message = message_new(frame->form, 0, sink.size);
    if (message == NULL) return NULL;
    sink = (struct sink){message_bytes(message), 0};
    put_frame(&sink, frame, from);
    message->size = sink.size;
    return message;
}

static void put_content(struct sink *sink, const struct frame *frame, const uint8_t *text,
                        size_t size, const struct page_hash *hash)
{
    char hex[HASH_HEX + 1];
    put_text_head(sink, frame);
    put_text(sink, "{\"content\":\"");
    put_escaped(sink, text, size);
    put_text(sink, "\"");
    if (hash != NULL) {
        hash_to_hex(hash, 0, hex);
        put_text(sink, ",\"hash\":\"");
        put_text(sink, hex);
        put_text(sink, "\"");
    }
    put_text(sink, "}]");
}

struct message *wire_content_new(const struct frame *frame, const uint8_t *text,
                                 size_t size, const struct page_hash *hash)
{
    struct sink sink = {0};
    put_content(&sink, frame, text, size, hash);
    struct message *message = message_new(MESSAGE_TEXT, 0, sink.size);
    if (message == NULL) return NULL;
    sink = (struct sink){message_bytes(message), 0};
    put_content(&sink, frame, text, size, hash);
    message->size = sink.size;
    return message;
}

struct slice wire_member(struct slice payload, const char *key)
{
    return json_member(payload, key);
}

bool wire_is_text(const uint8_t *bytes, size_t size)
{
    return json_is_utf8(bytes, size);
}

void wire_prepend_content(struct message *message, struct slice topic)
{
    uint8_t head[WIRE_CONTENT_FRONT];
    struct sink sink = {head, 0};
    struct frame frame = {.kind = FRAME_BROADCAST,
                          .form = MESSAGE_BINARY,
                          .topic = topic,
                          .event = slice_of("content")};
    put_binary_frame(&sink, &frame, WIRE_SERVER);
    message_prepend(message, head, sink.size);
}
