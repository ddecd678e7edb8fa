/* The options of `whilst serve`, from the command line and the environment. */
#include "app/options.h"

#include "unit.h"

#include <getopt.h>
#include <stdlib.h>
#include <string.h>

/* One reading of a command line, and what it said on standard error. */
struct reading {
    struct options options;
    bool accepted, help;
    char *said;
};

enum { ARGUMENTS_MAX = 100 };

/* `line`: the arguments, divided by spaces. */
static struct reading read_line(const char *line)
{
    struct reading reading = {.said = NULL};
    static char text[4000];
    char *arguments[ARGUMENTS_MAX + 1], *rest, *word;
    int count = 0;
    size_t size;
    FILE *before = stderr;
    snprintf(text, sizeof text, "serve %s", line);
    for (word = strtok_r(text, " ", &rest); word != NULL; word = strtok_r(NULL, " ", &rest))
        arguments[count++] = word;
    arguments[count] = NULL;
    stderr = open_memstream(&reading.said, &size);
    optind = 0; /* as when the program starts */
    reading.accepted = options_read(&reading.options, count, arguments, &reading.help);
    fclose(stderr);
    stderr = before;
    return reading;
}

static struct options accept(const char *line)
{
    struct reading reading = read_line(line);
    if (!reading.accepted) fail_msg("%s: %s", line, reading.said);
    assert_string_equal(reading.said, "");
    free(reading.said);
    return reading.options;
}

/* Refused in one line, with these words in it. */
static void refuse(const char *line, const char *words)
{
    struct reading reading = read_line(line);
    if (reading.accepted || reading.help) fail_msg("accepted: %s", line);
    if (strstr(reading.said, words) == NULL)
        fail_msg("%s: %s, without '%s'", line, reading.said, words);
    assert_int_equal(strncmp(reading.said, "whilst: ", 8), 0);
    assert_ptr_equal(strchr(reading.said, '\n'), reading.said + strlen(reading.said) - 1);
    free(reading.said);
}

TEST(nothing_said_is_the_defaults)
{
    struct options options = accept("");
    struct server_config defaults = server_config_default();
    assert_int_equal(options.server.hub.page_bytes_max, defaults.hub.page_bytes_max);
    assert_int_equal(options.server.listen_count, 1);
    assert_int_equal(options.server.origins_count, 0);
    assert_int_equal(options.server.proxies.count, 0);
    assert_int_equal(options.log_level, 2);
}

TEST(numbers_keep_to_their_range_and_sizes_have_units)
{
    assert_int_equal(accept("--max-page 5").server.hub.page_bytes_max, 5);
    assert_int_equal(accept("--max-page=64K").server.hub.page_bytes_max, 64 << 10);
    assert_int_equal(accept("--max-page 8m").server.hub.page_bytes_max, 8 << 20);
    assert_int_equal(accept("--max-in-flight 1G").server.hub.in_flight_bytes_max, 1 << 30);
    assert_int_equal(accept("--max-topics 60000").server.hub.topics_max, 60000);
    refuse("--max-page 0", "1 to 8388608");
    refuse("--max-page 9M", "1 to 8388608");
    refuse("--max-page 8388609", "1 to 8388608");
    refuse("--max-page -1", "'-1'");
    refuse("--max-page 1T", "'1T'");
    refuse("--max-page 1KB", "'1KB'");
    refuse("--max-page K", "'K'");
    refuse("--max-page=", "''");
    refuse("--max-topics 1K", "'1K'");
    refuse("--max-in-flight 99999999999999999999", "'99999999999999999999'");
    refuse("--max-in-flight 18446744073709551615G", "a number");
}

TEST(a_flag_is_written_out)
{
    assert_true(accept("--require-origin").server.require_origin);
    refuse("--require-origin=yes", "--require-origin=yes");
    refuse("--max 5", "--max;");
    refuse("--max-pag 5", "--max-pag;");
    refuse("--max-pag=5", "--max-pag=5;");
    refuse("--nonsense", "--nonsense");
    refuse("-x", "-x;");
    refuse("-xy", "-x;");
    refuse("--no-rate-limits -xy", "-x;");
    refuse("--max-page", "--max-page needs a value");
    refuse("surplus", "'surplus'");
    refuse("--max-page 5 surplus", "'surplus'");
}

TEST(addresses_to_listen_on_have_a_port_or_a_path)
{
    struct options options = accept("--listen 127.0.0.1:0 --listen unix:/tmp/x");
    assert_int_equal(options.listen_count, 2);
    assert_string_equal(options.listen[1], "unix:/tmp/x");
    accept("--listen [::1]:65535");
    refuse("--listen nowhere", "HOST:PORT");
    refuse("--listen a:", "HOST:PORT");
    refuse("--listen :80", "HOST:PORT");
    refuse("--listen a:65536", "HOST:PORT");
    refuse("--listen a:123456", "HOST:PORT");
    refuse("--listen a:8o", "HOST:PORT");
    refuse("--listen unix:", "unix:PATH");
}

