/* Handing a page's bytes to those who seek it.

   However many they are, the bytes are there once: the binary broadcast is the message in
   which the page was received, with its head written into the room in front. Others get
   forms of their own: JSON, made once for all who take that, and topics in another letter
   case. */
#include "serve.h"

#include "json.h"
#include "orders.h"
#include "pages.h"
#include "send.h"
#include "status.h"
#include "window.h"

/* A page's bytes on their way to its seekers, in the forms that they take. */
struct delivery {
    const uint8_t *bytes;
    size_t size;
    struct message *binary; /* for the usual spelling of the topic */
    struct message *text;
    bool is_text;
};

static struct message *binary_for(const struct delivery *delivery,
                                  const struct membership *seeker)
{
    char topic[TOPIC_TEXT_MAX];
    if (!seeker->upper) return message_ref(delivery->binary);
    struct message *own = message_new(MESSAGE_BINARY, WIRE_CONTENT_FRONT, delivery->size);
    if (own == NULL) return NULL;
    message_append(own, delivery->bytes, delivery->size);
    wire_prepend_content(own, send_topic(seeker, topic));
    return own;
}

static struct message *text_for(struct delivery *delivery, const struct membership *seeker)
{
    char topic[TOPIC_TEXT_MAX];
    struct frame frame = {.kind = FRAME_BROADCAST,
                          .topic = send_topic(seeker, topic),
                          .event = slice_of("content")};
    if (!seeker->upper && delivery->text != NULL) return message_ref(delivery->text);
    struct message *text = wire_content_new(&frame, delivery->bytes, delivery->size, NULL);
    if (!seeker->upper && text != NULL) delivery->text = message_ref(text);
    return text;
}

/* The seeker is done: it was sent the page, or told why it cannot be. */
static void dismiss(struct hub *hub, struct membership *seeker, size_t sent_bytes)
{
    pages_set_front(seeker->page, seeker, false);
    window_release(hub, seeker, sent_bytes);
}

static void serve(struct hub *hub, struct delivery *delivery, struct membership *seeker)
{
    struct message *message = NULL;
    if (!seeker->binary && !delivery->is_text) {
        status_refuse(hub, seeker, REASON_NOT_TEXT);
        dismiss(hub, seeker, 0);
        return;
    }
    message = seeker->binary ? binary_for(delivery, seeker) : text_for(delivery, seeker);
    if (message == NULL) {
        status_refuse(hub, seeker, REASON_BUSY);
        window_release(hub, seeker, 0);
    } else if (!window_fits(hub, seeker, message->size)) {
        message_unref(message);
        window_wait(hub, seeker);
        status_tell(hub, seeker);
    } else {
        message->content = true;
        seeker->session->served = (uint16_t)seeker->page->link.key;
        hub->metrics.served_total++;
        hub->metrics.served_bytes_total += delivery->size;
        dismiss(hub, seeker, message->size);
        send_take_message(hub, seeker->session, message);
    }
}

static bool anyone_takes_text(const struct page *page)
{
    for (uint32_t i = 0; i < page->seekers.front; i++)
        if (group_at(&page->seekers, i)->active && !group_at(&page->seekers, i)->binary)
            return true;
    return false;
}

void serve_all(struct hub *hub, struct page *page, struct message *bytes)
{
    struct delivery delivery = {.size = bytes->size, .binary = bytes};
    char topic[TOPIC_TEXT_MAX];
    wire_prepend_content(bytes, topic_print(TOPIC_WANT, &page->hash, 0, topic));
    delivery.bytes = message_bytes(bytes) + bytes->size - delivery.size;
    if (anyone_takes_text(page))
        delivery.is_text = json_is_utf8(delivery.bytes, delivery.size);
    for (uint32_t i = page->seekers.front; i-- > 0;)
        if (group_at(&page->seekers, i)->active)
            serve(hub, &delivery, group_at(&page->seekers, i));
    orders_serve(hub, page, bytes, bytes->size - delivery.size, delivery.size);
    message_unref(delivery.text);
}
