/* Messages: counted bytes with room in front.

   Layout of storage: [headroom][front, until prepended][bytes][spare]. A message is built
   by its only holder with reserve, append and prepend; from the moment it is shared it does
   not change, except that a transport may scribble over the headroom during one send. The
   count is not atomic: the program has one thread. */
#include "whilst/message.h"

#include "memory.h"

#include <assert.h>
#include <string.h>

struct message *message_new(enum message_form form, size_t front, size_t capacity)
{
    size_t total = MESSAGE_HEADROOM + front + capacity;
    struct message *message = memory_take(sizeof *message + total);
    if (message == NULL) return NULL;
    message->refs = 1;
    message->queued = 0;
    message->content = false;
    message->subject = 0;
    message->form = form;
    message->capacity = total;
    message->start = MESSAGE_HEADROOM + front;
    message->size = 0;
    return message;
}

struct message *message_ref(struct message *message)
{
    assert(message->refs > 0 && message->refs < UINT32_MAX);
    message->refs++;
    return message;
}

void message_unref(struct message *message)
{
    if (message == NULL) return;
    assert(message->refs > 0);
    if (--message->refs == 0) memory_free(message);
}

uint8_t *message_bytes(struct message *message)
{
    return message->storage + message->start;
}

bool message_reserve(struct message **message, size_t more)
{
    struct message *old = *message;
    size_t used = old->start + old->size;
    assert(old->refs == 1);
    if (old->capacity - used >= more) return true;
    size_t grown = used + more > 2 * old->capacity ? used + more : 2 * old->capacity;
    struct message *moved = memory_resize(old, sizeof *moved + grown);
    if (moved == NULL) return false;
    moved->capacity = grown;
    *message = moved;
    return true;
}

void message_append(struct message *message, const void *bytes, size_t size)
{
    assert(message->refs == 1);
    assert(message->capacity - message->start - message->size >= size);
    if (size > 0) memcpy(message_bytes(message) + message->size, bytes, size);
    message->size += size;
}

void message_prepend(struct message *message, const void *bytes, size_t size)
{
    assert(message->refs == 1);
    assert(message->start - MESSAGE_HEADROOM >= size);
    message->start -= size;
    message->size += size;
    memcpy(message_bytes(message), bytes, size);
}
