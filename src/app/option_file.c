/* The configuration file. Its form is that of INI files without sections, read by inih: a line
   is `key = value`, empty, or a comment behind # or ;. The library is given one line at a
   time, so that every mistake has its line and a line is never the continuation of another;
   what it would cut or pass over in silence is found here: long lines, sections, zero
   bytes. */
#include "option_file.h"

#include <errno.h>
#include <ini.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define FILE_BYTES_MAX ((size_t)1 << 20)
#define LINE_BYTES_MAX (INI_MAX_LINE - 3) /* what the library takes */

struct walk {
    const struct option_file_reader *reader;
    unsigned line;
    bool found;  /* the line has a key */
    char *texts; /* where the next value goes */
};

static int on_entry(void *context, const char *section, const char *key, const char *value)
{
    struct walk *walk = context;
    size_t size = strlen(value) + 1;
    (void)section;
    walk->found = true;
    memcpy(walk->texts, value, size);
    walk->reader->entry(walk->reader->context, walk->line, key, walk->texts);
    walk->texts += size;
    return 1;
}

static void complain(const struct walk *walk, const char *what)
{
    walk->reader->mistake(walk->reader->context, walk->line, what);
}

/* `line` ends with a zero byte, and has `size` bytes before it. */
static void read_line(struct walk *walk, const char *line, size_t size)
{
    walk->found = false;
    if (memchr(line, '\0', size) != NULL)
        complain(walk, "a zero byte: this is no text file");
    else if (size > LINE_BYTES_MAX)
        complain(walk, "the line is too long");
    else if (ini_parse_string(line, on_entry, walk) != 0)
        complain(walk, "neither 'key = value' nor a comment behind #");
    else if (!walk->found && line[strspn(line, " \t")] == '[')
        complain(walk, "there are no sections in this file: leave the line out");
}

static void read_lines(struct walk *walk, char *text, size_t size)
{
    char *at = text, *end = text + size;
    while (at < end) {
        char *newline = memchr(at, '\n', (size_t)(end - at));
        char *stop = newline == NULL ? end : newline;
        *stop = '\0';
        walk->line++;
        read_line(walk, at, (size_t)(stop - at));
        at = stop + 1;
    }
}

/* The bytes of an open file with room for one more, or NULL with errno. */
static char *load(FILE *file, size_t *size)
{
    struct stat status;
    if (fstat(fileno(file), &status) == 0 && S_ISDIR(status.st_mode)) {
        errno = EISDIR;
        return NULL;
    }
    char *text = malloc(FILE_BYTES_MAX + 1);
    if (text == NULL) return NULL;
    *size = fread(text, 1, FILE_BYTES_MAX + 1, file);
    if (!ferror(file) && *size <= FILE_BYTES_MAX) return text;
    free(text);
    errno = ferror(file) ? EIO : EFBIG;
    return NULL;
}

void option_file_read(const char *path, const struct option_file_reader *reader,
                      char **texts)
{
    size_t size = 0;
    FILE *file = fopen(path, "rb");
    char *text = file == NULL ? NULL : load(file, &size);
    *texts = text == NULL ? NULL : malloc(size + 1); /* a value is shorter than its line */
    if (*texts == NULL) {
        char what[100];
        snprintf(what, sizeof what, "%s; check the path", strerror(errno));
        reader->mistake(reader->context, 0, what);
    } else {
        struct walk walk = {.reader = reader, .texts = *texts};
        read_lines(&walk, text, size);
    }
    free(text);
    if (file != NULL) fclose(file);
}
