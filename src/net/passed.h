/* Listening sockets that another process opened for this one. */
#ifndef WHILST_NET_PASSED_H
#define WHILST_NET_PASSED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Bound by an earlier process of ours: the file of such a unix socket is ours to remove. */
#define PASSED_BOUND "bound"

#define PASSED_MAX 64
#define PASSED_ASKED_MAX 320

struct passed {
    int socket; /* -1: none, or it was taken */
    char name[64];
    char asked[PASSED_ASKED_MAX]; /* what an earlier process of ours opened it for; "": that
                                     is not known */
};

/* Reads what the environment says of passed sockets, and takes it out of there. To be
   called once, before a file is opened. The number of sockets. */
size_t passed_read(void);

/* The caller's from now on, or -1: the socket that was opened for the same; one that is
   bound to this address, where port 0 stands for any if it is not known what for; one with
   this name; any, but for the operator's. */
struct passed passed_take_asked(const char *asked);
struct passed passed_take_address(const struct sockaddr *address);
struct passed passed_take_name(const char *name);
struct passed passed_take_any(void);

/* What the operator's address is opened for begins so. */
#define PASSED_ADMIN "admin "

/* Closes what nobody took; how many. */
size_t passed_close_rest(void);

/* The descriptor that joins us to the process that serves in our place until now, or -1: it
   hears there that we serve, and its end tells us that it has gone. */
int passed_predecessor(void);
/* And its number. */
int passed_predecessor_process(void);

#endif
