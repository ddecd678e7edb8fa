/* The options of `whilst serve`, from the command line and the environment. */
#include "readings.h"

#include "app/option_print.h"

#include <stdlib.h>
#include <string.h>

TEST(nothing_said_is_the_defaults)
{
    struct options options = accept_line("");
    struct server_config defaults = server_config_default();
    assert_int_equal(options.server.hub.page_bytes_max, defaults.hub.page_bytes_max);
    assert_int_equal(options.server.listen_count, 1);
    assert_int_equal(options.server.origins_count, 0);
    assert_int_equal(options.server.proxies.count, 0);
    assert_int_equal(options.log_level, 2);
}

TEST(numbers_keep_to_their_range_and_sizes_have_units)
{
    assert_int_equal(accept_line("--max-page 5").server.hub.page_bytes_max, 5);
    assert_int_equal(accept_line("--max-page=64K").server.hub.page_bytes_max, 64 << 10);
    assert_int_equal(accept_line("--max-page 8m").server.hub.page_bytes_max, 8 << 20);
    assert_int_equal(accept_line("--max-in-flight 1G").server.hub.in_flight_bytes_max,
                     1 << 30);
    assert_int_equal(accept_line("--max-topics 60000").server.hub.topics_max, 60000);
    refuse_line("--max-page 0", "1 to 8M");
    refuse_line("--max-page 9M", "1 to 8M");
    refuse_line("--max-page 8388609", "1 to 8M");
    refuse_line("--max-page -1", "'-1'");
    refuse_line("--max-page 1T", "'1T'");
    refuse_line("--max-page 1KB", "'1KB'");
    refuse_line("--max-page K", "'K'");
    refuse_line("--max-page=", "''");
    refuse_line("--max-topics 1K", "'1K'");
    refuse_line("--max-in-flight 99999999999999999999", "'99999999999999999999'");
    refuse_line("--max-in-flight 18446744073709551615G", "a number");
}

TEST(a_flag_is_written_out)
{
    assert_true(accept_line("--require-origin").server.require_origin);
    refuse_line("--require-origin=yes", "--require-origin=yes");
    refuse_line("--max 5", "--max;");
    refuse_line("--max-pags 5", "--max-pags; did you mean --max-page?");
    refuse_line("--max-pag 5", "--max-pag; did you mean --max-page?");
    refuse_line("--max-pag=5", "--max-pag=5; did you mean --max-page?");
    refuse_line("--nonsense", "--nonsense");
    refuse_line("-x", "-x;");
    refuse_line("-xy", "-x;");
    refuse_line("--no-rate-limits -xy", "-x;");
    refuse_line("--max-page", "--max-page needs a value");
    refuse_line("surplus", "'surplus'");
    refuse_line("--max-page 5 surplus", "'surplus'");
}

TEST(addresses_to_listen_on_have_a_port_or_a_path)
{
    struct options options = accept_line("--listen 127.0.0.1:0 --listen unix:/tmp/x");
    assert_int_equal(options.listen.count, 2);
    assert_string_equal(options.listen.texts[1], "unix:/tmp/x");
    accept_line("--listen [::1]:65535");
    refuse_line("--listen nowhere", "HOST:PORT");
    refuse_line("--listen a:", "HOST:PORT");
    refuse_line("--listen :80", "HOST:PORT");
    refuse_line("--listen a:65536", "HOST:PORT");
    refuse_line("--listen a:123456", "HOST:PORT");
    refuse_line("--listen a:8o", "HOST:PORT");
    refuse_line("--listen unix:", "unix:PATH");
    refuse_line("--listen fd:", "fd:NAME");
    refuse_line("--listen tls:", "tls:");
    refuse_line("--listen tls:8080", "tls:");
    assert_false(accept_line("--listen fd:web").server.listen_is_default);
    assert_true(accept_line("").server.listen_is_default);
}

