/* The options of `whilst serve` from a configuration file, and how they are printed. */
#include "readings.h"

#include "app/option_print.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char file_path[] = "/tmp/whilst-options-XXXXXX";

static void write_file(const char *text, size_t size)
{
    FILE *file = fopen(file_path, "wb");
    assert_non_null(file);
    assert_int_equal(fwrite(text, 1, size, file), size);
    assert_int_equal(fclose(file), 0);
}

/* Reads a file with this text, and more arguments. */
static struct reading read_text(const char *text, const char *more)
{
    char line[1000];
    write_file(text, strlen(text));
    snprintf(line, sizeof line, "--config %s %s", file_path, more);
    return read_line(line);
}

static struct options accept_text(const char *text, const char *more)
{
    struct reading reading = read_text(text, more);
    if (!reading.accepted) fail_msg("%s: %s", text, reading.said);
    assert_string_equal(reading.said, "");
    free(reading.said);
    return reading.options; /* with its texts */
}

/* One line of what was said: at this line of the file, with these words. */
static void check_mistake(const char *said, const char *mistake)
{
    char where[100];
    const char *words = strchr(mistake, ' ');
    snprintf(where, sizeof where, "whilst: %s:%.*s", file_path, (int)(words - mistake),
             mistake);
    if (said == NULL || strncmp(said, where, strlen(where)) != 0 ||
        strstr(said, words + 1) == NULL)
        fail_msg("'%s', not '%s'", said, mistake);
}

/* Refused with one line for each of `mistakes`, which are "LINE: words" divided by |. */
static void refuse_text(const char *text, const char *mistakes)
{
    struct reading reading = read_text(text, "");
    char all[1000], *rest, *rest_said, *said = strtok_r(reading.said, "\n", &rest_said);
    snprintf(all, sizeof all, "%s", mistakes);
    assert_false(reading.accepted);
    for (char *mistake = strtok_r(all, "|", &rest); mistake != NULL;
         mistake = strtok_r(NULL, "|", &rest)) {
        check_mistake(said, mistake);
        said = strtok_r(NULL, "\n", &rest_said);
    }
    if (said != NULL) fail_msg("%s: '%s' too", text, said);
    free(reading.said);
    options_clear(&reading.options);
}

TEST(a_file_has_a_key_and_a_value_a_line)
{
    struct options options =
        accept_text("# a comment\n; another\n\n max-page=5 ; and why\r\nmax-topics : 7\n"
                    "listen = 127.0.0.1:1\nlisten = unix:/tmp/x\ndeny-file =\n"
                    "require-origin = Yes\nlog-level = DEBUG\nproxy-header = Forwarded",
                    "");
    assert_int_equal(options.server.hub.page_bytes_max, 5);
    assert_int_equal(options.server.hub.topics_max, 7);
    assert_int_equal(options.listen.count, 2);
    assert_string_equal(options.listen.texts[1], "unix:/tmp/x");
    assert_null(options.server.deny_file);
    assert_true(options.server.require_origin);
    assert_int_equal(options.log_level, 3);
    assert_int_equal(options.proxy_header, PROXY_FORWARDED);
    size_t page = option_index_of(&options_table, "max-page");
    assert_int_equal(options.reading.given[page].source, OPTION_IN_FILE);
    assert_int_equal(options.reading.given[page].line, 4);
    options_clear(&options);
}

TEST(variables_win_over_the_file_and_flags_over_both)
{
    static const char text[] = "max-page = 1\nmax-topics = 1\nmax-callers = 1\n"
                               "listen = a:1\nlisten = a:2\nrequire-origin = yes\n";
    setenv("WHILST_MAX_TOPICS", "2", 1);
    setenv("WHILST_MAX_PAGE", "2", 1);
    setenv("WHILST_REQUIRE_ORIGIN", "no", 1);
    struct options options = accept_text(text, "--max-page 3 --listen b:1");
    assert_int_equal(options.server.hub.page_bytes_max, 3);
    assert_int_equal(options.server.hub.topics_max, 2);
    assert_int_equal(options.server.callers_max, 1);
    assert_int_equal(options.listen.count, 1);
    assert_string_equal(options.listen.texts[0], "b:1");
    assert_false(options.server.require_origin);
    options_clear(&options);
    unsetenv("WHILST_MAX_TOPICS");
    unsetenv("WHILST_MAX_PAGE");
    unsetenv("WHILST_REQUIRE_ORIGIN");
}

