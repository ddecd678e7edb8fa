/* Files in and out: read once and whole, written whole or not at all. */
#ifndef WHILST_APP_FILES_H
#define WHILST_APP_FILES_H

#include "whilst/message.h"

/* The bytes of a file, or of standard input for "-"; NULL after a mistake, which has been
   said in one line; *code is what to exit with then. */
struct message *file_read(const char *path, size_t most, int *code);

/* Whether a file can be written there, as far as can be known before; says why not. */
bool file_may_write(const char *path);

/* Writes a file: under another name first, which takes its place when all is written. NULL
   or "-" is standard output. False after a mistake, which has been said. */
bool file_write(const char *path, const uint8_t *bytes, size_t size);

/* A name as it can be shown on a terminal: without control characters; "-" in words. */
void file_show_name(const char *path, char out[256]);

#endif
