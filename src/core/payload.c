/* Payloads of JSON. A tree costs many times the memory of its text (eighty times, for an
   array of empty objects): none is made of more than payload_bytes_max. */
#include "payload.h"

bool payload_is_empty(const struct frame *frame)
{
    return frame->form == MESSAGE_TEXT && slice_is(frame->payload, "{}");
}

json_t *payload_load_new(const struct hub *hub, const struct frame *frame)
{
    if (frame->form != MESSAGE_TEXT || frame->payload.size > hub->config.payload_bytes_max)
        return NULL;
    json_t *payload =
        json_loadb(frame->payload.data, frame->payload.size, JSON_REJECT_DUPLICATES, NULL);
    if (json_is_object(payload)) return payload;
    json_decref(payload);
    return NULL;
}

bool payload_is_object(const struct hub *hub, const struct frame *frame)
{
    if (payload_is_empty(frame)) return true;
    json_t *payload = payload_load_new(hub, frame);
    json_decref(payload);
    return payload != NULL;
}
