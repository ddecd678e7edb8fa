/* Listening sockets that another process opened for this one. */
#ifndef WHILST_NET_PASSED_H
#define WHILST_NET_PASSED_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/socket.h>

/* Bound by an earlier process of ours: the file of such a unix socket is ours to remove. */
#define PASSED_BOUND "bound"

struct passed {
    int socket; /* -1: none, or it was taken */
    char name[64];
};

/* Reads what the environment says of passed sockets, and takes it out of there. To be called
   once, before a file is opened. The number of sockets. */
size_t passed_read(void);

/* The caller's from now on, or -1: a socket that is bound to this address, where port 0 stands
   for any; one with this name; any. */
struct passed passed_take_address(const struct sockaddr *address);
struct passed passed_take_name(const char *name);
struct passed passed_take_any(void);

/* Closes what nobody took; how many. */
size_t passed_close_rest(void);

/* The descriptor that joins us to the process that serves in our place until now, or -1: it
   hears there that we serve, and its end tells us that it has gone. */
int passed_predecessor(void);

#endif
