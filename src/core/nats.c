/* The NATS protocol as a client reads and writes it.

   Reading: an item is a line, and for MSG and HMSG the payload that the line announces. One
   that is whole in the input is handed out where it lies; any other is collected in `kept`,
   whose size is bounded by the line's length and payload_bytes_max. A message that is larger
   is reported by its line and passed over: what strangers publish cannot end a connection.
   Names of operations may be in either case; a line may end without its carriage return; a
   payload must end with both. */
#include "whilst/nats.h"

#include "json.h"

#include <assert.h>
#include <stdio.h>

#define FIELDS_MAX 6 /* of a line, its operation included; none has more than five */
#define NUMBER_MAX ((uint64_t)1 << 40)

/* ---- lines ---- */

static bool is_space(char c)
{
    return c == ' ' || c == '\t';
}

/* Whether the text is this word, which is in upper case, in any case. */
static bool is_word(struct slice text, const char *word)
{
    if (text.size != strlen(word)) return false;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c >= 'a' && c <= 'z') c = (char)(c - 'a' + 'A');
        if (c != word[i]) return false;
    }
    return true;
}

static struct slice trim(struct slice text)
{
    while (text.size > 0 && is_space(text.data[0]))
        text.data++, text.size--;
    while (text.size > 0 && is_space(text.data[text.size - 1]))
        text.size--;
    return text;
}

/* Takes the first word off the text. */
static struct slice take_word(struct slice *text)
{
    *text = trim(*text);
    struct slice word = {text->data, 0};
    while (word.size < text->size && !is_space(word.data[word.size]))
        word.size++;
    text->data += word.size;
    text->size -= word.size;
    return word;
}

static bool read_number(struct slice text, uint64_t *number)
{
    *number = 0;
    for (size_t i = 0; i < text.size; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || *number > NUMBER_MAX) return false;
        *number = *number * 10 + (uint64_t)(text.data[i] - '0');
    }
    return text.size > 0;
}

/* What the line of a MSG or HMSG announces. */
struct announced {
    size_t headers_size, size; /* the headers are part of the size */
};

/* MSG subject id [reply] size; HMSG subject id [reply] headers-size size */
static bool read_message_line(struct slice line, struct nats_event *event,
                              struct announced *announced)
{
    struct slice fields[FIELDS_MAX];
    uint64_t headers = 0, size;
    size_t count = 0;
    while (count < FIELDS_MAX && (fields[count] = take_word(&line)).size > 0)
        count++;
    bool has_headers = count > 0 && is_word(fields[0], "HMSG");
    size_t least = has_headers ? 5 : 4;
    if (count < least || count > least + 1) return false;
    if (!read_number(fields[2], &event->subscription) ||
        !read_number(fields[count - 1], &size) ||
        (has_headers && !read_number(fields[count - 2], &headers)) || headers > size)
        return false;
    event->subject = fields[1];
    if (count > least) event->reply = fields[3];
    *announced = (struct announced){(size_t)headers, (size_t)size};
    return true;
}

/* A status stands behind the version: "NATS/1.0 503". */
static unsigned read_status(struct slice headers)
{
    const char *end = memchr(headers.data, '\r', headers.size);
    uint64_t status;
    if (end == NULL) return 0;
    struct slice line = {headers.data, (size_t)(end - headers.data)};
    if (!slice_is(take_word(&line), "NATS/1.0")) return 0;
    struct slice word = take_word(&line);
    return word.size == 3 && read_number(word, &status) ? (unsigned)status : 0;
}

/* ---- items ---- */

static enum nats_kind broken(struct nats_event *event, const char *text)
{
    event->text = slice_of(text);
    return NATS_BROKEN;
}

static bool is_message(struct slice operation)
{
    return is_word(operation, "MSG") || is_word(operation, "HMSG");
}

/* A line without a payload. */
static enum nats_kind read_short(struct slice operation, struct slice rest,
                                 struct nats_event *event)
{
    static const struct {
        const char *word;
        enum nats_kind kind;
    } plain[] = {{"PING", NATS_PING}, {"PONG", NATS_PONG}, {"+OK", NATS_OK}};
    event->text = trim(rest);
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++)
        if (is_word(operation, plain[i].word) && event->text.size == 0)
            return plain[i].kind;
    if (is_word(operation, "INFO")) return NATS_INFO;
    if (!is_word(operation, "-ERR")) return broken(event, "no NATS server answers");
    struct slice text = event->text;
    if (text.size >= 2 && text.data[0] == '\'' && text.data[text.size - 1] == '\'')
        event->text = (struct slice){text.data + 1, text.size - 2};
    return NATS_ERROR;
}

