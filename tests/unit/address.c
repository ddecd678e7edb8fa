/* Addresses, ranges, and what proxies say of who calls. */
#include "net/address.h"

#include "unit.h"

#include <string.h>

static struct address address_of(const char *text)
{
    struct address address;
    if (!address_parse(text, &address)) fail_msg("no address: %s", text);
    return address;
}

static void assert_same(const char *text, const struct address *address)
{
    struct address expected = address_of(text);
    if (memcmp(&expected, address, sizeof expected) != 0) fail_msg("not %s", text);
}

/* ---- addresses ---- */

TEST(an_address_may_have_brackets_and_a_port)
{
    static const char *const same[][2] = {{"192.0.2.1", "::ffff:192.0.2.1"},
                                          {"192.0.2.1:80", "192.0.2.1"},
                                          {"[2001:db8::1]", "2001:db8::1"},
                                          {"[2001:db8::1]:443", "2001:db8:0:0::1"},
                                          {"[::ffff:10.0.0.1]:1", "10.0.0.1"}};
    for (size_t i = 0; i < sizeof same / sizeof same[0]; i++) {
        struct address address = address_of(same[i][0]);
        assert_same(same[i][1], &address);
    }
}

TEST(what_is_no_address_is_none)
{
    static const char *const wrong[] = {
        "",        " ",      "unknown", "_hidden", "1.2.3",    "1.2.3.4.5",    "1.2.3.256",
        ":80",     "[::1",   "::1]",    "[]",      "1.2.3.4 ", "fe80::1%eth0", "0x7f.0.0.1",
        "[[::1]]", "::1::2", "g::1"};
    struct address address;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (address_parse(wrong[i], &address))
            fail_msg("taken for an address: %s", wrong[i]);
    char long_text[300];
    memset(long_text, '1', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_false(address_parse(long_text, &address));
}

TEST(a_range_has_what_begins_like_it)
{
    static const struct {
        const char *range, *within, *without;
    } cases[] = {{"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
                 {"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
                 {"192.0.2.1", "192.0.2.1", "192.0.2.0"},
                 {"fd00::/8", "fdff::1", "fe00::1"},
                 {"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
                 {"::/0", "1.2.3.4", NULL},
                 {"0.0.0.0/0", "255.255.255.255", "::1"},
                 {"::1/128", "::1", "::2"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        struct address_range range;
        assert_true(address_parse_range(cases[i].range, &range));
        struct address address = address_of(cases[i].within);
        assert_true(address_in(&address, &range, 1));
        if (cases[i].without == NULL) continue;
        address = address_of(cases[i].without);
        assert_false(address_in(&address, &range, 1));
    }
}

TEST(what_is_no_range_is_none)
{
    static const char *const wrong[] = {
        "",          "/8",          "10.0.0.0/",   "10.0.0.0/33",
        "::1/129",   "10.0.0.0/-1", "10.0.0.0/8x", "10.0.0.0:80/8",
        "[::1]/128", "ten/8"};
    struct address_range range;
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        if (address_parse_range(wrong[i], &range))
            fail_msg("taken for a range: %s", wrong[i]);
    char long_text[300];
    memset(long_text, '1', sizeof long_text - 1);
    long_text[sizeof long_text - 1] = '\0';
    assert_false(address_parse_range(long_text, &range));
}

TEST(a_socket_that_is_none_comes_from_nowhere)
{
    static const struct address nowhere = {{0}};
    struct address address = address_of_socket(-1);
    assert_memory_equal(&address, &nowhere, sizeof nowhere);
}

/* ---- proxies ---- */

static void assert_client(const char *expected, const char *peer, enum proxy_header header,
                          const char *said)
{
    static const char *const texts[] = {"127.0.0.1", "10.0.0.0/8", "fd00::/8"};
    struct address_range ranges[3];
    struct proxies proxies = {ranges, 3, header};
    struct address from = {{0}};
    for (int i = 0; i < 3; i++)
        assert_true(address_parse_range(texts[i], &ranges[i]));
    if (peer != NULL) from = address_of(peer);
    struct address client = address_of_client(&from, said, &proxies);
    assert_same(expected, &client);
}

TEST(a_stranger_says_nothing_of_where_it_is)
{
    assert_client("192.0.2.9", "192.0.2.9", PROXY_X_FORWARDED_FOR, "203.0.113.1");
    assert_client("192.0.2.9", "192.0.2.9", PROXY_FORWARDED, "for=203.0.113.1");
}

TEST(of_a_chain_the_last_that_is_no_proxy_is_the_client)
{
    static const struct {
        const char *expected, *said;
    } cases[] = {{"203.0.113.1", "203.0.113.1"},
                 {"203.0.113.1", "198.51.100.7, 203.0.113.1"},
                 {"203.0.113.1", "198.51.100.7,203.0.113.1 , 10.1.1.1,\t10.2.2.2"},
                 {"203.0.113.1", "203.0.113.1:4711, fd00::5"},
                 {"2001:db8::1", "[2001:db8::1]:80, 10.0.0.2"},
                 {"10.0.0.3", "unknown, 10.0.0.3"},
                 {"10.0.0.3", "198.51.100.7,, 10.0.0.3"},
                 {"10.1.1.1", "10.1.1.1, 10.2.2.2"},
                 {"127.0.0.1", "nonsense"},
                 {"127.0.0.1", ""},
                 {"127.0.0.1", NULL},
                 {"127.0.0.1", ","}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        assert_client(cases[i].expected, "127.0.0.1", PROXY_X_FORWARDED_FOR, cases[i].said);
        if (strcmp(cases[i].expected, "127.0.0.1") != 0) /* nowhere is a unix socket */
            assert_client(cases[i].expected, NULL, PROXY_X_FORWARDED_FOR, cases[i].said);
    }
}

/* RFC 7239, section 4 and its examples. */
TEST(forwarded_says_it_after_for)
{
    static const struct {
        const char *expected, *said;
    } cases[] = {
        {"192.0.2.60", "for=192.0.2.60;proto=http;by=203.0.113.43"},
        {"192.0.2.60", "proto=http; FOR=192.0.2.60"},
        {"2001:db8:cafe::17", "For=\"[2001:db8:cafe::17]:4711\""},
        {"198.51.100.17", "for=192.0.2.43, for=198.51.100.17"},
        {"198.51.100.17", "for=192.0.2.43, for=198.51.100.17;by=\"a, b\", for=10.0.0.1"},
        {"127.0.0.1", "for=_hidden"},
        {"127.0.0.1", "for=unknown"},
        {"127.0.0.1", "by=192.0.2.1"},
        {"127.0.0.1", "for=\"192.0.2.1"},
        {"127.0.0.1", "for="},
        {"127.0.0.1", ";;;"},
        {"127.0.0.1", "192.0.2.60"},
        {"192.0.2.7", "for=\", for=192.0.2.7"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++)
        assert_client(cases[i].expected, "127.0.0.1", PROXY_FORWARDED, cases[i].said);
}

TEST(what_is_too_long_for_an_address_is_none)
{
    char text[200] = "for=";
    memset(text + 4, '1', sizeof text - 5);
    text[sizeof text - 1] = '\0';
    assert_client("127.0.0.1", "127.0.0.1", PROXY_FORWARDED, text);
    assert_client("127.0.0.1", "127.0.0.1", PROXY_X_FORWARDED_FOR, text + 4);
}

TEST(an_origin_is_a_scheme_a_name_and_perhaps_a_port)
{
    static const char *const right[] = {"https://a.example", "http://a", "http://a:1",
                                        "https://a-b.c:65535", "http://127.0.0.1:4000"};
    static const char *const wrong[] = {
        "",           "a.example",     "https://",         "https://-a",
        "https://a/", "https://a:",    "https://a:123456", "https://a:1x",
        "ftp://a",    "https://a b",   "https://a;b",      "https://a\r\nX: y",
        "https://*",  "https://user@a"};
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++)
        assert_true(address_is_origin(right[i]));
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++)
        assert_false(address_is_origin(wrong[i]));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_address_may_have_brackets_and_a_port),
        cmocka_unit_test(what_is_no_address_is_none),
        cmocka_unit_test(a_range_has_what_begins_like_it),
        cmocka_unit_test(what_is_no_range_is_none),
        cmocka_unit_test(a_socket_that_is_none_comes_from_nowhere),
        cmocka_unit_test(a_stranger_says_nothing_of_where_it_is),
        cmocka_unit_test(of_a_chain_the_last_that_is_no_proxy_is_the_client),
        cmocka_unit_test(forwarded_says_it_after_for),
        cmocka_unit_test(what_is_too_long_for_an_address_is_none),
        cmocka_unit_test(an_origin_is_a_scheme_a_name_and_perhaps_a_port),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
