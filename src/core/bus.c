/* The words of the bus: subjects as texts, messages as bytes.

   A message is its kind and its fields one after another, numbers with the highest byte
   first. The fields of each kind stand in one table, by which messages are both written and
   read. */
#include "bus.h"

#include "hex.h"

#define NODE_HEX 16

/* ---- subjects ---- */

bool bus_name_is_valid(const char *name)
{
    size_t size = 0;
    for (; name[size] != '\0'; size++) {
        char c = name[size];
        if (!(c >= 'a' && c <= 'z') && !(c >= 'A' && c <= 'Z') && !(c >= '0' && c <= '9') &&
            c != '.' && c != '_' && c != '-')
            return false;
    }
    return size >= 1 && size <= BUS_NAME_MAX;
}

/* A node's name without dots, which would be several words of a subject. */
bool bus_partner_is_valid(const char *name)
{
    return bus_name_is_valid(name) && memchr(name, '.', strlen(name)) == NULL;
}

uint64_t bus_node_of(const char *name)
{
    struct page_hash hash = hash_of(name, strlen(name));
    uint64_t node = 0;
    for (int i = 0; i < 8; i++)
        node = node << 8 | hash.bytes[i];
    return node;
}

static char *write_hex(char *at, uint64_t number)
{
    for (int shift = 60; shift >= 0; shift -= 4)
        *at++ = "0123456789abcdef"[number >> shift & 15];
    return at;
}

static bool read_hex(const char *text, uint64_t *number)
{
    *number = 0;
    for (int i = 0; i < NODE_HEX; i++) {
        int value = hex_value(text[i]);
        if (value < 0 || (text[i] >= 'A' && text[i] <= 'F')) return false;
        *number = *number << 4 | (uint64_t)value;
    }
    return true;
}

static char *write_inbox(char *at, const struct bus_subject *subject)
{
    at = write_hex(at, subject->node);
    *at++ = '.';
    if (!subject->every) return write_hex(at, subject->request);
    *at++ = '*';
    return at;
}

static char *write_partner(char *at, const struct bus_subject *subject)
{
    size_t size = strlen(subject->partner);
    *at++ = subject->side == BUS_FROM ? 'f' : 't';
    *at++ = '.';
    memcpy(at, subject->partner, size);
    at[size] = '.';
    return at + size + 1;
}

/* Of a partner's subjects, those that are one letter. */
static bool is_alone(enum bus_subject_kind kind)
{
    return kind == BUS_WANT || kind == BUS_CLAIMS;
}

size_t bus_subject_write(const struct bus_subject *subject, char text[BUS_SUBJECT_MAX + 1])
{
    static const char letters[] = {'?', 'h', 'n', 'i', 'w', 'p', 'c'};
    char *end = text;
    bool home = subject->side == BUS_HOME, alone = !home && is_alone(subject->kind);
    if (!home) end = write_partner(end, subject);
    *end++ = letters[subject->kind];
    if (!alone) *end++ = subject->kind == BUS_HEARTBEAT ? 'b' : '.';
    if (subject->kind == BUS_NODE) end = write_hex(end, subject->node);
    if (subject->kind == BUS_INBOX) end = write_inbox(end, subject);
    if (home && (subject->kind == BUS_WANT || subject->kind == BUS_PRESENCE)) {
        hash_to_base64url(&subject->hash, end);
        end += HASH_BASE64URL;
    }
    *end = '\0';
    return (size_t)(end - text);
}

static bool read_inbox(struct slice rest, struct bus_subject *subject)
{
    if (rest.size < NODE_HEX + 2 || !read_hex(rest.data, &subject->node) ||
        rest.data[NODE_HEX] != '.')
        return false;
    struct slice request = {rest.data + NODE_HEX + 1, rest.size - NODE_HEX - 1};
    subject->every = slice_is(request, "*");
    return subject->every ||
           (request.size == NODE_HEX && read_hex(request.data, &subject->request));
}

