/* SHA-256 and its hexadecimal form. */
#include "whilst/hash.h"

#include "unit.h"

#include <stdlib.h>
#include <string.h>

/* The examples of FIPS 180-4 (NIST, Cryptographic Standards and Guidelines, SHA-256). */
static const struct {
    const char *text, *hex;
} examples[] = {
    {"", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
     "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmno"
     "pqr"
     "lmnopqrsmnopqrstnopqrstu",
     "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
};

static void assert_hash_is(const struct page_hash *hash, const char *hex)
{
    char digits[HASH_HEX + 1];
    hash_to_hex(hash, 0, digits);
    assert_string_equal(digits, hex);
}

TEST(the_published_examples_hash_right)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        struct page_hash hash = hash_of(examples[i].text, strlen(examples[i].text));
        assert_hash_is(&hash, examples[i].hex);
    }
}

TEST(a_million_letters_hash_right_in_a_stream)
{
    char thousand[1000];
    memset(thousand, 'a', sizeof thousand);
    struct hash_stream *stream = hash_stream_new();
    for (int i = 0; i < 1000; i++)
        hash_stream_update(stream, thousand, sizeof thousand);
    struct page_hash hash = hash_stream_finish(stream);
    hash_stream_free(stream);
    assert_hash_is(&hash,
                   "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST(a_stream_may_be_cut_anywhere)
{
    for (size_t i = 0; i < sizeof examples / sizeof examples[0]; i++) {
        size_t size = strlen(examples[i].text);
        for (size_t cut = 0; cut <= size; cut++) {
            struct hash_stream *stream = hash_stream_new();
            hash_stream_update(stream, examples[i].text, cut);
            hash_stream_update(stream, examples[i].text + cut, size - cut);
            struct page_hash hash = hash_stream_finish(stream);
            hash_stream_free(stream);
            assert_hash_is(&hash, examples[i].hex);
        }
    }
}

TEST(a_stream_may_be_given_up_unfinished)
{
    struct hash_stream *stream = hash_stream_new();
    hash_stream_update(stream, "abc", 3);
    hash_stream_free(stream);
    hash_stream_free(NULL);
}

TEST(hexadecimal_is_read_and_written_in_the_same_letters)
{
    const char *hex = "Ba7816bF8f01cfEA414140dE5dae2223b00361a396177a9cb410fF61f20015aD";
    struct page_hash hash, same;
    uint64_t upper;
    char digits[HASH_HEX + 1];
    assert_true(hash_from_hex(hex, HASH_HEX, &hash, &upper));
    hash_to_hex(&hash, upper, digits);
    assert_string_equal(digits, hex);
    same = hash_of("abc", 3);
    assert_true(hash_equal(&hash, &same));
    assert_hash_is(&hash, examples[1].hex);
}

TEST(lower_case_has_no_upper_digits)
{
    struct page_hash hash;
    uint64_t upper = 1;
    assert_true(hash_from_hex(examples[1].hex, HASH_HEX, &hash, &upper));
    assert_true(upper == 0);
}

TEST(any_other_size_is_refused)
{
    char hex[80];
    struct page_hash hash;
    memset(hex, '0', sizeof hex);
    for (size_t size = 0; size < sizeof hex; size++)
        assert_true(hash_from_hex(hex, size, &hash, NULL) == (size == HASH_HEX));
}

TEST(any_other_character_is_refused_at_any_place)
{
    struct page_hash hash;
    for (int place = 0; place < HASH_HEX; place++)
        for (int c = 0; c < 256; c++) {
            char hex[HASH_HEX];
            memset(hex, '7', sizeof hex);
            hex[place] = (char)c;
            bool digit =
                (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f') || (c >= 'A' && c <= 'F');
            assert_true(hash_from_hex(hex, sizeof hex, &hash, NULL) == digit);
        }
}

/* The names of `abc`, by `openssl dgst -binary -sha256 | basenc --base64url` and --base32. */
TEST(other_ways_to_write_a_hash_are_read)
{
    static const char base64url[] = "ungWv48Bz-pBQUDeXa4iI7ADYaOWF3qctBD_YfIAFa0";
    static const char base32[] = "XJ4BNP4PAHH6UQKBIDPF3LRCEOYAGYNDSYLXVHFUCD7WD4QACWWQ";
    static const char lower[] = "xj4bnp4pahh6uqkbidpf3lrceoyagyndsylxvhfucd7wd4qacwwq";
    struct page_hash hash, same = hash_of("abc", 3);
    char text[HASH_BASE64URL + 1];
    assert_true(hash_from_base64url(base64url, HASH_BASE64URL, &hash));
    assert_true(hash_equal(&hash, &same));
    assert_true(hash_from_base32(base32, HASH_BASE32, &hash));
    assert_true(hash_equal(&hash, &same));
    assert_true(hash_from_base32(lower, HASH_BASE32, &hash));
    assert_true(hash_equal(&hash, &same));
    hash_to_base64url(&same, text);
    assert_string_equal(text, base64url);
}

TEST(other_ways_have_one_size_and_no_bits_left_over)
{
    struct page_hash hash;
    char text[80];
    memset(text, 'A', sizeof text);
    for (size_t size = 0; size < sizeof text; size++) {
        assert_true(hash_from_base64url(text, size, &hash) == (size == HASH_BASE64URL));
        assert_true(hash_from_base32(text, size, &hash) == (size == HASH_BASE32));
    }
    for (int c = 0; c < 256; c++) {
        text[HASH_BASE64URL - 1] = (char)c;
        bool whole = c != 0 && strchr("AEIMQUYcgkosw048", c) != NULL;
        assert_true(hash_from_base64url(text, HASH_BASE64URL, &hash) == whole);
        text[HASH_BASE64URL - 1] = 'A';
        text[HASH_BASE32 - 1] = (char)c;
        assert_true(hash_from_base32(text, HASH_BASE32, &hash) ==
                    (c != 0 && strchr("AaQq", c) != NULL));
        text[HASH_BASE32 - 1] = 'A';
    }
}

TEST(hashes_that_differ_in_one_bit_are_not_equal)
{
    struct page_hash a = hash_of("abc", 3);
    for (int bit = 0; bit < 8 * HASH_BYTES; bit++) {
        struct page_hash b = a;
        b.bytes[bit / 8] ^= (uint8_t)(1u << bit % 8);
        assert_false(hash_equal(&a, &b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_published_examples_hash_right),
        cmocka_unit_test(a_million_letters_hash_right_in_a_stream),
        cmocka_unit_test(a_stream_may_be_cut_anywhere),
        cmocka_unit_test(a_stream_may_be_given_up_unfinished),
        cmocka_unit_test(hexadecimal_is_read_and_written_in_the_same_letters),
        cmocka_unit_test(lower_case_has_no_upper_digits),
        cmocka_unit_test(any_other_size_is_refused),
        cmocka_unit_test(any_other_character_is_refused_at_any_place),
        cmocka_unit_test(other_ways_to_write_a_hash_are_read),
        cmocka_unit_test(other_ways_have_one_size_and_no_bits_left_over),
        cmocka_unit_test(hashes_that_differ_in_one_bit_are_not_equal),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
