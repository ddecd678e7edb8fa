/* The deny list as a file, and its changes. */
#ifndef WHILST_NET_DENY_FILE_H
#define WHILST_NET_DENY_FILE_H

#include <stdbool.h>
#include <stddef.h>

struct page_hash;
struct server;

/* What is wrong with a deny list. */
struct deny_complaint {
    size_t line; /* 0: the whole file */
    const char *what;
};

/* In words: the line, what is wrong, and what to do. */
struct deny_text {
    char text[160];
};
struct deny_text deny_complaint_print(const struct deny_complaint *complaint);

/* Whether a server could take this file. */
bool deny_file_check(const char *path, struct deny_complaint *complaint);

/* Reads the file of the configuration, if there is one. False when it cannot be read or a
   line is wrong, which has been said on standard error. */
bool deny_file_open(struct server *server);
/* Reads it again whenever it changes. */
void deny_file_watch(struct server *server);
/* Reads it again now; a file that is wrong changes nothing, and is logged. */
void deny_file_reload(struct server *server);

/* Writes one page more at the end of the file; false if that cannot be, with the reason in
   *why: there is no file, or what the system says. */
bool deny_file_add(const struct server *server, const struct page_hash *hash,
                   const char **why);

#endif