/* The item that begins with this whole line; *size is what all of it has. Of a message it
   is to be completed by read_payload. */
static enum nats_kind read_line(const struct nats *nats, const char *bytes,
                                size_t line_size, struct nats_event *event,
                                struct announced *announced, size_t *size)
{
    struct slice line = {bytes, line_size - 1};
    *size = line_size;
    *announced = (struct announced){0};
    if (line.size > 0 && line.data[line.size - 1] == '\r') line.size--;
    struct slice rest = line, operation = take_word(&rest);
    if (!is_message(operation)) return read_short(operation, rest, event);
    if (!read_message_line(line, event, announced))
        return broken(event, "a message's line is wrong");
    *size += announced->size + 2;
    return announced->size > nats->payload_bytes_max ? NATS_TOO_LARGE : NATS_MESSAGE;
}

static enum nats_kind read_payload(const char *payload, const struct announced *announced,
                                   struct nats_event *event)
{
    if (payload[announced->size] != '\r' || payload[announced->size + 1] != '\n')
        return broken(event, "a message's end is wrong");
    event->headers = (struct slice){payload, announced->headers_size};
    event->payload = (const uint8_t *)payload + announced->headers_size;
    event->size = announced->size - announced->headers_size;
    if (announced->headers_size > 0) event->status = read_status(event->headers);
    return NATS_MESSAGE;
}

/* ---- the stream ---- */

static void drop_given(struct nats *nats)
{
    if (!nats->given) return;
    nats->given = false;
    nats->wanted = 0;
    message_unref(nats->kept);
    nats->kept = NULL;
}

void nats_clear(struct nats *nats)
{
    message_unref(nats->kept);
    *nats = (struct nats){.payload_bytes_max = nats->payload_bytes_max};
}

static size_t line_max(char first)
{
    return first == 'I' || first == 'i' ? NATS_INFO_MAX : NATS_LINE_MAX;
}

/* Takes what is there of the present line, or of the message behind it, to what is kept. */
static bool keep(struct nats *nats, const uint8_t **at, size_t size)
{
    if (nats->kept == NULL) nats->kept = message_new(MESSAGE_BINARY, 0, size);
    if (nats->kept == NULL || !message_reserve(&nats->kept, size)) return false;
    message_append(nats->kept, *at, size);
    *at += size;
    return true;
}

/* An item that is too large: its line is told, and all the rest is passed over. */
static enum nats_kind pass_over(struct nats *nats, size_t rest, struct nats_event *event,
                                const struct announced *announced)
{
    nats->passed_over = rest;
    event->size = announced->size;
    return NATS_TOO_LARGE;
}

/* An item of which nothing is kept. */
static enum nats_kind next_in_place(struct nats *nats, const uint8_t **at,
                                    const uint8_t *end, struct nats_event *event)
{
    struct announced announced;
    size_t left = (size_t)(end - *at), size;
    const char *bytes = (const char *)*at, *newline = memchr(bytes, '\n', left);
    size_t line_size = newline == NULL ? left : (size_t)(newline - bytes) + 1;
    if (line_size > line_max(*bytes)) return broken(event, "a line is too long");
    if (newline == NULL)
        return keep(nats, at, left) ? NATS_MORE : broken(event, "no memory");
    enum nats_kind kind = read_line(nats, bytes, line_size, event, &announced, &size);
    if (kind == NATS_TOO_LARGE) {
        *at += line_size;
        return pass_over(nats, size - line_size, event, &announced);
    }
    if (kind != NATS_MESSAGE || size <= left) {
        *at += size;
        return kind == NATS_MESSAGE ? read_payload(bytes + line_size, &announced, event)
                                    : kind;
    }
    *event = (struct nats_event){0};
    nats->wanted = size;
    nats->kept = message_new(MESSAGE_BINARY, 0, size);
    return keep(nats, at, left) ? NATS_MORE : broken(event, "no memory");
}

