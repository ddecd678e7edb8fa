/* The files of tests/vectors: one case each, read by several programs. */
#ifndef WHILST_TESTS_VECTORS_H
#define WHILST_TESTS_VECTORS_H

#include "unit.h"

#include <jansson.h>

/* Calls `run` with each file of a directory under tests/vectors; fails if there is none.
   The file's name is in vectors_name meanwhile, for messages. */
void vectors_run(const char *directory, void (*run)(const json_t *vector));
extern char vectors_name[];

/* The bytes that an object gives as "text", "hex" or "fill"; the caller frees them. */
struct vector_bytes {
    char *data;
    size_t size;
    int binary;
};
struct vector_bytes vectors_bytes(const json_t *object);

/* What is written under this key, or NULL. */
const char *vectors_string(const json_t *object, const char *key);

#endif
