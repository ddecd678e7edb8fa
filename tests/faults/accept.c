/* Accepting that fails: preloaded, accept4 fails with the error that stands by its name in
   the file that WHILST_ACCEPT_FAULT names, as long as there is such a file. */
#include <dlfcn.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

/* 0: there is none. */
static int fault(void)
{
    static const struct {
        const char *name;
        int error;
    } faults[] = {
        {"ENOMEM", ENOMEM}, {"ENOBUFS", ENOBUFS}, {"EMFILE", EMFILE}, {"ENFILE", ENFILE}};
    char name[16] = "";
    const char *path = getenv("WHILST_ACCEPT_FAULT");
    FILE *file = path == NULL ? NULL : fopen(path, "re");
    if (file == NULL) return 0;
    size_t size = fread(name, 1, sizeof name - 1, file);
    fclose(file);
    name[size] = '\0';
    for (size_t i = 0; i < sizeof faults / sizeof faults[0]; i++)
        if (strcmp(name, faults[i].name) == 0) return faults[i].error;
    return 0;
}

int accept4(int socket, struct sockaddr *restrict address, socklen_t *restrict size,
            int flags)
{
    static int (*next)(int, struct sockaddr *restrict, socklen_t *restrict, int);
    int error = fault();
    if (next == NULL) *(void **)&next = dlsym(RTLD_NEXT, "accept4");
    if (error == 0) return next(socket, address, size, flags);
    errno = error;
    return -1;
}