TEST(a_variable_names_the_file_too)
{
    write_file("max-page = 4", 12);
    setenv("WHILST_CONFIG", file_path, 1);
    struct options options = accept_line("");
    assert_int_equal(options.server.hub.page_bytes_max, 4);
    options_clear(&options);
    unsetenv("WHILST_CONFIG");
}

TEST(every_mistake_of_a_file_is_told_with_its_line)
{
    refuse_text("max-page = 9M\n\nmax-topics = x\n",
                "1: max-page: '9M' is not a number of bytes from 1 to 8M|3: 'x'");
    refuse_text("max-pages = 5", "1: unknown option 'max-pages'; did you mean max-page?");
    refuse_text("qwertyuiop = 5", "1: unknown option 'qwertyuiop'; see");
    refuse_text("config = /x", "1: unknown option 'config'");
    refuse_text("max-page 5\n= 5\n[serve]\n[serve\n",
                "1: neither|2: unknown option ''|3: no sections|4: neither");
    refuse_text("ping = 1\nping = 2\nping = 1", "2: stands in line 1|3: stands in line 1");
    refuse_text("require-origin = maybe", "1: 'maybe' is not yes or no");
    refuse_text("log-level = loud", "1: 'loud' is not one of error");
    refuse_text("listen = nowhere\norigin = a.example", "1: HOST:PORT|2: a site");
}

TEST(lines_that_the_library_would_cut_are_mistakes)
{
    char text[2000] = "max-page = 5\ndeny-file = /", *end = text + strlen(text);
    memset(end, 'x', 197 - strlen("deny-file = /"));
    struct options options = accept_text(text, "");
    assert_int_equal(strlen(options.server.deny_file), 197 - strlen("deny-file = "));
    options_clear(&options);
    memset(end, 'x', 1000);
    refuse_text(text, "2: too long");
    write_file("max-page = 5\0\n", 14);
    char line[100];
    snprintf(line, sizeof line, "--config %s", file_path);
    refuse_line(line, ":1: a zero byte");
    refuse_line("--config /tmp/whilst-no-such-file", "No such file");
    refuse_line("--config /", "Is a directory");
}

TEST(a_file_has_an_end)
{
    static char text[(1 << 20) + 2];
    char line[100];
    memset(text, '\n', sizeof text);
    snprintf(line, sizeof line, "--config %s", file_path);
    write_file(text, 1 << 20);
    struct options options = accept_line(line);
    options_clear(&options);
    write_file(text, (1 << 20) + 1);
    refuse_line(line, "too large");
}

TEST(values_agree_with_each_other)
{
    refuse_text("ping = 9\nhang-up = 9\n", "1: ping (9) must be below hang-up (9)");
    refuse_text("hang-up = 9000\n", "1: ping (25000) must be below hang-up (9000)");
    refuse_text("max-page = 8M\nmax-in-flight = 1M\n", "1: max-page");
    refuse_line("--first-holders-asked 5 --max-holders-asked 4", "first-holders-asked (5)");
    accept_line("--first-holders-asked 4 --max-holders-asked 4");
    refuse_line("--answer-timeout 70000", "answer-total-timeout (60000)");
    refuse_line("--count-interval 20000", "count-interval-max (10000)");
    refuse_line("--max-outbox-soft 4M", "max-outbox (3145728)");
    refuse_line("--max-outbox 100K", "max-outbox-soft (1048576) must not be above");
    accept_line("--max-outbox 100K --max-outbox-soft 100K");
}