static bool read_rest(char letter, struct slice rest, struct bus_subject *subject)
{
    switch (letter) {
    case 'n':
        subject->kind = BUS_NODE;
        return rest.size == NODE_HEX && read_hex(rest.data, &subject->node);
    case 'i': subject->kind = BUS_INBOX; return read_inbox(rest, subject);
    case 'w': subject->kind = BUS_WANT; break;
    case 'p': subject->kind = BUS_PRESENCE; break;
    default: return false;
    }
    return hash_from_base64url(rest.data, rest.size, &subject->hash);
}

/* What follows a partner's name. */
static bool read_far(struct slice rest, struct bus_subject *subject)
{
    if (slice_is(rest, "w") || slice_is(rest, "c")) {
        subject->kind = rest.data[0] == 'w' ? BUS_WANT : BUS_CLAIMS;
        return true;
    }
    return rest.size > 2 && rest.data[1] == '.' &&
           (rest.data[0] == 'n' || rest.data[0] == 'i') &&
           read_rest(rest.data[0], (struct slice){rest.data + 2, rest.size - 2}, subject);
}

static bool read_partner(struct slice text, struct bus_subject *subject)
{
    const char *name = text.data + 2, *dot = memchr(name, '.', text.size - 2);
    size_t size = dot == NULL ? 0 : (size_t)(dot - name);
    if (size == 0 || size > PARTNER_NAME_MAX) return false;
    memcpy(subject->partner, name, size);
    subject->side = text.data[0] == 'f' ? BUS_FROM : BUS_TO;
    return bus_partner_is_valid(subject->partner) &&
           read_far((struct slice){dot + 1, text.size - size - 3}, subject);
}

bool bus_subject_read(struct slice text, struct bus_subject *subject)
{
    *subject = (struct bus_subject){0};
    if (slice_is(text, "hb")) {
        subject->kind = BUS_HEARTBEAT;
        return true;
    }
    if (text.size > 2 && text.data[1] == '.' &&
        (text.data[0] == 'f' || text.data[0] == 't')) {
        if (read_partner(text, subject)) return true;
        *subject = (struct bus_subject){0};
        return false;
    }
    if (text.size >= 2 && text.data[1] == '.') {
        struct slice rest = {text.data + 2, text.size - 2};
        if (read_rest(text.data[0], rest, subject)) return true;
    }
    *subject = (struct bus_subject){0};
    return false;
}

/* ---- messages ---- */

/* The fields of a kind, one letter each: N node, I incarnation, S seq, Q request, T tally,
   V visitors, H hash, P page_max, L limit, X index, B total, R reason, and * for the
   rest. */
static const char *fields_of(enum bus_kind kind)
{
    switch (kind) {
    case BUS_CELL:
    case BUS_CELL_ASK: return "NIST";
    case BUS_CELL_ANSWER: return "NISTH";
    case BUS_ORDER: return "PLH";
    case BUS_SIGN: return "N";
    case BUS_CHUNK: return "NXB*";
    case BUS_NO: return "NR";
    case BUS_CREDIT: return "NQL";
    case BUS_CANCEL: return "NQ";
    case BUS_ALIVE:
    case BUS_GOING:
    case BUS_BYE: return "NIS*";
    case BUS_FAR_ORDER: return "NQPLH";
    case BUS_CLAIM: return "HV";
    case BUS_CLAIM_ASK: return "H";
    }
    return NULL;
}

/* A number's place in the record: one of the two, by its size. */
struct number {
    uint64_t *wide;
    uint32_t *narrow;
};

static struct number number_of(struct bus_record *record, char field)
{
    switch (field) {
    case 'N': return (struct number){.wide = &record->node};
    case 'I': return (struct number){.wide = &record->incarnation};
    case 'S': return (struct number){.wide = &record->seq};
    case 'Q': return (struct number){.wide = &record->request};
    case 'P': return (struct number){.narrow = &record->page_max};
    case 'L': return (struct number){.narrow = &record->limit};
    case 'X': return (struct number){.narrow = &record->index};
    case 'V': return (struct number){.narrow = &record->tally.visitors};
    default: return (struct number){.narrow = &record->total};
    }
}

