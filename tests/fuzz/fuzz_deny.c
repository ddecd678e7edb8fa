/* The deny list's file: what the list refuses is what its lines say, read here once more in
   the simplest way. */
#include "must.h"
#include "whilst/deny.h"

#include <ctype.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct line {
    const char *at;
    size_t size;
};

/* Takes the next line from the text, without comment and the space around it. */
static struct line next_line(const char **text, const char *end)
{
    struct line line = {*text, 0};
    while (line.at + line.size < end && line.at[line.size] != '\n')
        line.size++;
    *text = line.at + line.size + (line.at + line.size < end ? 1 : 0);
    for (size_t i = 0; i < line.size; i++)
        if (line.at[i] == '#') line.size = i;
    while (line.size > 0 && strchr(" \t\r", line.at[0]) != NULL && line.at[0] != '\0')
        line.at++, line.size--;
    while (line.size > 0 && strchr(" \t\r", line.at[line.size - 1]) != NULL &&
           line.at[line.size - 1] != '\0')
        line.size--;
    return line;
}

static bool is_digits(const struct line *line)
{
    for (size_t i = 0; i < line->size; i++)
        if (!isxdigit((unsigned char)line->at[i])) return false;
    return line->size == HASH_HEX;
}

static void check_entry(const struct deny_list *list, const struct line *line)
{
    struct page_hash hash;
    MUST(hash_from_hex(line->at, line->size, &hash, NULL));
    MUST(deny_has(list, &hash));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = malloc(size + 1); /* its end is where a read too far is seen */
    memcpy(text, data, size);
    char *exact = realloc(text, size > 0 ? size : 1);
    const char *at = exact, *end = exact + size;
    size_t wrong = 0, number = 0, entries = 0, said;
    struct deny_list *list = deny_parse_new(exact, size, &said);
    struct page_hash stranger = hash_of("a page that no list names", 25);
    while (at < end && wrong == 0) {
        struct line line = next_line(&at, end);
        number++;
        if (line.size == 0) continue;
        if (!is_digits(&line))
            wrong = number;
        else if (list != NULL)
            check_entry(list, &line);
        entries++;
    }
    MUST((list == NULL) == (wrong != 0));
    MUST(wrong == 0 || said == wrong);
    MUST(list == NULL || deny_count(list) == entries);
    MUST(!deny_has(list, &stranger));
    deny_free(list);
    free(exact);
    return 0;
}
