/* Reading tests/vectors. */
#include "vectors.h"

#include "hex.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

char vectors_name[1024];

static int is_vector(const struct dirent *entry)
{
    size_t size = strlen(entry->d_name);
    return size > 5 && strcmp(entry->d_name + size - 5, ".json") == 0;
}

void vectors_run(const char *directory, void (*run)(const json_t *vector))
{
    char path[512];
    int count = 0;
    snprintf(path, sizeof path, "%s/%s", VECTORS_DIRECTORY, directory);
    DIR *files = opendir(path);
    if (files == NULL) fail_msg("cannot read %s", path);
    for (struct dirent *entry; (entry = readdir(files)) != NULL;) {
        json_error_t error;
        if (!is_vector(entry)) continue;
        snprintf(vectors_name, sizeof vectors_name, "%s/%s", path, entry->d_name);
        json_t *vector = json_load_file(vectors_name, JSON_ALLOW_NUL, &error);
        if (vector == NULL) fail_msg("%s:%d: %s", vectors_name, error.line, error.text);
        run(vector);
        json_decref(vector);
        count++;
    }
    closedir(files);
    if (count == 0) fail_msg("no vector in %s", path);
}

const char *vectors_string(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static struct vector_bytes from_text(const json_t *text)
{
    struct vector_bytes bytes = {.size = json_string_length(text)};
    bytes.data = malloc(bytes.size + 1);
    memcpy(bytes.data, json_string_value(text), bytes.size + 1);
    return bytes;
}

static struct vector_bytes from_hex(const json_t *hex)
{
    const char *digits = json_string_value(hex);
    struct vector_bytes bytes = {.size = json_string_length(hex) / 2, .binary = 1};
    bytes.data = malloc(bytes.size + 1);
    assert_int_equal(json_string_length(hex) % 2, 0);
    for (size_t i = 0; i < bytes.size; i++) {
        int high = hex_value(digits[2 * i]), low = hex_value(digits[2 * i + 1]);
        if (high < 0 || low < 0) fail_msg("%s: not hexadecimal", vectors_name);
        bytes.data[i] = (char)(high << 4 | low);
    }
    bytes.data[bytes.size] = '\0';
    return bytes;
}

static struct vector_bytes from_fill(const json_t *fill)
{
    static const char *const keys[] = {"before", "unit", "after"};
    struct vector_bytes parts[3];
    int binary = json_is_true(json_object_get(fill, "binary"));
    size_t times = (size_t)json_integer_value(json_object_get(fill, "times"));
    for (int i = 0; i < 3; i++) {
        const json_t *part = json_object_get(fill, keys[i]);
        if (!json_is_string(part)) fail_msg("%s: fill without %s", vectors_name, keys[i]);
        parts[i] = binary ? from_hex(part) : from_text(part);
    }
    struct vector_bytes all = {NULL, parts[0].size + times * parts[1].size + parts[2].size,
                               binary};
    all.data = malloc(all.size + 1);
    char *at = all.data;
    for (int i = 0; i < 3; i++)
        for (size_t n = i == 1 ? times : 1; n > 0; n--, at += parts[i].size)
            memcpy(at, parts[i].data, parts[i].size);
    *at = '\0';
    for (int i = 0; i < 3; i++)
        free(parts[i].data);
    return all;
}

struct vector_bytes vectors_bytes(const json_t *object)
{
    const json_t *text = json_object_get(object, "text"),
                 *hex = json_object_get(object, "hex");
    const json_t *fill = json_object_get(object, "fill");
    if (json_is_string(text)) return from_text(text);
    if (json_is_string(hex)) return from_hex(hex);
    if (!json_is_object(fill)) fail_msg("%s: no text, hex or fill", vectors_name);
    return from_fill(fill);
}
