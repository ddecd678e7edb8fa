/* Files. A page's bytes are read once, into memory: what becomes of the file afterwards
   does not matter. A page that was got appears under its name only when it is whole. */
#include "files.h"

#include "reach.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define PART ((size_t)64 << 10)

void file_show_name(const char *path, char out[256])
{
    size_t size;
    if (strcmp(path, "-") == 0) path = "standard input";
    size = strlen(path) < 255 ? strlen(path) : 255;
    for (size_t i = 0; i < size; i++)
        out[i] = (unsigned char)path[i] < 0x20 || path[i] == 0x7f ? '?' : path[i];
    out[size] = '\0';
}

static bool say(const char *path, const char *why)
{
    char shown[256];
    file_show_name(path, shown);
    fprintf(stderr, "whilst: %s: %s\n", shown, why);
    return false;
}

/* ---- in ---- */

static bool read_all(int file, const char *path, size_t most, struct message **bytes,
                     int *code)
{
    char limit[80];
    for (;;) {
        if (!message_reserve(bytes, PART)) abort();
        ssize_t got = read(file, message_bytes(*bytes) + (*bytes)->size, PART);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return say(path, strerror(errno));
        if (got == 0) return true;
        (*bytes)->size += (size_t)got;
        if ((*bytes)->size <= most) continue;
        *code = EXIT_LIMIT;
        snprintf(limit, sizeof limit, "larger than %zu bytes, the largest page there is",
                 most);
        return say(path, limit);
    }
}

struct message *file_read(const char *path, size_t most, int *code)
{
    bool is_input = strcmp(path, "-") == 0;
    int file = is_input ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct message *bytes = NULL;
    *code = EXIT_FAILED;
    if (file < 0) {
        say(path, strerror(errno));
        return NULL;
    }
    bytes = message_new(MESSAGE_BINARY, 0, PART);
    if (bytes == NULL) abort();
    bool whole = read_all(file, path, most, &bytes, code);
    if (!is_input) close(file);
    if (whole) return bytes;
    message_unref(bytes);
    return NULL;
}

/* ---- out ---- */

static bool write_all(int file, const uint8_t *bytes, size_t size)
{
    while (size > 0) {
        ssize_t written = write(file, bytes, size);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return false;
        bytes += written;
        size -= (size_t)written;
    }
    return true;
}

bool file_may_write(const char *path)
{
    struct stat status;
    if (path == NULL || strcmp(path, "-") == 0) return true;
    if (path[0] == '\0' || path[strlen(path) - 1] == '/')
        return say(path, "not a file's name");
    if (stat(path, &status) == 0 && S_ISDIR(status.st_mode))
        return say(path, strerror(EISDIR));
    return true;
}

/* What a pipe or a device takes; a name there is not changed. */
static bool is_special(const char *path)
{
    struct stat status;
    return stat(path, &status) == 0 && !S_ISREG(status.st_mode);
}

static bool write_special(const char *path, const uint8_t *bytes, size_t size)
{
    int file = open(path, O_WRONLY | O_CLOEXEC);
    bool whole = file >= 0 && write_all(file, bytes, size);
    int error = errno;
    if (file >= 0 && close(file) != 0 && whole) return say(path, strerror(errno));
    return whole || say(path, strerror(error));
}

static bool fill(int file, const uint8_t *bytes, size_t size)
{
    mode_t mask = umask(0);
    umask(mask);
    bool whole =
        write_all(file, bytes, size) && fchmod(file, 0666 & ~mask) == 0 && fsync(file) == 0;
    int error = errno;
    if (close(file) != 0 && whole) return false;
    errno = error;
    return whole;
}

bool file_write(const char *path, const uint8_t *bytes, size_t size)
{
    static const char suffix[] = ".XXXXXX";
    if (path == NULL || strcmp(path, "-") == 0) {
        if (write_all(STDOUT_FILENO, bytes, size)) return true;
        fprintf(stderr, "whilst: standard output: %s\n", strerror(errno));
        return false;
    }
    if (is_special(path)) return write_special(path, bytes, size);
    char *part = malloc(strlen(path) + sizeof suffix);
    if (part == NULL) abort();
    strcpy(part, path);
    strcat(part, suffix);
    int file = mkostemp(part, O_CLOEXEC);
    bool done = file >= 0 && fill(file, bytes, size) && rename(part, path) == 0;
    int error = errno;
    if (!done && file >= 0) unlink(part);
    free(part);
    return done || say(path, strerror(error));
}