TEST(tls_needs_a_certificate_and_a_certificate_tls)
{
    struct server_config server =
        accept_line(
            "--listen tls:a:1 --listen b:2 --tls-certificate c --tls-key k --hsts 9")
            .server;
    assert_string_equal(server.listen[0], "tls:a:1");
    assert_string_equal(server.tls_certificate, "c");
    assert_string_equal(server.tls_key, "k");
    assert_int_equal(server.hsts_seconds, 9);
    accept_line("--listen tls:unix:/a --tls-certificate c");
    accept_line("--listen tls:fd:web --tls-certificate c");
    refuse_line("--listen tls:a:1", "add tls-certificate FILE");
    accept_line("--admin tls:a:1 --tls-certificate c");
    refuse_line("--admin tls:a:1", "add tls-certificate FILE");
    refuse_line("--admin tls:unix:/a", "or tls: before one of them");
    refuse_line("--tls-certificate c", "tls-certificate: no address speaks TLS");
    refuse_line("--listen a:1 --tls-key k", "tls-key: no address speaks TLS");
    refuse_line("--hsts 1", "add listen tls:HOST:PORT");
}

TEST(a_mode_is_octal)
{
    assert_int_equal(accept_line("").server.unix_mode, 0666);
    assert_int_equal(accept_line("--unix-mode 0660").server.unix_mode, 0660);
    assert_int_equal(accept_line("--unix-mode 0").server.unix_mode, 0);
    refuse_line("--unix-mode 888", "'888'");
    refuse_line("--unix-mode 1777", "octal");
    refuse_line("--unix-mode -1", "octal");
    refuse_line("--unix-mode=", "octal");
}

TEST(base_paths_are_plain)
{
    assert_string_equal(accept_line("--base-path /a/b-c._~1").server.base_path,
                        "/a/b-c._~1");
    refuse_line("--base-path a", "begins with /");
    refuse_line("--base-path /a/", "begins with /");
    refuse_line("--base-path /a?b", "plain");
    refuse_line("--base-path /a%2f", "plain");
    char line[400] = "--base-path /";
    memset(line + strlen(line), 'a', 200);
    refuse_line(line, "begins with /");
}

TEST(who_is_believed_and_who_may_embed)
{
    struct options options = accept_line(
        "--trusted-proxy 10.0.0.0/8 --trusted-proxy ::1 --proxy-header Forwarded "
        "--origin https://a.example --embed-origin https://b.example");
    assert_int_equal(options.proxies.count, 2);
    assert_int_equal(options.server.proxies.header, PROXY_FORWARDED);
    assert_int_equal(options.server.origins_count, 1);
    assert_int_equal(options.server.embedders_count, 1);
    accept_line("--proxy-header X-Forwarded-For");
    refuse_line("--proxy-header X-Real-IP", "forwarded");
    refuse_line("--trusted-proxy 10.0.0.0/99", "range");
    refuse_line("--trusted-proxy nobody", "range");
    refuse_line("--embed-origin b.example", "site");
}

TEST(lists_have_an_end)
{
    static const char *const flags[] = {"--listen a:0 ", "--origin https://a ",
                                        "--trusted-proxy ::1 ",
                                        "--embed-origin https://a "};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char line[4000] = "";
        for (int j = 0; j < OPTION_LIST_MAX; j++)
            strcat(line, flags[i]);
        accept_line(line);
        refuse_line(strcat(line, flags[i]), "full");
    }
    char line[4000] = "";
    for (int i = 0; i < OPTION_LIST_MAX; i++)
        strcat(line,
               "--embed-origin https://a-name-that-is-rather-long-for-a-site.example ");
    refuse_line(line, "too long");
}

TEST(partners_have_names_and_a_way)
{
    struct hub_config hub =
        accept_line("--bus nats://a --partner beta --partner c-3 --federate want "
                    "--partner-bytes-rate 1M --partner-want-rate 7")
            .server.hub;
    assert_string_equal(hub.partners[0], "beta");
    assert_string_equal(hub.partners[1], "c-3");
    assert_string_equal(hub.partners[2], "");
    assert_true(hub.partners_want && !hub.partners_have);
    assert_int_equal(hub.partner_bytes_rate, 1 << 20);
    assert_int_equal(hub.partner_want_rate, 7);
    hub = accept_line("--bus nats://a --partner beta --federate have").server.hub;
    assert_true(hub.partners_have && !hub.partners_want);
    hub = accept_line("--bus nats://a --partner beta --federate both").server.hub;
    assert_true(hub.partners_have && hub.partners_want);
    refuse_line("--partner beta --federate both", "add bus");
    refuse_line("--bus nats://a --partner beta", "add federate");
    refuse_line("--bus nats://a --federate have", "add partner");
    refuse_line("--bus nats://a --partner be.ta", "dashes");
    refuse_line("--bus nats://a --partner a --partner a --federate have", "same name");
    refuse_line("--bus nats://a --federate have --partner a --partner b --partner c "
                "--partner d --partner e --partner f --partner g --partner h --partner i",
                "8 of them");
}

