/* Asking the operator's address.

   The command does one thing after the other and has nothing else to wait for, so that its
   sockets block. Each request has a connection of its own and ends it; the answer is what
   our own server sends, with its length in front. */
#include "ask.h"

#include <ctype.h>
#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#define WAIT_S 20
#define ANSWER_MAX ((size_t)8 << 20)
#define HTTP "http://"

bool ask_open(struct ask *ask, const char *address, const char *token_file)
{
    size_t size = 0;
    *ask = (struct ask){.address = address};
    if (strncmp(address, HTTP, strlen(HTTP)) == 0) ask->address += strlen(HTTP);
    if (token_file == NULL) return true;
    FILE *file = fopen(token_file, "re");
    if (file != NULL) {
        size = fread(ask->token, 1, sizeof ask->token - 1, file);
        fclose(file);
    }
    while (size > 0 && isspace((unsigned char)ask->token[size - 1]))
        size--;
    ask->token[size] = '\0';
    bool plain = size > 0;
    for (size_t i = 0; i < size; i++)
        plain = plain && isgraph((unsigned char)ask->token[i]);
    if (!plain)
        fprintf(stderr, "whilst: --admin-token-file %s: %s\n", token_file,
                file == NULL ? strerror(errno) : "it is not one line with a token");
    return plain;
}

/* ---- the connection ---- */

static bool say_unreachable(const struct ask *ask, const char *why)
{
    fprintf(
        stderr,
        "whilst: the operator's address %s: %s; see --admin, here and of whilst serve\n",
        ask->address, why);
    return false;
}

static bool open_socket(int *handle, const struct sockaddr *address, socklen_t size)
{
    struct timeval wait = {.tv_sec = WAIT_S};
    *handle = socket(address->sa_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (*handle < 0) return false;
    setsockopt(*handle, SOL_SOCKET, SO_RCVTIMEO, &wait, sizeof wait);
    setsockopt(*handle, SOL_SOCKET, SO_SNDTIMEO, &wait, sizeof wait);
    if (connect(*handle, address, size) == 0) return true;
    int error = errno;
    close(*handle);
    errno = error;
    return false;
}

static bool dial_unix(const struct ask *ask, int *handle)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    const char *path = ask->address + 5;
    if (strlen(path) >= sizeof address.sun_path)
        return say_unreachable(ask, "the path is too long");
    strcpy(address.sun_path, path);
    return open_socket(handle, (struct sockaddr *)&address, sizeof address) ||
           say_unreachable(ask, strerror(errno));
}

static bool dial(const struct ask *ask, int *handle)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char host[256];
    const char *begin = ask->address, *colon = strrchr(begin, ':');
    if (strncmp(begin, "unix:", 5) == 0) return dial_unix(ask, handle);
    size_t size = colon == NULL ? 0 : (size_t)(colon - begin);
    if (size == 0 || size >= sizeof host || strchr(begin, '/') != NULL)
        return say_unreachable(ask, "it is not HOST:PORT or unix:PATH");
    if (begin[0] == '[' && begin[size - 1] == ']') begin++, size -= 2;
    memcpy(host, begin, size);
    host[size] = '\0';
    int error = getaddrinfo(host, colon + 1, &hints, &found);
    if (error != 0) return say_unreachable(ask, gai_strerror(error));
    bool open = open_socket(handle, found->ai_addr, found->ai_addrlen);
    error = errno;
    freeaddrinfo(found);
    return open || say_unreachable(ask, strerror(error));
}

static bool send_all(int handle, const char *bytes, size_t size)
{
    while (size > 0) {
        ssize_t sent = send(handle, bytes, size, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) continue;
        if (sent <= 0) return false;
        bytes += sent;
        size -= (size_t)sent;
    }
    return true;
}

/* ---- the answer ---- */

struct answer {
    char *bytes; /* ends with a NUL */
    size_t size;
};

/* The value of a header, or NULL. */
static const char *header_of(const struct answer *answer, const char *name)
{
    const char *line = answer->bytes;
    while ((line = strstr(line, "\r\n")) != NULL && strncmp(line, "\r\n\r\n", 4) != 0) {
        line += 2;
        if (strncasecmp(line, name, strlen(name)) == 0) return line + strlen(name);
    }
    return NULL;
}

/* Where the body begins, once all of it is there; else NULL. */
static const char *whole_body(const struct answer *answer)
{
    const char *end = answer->size == 0 ? NULL : strstr(answer->bytes, "\r\n\r\n");
    const char *length = end == NULL ? NULL : header_of(answer, "Content-Length:");
    if (length == NULL) return NULL;
    size_t have = answer->size - (size_t)(end + 4 - answer->bytes);
    return have >= strtoull(length, NULL, 10) ? end + 4 : NULL;
}

static bool receive(int handle, struct answer *answer)
{
    while (answer->size < ANSWER_MAX && whole_body(answer) == NULL) {
        char *bytes = realloc(answer->bytes, answer->size + (64 << 10) + 1);
        if (bytes == NULL) return false;
        answer->bytes = bytes;
        ssize_t got = recv(handle, bytes + answer->size, 64 << 10, 0);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) return false;
        answer->size += (size_t)got;
        bytes[answer->size] = '\0';
    }
    return answer->size < ANSWER_MAX;
}

/* JSON, or our own words in plain text, which become an error. */
static json_t *read_answer(const struct answer *answer, int *status)
{
    const char *type = header_of(answer, "Content-Type: "), *body = whole_body(answer);
    if (strncmp(answer->bytes, "HTTP/1.", 7) != 0 || type == NULL) return NULL;
    *status = atoi(answer->bytes + strlen("HTTP/1.1 "));
    if (strncmp(type, "application/json", 16) == 0) return json_loads(body, 0, NULL);
    if (*status == 200) return NULL;
    return json_pack("{s:s%}", "error", body, strcspn(body, "\n"));
}

json_t *ask_new(const struct ask *ask, const char *method, const char *path, int *status)
{
    int handle;
    char request[1024];
    struct answer answer = {0};
    *status = 0;
    if (!dial(ask, &handle)) return NULL;
    int size = snprintf(request, sizeof request,
                        "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        "Content-Length: 0\r\nWhilst-Admin: 1\r\n%s%s%s\r\n",
                        method, path, ask->token[0] == '\0' ? "" : "Authorization: Bearer ",
                        ask->token, ask->token[0] == '\0' ? "" : "\r\n");
    bool whole = send_all(handle, request, (size_t)size) && receive(handle, &answer);
    close(handle);
    json_t *json = whole ? read_answer(&answer, status) : NULL;
    free(answer.bytes);
    if (json != NULL) return json;
    *status = 0;
    say_unreachable(ask, "what answers there is no operator's address of whilst");
    return NULL;
}
