/* Any bytes as a page: what they mean can be written again and means the same, and what was
   written has one form. */
#include "must.h"
#include "whilst/label.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must_mean_the_same(const struct label *a, const struct label *b)
{
    MUST(slice_equal(a->type, b->type) && slice_equal(a->name, b->name));
    MUST(slice_equal(a->content, b->content));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    uint8_t *exact = malloc(size > 0 ? size : 1);
    if (size > 0) memcpy(exact, data, size);
    struct label label = label_read(exact, size);
    MUST(label_is_type(label.type));
    MUST(label.name.size == 0 || label_is_name(label.name));
    MUST(label.content.size <= size);
    struct message *page = label_write_new(&label);
    struct label again = label_read(message_bytes(page), page->size);
    must_mean_the_same(&label, &again);
    struct message *same = label_write_new(&again);
    MUST(same->size == page->size);
    MUST(memcmp(message_bytes(same), message_bytes(page), page->size) == 0);
    message_unref(same);
    message_unref(page);
    free(exact);
    return 0;
}
