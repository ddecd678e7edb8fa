/* Payloads of JSON. A tree costs many times the memory of its text (eighty times, for an
   array of empty objects): none is made of more than payload_bytes_max. */
#include "payload.h"

bool payload_is_empty(const struct frame *frame)
{
    return frame->form == MESSAGE_TEXT && slice_is(frame->payload, "{}");
}

/* Of a lack of memory the reader says nothing, or that alone. */
static bool lacks_memory(const json_error_t *error)
{
    enum json_error_code code = json_error_code(error);
    return code == json_error_unknown || code == json_error_out_of_memory;
}

json_t *payload_load_new(const struct hub *hub, const struct frame *frame,
                         enum reason *reason)
{
    json_error_t error;
    *reason = REASON_BAD_PAYLOAD;
    if (frame->form != MESSAGE_TEXT || frame->payload.size > hub->config.payload_bytes_max)
        return NULL;
    json_t *payload = json_loadb(frame->payload.data, frame->payload.size,
                                 JSON_REJECT_DUPLICATES, &error);
    if (json_is_object(payload)) return payload;
    if (payload == NULL && lacks_memory(&error)) *reason = REASON_BUSY;
    json_decref(payload);
    return NULL;
}

enum reason payload_judge(const struct hub *hub, const struct frame *frame)
{
    enum reason reason;
    if (payload_is_empty(frame)) return REASON_NONE;
    json_t *payload = payload_load_new(hub, frame, &reason);
    json_decref(payload);
    return payload != NULL ? REASON_NONE : reason;
}
