/* The deny list's file. It is read whole at the start, at SIGHUP and when it changes. A list
   that is wrong at the start keeps the server from starting; later it leaves the old list
   in force. */
#include "deny_file.h"

#include "log.h"
#include "server_state.h"
#include "whilst/deny.h"
#include "whilst/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FILE_MAX ((off_t)256 << 20)

/* The bytes of a file, or NULL with errno. */
static char *read_file(const char *path, size_t *size)
{
    struct stat status;
    FILE *file = fopen(path, "rb");
    char *text = NULL;
    if (file == NULL) return NULL;
    bool known = fstat(fileno(file), &status) == 0;
    if (known && S_ISDIR(status.st_mode))
        errno = EISDIR;
    else if (known && status.st_size > FILE_MAX)
        errno = EFBIG;
    else if (known)
        text = memory_take((size_t)status.st_size + 1);
    if (text != NULL) *size = fread(text, 1, (size_t)status.st_size, file);
    fclose(file);
    return text;
}

static struct deny_list *read_list_new(const char *path, struct deny_complaint *complaint)
{
    size_t size = 0, line = 0;
    char *text = read_file(path, &size);
    if (text == NULL) {
        *complaint = (struct deny_complaint){0, strerror(errno)};
        return NULL;
    }
    struct deny_list *list = deny_parse_new(text, size, &line);
    memory_free(text);
    if (list == NULL)
        *complaint = (struct deny_complaint){line, line == 0 ? "no memory for it"
                                                             : "not 64 hexadecimal digits"};
    return list;
}

struct deny_text deny_complaint_print(const struct deny_complaint *complaint)
{
    struct deny_text print = {""};
    if (complaint->line == 0)
        snprintf(print.text, sizeof print.text, "%s; check the path", complaint->what);
    else
        snprintf(print.text, sizeof print.text,
                 "line %zu: %s; correct it, or put # before it", complaint->line,
                 complaint->what);
    return print;
}

bool deny_file_check(const char *path, struct deny_complaint *complaint)
{
    struct deny_list *list = read_list_new(path, complaint);
    bool right = list != NULL;
    deny_free(list);
    return right;
}

static bool load(struct server *server, struct deny_complaint *complaint)
{
    struct deny_list *list = read_list_new(server->config->deny_file, complaint);
    if (list == NULL) return false;
    hub_take_deny_list(server->hub, list, server_now_ms(server));
    return true;
}

bool deny_file_open(struct server *server)
{
    struct deny_complaint complaint;
    if (server->config->deny_file == NULL || load(server, &complaint)) return true;
    fprintf(stderr, "whilst: --deny-file %s: %s\n", server->config->deny_file,
            deny_complaint_print(&complaint).text);
    return false;
}

static void read_again(struct server *server)
{
    struct deny_complaint complaint;
    if (load(server, &complaint))
        log_event(LOG_DENY_LIST_READ,
                  LOG_NUMBER("pages", hub_metrics(server->hub)->denied));
    else
        log_event(LOG_DENY_LIST_REFUSED, LOG_NUMBER("line", complaint.line),
                  LOG_TEXT("reason", complaint.what),
                  LOG_TEXT("file", server->config->deny_file));
    server_settle(server);
}

static void say_unwatched(bool watched)
{
    if (!watched)
        log_event(LOG_DENY_LIST_UNWATCHED, LOG_TEXT("advice", "send SIGHUP after changes"));
}

/* The path may be another: the older one is gone with the texts of the configuration.
   Without a path what was refused stays so, by a list before it or by the operator's
   word. */
void deny_file_reload(struct server *server)
{
    const char *path = server->config->deny_file;
    say_unwatched(file_watch_point(&server->deny_watch, path, NULL));
    if (path != NULL) read_again(server);
}

/* One write, so that a reader meets all of the line or nothing. It begins with a line feed if
   the last line has none. */
bool deny_file_add(const struct server *server, const struct page_hash *hash,
                   const char **why)
{
    char line[HASH_HEX + 3] = "\n", last = '\n';
    const char *path = server->config->deny_file;
    int file = path == NULL ? -1 : open(path, O_RDWR | O_APPEND | O_CLOEXEC);
    *why = path == NULL ? "there is no --deny-file" : strerror(errno);
    if (file < 0) return false;
    off_t end = lseek(file, 0, SEEK_END);
    if (end > 0 && pread(file, &last, 1, end - 1) != 1) last = '\0';
    hash_to_hex(hash, 0, line + 1);
    line[HASH_HEX + 1] = '\n';
    const char *begin = line + (last == '\n');
    size_t size = HASH_HEX + 1 + (size_t)(line + 1 - begin);
    bool written = write(file, begin, size) == (ssize_t)size && fdatasync(file) == 0;
    *why = written ? "" : strerror(errno);
    close(file);
    return written;
}

static void on_change(void *owner)
{
    read_again(owner);
}

void deny_file_watch(struct server *server)
{
    say_unwatched(file_watch_open(&server->deny_watch, &server->loop,
                                  server->config->deny_file, NULL, on_change, server));
}
