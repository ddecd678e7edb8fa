/* Files that are read again when they change. */
#ifndef WHILST_NET_FILE_WATCH_H
#define WHILST_NET_FILE_WATCH_H

#include <stdbool.h>
#include <uv.h>

#define FILE_WATCH_MAX 2

/* Files that belong together: one call tells of changes to any of them. */
struct file_watch {
    uv_fs_event_t directories[FILE_WATCH_MAX];
    const char *paths[FILE_WATCH_MAX];
    uv_timer_t quiet;
    void (*changed)(void *owner);
    void *owner;
};

/* Watches the paths that are not NULL, which are borrowed, until file_watch_close. False if
   the system does not tell of changes to one of them. */
bool file_watch_open(struct file_watch *watch, uv_loop_t *loop, const char *first,
                     const char *second, void (*changed)(void *owner), void *owner);
/* Watches these instead; false as before. */
bool file_watch_point(struct file_watch *watch, const char *first, const char *second);
void file_watch_close(struct file_watch *watch);

#endif
