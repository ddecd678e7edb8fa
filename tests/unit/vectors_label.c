/* Every file of tests/vectors/label: a page's bytes, and what they mean. */
#include "vectors.h"

#include "whilst/hash.h"
#include "whilst/label.h"

#include <stdlib.h>
#include <string.h>

#define CHECK(condition)                                                                   \
    do {                                                                                   \
        if (!(condition)) fail_msg("%s: not so: %s", vectors_name, #condition);            \
    } while (0)

static struct slice text_of(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);
    if (!json_is_string(value)) return (struct slice){0};
    return (struct slice){json_string_value(value), json_string_length(value)};
}

static void check_content(struct slice content, const json_t *page)
{
    json_t *holder = json_pack("{sO}", "hex", json_object_get(page, "content_hex"));
    struct vector_bytes bytes = vectors_bytes(holder);
    CHECK(slice_equal(content, (struct slice){bytes.data, bytes.size}));
    free(bytes.data);
    json_decref(holder);
}

static void check(const json_t *vector)
{
    struct vector_bytes bytes = vectors_bytes(vector);
    const json_t *expected = json_object_get(vector, "page");
    struct page_hash hash = hash_of(bytes.data, bytes.size);
    char hex[HASH_HEX + 1];
    hash_to_hex(&hash, 0, hex);
    CHECK(strcmp(hex, vectors_string(vector, "sha256")) == 0);
    char *exact = malloc(bytes.size > 0 ? bytes.size : 1); /* for the sanitizer */
    if (bytes.size > 0) memcpy(exact, bytes.data, bytes.size);
    struct label label = label_read(exact, bytes.size);
    CHECK(slice_equal(label.type, text_of(expected, "type")));
    CHECK(slice_equal(label.name, text_of(expected, "name")));
    check_content(label.content, expected);
    struct message *page = label_write_new(&label);
    bool same = page->size == bytes.size &&
                memcmp(message_bytes(page), bytes.data, bytes.size) == 0;
    CHECK(same == json_is_true(json_object_get(vector, "canonical")));
    message_unref(page);
    free(exact);
    free(bytes.data);
}

TEST(every_vector)
{
    vectors_run("label", check);
}

TEST(every_label_that_is_written_is_read)
{
    static const char *const contents[] = {"", "hello", "<b>x</b>", "%whilst 1 a/b\nx"};
    static const char *const types[] = {"text/plain", "text/html", "a/b", "image/png"};
    static const char *const names[] = {"", "a", "a b.c", "\xc3\xa4.md"};
    for (int i = 0; i < 64; i++) {
        struct label label = {slice_of(types[i / 4 % 4]), slice_of(names[i % 4]),
                              slice_of(contents[i / 16])};
        struct message *page = label_write_new(&label);
        struct label again = label_read(message_bytes(page), page->size);
        assert_true(slice_equal(again.type, label.type));
        assert_true(slice_equal(again.name, label.name));
        assert_true(slice_equal(again.content, label.content));
        message_unref(page);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_vector),
        cmocka_unit_test(every_label_that_is_written_is_read),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
