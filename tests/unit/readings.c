/* The reading itself: see readings.h. */
#include "readings.h"

#include <stdlib.h>
#include <string.h>

enum { ARGUMENTS_MAX = 100 };

struct reading read_line(const char *line)
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
    options_init(&reading.options);
    reading.accepted = options_read(&reading.options, count, arguments);
    reading.help = reading.options.reading.help;
    fclose(stderr);
    stderr = before;
    return reading;
}

struct options accept_line(const char *line)
{
    struct reading reading = read_line(line);
    if (!reading.accepted) fail_msg("%s: %s", line, reading.said);
    assert_string_equal(reading.said, "");
    free(reading.said);
    return reading.options;
}

void refuse_line(const char *line, const char *words)
{
    struct reading reading = read_line(line);
    if (reading.accepted || reading.help) fail_msg("accepted: %s", line);
    if (strstr(reading.said, words) == NULL)
        fail_msg("%s: %s, without '%s'", line, reading.said, words);
    assert_int_equal(strncmp(reading.said, "whilst: ", 8), 0);
    assert_ptr_equal(strchr(reading.said, '\n'), reading.said + strlen(reading.said) - 1);
    free(reading.said);
    options_clear(&reading.options);
}