/* The line of what is kept has become whole, or the message behind it. */
static enum nats_kind next_kept(struct nats *nats, struct nats_event *event)
{
    struct announced announced;
    size_t size, kept_size = nats->kept->size;
    const char *bytes = (const char *)message_bytes(nats->kept);
    size_t line_size = (size_t)((char *)memchr(bytes, '\n', kept_size) - bytes) + 1;
    enum nats_kind kind = read_line(nats, bytes, line_size, event, &announced, &size);
    if (kind == NATS_MESSAGE && kept_size < size) {
        nats->wanted = size;
        *event = (struct nats_event){0};
        return message_reserve(&nats->kept, size - kept_size) ? NATS_MORE
                                                              : broken(event, "no memory");
    }
    nats->given = true;
    if (kind == NATS_TOO_LARGE) return pass_over(nats, size - line_size, event, &announced);
    return kind == NATS_MESSAGE ? read_payload(bytes + line_size, &announced, event) : kind;
}

/* Goes on with what is kept. */
static enum nats_kind continue_kept(struct nats *nats, const uint8_t **at,
                                    const uint8_t *end, struct nats_event *event)
{
    enum nats_kind kind = NATS_MORE;
    while (kind == NATS_MORE && *at < end) {
        size_t left = (size_t)(end - *at), take = left;
        const uint8_t *newline = memchr(*at, '\n', left);
        bool whole = newline != NULL;
        if (nats->wanted > 0) {
            whole = nats->wanted - nats->kept->size <= left;
            if (whole) take = nats->wanted - nats->kept->size;
        } else {
            if (whole) take = (size_t)(newline - *at) + 1;
            if (nats->kept->size + take > line_max((char)*message_bytes(nats->kept)))
                return broken(event, "a line is too long");
        }
        if (!keep(nats, at, take)) return broken(event, "no memory");
        if (whole) kind = next_kept(nats, event);
    }
    return kind;
}

enum nats_kind nats_next(struct nats *nats, const uint8_t **at, const uint8_t *end,
                         struct nats_event *event)
{
    *event = (struct nats_event){0};
    drop_given(nats);
    size_t left = (size_t)(end - *at);
    size_t skipped = nats->passed_over < left ? nats->passed_over : left;
    nats->passed_over -= skipped;
    *at += skipped;
    if (*at == end) return NATS_MORE;
    return nats->kept == NULL ? next_in_place(nats, at, end, event)
                              : continue_kept(nats, at, end, event);
}

/* ---- INFO ---- */

static struct slice text_member(struct slice object, const char *key)
{
    struct slice raw = json_member(object, key);
    bool quoted =
        raw.size >= 2 && raw.data[0] == '"' && memchr(raw.data, '\\', raw.size) == NULL;
    return quoted ? (struct slice){raw.data + 1, raw.size - 2} : (struct slice){"", 0};
}

static bool bool_member(struct slice object, const char *key)
{
    return slice_is(json_member(object, key), "true");
}

bool nats_read_info(struct slice text, struct nats_info *info)
{
    struct json_cursor cursor = {text.data, text.data + text.size};
    struct slice object;
    uint64_t most;
    *info = (struct nats_info){0};
    if (json_peek(&cursor) != '{' || json_take_value(&cursor, &object) != JSON_OK ||
        json_take_end(&cursor) != JSON_OK)
        return false;
    info->server_name = text_member(object, "server_name");
    info->version = text_member(object, "version");
    info->nonce = text_member(object, "nonce");
    info->connect_urls = json_member(object, "connect_urls");
    info->headers = bool_member(object, "headers");
    info->tls_required = bool_member(object, "tls_required");
    info->tls_available = bool_member(object, "tls_available");
    info->lame_duck = bool_member(object, "ldm");
    if (read_number(json_member(object, "max_payload"), &most))
        info->payload_bytes_max = (size_t)most;
    return true;
}

bool nats_next_url(struct slice *connect_urls, struct slice *url)
{
    if (connect_urls->size == 0) return false;
    struct json_cursor cursor = {connect_urls->data,
                                 connect_urls->data + connect_urls->size};
    bool escaped = true, found = true;
    while (escaped && found) {
        char before = json_peek(&cursor);
        found = (before == '[' || before == ',') && json_take(&cursor, before) == JSON_OK &&
                json_take_string(&cursor, url, &escaped) == JSON_OK;
    }
    *connect_urls = (struct slice){cursor.at, (size_t)(cursor.end - cursor.at)};
    return found;
}

/* ---- writing ---- */

