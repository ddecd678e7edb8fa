/* Labels, and the types that bytes tell by themselves: docs/protocol.md, section 6, as
   static/label.js and static/kinds.js have it. */
#include "whilst/label.h"

#include "json.h"

#define MAGIC "%whilst "
#define VERSION "1 "
#define UNKNOWN "application/octet-stream"
#define LABEL_MAX (sizeof MAGIC VERSION + LABEL_TYPE_MAX + LABEL_NAME_MAX)

/* ---- the types of bytes ---- */

static const struct signature {
    const char *type;
    size_t at;
    struct slice first, at_8;
} signatures[] = {
#define BYTES(text)                                                                        \
    {                                                                                      \
        text, sizeof(text) - 1                                                             \
    }
    {"image/png", 0, BYTES("\x89PNG\r\n\x1a\n"), {0}},
    {"image/jpeg", 0, BYTES("\xff\xd8\xff"), {0}},
    {"image/gif", 0, BYTES("GIF87a"), {0}},
    {"image/gif", 0, BYTES("GIF89a"), {0}},
    {"image/webp", 0, BYTES("RIFF"), BYTES("WEBP")},
    {"image/avif", 4, BYTES("ftypavif"), {0}},
    {"image/avif", 4, BYTES("ftypavis"), {0}},
    {"audio/wav", 0, BYTES("RIFF"), BYTES("WAVE")},
    {"audio/flac", 0, BYTES("fLaC"), {0}},
    {"audio/ogg", 0, BYTES("OggS"), {0}},
    {"audio/mpeg", 0, BYTES("ID3"), {0}},
    {"audio/mpeg", 0, BYTES("\xff\xfb"), {0}},
    {"audio/mp4", 4, BYTES("ftypM4A "), {0}},
    {"video/mp4", 4, BYTES("ftyp"), {0}},
    {"video/webm", 0, BYTES("\x1a\x45\xdf\xa3"), {0}},
    {"application/pdf", 0, BYTES("%PDF-"), {0}},
};

static bool has_at(struct slice bytes, size_t at, struct slice wanted)
{
    return wanted.size == 0 || (bytes.size >= at + wanted.size &&
                                memcmp(bytes.data + at, wanted.data, wanted.size) == 0);
}

static const char *type_of_signature(struct slice bytes)
{
    for (size_t i = 0; i < sizeof signatures / sizeof signatures[0]; i++)
        if (has_at(bytes, signatures[i].at, signatures[i].first) &&
            has_at(bytes, 8, signatures[i].at_8))
            return signatures[i].type;
    return UNKNOWN;
}

static char lower(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c - 'A' + 'a') : c;
}

static bool is_space(char c)
{
    return c == '\t' || c == '\n' || c == '\f' || c == '\r' || c == ' ';
}

static bool is_letter(char c)
{
    return lower(c) >= 'a' && lower(c) <= 'z';
}

/* Whether the text has this at a place, in letters of either case. */
static bool reads(struct slice text, size_t at, const char *wanted)
{
    for (size_t i = 0; wanted[i] != '\0'; i++)
        if (at + i >= text.size || lower(text.data[at + i]) != wanted[i]) return false;
    return true;
}

static char char_at(struct slice text, size_t at)
{
    return at < text.size ? text.data[at] : '\0';
}

/* What may stand before `<svg`: white space, and whole `<?…?>`, `<!--…-->` and
   `<!doctype svg…>`. The first two end at any of their ends: each place that can be reached
   in some way is tried, in one pass. */
static bool is_svg(struct slice text)
{
    const size_t never = text.size + 1;
    size_t instruction = never, comment = never, doctype_end = never;
    bool space = true; /* this place is reached, being the first or after white space */
    for (size_t i = 0; i < text.size; i++) {
        bool here = space || i == doctype_end ||
                    (i >= 2 && i - 2 >= instruction && reads(text, i - 2, "?>")) ||
                    (i >= 3 && i - 3 >= comment && reads(text, i - 3, "-->"));
        space = here && is_space(text.data[i]);
        if (!here) {
            if (instruction == never && comment == never && doctype_end == never)
                return false;
            continue;
        }
        char after = char_at(text, i + 4);
        if (reads(text, i, "<svg") && (is_space(after) || after == '/' || after == '>'))
            return true;
        if (instruction == never && reads(text, i, "<?")) instruction = i + 2;
        if (comment == never && reads(text, i, "<!--")) comment = i + 4;
        if (reads(text, i, "<!doctype svg")) {
            const char *end = memchr(text.data + i, '>', text.size - i);
            if (end != NULL) doctype_end = (size_t)(end - text.data) + 1;
        }
    }
    return false;
}

static bool begins_as_html(struct slice text)
{
    size_t at = 0;
    while (is_space(char_at(text, at)))
        at++;
    char next = char_at(text, at + 1);
    return char_at(text, at) == '<' && (is_letter(next) || next == '!' || next == '?');
}

static bool is_closing_tag(struct slice text, size_t at)
{
    if (char_at(text, at + 1) != '/' || !is_letter(char_at(text, at + 2))) return false;
    for (at += 3; is_letter(char_at(text, at)) || char_at(text, at) == '-' ||
                  (char_at(text, at) >= '0' && char_at(text, at) <= '9');)
        at++;
    while (is_space(char_at(text, at)))
        at++;
    return char_at(text, at) == '>';
}

