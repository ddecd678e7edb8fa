/* The operator's list of pages that are not relayed.

   A line is 64 hexadecimal digits: a page's hash, or the SHA-256 of that hash written as 64
   lower-case digits, so that the list need not name what it refuses. Empty lines, and what
   follows a #, are ignored. */
#ifndef WHILST_DENY_H
#define WHILST_DENY_H

#include "whilst/hash.h"

struct deny_list;

/* NULL if a line is wrong, whose number is in *line then (from 1), or if there is no memory
   (*line is 0). */
struct deny_list *deny_parse_new(const char *text, size_t size, size_t *line);
/* A copy of the list, which may be NULL, with one page more; NULL if there is no memory. */
struct deny_list *deny_with_new(const struct deny_list *list, const struct page_hash *hash);
void deny_free(struct deny_list *list); /* NULL is allowed */

size_t deny_count(const struct deny_list *list);
/* Whether a page is on the list; on NULL none is. */
bool deny_has(const struct deny_list *list, const struct page_hash *hash);

#endif
