/* The text of /metrics and the words of refusals. */
#include "whilst/metrics.h"

#include "unit.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* All of it; the caller frees it. */
static char *print_new(const struct metrics *metrics)
{
    struct print measured = {0};
    metrics_print(&measured, metrics);
    struct print to = {malloc(measured.length + 1), measured.length + 1, 0};
    metrics_print(&to, metrics);
    assert_int_equal(to.length, measured.length);
    assert_int_equal(strlen(to.out), to.length);
    return to.out;
}

static void assert_line(const char *text, const char *line)
{
    const char *at = strstr(text, line);
    while (at != NULL && !((at == text || at[-1] == '\n') && at[strlen(line)] == '\n'))
        at = strstr(at + 1, line);
    if (at == NULL) fail_msg("no line \"%s\"", line);
}

TEST(every_row_is_there_with_its_help_type_and_value)
{
    struct metrics metrics = {0};
    char line[256];
    uint64_t value = 1000;
#define X(type, field, help) metrics.field = value++;
    METRICS(X)
#undef X
    char *text = print_new(&metrics);
    value = 1000;
#define X(type, field, help)                                                               \
    assert_line(text, "# HELP whilst_" #field " " help);                                   \
    assert_line(text, "# TYPE whilst_" #field " " #type);                                  \
    snprintf(line, sizeof line, "whilst_" #field " %" PRIu64, value++);                    \
    assert_line(text, line);
    METRICS(X)
#undef X
    free(text);
}

TEST(every_reason_has_its_line)
{
    struct metrics metrics = {0};
    char line[256];
    for (int reason = 0; reason < REASONS_END; reason++)
        metrics.refusals[reason] = 500 + (uint64_t)reason;
    char *text = print_new(&metrics);
    assert_line(text, "# TYPE whilst_refusals_total counter");
#define X(name, label, word)                                                               \
    snprintf(line, sizeof line, "whilst_refusals_total{reason=\"%s\"} %d", label,          \
             500 + REASON_##name);                                                         \
    assert_line(text, line);
    REASONS(X)
#undef X
    assert_null(strstr(text, "reason=\"\""));
    free(text);
}

static bool is_name(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++)
        if (!((text[i] >= 'a' && text[i] <= 'z') || text[i] == '_' ||
              (text[i] >= '0' && text[i] <= '9' && i > 0)))
            return false;
    return size > 0;
}

/* `# HELP name …`, `# TYPE name kind`, `name value`, `name{reason="word"} value` or
   `name{le="bound"} value`. */
static void assert_line_is_well_formed(const char *line)
{
    char name[128], rest[256], label[128];
    uint64_t value;
    int used = 0;
    if (sscanf(line, "# HELP %127s %255[^\n]", name, rest) == 2 ||
        sscanf(line, "# TYPE %127s %255[^\n]", name, rest) == 2) {
        assert_true(is_name(name, strlen(name)));
        assert_true(line[2] == 'H' || strcmp(rest, "gauge") == 0 ||
                    strcmp(rest, "counter") == 0 || strcmp(rest, "histogram") == 0);
        return;
    }
    if (sscanf(line, "%127[^{ ]{reason=\"%127[^\"]\"} %" SCNu64 "%n", name, label, &value,
               &used) == 3)
        assert_true(is_name(label, strlen(label)));
    else if (strstr(line, "_bucket{") != NULL)
        assert_int_equal(sscanf(line, "%127[^{ ]{le=\"%127[0-9.+Inf]\"} %" SCNu64 "%n",
                                name, label, &value, &used),
                         3);
    else
        assert_int_equal(sscanf(line, "%127[^{ ] %" SCNu64 "%n", name, &value, &used), 2);
    assert_true(is_name(name, strlen(name)));
    assert_int_equal(strlen(line), used);
}

TEST(every_line_is_well_formed_and_the_last_one_ends)
{
    struct metrics metrics = {.sessions = UINT64_C(1) << 53};
    char *text = print_new(&metrics);
    assert_line(text, "whilst_sessions 9007199254740992");
    assert_int_equal(text[strlen(text) - 1], '\n');
    for (char *line = strtok(text, "\n"); line != NULL; line = strtok(NULL, "\n"))
        assert_line_is_well_formed(line);
    free(text);
}

TEST(a_counter_says_total_and_a_gauge_does_not)
{
#define X(type, field, help)                                                               \
    assert_true((strstr(#field, "_total") != NULL) == (strcmp(#type, "counter") == 0));
    METRICS(X)
#undef X
}

TEST(too_little_room_cuts_the_text_and_tells_the_whole_length)
{
    struct metrics metrics = {.pages = 12345};
    char *whole = print_new(&metrics);
    size_t length = strlen(whole);
    for (size_t size = 1; size < length + 2; size += 7) {
        char *cut = malloc(size);
        struct print to = {cut, size, 0};
        metrics_print(&to, &metrics);
        assert_int_equal(to.length, length);
        size_t kept = size - 1 < length ? size - 1 : length;
        assert_int_equal(strlen(cut), kept);
        assert_memory_equal(cut, whole, kept);
        free(cut);
    }
    free(whole);
}

TEST(every_reason_has_a_word_of_its_own)
{
    assert_string_equal(reason_word(REASON_NONE), "");
    assert_string_equal(reason_word(REASON_UNMATCHED_TOPIC), "unmatched topic");
    assert_string_equal(reason_word(REASON_RESTART), "restart");
    for (int a = 1; a < REASONS_END; a++) {
        size_t size = strlen(reason_word((enum reason)a));
        assert_in_range(size, 1, 40);
        for (int b = 1; b < a; b++)
            assert_string_not_equal(reason_word((enum reason)a),
                                    reason_word((enum reason)b));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_row_is_there_with_its_help_type_and_value),
        cmocka_unit_test(every_reason_has_its_line),
        cmocka_unit_test(every_line_is_well_formed_and_the_last_one_ends),
        cmocka_unit_test(a_counter_says_total_and_a_gauge_does_not),
        cmocka_unit_test(too_little_room_cuts_the_text_and_tells_the_whole_length),
        cmocka_unit_test(every_reason_has_a_word_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
