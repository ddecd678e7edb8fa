/* The deny list: a sorted array of hashes, in which a page is looked for under its own hash
   and under the hash of that. */
#include "whilst/deny.h"

#include "memory.h"
#include "whilst/slice.h"

#include <stdlib.h>
#include <string.h>

struct deny_list {
    size_t count;
    struct page_hash hashes[];
};

static int compare(const void *a, const void *b)
{
    return memcmp(a, b, sizeof(struct page_hash));
}

static size_t count_lines(const char *text, size_t size)
{
    size_t lines = 1;
    for (size_t i = 0; i < size; i++)
        lines += text[i] == '\n';
    return lines;
}

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\r';
}

/* What a line says, without its comment and the space around it. */
static struct slice meaning_of(const char *line, size_t size)
{
    const char *comment = memchr(line, '#', size);
    if (comment != NULL) size = (size_t)(comment - line);
    while (size > 0 && is_space(line[size - 1]))
        size--;
    while (size > 0 && is_space(*line))
        line++, size--;
    return (struct slice){line, size};
}

struct deny_list *deny_parse_new(const char *text, size_t size, size_t *line)
{
    const char *at = text, *end = text + size;
    *line = 0;
    struct deny_list *list =
        memory_take(sizeof *list + count_lines(text, size) * sizeof(struct page_hash));
    if (list == NULL) return NULL;
    list->count = 0;
    while (at < end) {
        const char *newline = memchr(at, '\n', (size_t)(end - at));
        const char *stop = newline == NULL ? end : newline;
        struct slice said = meaning_of(at, (size_t)(stop - at));
        ++*line;
        at = newline == NULL ? end : newline + 1;
        if (said.size == 0) continue;
        if (!hash_from_hex(said.data, said.size, &list->hashes[list->count], NULL)) {
            memory_free(list);
            return NULL;
        }
        list->count++;
    }
    qsort(list->hashes, list->count, sizeof list->hashes[0], compare);
    return list;
}

struct deny_list *deny_with_new(const struct deny_list *list, const struct page_hash *hash)
{
    size_t count = deny_count(list), at = 0;
    struct deny_list *with = memory_take(sizeof *with + (count + 1) * sizeof *hash);
    if (with == NULL) return NULL;
    while (at < count && compare(&list->hashes[at], hash) < 0)
        at++;
    if (at > 0) memcpy(with->hashes, list->hashes, at * sizeof *hash);
    with->hashes[at] = *hash;
    if (at < count)
        memcpy(with->hashes + at + 1, list->hashes + at, (count - at) * sizeof *hash);
    with->count = count + 1;
    return with;
}

void deny_free(struct deny_list *list)
{
    memory_free(list);
}

size_t deny_count(const struct deny_list *list)
{
    return list == NULL ? 0 : list->count;
}

static bool find(const struct deny_list *list, const struct page_hash *hash)
{
    return bsearch(hash, list->hashes, list->count, sizeof *hash, compare) != NULL;
}

bool deny_has(const struct deny_list *list, const struct page_hash *hash)
{
    char hex[HASH_HEX + 1];
    if (deny_count(list) == 0) return false;
    if (find(list, hash)) return true;
    hash_to_hex(hash, 0, hex);
    struct page_hash hidden = hash_of(hex, HASH_HEX);
    return find(list, &hidden);
}
