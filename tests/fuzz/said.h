/* What must hold for every message that the hub has for a client. */
#ifndef WHILST_TESTS_SAID_H
#define WHILST_TESTS_SAID_H

#include "whilst/message.h"

/* It is a frame, is JSON if it is text, and the content of a page has the page's hash. */
void said_check(enum message_form form, const void *bytes, size_t size);

#endif
