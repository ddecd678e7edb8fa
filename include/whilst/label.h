/* What a page is: docs/protocol.md, section 6. Clients tell it from the bytes, or from a
   label, the page's first line; the server does not look. */
#ifndef WHILST_LABEL_H
#define WHILST_LABEL_H

#include "whilst/message.h"
#include "whilst/slice.h"

#define LABEL_TYPE_MAX 127 /* bytes of a media type */
#define LABEL_NAME_MAX 255 /* of a file's name */

struct label {
    struct slice type; /* a media type, lower case, without parameters */
    struct slice name; /* of the file; empty: none is given */
    struct slice content;
};

/* The media type that bytes without a label are of; a constant. */
const char *label_plain_type(const void *bytes, size_t size);

/* Reads a page, into which the label's slices point. Never fails: what begins like a label
   and is none is a whole of unknown type. */
struct label label_read(const void *page, size_t size);

/* Whether a label can carry it. */
bool label_is_type(struct slice type);
bool label_is_name(struct slice name);

/* The page of which label_read gives this: the content alone where that says all. Type and
   name must be such as a label can carry. NULL when there is no memory. */
struct message *label_write_new(const struct label *label);

#endif
