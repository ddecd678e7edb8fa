/* What must hold for the bytes that a server sends: HTTP answers (RFC 9112) with their
   security headers, and WebSocket frames (RFC 6455) with what said.h expects in them. */
#ifndef WHILST_TESTS_ANSWERS_H
#define WHILST_TESTS_ANSWERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Checks the answers of one connection, which must be complete unless it was `cut` off.
   Returns where the frames begin if the last answer is 101, else `size`. */
size_t answers_check(const uint8_t *bytes, size_t size, bool cut);

/* Checks frames and the messages in them, complete but for the last if it was `cut`. */
void answers_check_frames(const uint8_t *bytes, size_t size, bool cut);

#endif
