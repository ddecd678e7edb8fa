/* What the texts of options mean: numbers with their units, yes and no, one of several
   words; and what is said of a text that means nothing. */
#include "option_value.h"

#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

/* As it would be written: 1M, if that is no less exact. */
static void print_bound(const struct option_row *row, uint64_t bound, char text[24])
{
    static const char *const behind[] = {"", "K", "M", "G"};
    size_t unit = 0;
    if (strcmp(row->argument, "BYTES") == 0)
        for (; bound > 0 && bound % 1024 == 0 && unit < 3; unit++)
            bound >>= 10;
    snprintf(text, 24, "%llu%s", (unsigned long long)bound, behind[unit]);
}

static void want_number(const struct option_row *row, char wanted[OPTION_WANTED_MAX])
{
    static const struct {
        const char *argument, *of;
    } kinds[] = {{"BYTES", " of bytes"}, {"MS", " of milliseconds"}, {"S", " of seconds"}};
    char least[24], most[24];
    const char *of = "";
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(row->argument, kinds[i].argument) == 0) of = kinds[i].of;
    print_bound(row, row->least, least);
    print_bound(row, row->most, most);
    snprintf(wanted, OPTION_WANTED_MAX, "a number%s from %s to %s", of, least, most);
}

bool option_read_number(const struct option_row *row, const char *value, uint64_t *number,
                        char wanted[OPTION_WANTED_MAX])
{
    static const char *const units = "KMG";
    char *end;
    errno = 0;
    unsigned long long base = strtoull(value, &end, 10);
    const char *unit = *end == '\0' ? NULL : strchr(units, toupper((unsigned char)*end));
    bool sized = strcmp(row->argument, "BYTES") == 0 && unit != NULL && end[1] == '\0';
    *number = base;
    if (sized) *number <<= 10 * (unit - units + 1);
    want_number(row, wanted);
    return errno == 0 && isdigit((unsigned char)value[0]) && (*end == '\0' || sized) &&
           base <= UINT64_MAX >> 30 && *number >= row->least && *number <= row->most;
}

bool option_read_flag(const char *value, bool *flag)
{
    static const char *const words[] = {"no",  "yes", "false", "true",
                                        "off", "on",  "0",     "1"};
    for (size_t i = 0; i < sizeof words / sizeof words[0]; i++)
        if (strcasecmp(value, words[i]) == 0) {
            *flag = i % 2 == 1;
            return true;
        }
    return false;
}

bool option_read_choice(const struct option_row *row, const char *value, uint32_t *choice)
{
    const char *word = row->argument;
    for (uint32_t i = 0; *word != '\0'; i++) {
        size_t length = strcspn(word, "|");
        if (strlen(value) == length && strncasecmp(value, word, length) == 0) {
            *choice = i;
            return true;
        }
        word += length + (word[length] == '|');
    }
    return false;
}
