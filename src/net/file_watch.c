/* Files that are read again when they change.

   Their directories are watched, because editors and renewals put a new file, or a new
   link, in the old one's place; Kubernetes swaps a link named ..data that leads to all of
   them. A file that is still being written is not read: its change is told when there was
   none for QUIET_MS. */
#include "file_watch.h"

#include <string.h>

#define QUIET_MS 200

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash == NULL ? path : slash + 1;
}

static void on_quiet(uv_timer_t *timer)
{
    struct file_watch *watch = timer->data;
    watch->changed(watch->owner);
}

static void on_event(uv_fs_event_t *event, const char *name, int events, int status)
{
    struct file_watch *watch = event->data;
    const char *path = watch->paths[event - watch->directories];
    (void)events;
    if (status == 0 && name != NULL &&
        (strcmp(name, name_of(path)) == 0 || strcmp(name, "..data") == 0))
        uv_timer_start(&watch->quiet, on_quiet, QUIET_MS, 0);
}

static bool watch_directory(uv_fs_event_t *event, const char *path)
{
    char directory[4096] = ".";
    size_t length = (size_t)(name_of(path) - path);
    if (length >= sizeof directory) return false;
    if (length > 0) {
        memcpy(directory, path, length);
        directory[length] = '\0';
    }
    return uv_fs_event_start(event, on_event, directory, 0) == 0;
}

bool file_watch_point(struct file_watch *watch, const char *first, const char *second)
{
    bool all = true;
    watch->paths[0] = first;
    watch->paths[1] = second;
    for (size_t i = 0; i < FILE_WATCH_MAX; i++) {
        uv_fs_event_stop(&watch->directories[i]);
        if (watch->paths[i] != NULL)
            all = watch_directory(&watch->directories[i], watch->paths[i]) && all;
    }
    return all;
}

bool file_watch_open(struct file_watch *watch, uv_loop_t *loop, const char *first,
                     const char *second, void (*changed)(void *owner), void *owner)
{
    *watch = (struct file_watch){.changed = changed, .owner = owner};
    uv_timer_init(loop, &watch->quiet);
    watch->quiet.data = watch;
    for (size_t i = 0; i < FILE_WATCH_MAX; i++) {
        uv_fs_event_init(loop, &watch->directories[i]);
        watch->directories[i].data = watch;
    }
    return file_watch_point(watch, first, second);
}

void file_watch_close(struct file_watch *watch)
{
    uv_close((uv_handle_t *)&watch->quiet, NULL);
    for (size_t i = 0; i < FILE_WATCH_MAX; i++)
        uv_close((uv_handle_t *)&watch->directories[i], NULL);
}
