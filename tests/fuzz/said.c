#include "said.h"

#include "must.h"
#include "whilst/wire.h"

#include <jansson.h>
#include <string.h>

static void check_content(const struct frame *frame)
{
    struct page_hash named, hash;
    MUST(hash_from_hex(frame->topic.data + 5, frame->topic.size - 5, &named, NULL));
    if (frame->form == MESSAGE_BINARY) {
        hash = hash_of(frame->payload.data, frame->payload.size);
    } else {
        json_t *payload =
            json_loadb(frame->payload.data, frame->payload.size, JSON_ALLOW_NUL, NULL);
        const json_t *content = json_object_get(payload, "content");
        MUST(json_is_string(content));
        hash = hash_of(json_string_value(content), json_string_length(content));
        json_decref(payload);
    }
    MUST(hash_equal(&hash, &named));
}

void said_check(enum message_form form, const void *bytes, size_t size)
{
    struct frame frame;
    MUST(wire_decode(WIRE_SERVER, form, bytes, size, &frame) == WIRE_OK);
    if (form == MESSAGE_TEXT) {
        json_t *tree = json_loadb(bytes, size, JSON_ALLOW_NUL, NULL);
        MUST(json_array_size(tree) == 5);
        json_decref(tree);
    }
    if (slice_is(frame.event, "content")) check_content(&frame);
}
