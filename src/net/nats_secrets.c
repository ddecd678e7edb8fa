/* Logging in to the bus: the files of secrets, and the CONNECT that is made of them. */
#include "nats_secrets.h"

#include "whilst/memory.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

/* Reads a whole file, without line ends at its end. */
static bool read_file(const char *option, const char *path, char *out, size_t size)
{
    FILE *file = fopen(path, "rb");
    size_t length = file == NULL ? 0 : fread(out, 1, size, file);
    bool failed = file == NULL || ferror(file) != 0;
    int reason = errno;
    if (file != NULL) fclose(file);
    if (failed)
        fprintf(stderr, "whilst: %s: %s cannot be read: %s; check the path\n", option, path,
                strerror(reason));
    else if (length == size)
        fprintf(stderr, "whilst: %s: %s is too long\n", option, path);
    if (failed || length == size) return false;
    while (length > 0 && (out[length - 1] == '\n' || out[length - 1] == '\r'))
        length--;
    out[length] = '\0';
    return true;
}

static bool read_credentials(struct nats_secrets *login, const char *path)
{
    char text[NATS_FILE_MAX + 1];
    struct slice jwt;
    if (!read_file("--bus-credentials", path, text, sizeof text)) return false;
    login->has_key = nkey_read_credentials(slice_of(text), &jwt, &login->key);
    if (!login->has_key) {
        fprintf(stderr,
                "whilst: --bus-credentials: %s has no user's seed (a line SU…), or a wrong "
                "one\n",
                path);
        return false;
    }
    memcpy(login->jwt, jwt.data, jwt.size);
    login->jwt[jwt.size] = '\0';
    return true;
}

static bool read_all(struct nats_secrets *login, const struct nats_secrets_config *config)
{
    login->user = config->user;
    if (config->password_file != NULL &&
        !read_file("--bus-password-file", config->password_file, login->password,
                   sizeof login->password))
        return false;
    if (config->token_file != NULL && !read_file("--bus-token-file", config->token_file,
                                                 login->token, sizeof login->token))
        return false;
    return config->credentials_file == NULL ||
           read_credentials(login, config->credentials_file);
}

struct nats_secrets *nats_secrets_new(const struct nats_secrets_config *config)
{
    struct nats_secrets *login = memory_new(sizeof *login);
    if (login == NULL) {
        fprintf(stderr, "whilst: there is not enough memory to start\n");
        return NULL;
    }
    if (read_all(login, config)) return login;
    nats_secrets_free(login);
    return NULL;
}

void nats_secrets_free(struct nats_secrets *login)
{
    memory_free(login);
}

static struct slice text_of(const char *text)
{
    return slice_of(text == NULL ? "" : text);
}

size_t nats_secrets_print(const struct nats_secrets *login,
                          const struct nats_server *server, const char *node,
                          struct slice nonce, bool tls, char *out, size_t size)
{
    char signature[NKEY_SIGNATURE + 1] = "";
    bool own = server->user[0] == '\0', named = server->password[0] != '\0' || own;
    struct nats_login said = {.name = slice_of(node),
                              .user = own ? text_of(login->user) : slice_of(server->user),
                              .password =
                                  slice_of(own ? login->password : server->password),
                              .token = slice_of(login->token),
                              .tls = tls};
    if (!named) { /* nats://TOKEN@HOST */
        said.token = said.user;
        said.user = said.password = slice_of("");
    }
    if (login->has_key && nonce.size > 0) {
        if (!nkey_sign(&login->key, nonce, signature)) return 0;
        said.signature = slice_of(signature);
        said.jwt = slice_of(login->jwt);
        if (said.jwt.size == 0) said.nkey = slice_of(login->key.public_key);
    }
    struct print print = {out, size, 0};
    nats_print_connect(&print, &said);
    return print.length < size ? print.length : 0;
}