TEST(log_levels_have_names)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (uint32_t i = 0; i < 4; i++) {
        char line[40];
        snprintf(line, sizeof line, "--log-level %s", levels[i]);
        assert_int_equal(accept_line(line).log_level, i);
    }
    refuse_line("--log-level loud", "'loud'");
}

TEST(no_rate_limits_is_all_of_them)
{
    struct hub_config hub = accept_line("--no-rate-limits").server.hub;
    assert_int_equal(hub.message_rate + hub.join_rate + hub.ask_rate, 0);
}

TEST(each_option_is_a_variable_and_flags_win)
{
    setenv("WHILST_MAX_PAGE", "7", 1);
    setenv("WHILST_LISTEN", "127.0.0.1:7", 1);
    setenv("WHILST_REQUIRE_ORIGIN", "1", 1);
    setenv("WHILST_MAX_TOPICS", "", 1); /* as if it were not there */
    struct options options = accept_line("");
    assert_int_equal(options.server.hub.page_bytes_max, 7);
    assert_string_equal(options.listen.texts[0], "127.0.0.1:7");
    assert_true(options.server.require_origin);
    options = accept_line("--max-page 8 --listen 127.0.0.1:8");
    assert_int_equal(options.server.hub.page_bytes_max, 8);
    assert_int_equal(options.listen.count, 1);
    assert_string_equal(options.listen.texts[0], "127.0.0.1:8");
    setenv("WHILST_MAX_PAGE", "x", 1);
    refuse_line("", "WHILST_MAX_PAGE: 'x'");
    refuse_line("--max-page 8", "WHILST_MAX_PAGE: 'x'");
    unsetenv("WHILST_MAX_PAGE");
    unsetenv("WHILST_LISTEN");
    unsetenv("WHILST_REQUIRE_ORIGIN");
    unsetenv("WHILST_MAX_TOPICS");
}

TEST(a_variable_that_is_almost_an_option_is_a_mistake)
{
    setenv("WHILST_MAX_CONECTIONS", "5", 1);
    refuse_line("", "unknown variable WHILST_MAX_CONECTIONS; did you mean "
                    "WHILST_MAX_CONNECTIONS?");
    unsetenv("WHILST_MAX_CONECTIONS");
    static const char *const others[] = {"WHILST_SERVER", "WHILST_BINARY", "WHILST_TLS",
                                         "WHILST_", "WHILSTMAX_PAGES"};
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        setenv(others[i], "x", 1);
    accept_line("");
    for (size_t i = 0; i < sizeof others / sizeof others[0]; i++)
        unsetenv(others[i]);
}

TEST(help_is_asked_for_and_lists_every_option_with_its_default)
{
    static const char *const lines[] = {"--help", "-h", "--max-page 5 --help"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        struct reading reading = read_line(lines[i]);
        assert_true(!reading.accepted && reading.help);
        assert_string_equal(reading.said, "");
        free(reading.said);
    }
    struct options shown;
    char *help;
    size_t size;
    FILE *out = open_memstream(&help, &size);
    options_init(&shown);
    option_print_help(&options_table, &shown, out);
    fclose(out);
    assert_non_null(strstr(help, "--listen ADDRESS"));
    assert_non_null(strstr(help, "--max-page BYTES"));
    assert_non_null(strstr(help, "[1048576]"));
    assert_null(strstr(help, "4294967295")); /* no number that means none */
    free(help);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(nothing_said_is_the_defaults),
        cmocka_unit_test(numbers_keep_to_their_range_and_sizes_have_units),
        cmocka_unit_test(a_flag_is_written_out),
        cmocka_unit_test(addresses_to_listen_on_have_a_port_or_a_path),
        cmocka_unit_test(a_mode_is_octal),
        cmocka_unit_test(tls_needs_a_certificate_and_a_certificate_tls),
        cmocka_unit_test(base_paths_are_plain),
        cmocka_unit_test(who_is_believed_and_who_may_embed),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(partners_have_names_and_a_way),
        cmocka_unit_test(log_levels_have_names),
        cmocka_unit_test(no_rate_limits_is_all_of_them),
        cmocka_unit_test(each_option_is_a_variable_and_flags_win),
        cmocka_unit_test(a_variable_that_is_almost_an_option_is_a_mistake),
        cmocka_unit_test(help_is_asked_for_and_lists_every_option_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
