/* Asking the operator's address.

   The command does one thing after the other and has nothing else to wait for, so that its
   sockets block. Each request has a connection of its own and ends it; the answer is what
   our own server sends, with its length in front. */
#include "ask.h"

#include "reach.h"

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
#define HTTPS "https://"
#define HOST_MAX 256
#define PIECE 4096 /* of what TLS writes and reads */

static bool read_token(struct ask *ask, const char *path)
{
    size_t size = 0;
    FILE *file = fopen(path, "re");
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
        fprintf(stderr, "whilst: --admin-token-file %s: %s\n", path,
                file == NULL ? strerror(errno) : "it is not one line with a token");
    return plain;
}

bool ask_open(struct ask *ask, const char *address, const char *token_file,
              const char *ca_file)
{
    bool secure = strncmp(address, HTTPS, strlen(HTTPS)) == 0;
    bool plain = strncmp(address, HTTP, strlen(HTTP)) == 0;
    *ask = (struct ask){.address = address + (secure  ? strlen(HTTPS)
                                              : plain ? strlen(HTTP)
                                                      : 0)};
    if (token_file != NULL && !read_token(ask, token_file)) return false;
    return !secure || (ask->tls = reach_trust(ca_file)) != NULL;
}

void ask_close(struct ask *ask)
{
    tls_context_free(ask->tls);
}

/* ---- the connection ---- */

struct line {
    int handle;
    struct tls *tls; /* NULL: in the clear */
};

static void hang_up(struct line *line)
{
    tls_free(line->tls);
    close(line->handle);
}

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

/* The address's host, without brackets, and its port. */
static bool split(const struct ask *ask, char host[HOST_MAX], const char **port)
{
    const char *begin = ask->address, *colon = strrchr(begin, ':');
    size_t size = colon == NULL ? 0 : (size_t)(colon - begin);
    if (size == 0 || size >= HOST_MAX || strchr(begin, '/') != NULL) return false;
    if (begin[0] == '[' && begin[size - 1] == ']') begin++, size -= 2;
    memcpy(host, begin, size);
    host[size] = '\0';
    *port = colon + 1;
    return true;
}

static bool dial(const struct ask *ask, int *handle)
{
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    char host[HOST_MAX];
    const char *port;
    if (strncmp(ask->address, "unix:", 5) == 0) return dial_unix(ask, handle);
    if (!split(ask, host, &port))
        return say_unreachable(ask, "it is not HOST:PORT or unix:PATH");
    int error = getaddrinfo(host, port, &hints, &found);
    if (error != 0) return say_unreachable(ask, gai_strerror(error));
    bool open = open_socket(handle, found->ai_addr, found->ai_addrlen);
    error = errno;
    freeaddrinfo(found);
    return open || say_unreachable(ask, strerror(error));
}

static bool send_plain(int handle, const char *bytes, size_t size)
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

static ssize_t receive_plain(int handle, char *bytes, size_t size)
{
    ssize_t got;
    do
        got = recv(handle, bytes, size, 0);
    while (got < 0 && errno == EINTR);
    return got;
}

/* ---- TLS ---- */

/* What TLS has to say goes out, and what comes is handed to it if it waits for that. */
static bool carry(struct line *line, bool waits)
{
    char bytes[PIECE];
    size_t size;
    while ((size = tls_drain(line->tls, bytes, sizeof bytes)) > 0)
        if (!send_plain(line->handle, bytes, size)) return false;
    if (!waits) return true;
    ssize_t got = receive_plain(line->handle, bytes, sizeof bytes);
    return got > 0 && tls_feed(line->tls, bytes, (size_t)got);
}

static bool shake(const struct ask *ask, struct line *line)
{
    char host[HOST_MAX];
    const char *port;
    enum tls_result result = TLS_FAILED;
    if (ask->tls == NULL) return true;
    if (split(ask, host, &port)) line->tls = tls_new(ask->tls, host);
    bool carried = line->tls != NULL;
    while (carried && (result = tls_shake(line->tls)) == TLS_MORE)
        carried = carry(line, true);
    if (result == TLS_DONE && carry(line, false)) return true;
    if (line->tls != NULL) carry(line, false); /* an alert says why */
    return say_unreachable(ask, result == TLS_FAILED && line->tls != NULL
                                    ? tls_fault(line->tls)
                                    : "it does not speak TLS");
}

static bool send_all(struct line *line, const char *bytes, size_t size)
{
    if (line->tls == NULL) return send_plain(line->handle, bytes, size);
    return tls_write(line->tls, bytes, size) && carry(line, false);
}

/* At least a byte; 0 at the end. */
static ssize_t receive_some(struct line *line, char *bytes, size_t size)
{
    enum tls_result result;
    size_t got = 0;
    if (line->tls == NULL) return receive_plain(line->handle, bytes, size);
    while ((result = tls_read(line->tls, bytes, size, &got)) == TLS_MORE)
        if (!carry(line, true)) return 0;
    return result == TLS_DONE ? (ssize_t)got : 0;
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

static bool receive(struct line *line, struct answer *answer)
{
    while (answer->size < ANSWER_MAX && whole_body(answer) == NULL) {
        char *bytes = realloc(answer->bytes, answer->size + (64 << 10) + 1);
        if (bytes == NULL) return false;
        answer->bytes = bytes;
        ssize_t got = receive_some(line, bytes + answer->size, 64 << 10);
        if (got <= 0) return false;
        answer->size += (size_t)got;
        bytes[answer->size] = '\0';
    }
    return answer->size < ANSWER_MAX;
}

/* JSON, or our own words in plain text, which become an error. At the operator's address
   there is all that is asked for: what is missing is missing at the address of
   visitors. */
static json_t *read_answer(const struct answer *answer, int *status)
{
    const char *type = header_of(answer, "Content-Type: "), *body = whole_body(answer);
    if (strncmp(answer->bytes, "HTTP/1.", 7) != 0 || type == NULL) return NULL;
    *status = atoi(answer->bytes + strlen("HTTP/1.1 "));
    if (strncmp(type, "application/json", 16) == 0) return json_loads(body, 0, NULL);
    if (*status == 200 || *status == 404) return NULL;
    return json_pack("{s:s%}", "error", body, strcspn(body, "\n"));
}

json_t *ask_new(const struct ask *ask, const char *method, const char *path, int *status)
{
    struct line line = {0};
    char request[1024];
    struct answer answer = {0};
    *status = 0;
    if (!dial(ask, &line.handle)) return NULL;
    if (!shake(ask, &line)) {
        hang_up(&line);
        return NULL;
    }
    int size = snprintf(request, sizeof request,
                        "%s %s HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
                        "Content-Length: 0\r\nWhilst-Admin: 1\r\n%s%s%s\r\n",
                        method, path, ask->token[0] == '\0' ? "" : "Authorization: Bearer ",
                        ask->token, ask->token[0] == '\0' ? "" : "\r\n");
    bool whole = send_all(&line, request, (size_t)size) && receive(&line, &answer);
    hang_up(&line);
    json_t *json = whole ? read_answer(&answer, status) : NULL;
    free(answer.bytes);
    if (json != NULL) return json;
    *status = 0;
    say_unreachable(ask, "what answers there is no operator's address of whilst");
    return NULL;
}