bool nats_is_subject(struct slice subject, bool wild)
{
    size_t token = 0;
    if (subject.size == 0 || subject.size > NATS_SUBJECT_MAX) return false;
    for (size_t i = 0; i <= subject.size; i++) {
        bool ends = i == subject.size || subject.data[i] == '.';
        if (!ends) {
            unsigned char c = (unsigned char)subject.data[i];
            bool star = c == '*' || c == '>';
            bool alone = i == token && (i + 1 == subject.size ||
                                        (c == '*' && subject.data[i + 1] == '.'));
            if (c <= ' ' || c == 0x7f || (star && !(wild && alone))) return false;
        } else if (i == token) {
            return false;
        } else {
            token = i + 1;
        }
    }
    return true;
}

bool nats_is_name(struct slice name)
{
    return nats_is_subject(name, false) && memchr(name.data, '.', name.size) == NULL;
}

/* A member with a string, if there is one. */
static void print_member(struct print *to, const char *key, struct slice text)
{
    uint8_t escaped[8];
    if (text.size == 0) return;
    print(to, ",\"%s\":\"", key);
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t *byte = (const uint8_t *)text.data + i;
        int size = (int)(json_escape(byte, 1, escaped) - escaped);
        print(to, "%.*s", size, (const char *)escaped);
    }
    print(to, "\"");
}

void nats_print_connect(struct print *to, const struct nats_login *login)
{
    print(to,
          "CONNECT {\"verbose\":false,\"pedantic\":false,\"echo\":false,\"headers\":true,"
          "\"no_responders\":true,\"protocol\":1,\"lang\":\"c\",\"tls_required\":%s",
          login->tls ? "true" : "false");
    print_member(to, "name", login->name);
    print_member(to, "version", login->version);
    print_member(to, "user", login->user);
    print_member(to, "pass", login->password);
    print_member(to, "auth_token", login->token);
    print_member(to, "jwt", login->jwt);
    print_member(to, "nkey", login->nkey);
    print_member(to, "sig", login->signature);
    print(to, "}\r\n");
}

/* What snprintf said of a command, which always has room. */
static size_t command(int written)
{
    assert(written > 0 && written < NATS_COMMAND_MAX);
    return (size_t)written;
}

size_t nats_write_ping(char out[NATS_COMMAND_MAX])
{
    return command(snprintf(out, NATS_COMMAND_MAX, "PING\r\n"));
}

size_t nats_write_pong(char out[NATS_COMMAND_MAX])
{
    return command(snprintf(out, NATS_COMMAND_MAX, "PONG\r\n"));
}

size_t nats_write_subscribe(struct slice subject, struct slice queue, uint64_t subscription,
                            char out[NATS_COMMAND_MAX])
{
    assert(nats_is_subject(subject, true) && (queue.size == 0 || nats_is_name(queue)));
    return command(snprintf(out, NATS_COMMAND_MAX, "SUB %.*s%s%.*s %llu\r\n",
                            (int)subject.size, subject.data, queue.size > 0 ? " " : "",
                            (int)queue.size, queue.size > 0 ? queue.data : "",
                            (unsigned long long)subscription));
}

size_t nats_write_unsubscribe(uint64_t subscription, uint64_t most,
                              char out[NATS_COMMAND_MAX])
{
    if (most == 0)
        return command(snprintf(out, NATS_COMMAND_MAX, "UNSUB %llu\r\n",
                                (unsigned long long)subscription));
    return command(snprintf(out, NATS_COMMAND_MAX, "UNSUB %llu %llu\r\n",
                            (unsigned long long)subscription, (unsigned long long)most));
}

size_t nats_write_publish(struct slice subject, struct slice reply, size_t headers_size,
                          size_t size, char out[NATS_COMMAND_MAX])
{
    char headers[24] = "";
    assert(nats_is_subject(subject, false));
    assert(reply.size == 0 || nats_is_subject(reply, false));
    assert(headers_size <= size);
    if (headers_size > 0) snprintf(headers, sizeof headers, "%zu ", headers_size);
    return command(snprintf(out, NATS_COMMAND_MAX, "%s %.*s%s%.*s %s%zu\r\n",
                            headers_size > 0 ? "HPUB" : "PUB", (int)subject.size,
                            subject.data, reply.size > 0 ? " " : "", (int)reply.size,
                            reply.size > 0 ? reply.data : "", headers, size));
}