/* A tag that needs no closing. */
static bool is_single_tag(struct slice text, size_t at)
{
    static const char *const names[] = {"<br", "<hr", "<img", "<p"};
    for (size_t i = 0; i < 4; i++) {
        if (!reads(text, at, names[i])) continue;
        size_t end = at + strlen(names[i]);
        if (char_at(text, end) == '>') return true;
        if (!is_space(char_at(text, end)) && char_at(text, end) != '/') continue;
        while (end < text.size && text.data[end] != '<' && text.data[end] != '>')
            end++;
        if (char_at(text, end) == '>') return true;
    }
    return false;
}

static bool contains_html(struct slice text)
{
    const char *end = text.data + text.size, *at = text.data;
    while (at < end && (at = memchr(at, '<', (size_t)(end - at))) != NULL) {
        size_t place = (size_t)(at++ - text.data);
        if (is_closing_tag(text, place) || is_single_tag(text, place)) return true;
    }
    return false;
}

const char *label_plain_type(const void *bytes, size_t size)
{
    struct slice text = {bytes, size};
    bool has_nul = size > 0 && memchr(bytes, 0, size) != NULL;
    if (has_nul || !json_is_utf8(bytes, size)) return type_of_signature(text);
    if (has_at(text, 0, slice_of("\xef\xbb\xbf"))) text.data += 3, text.size -= 3;
    if (has_at(text, 0, slice_of("%PDF-"))) return "application/pdf";
    if (is_svg(text)) return "image/svg+xml";
    return begins_as_html(text) || contains_html(text) ? "text/html" : "text/plain";
}

/* ---- labels ---- */

static bool is_type_char(char c, bool first)
{
    if ((c >= 'a' && c <= 'z') || (c >= '0' && c <= '9')) return true;
    return !first && memchr("!#$&^_.+-", c, 9) != NULL;
}

bool label_is_type(struct slice type)
{
    size_t slashes = 0;
    bool first = true;
    if (type.size > LABEL_TYPE_MAX) return false;
    for (size_t i = 0; i < type.size; i++) {
        bool slash = type.data[i] == '/';
        if (slash ? first : !is_type_char(type.data[i], first)) return false;
        slashes += slash;
        first = slash;
    }
    return slashes == 1 && !first;
}

/* Control characters, what separates folders and lines, and what turns the direction of
   text. */
static bool is_refused(uint32_t c)
{
    return c < 0x20 || (c >= 0x7f && c <= 0x9f) || c == '/' || c == '\\' || c == 0x61c ||
           c == 0x200e || c == 0x200f || (c >= 0x2028 && c <= 0x202e) ||
           (c >= 0x2066 && c <= 0x2069);
}

/* The character at *at of text that is UTF-8, which is moved behind it. */
static uint32_t take_character(struct slice text, size_t *at)
{
    uint8_t first = (uint8_t)text.data[(*at)++];
    size_t more = first < 0xc0 ? 0 : first < 0xe0 ? 1 : first < 0xf0 ? 2 : 3;
    uint32_t c = more == 0 ? first : first & (0x3fu >> more);
    for (; more > 0; more--)
        c = c << 6 | ((uint8_t)text.data[(*at)++] & 0x3f);
    return c;
}

bool label_is_name(struct slice name)
{
    if (name.size == 0 || name.size > LABEL_NAME_MAX || slice_is(name, ".") ||
        slice_is(name, "..") || name.data[0] == ' ' || name.data[name.size - 1] == ' ' ||
        !json_is_utf8((const uint8_t *)name.data, name.size))
        return false;
    for (size_t at = 0; at < name.size;)
        if (is_refused(take_character(name, &at))) return false;
    return true;
}

static bool is_labelled(struct slice bytes)
{
    return has_at(bytes, 0, slice_of(MAGIC));
}

/* Whether the content alone would not say all that the page is. */
static bool needs_label(const struct label *label)
{
    return label->name.size > 0 || is_labelled(label->content) ||
           !slice_is(label->type,
                     label_plain_type(label->content.data, label->content.size));
}

/* `%whilst 1 TYPE` or `%whilst 1 TYPE NAME`, and a line feed. */
static bool read_labelled(struct slice page, struct label *label)
{
    size_t most = page.size < LABEL_MAX ? page.size : LABEL_MAX;
    const char *end = memchr(page.data, '\n', most);
    if (end == NULL || !has_at(page, 0, slice_of(MAGIC VERSION))) return false;
    const char *type = page.data + strlen(MAGIC VERSION);
    const char *space = memchr(type, ' ', (size_t)(end - type));
    const char *type_end = space == NULL ? end : space;
    *label = (struct label){.type = {type, (size_t)(type_end - type)}};
    if (space != NULL) label->name = (struct slice){space + 1, (size_t)(end - space - 1)};
    label->content = (struct slice){end + 1, (size_t)(page.data + page.size - end - 1)};
    return label_is_type(label->type) && (space == NULL || label_is_name(label->name)) &&
           needs_label(label);
}

struct label label_read(const void *page, size_t size)
{
    struct slice bytes = {page, size};
    struct label label;
    if (!is_labelled(bytes))
        return (struct label){.type = slice_of(label_plain_type(page, size)),
                              .content = bytes};
    if (read_labelled(bytes, &label)) return label;
    return (struct label){.type = slice_of(UNKNOWN), .content = bytes};
}

struct message *label_write_new(const struct label *label)
{
    struct message *page = message_new(MESSAGE_BINARY, 0, LABEL_MAX + label->content.size);
    if (page == NULL) return NULL;
    if (needs_label(label)) {
        message_append(page, MAGIC VERSION, strlen(MAGIC VERSION));
        message_append(page, label->type.data, label->type.size);
        if (label->name.size > 0) message_append(page, " ", 1);
        message_append(page, label->name.data, label->name.size);
        message_append(page, "\n", 1);
    }
    message_append(page, label->content.data, label->content.size);
    return page;
}