/* What `whilst config` prints. */
static char *printed_new(void (*write_to)(const struct options *options, FILE *out),
                         const struct options *options)
{
    char *text;
    size_t size;
    FILE *out = open_memstream(&text, &size);
    write_to(options, out);
    fclose(out);
    return text;
}

static void print_defaults(const struct options *options, FILE *out)
{
    option_print_defaults(&options_table, options, out);
}

static void print_given(const struct options *options, FILE *out)
{
    option_print_given(&options_table, options, &options->reading, out);
}

/* Without what says where values come from. */
static void cut_sources(char *text)
{
    char *to = text;
    for (; *text != '\0'; text++) {
        if (strncmp(text, " ; ", 3) == 0) text += strcspn(text, "\n");
        *to++ = *text;
    }
    *to = '\0';
}

static void open_comments(char *text)
{
    char *to = text;
    for (bool begin = true; *text != '\0'; text++) {
        bool entry = begin && *text == '#' && text[1] != ' ';
        begin = *text == '\n';
        if (!entry) *to++ = *text;
    }
    *to = '\0';
}

TEST(the_printed_defaults_have_every_option_and_change_nothing)
{
    struct options defaults;
    options_init(&defaults);
    char *file = printed_new(print_defaults, &defaults);
    char *wanted = printed_new(print_given, &defaults);
    cut_sources(wanted);
    for (int opened = 0; opened < 2; opened++) {
        struct options options = accept_text(file, "");
        char *shown = printed_new(print_given, &options);
        cut_sources(shown);
        assert_string_equal(shown, wanted);
        free(shown);
        options_clear(&options);
        open_comments(file);
    }
    const struct option_row *row;
    for (size_t i = 0; (row = option_row_at(&options_table, i)) != NULL; i++) {
        char entry[100];
        snprintf(entry, sizeof entry, "\n%s = ", row->flag);
        if (strcmp(row->flag, "config") != 0 && strstr(file, entry) == NULL)
            fail_msg("%s is not printed", row->flag);
    }
    free(file);
    free(wanted);
}

TEST(what_is_shown_says_where_it_comes_from_and_is_a_file_again)
{
    setenv("WHILST_MAX_TOPICS", "2", 1);
    struct options options = accept_text("\norigin = https://a.example\n", "--ping 7");
    char *shown = printed_new(print_given, &options), line[200];
    snprintf(line, sizeof line, "origin = https://a.example ; %s:2\n", file_path);
    assert_non_null(strstr(shown, line));
    assert_non_null(strstr(shown, "max-topics = 2 ; variable\n"));
    assert_non_null(strstr(shown, "ping = 7 ; flag\n"));
    assert_non_null(strstr(shown, "max-page = 1048576 ; default\n"));
    unsetenv("WHILST_MAX_TOPICS");
    struct options again = accept_text(shown, "");
    assert_int_equal(again.server.hub.topics_max, 2);
    assert_int_equal(again.server.ping_ms, 7);
    options_clear(&options);
    options_clear(&again);
    free(shown);
}

int main(void)
{
    int file = mkstemp(file_path);
    if (file < 0) return 1;
    close(file);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_has_a_key_and_a_value_a_line),
        cmocka_unit_test(variables_win_over_the_file_and_flags_over_both),
        cmocka_unit_test(a_variable_names_the_file_too),
        cmocka_unit_test(every_mistake_of_a_file_is_told_with_its_line),
        cmocka_unit_test(lines_that_the_library_would_cut_are_mistakes),
        cmocka_unit_test(a_file_has_an_end),
        cmocka_unit_test(values_agree_with_each_other),
        cmocka_unit_test(the_printed_defaults_have_every_option_and_change_nothing),
        cmocka_unit_test(what_is_shown_says_where_it_comes_from_and_is_a_file_again),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(file_path);
    return failed;
}
