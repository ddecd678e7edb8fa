/* Addresses of servers and pages. */
#include "../../src/net/target.h"

#include "unit.h"

#include <stdio.h>
#include <string.h>

#define HELLO "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"

static struct target parse(const char *text)
{
    struct target target;
    const char *wrong;
    if (!target_parse(text, &target, &wrong)) fail_msg("%s is not %s", text, wrong);
    return target;
}

static void expect(const char *text, bool secure, const char *host, const char *port,
                   const char *authority, const char *base)
{
    struct target target = parse(text);
    assert_int_equal(target.secure, secure);
    assert_string_equal(target.host, host);
    assert_string_equal(target.port, port);
    assert_string_equal(target.authority, authority);
    assert_string_equal(target.base, base);
}

TEST(servers)
{
    expect("http://a.example", false, "a.example", "80", "a.example", "");
    expect("https://a.example/", true, "a.example", "443", "a.example", "");
    expect("ws://127.0.0.1:4000", false, "127.0.0.1", "4000", "127.0.0.1:4000", "");
    expect("wss://a.example:443/x/y/", true, "a.example", "443", "a.example", "/x/y");
    expect("https://[::1]:8443/pages", true, "::1", "8443", "[::1]:8443", "/pages");
    expect("http://[::1]", false, "::1", "80", "[::1]", "");
    assert_false(parse("http://a.example").has_page);
}

TEST(pages)
{
    static const char *const texts[] = {
        "http://a.example/" HELLO,         "https://a.example:444/pages/" HELLO,
        "http://a.example/" HELLO "/",     "http://a.example/" HELLO "#name=x",
        "http://a.example/" HELLO "?x=/y", "unix:/run/whilst.sock:/" HELLO,
    };
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct target target = parse(texts[i]);
        char hex[HASH_HEX + 1];
        assert_true(target.has_page);
        hash_to_hex(&target.page, 0, hex);
        assert_string_equal(hex, HELLO);
    }
    assert_string_equal(parse(texts[1]).base, "/pages");
    assert_false(parse("http://a.example/pages/2cf24d").has_page);
    assert_false(parse("http://a.example/x" HELLO).has_page);
}

TEST(unix_sockets)
{
    struct target target = parse("unix:/run/whilst.sock");
    assert_true(target.is_unix);
    assert_string_equal(target.host, "/run/whilst.sock");
    assert_string_equal(target.base, "");
    target = parse("unix:a.sock:/pages");
    assert_string_equal(target.host, "a.sock");
    assert_string_equal(target.base, "/pages");
    assert_false(target.has_page);
}

TEST(what_is_printed_is_read_again)
{
    static const char *const texts[] = {"http://a.example/", "https://[::1]:8443/pages/",
                                        "unix:/run/w.sock", "unix:/run/w.sock:/pages/"};
    struct page_hash hash = hash_of("hello", 5);
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        char server[TARGET_URL_MAX], page[TARGET_URL_MAX];
        struct target target = parse(texts[i]), again;
        target_print(&target, NULL, server);
        assert_string_equal(server, texts[i]);
        target_print(&target, &hash, page);
        again = parse(page);
        assert_true(again.has_page && hash_equal(&again.page, &hash));
        assert_string_equal(again.host, target.host);
        assert_string_equal(again.base, target.base);
    }
}

TEST(what_is_no_address)
{
    static const char *const texts[] = {"",
                                        "a.example",
                                        "ftp://a.example",
                                        "http://",
                                        "http:///x",
                                        "http://a b",
                                        "http://user@a.example",
                                        "http://a.example:0",
                                        "http://a.example:65536",
                                        "http://a.example:x",
                                        "http://a.example:",
                                        "http://[::1",
                                        "http://[::1]x",
                                        "http://a.example/a b",
                                        "http://a.example/\n",
                                        "http://a.example/\xc3\xa4",
                                        "unix:",
                                        "unix:a:b",
                                        "http://?",
                                        "http://a\r\nX: y"};
    for (size_t i = 0; i < sizeof texts / sizeof texts[0]; i++) {
        struct target target;
        const char *wrong;
        if (target_parse(texts[i], &target, &wrong)) fail_msg("taken: '%s'", texts[i]);
        assert_true(strlen(wrong) > 0);
    }
}

TEST(nothing_is_too_long_to_refuse)
{
    char text[2000];
    struct target target;
    const char *wrong;
    snprintf(text, sizeof text, "http://%0254d", 1);
    assert_false(target_parse(text, &target, &wrong));
    snprintf(text, sizeof text, "http://a/%0201d", 1);
    assert_false(target_parse(text, &target, &wrong));
    snprintf(text, sizeof text, "unix:%0254d", 1);
    assert_false(target_parse(text, &target, &wrong));
    snprintf(text, sizeof text, "https://%0253d:65535/%0199d/" HELLO, 1, 1);
    assert_true(target_parse(text, &target, &wrong));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(servers),
        cmocka_unit_test(pages),
        cmocka_unit_test(unix_sockets),
        cmocka_unit_test(what_is_printed_is_read_again),
        cmocka_unit_test(what_is_no_address),
        cmocka_unit_test(nothing_is_too_long_to_refuse),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