static uint8_t *put(uint8_t *at, uint64_t number, size_t size)
{
    while (size-- > 0)
        *at++ = (uint8_t)(number >> (8 * size));
    return at;
}

static uint8_t *put_field(uint8_t *at, struct bus_record *record, char field)
{
    struct number number;
    switch (field) {
    case 'H': memcpy(at, record->hash.bytes, HASH_BYTES); return at + HASH_BYTES;
    case 'T':
        at = put(at, record->tally.visitors, 4);
        at = put(at, record->tally.away, 4);
        return put(at, record->tally.holders, 4);
    case 'R': return put(at, record->reason, 1);
    default: break;
    }
    number = number_of(record, field);
    return number.wide != NULL ? put(at, *number.wide, 8) : put(at, *number.narrow, 4);
}

size_t bus_record_write(const struct bus_record *record, uint8_t head[BUS_HEAD_MAX])
{
    struct bus_record copy = *record;
    uint8_t *at = put(head, record->kind, 1);
    const char *field = fields_of(record->kind);
    for (; *field != '\0' && *field != '*'; field++)
        at = put_field(at, &copy, *field);
    if (*field == '*' && record->kind != BUS_CHUNK && record->rest.size > 0) {
        memcpy(at, record->rest.data, record->rest.size);
        at += record->rest.size;
    }
    return (size_t)(at - head);
}

/* False if so much is not left. */
static bool get(struct slice *left, uint64_t *number, size_t size)
{
    *number = 0;
    if (left->size < size) return false;
    for (size_t i = 0; i < size; i++)
        *number = *number << 8 | (uint8_t)left->data[i];
    left->data += size;
    left->size -= size;
    return true;
}

static bool get_narrow(struct slice *left, uint32_t *number)
{
    uint64_t wide;
    bool got = get(left, &wide, 4);
    *number = (uint32_t)wide;
    return got;
}

static bool get_tally(struct slice *left, struct tally *tally)
{
    return get_narrow(left, &tally->visitors) && get_narrow(left, &tally->away) &&
           get_narrow(left, &tally->holders) && tally->away <= tally->visitors &&
           tally->holders <= tally->visitors;
}

static bool get_field(struct slice *left, struct bus_record *record, char field)
{
    struct number number;
    uint64_t reason;
    switch (field) {
    case 'H':
        if (left->size < HASH_BYTES) return false;
        memcpy(record->hash.bytes, left->data, HASH_BYTES);
        *left = (struct slice){left->data + HASH_BYTES, left->size - HASH_BYTES};
        return true;
    case 'T': return get_tally(left, &record->tally);
    case 'R':
        if (!get(left, &reason, 1)) return false;
        record->reason = (uint8_t)reason;
        return reason < BUS_NO_ENDS;
    case '*':
        record->rest = *left;
        *left = (struct slice){0};
        return true;
    default: break;
    }
    number = number_of(record, field);
    return number.wide != NULL ? get(left, number.wide, 8)
                               : get_narrow(left, number.narrow);
}

bool bus_record_read(const void *bytes, size_t size, struct bus_record *record)
{
    struct slice left = {bytes, size};
    uint64_t kind;
    *record = (struct bus_record){0};
    if (size > BUS_MESSAGE_MAX || !get(&left, &kind, 1)) return false;
    record->kind = (enum bus_kind)kind;
    const char *field = fields_of(record->kind);
    if (field == NULL) return false;
    for (; *field != '\0'; field++)
        if (!get_field(&left, record, *field)) return false;
    size_t most = record->kind == BUS_CHUNK ? BUS_CHUNK_BYTES : BUS_NAME_MAX;
    return left.size == 0 && record->rest.size <= most &&
           record->tally.visitors <= BUS_VISITORS_MAX;
}
