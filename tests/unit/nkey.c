/* NATS keys: their text, signatures and files. */
#include "whilst/nkey.h"

#include "hex.h"
#include "unit.h"

#include <stdlib.h>

/* The key of the published examples. */
#define SEED "SUACSSL3UAHUDXKFSNVUZRF5UHPMWZ6BFDTJ7M6USDXIEDNPPQYYYCU3VY"
#define PUBLIC "UDXU4RCSJNZOIQHZNWXHXORDPRTGNJAHAHFRGZNEEJCPQTT2M7NLCNF4"

TEST(a_seed_and_its_public_key)
{
    struct nkey key;
    assert_true(nkey_read_seed(slice_of(SEED), &key));
    assert_string_equal(key.public_key, PUBLIC);
}

TEST(every_character_of_a_seed_counts)
{
    char text[NKEY_SEED + 1];
    struct nkey key;
    for (size_t i = 0; i < NKEY_SEED; i++) {
        memcpy(text, SEED, sizeof text);
        text[i] = text[i] == 'B' ? 'C' : 'B';
        assert_false(nkey_read_seed(slice_of(text), &key));
        text[i] = '1';
        assert_false(nkey_read_seed(slice_of(text), &key));
    }
    assert_false(nkey_read_seed(slice_of(PUBLIC), &key));
    assert_false(nkey_read_seed(slice_of(""), &key));
    assert_false(nkey_read_seed(slice_of(SEED "A"), &key));
    assert_false(nkey_read_seed((struct slice){SEED, NKEY_SEED - 1}, &key));
    /* an account's: right in itself, and not for us */
    assert_false(nkey_read_seed(
        slice_of("SAANDLKMXL6CUS3CP52WIXBEDN6YJ545GDKC65U5JZPPV6WH6ESWUA6YAI"), &key));
}

/* RFC 8032, section 7.1, TEST 2. */
TEST(a_signature_of_the_rfc)
{
    static const char seed[] =
        "4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb";
    struct nkey key = {{0}, ""};
    char signature[NKEY_SIGNATURE + 1];
    for (size_t i = 0; i < sizeof key.seed; i++)
        key.seed[i] = (uint8_t)(hex_value(seed[2 * i]) << 4 | hex_value(seed[2 * i + 1]));
    assert_true(nkey_sign(&key, slice_of("\x72"), signature));
    assert_string_equal(signature,
                        "kqAJqfDUyrhyDoILX2QlQKKye1QWUD-Ps3YiI-vbadoIWsHkPhWZbkWP"
                        "NhPQ8R2MOHsurrQwKu6wDSkWErsMAA");
}

#define JWT "eyJ0eXAi.eyJqdGki.Zm9v_-"
#define FILE_HEAD                                                                          \
    "-----BEGIN NATS USER JWT-----\n" JWT "\n------END NATS USER JWT------\n\n"
#define FILE_NOTE                                                                          \
    "************************* IMPORTANT *************************\n"                      \
    "NKEY Seed printed below can be used to sign and prove identity.\n\n"
#define FILE_TAIL                                                                          \
    "-----BEGIN USER NKEY SEED-----\n" SEED "\n------END USER NKEY SEED------\n"

TEST(a_file_of_credentials)
{
    static const char *const files[] = {
        FILE_HEAD FILE_NOTE FILE_TAIL,
        "-----BEGIN NATS USER JWT-----\r\n  " JWT " \r\n------END\r\n---\r\n" SEED
        "\r\n---",
        FILE_TAIL FILE_HEAD,
    };
    struct nkey key;
    struct slice jwt;
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        assert_true(nkey_read_credentials(slice_of(files[i]), &jwt, &key));
        assert_true(slice_is(jwt, JWT));
        assert_string_equal(key.public_key, PUBLIC);
    }
}

TEST(a_file_with_a_seed_alone)
{
    struct nkey key;
    struct slice jwt;
    assert_true(nkey_read_credentials(slice_of(SEED), &jwt, &key));
    assert_int_equal(jwt.size, 0);
    assert_true(nkey_read_credentials(slice_of("\n" SEED "\n"), &jwt, &key));
    assert_int_equal(jwt.size, 0);
}

TEST(files_that_are_none)
{
    struct nkey key;
    struct slice jwt;
    assert_false(nkey_read_credentials(slice_of(""), &jwt, &key));
    assert_false(nkey_read_credentials(slice_of("\n\n"), &jwt, &key));
    assert_false(nkey_read_credentials(slice_of(FILE_HEAD), &jwt, &key));
    assert_false(nkey_read_credentials(slice_of("SUA\n"), &jwt, &key));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_seed_and_its_public_key),
        cmocka_unit_test(every_character_of_a_seed_counts),
        cmocka_unit_test(a_signature_of_the_rfc),
        cmocka_unit_test(a_file_of_credentials),
        cmocka_unit_test(a_file_with_a_seed_alone),
        cmocka_unit_test(files_that_are_none),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