TEST(base_paths_are_plain)
{
    assert_string_equal(accept("--base-path /a/b-c._~1").server.base_path, "/a/b-c._~1");
    refuse("--base-path a", "begins with /");
    refuse("--base-path /a/", "begins with /");
    refuse("--base-path /a?b", "plain");
    refuse("--base-path /a%2f", "plain");
    char line[400] = "--base-path /";
    memset(line + strlen(line), 'a', 200);
    refuse(line, "begins with /");
}

TEST(who_is_believed_and_who_may_embed)
{
    struct options options =
        accept("--trusted-proxy 10.0.0.0/8 --trusted-proxy ::1 --proxy-header Forwarded "
               "--origin https://a.example --embed-origin https://b.example");
    assert_int_equal(options.proxies_count, 2);
    assert_int_equal(options.server.proxies.header, PROXY_FORWARDED);
    assert_int_equal(options.server.origins_count, 1);
    assert_int_equal(options.server.embedders_count, 1);
    accept("--proxy-header X-Forwarded-For");
    refuse("--proxy-header X-Real-IP", "forwarded");
    refuse("--trusted-proxy 10.0.0.0/99", "range");
    refuse("--trusted-proxy nobody", "range");
    refuse("--embed-origin b.example", "site");
}

TEST(lists_have_an_end)
{
    static const char *const flags[] = {"--listen a:1 ", "--origin https://a ",
                                        "--trusted-proxy ::1 ",
                                        "--embed-origin https://a "};
    for (size_t i = 0; i < sizeof flags / sizeof flags[0]; i++) {
        char line[4000] = "";
        for (int j = 0; j < OPTION_LIST_MAX; j++)
            strcat(line, flags[i]);
        accept(line);
        refuse(strcat(line, flags[i]), "full");
    }
    char line[4000] = "";
    for (int i = 0; i < OPTION_LIST_MAX; i++)
        strcat(line,
               "--embed-origin https://a-name-that-is-rather-long-for-a-site.example ");
    refuse(line, "too long");
}

TEST(log_levels_have_names)
{
    static const char *const levels[] = {"error", "warn", "info", "debug"};
    for (uint32_t i = 0; i < 4; i++) {
        char line[40];
        snprintf(line, sizeof line, "--log-level %s", levels[i]);
        assert_int_equal(accept(line).log_level, i);
    }
    refuse("--log-level loud", "'loud'");
}

TEST(no_rate_limits_is_all_of_them)
{
    struct hub_config hub = accept("--no-rate-limits").server.hub;
    assert_int_equal(hub.message_rate + hub.join_rate + hub.ask_rate, 0);
}

TEST(each_option_is_a_variable_and_flags_win)
{
    setenv("WHILST_MAX_PAGE", "7", 1);
    setenv("WHILST_LISTEN", "127.0.0.1:7", 1);
    setenv("WHILST_REQUIRE_ORIGIN", "1", 1);
    setenv("WHILST_MAX_TOPICS", "", 1); /* as if it were not there */
    struct options options = accept("");
    assert_int_equal(options.server.hub.page_bytes_max, 7);
    assert_string_equal(options.listen[0], "127.0.0.1:7");
    assert_true(options.server.require_origin);
    options = accept("--max-page 8 --listen 127.0.0.1:8");
    assert_int_equal(options.server.hub.page_bytes_max, 8);
    assert_int_equal(options.listen_count, 1);
    assert_string_equal(options.listen[0], "127.0.0.1:8");
    setenv("WHILST_MAX_PAGE", "x", 1);
    refuse("", "--max-page: 'x'");
    refuse("--max-page 8", "--max-page: 'x'");
    unsetenv("WHILST_MAX_PAGE");
    unsetenv("WHILST_LISTEN");
    unsetenv("WHILST_REQUIRE_ORIGIN");
    unsetenv("WHILST_MAX_TOPICS");
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
    char *help;
    size_t size;
    FILE *out = open_memstream(&help, &size);
    options_print_help(out);
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
        cmocka_unit_test(base_paths_are_plain),
        cmocka_unit_test(who_is_believed_and_who_may_embed),
        cmocka_unit_test(lists_have_an_end),
        cmocka_unit_test(log_levels_have_names),
        cmocka_unit_test(no_rate_limits_is_all_of_them),
        cmocka_unit_test(each_option_is_a_variable_and_flags_win),
        cmocka_unit_test(help_is_asked_for_and_lists_every_option_with_its_default),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
