/* The list of servers. It is short; every look is a walk. */
#include "nats_servers.h"

#include "whilst/memory.h"

#include <arpa/inet.h>
#include <string.h>

#define PORT_DEFAULT "4222"

/* ---- reading ---- */

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9') return c - '0';
    if (c >= 'a' && c <= 'f') return c - 'a' + 10;
    return c >= 'A' && c <= 'F' ? c - 'A' + 10 : -1;
}

/* Takes the %XX out of a part of a URL. */
static bool decode(struct slice text, char out[NATS_SECRET_MAX + 1])
{
    size_t length = 0;
    for (size_t i = 0; i < text.size; i++) {
        char c = text.data[i];
        if (c == '%') {
            if (text.size - i < 3) return false;
            int high = hex_digit(text.data[i + 1]), low = hex_digit(text.data[i + 2]);
            if (high < 0 || low < 0 || high + low == 0) return false;
            c = (char)(high << 4 | low);
            i += 2;
        }
        if (length == NATS_SECRET_MAX) return false;
        out[length++] = c;
    }
    out[length] = '\0';
    return true;
}

/* USER:PASSWORD, or a name alone. */
static bool read_user(struct slice text, struct nats_server *server)
{
    const char *colon = memchr(text.data, ':', text.size);
    size_t size = colon == NULL ? text.size : (size_t)(colon - text.data);
    struct slice password = {text.data + size, text.size - size};
    if (colon != NULL) password.data++, password.size--;
    return size > 0 && decode((struct slice){text.data, size}, server->user) &&
           decode(password, server->password);
}

static bool take_scheme(struct slice *text, struct nats_server *server)
{
    static const char *const schemes[] = {"nats://", "tls://"};
    for (size_t i = 0; i < 2; i++) {
        size_t size = strlen(schemes[i]);
        if (text->size <= size || memcmp(text->data, schemes[i], size) != 0) continue;
        server->target.secure = i == 1;
        *text = (struct slice){text->data + size, text->size - size};
        return true;
    }
    return false;
}

static bool read_server(struct slice text, struct nats_server *server)
{
    *server = (struct nats_server){0};
    if (!take_scheme(&text, server)) return false;
    if (text.data[text.size - 1] == '/') text.size--;
    const char *at = NULL;
    for (size_t i = 0; i < text.size; i++)
        if (text.data[i] == '@') at = text.data + i;
    if (at != NULL) {
        struct slice user = {text.data, (size_t)(at - text.data)};
        if (!read_user(user, server)) return false;
        text = (struct slice){at + 1, text.size - user.size - 1};
    }
    strcpy(server->target.port, PORT_DEFAULT);
    if (!target_read_authority(text.data, text.size, &server->target)) return false;
    strcpy(server->tls_host, server->target.host);
    return true;
}

/* ---- the list ---- */

static struct nats_server *find(const struct nats_servers *servers,
                                const struct target *target)
{
    for (size_t i = 0; i < servers->count; i++) {
        const struct target *other = &servers->all[i]->target;
        if (strcmp(other->host, target->host) == 0 &&
            strcmp(other->port, target->port) == 0)
            return servers->all[i];
    }
    return NULL;
}

static bool add(struct nats_servers *servers, const struct nats_server *server)
{
    if (find(servers, &server->target) != NULL) return true;
    if (servers->count == NATS_SERVERS_MAX) return false;
    struct nats_server *own = memory_new(sizeof *own);
    if (own == NULL) return false;
    *own = *server;
    servers->all[servers->count++] = own;
    return true;
}

bool nats_servers_add(struct nats_servers *servers, const char *text, const char **wrong)
{
    struct nats_server server;
    for (;;) {
        size_t size = strcspn(text, ",");
        *wrong = "a server of the bus: nats://HOST:PORT or tls://HOST:PORT";
        if (!read_server((struct slice){text, size}, &server)) return false;
        *wrong = "allowed: there are too many servers";
        if (!add(servers, &server)) return false;
        if (text[size] == '\0') return true;
        text += size + 1;
    }
}

/* Certificates seldom name addresses: whoever is told of by one is as good as who told. */
static bool is_address(const char *host)
{
    unsigned char address[16];
    return inet_pton(AF_INET, host, address) == 1 ||
           inet_pton(AF_INET6, host, address) == 1;
}

void nats_servers_begin_learning(struct nats_servers *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        servers->all[i]->told = false;
}

void nats_servers_learn(struct nats_servers *servers, const struct nats_server *from,
                        struct slice text)
{
    struct nats_server server = *from;
    strcpy(server.target.port, PORT_DEFAULT);
    server.learnt = true;
    server.complained = false;
    server.avoid_ms = 0;
    if (!target_read_authority(text.data, text.size, &server.target)) return;
    if (!is_address(server.target.host)) strcpy(server.tls_host, server.target.host);
    if (!add(servers, &server)) return;
    find(servers, &server.target)->told = true;
}

void nats_servers_end_learning(struct nats_servers *servers,
                               const struct nats_server *used[2])
{
    size_t kept = 0;
    for (size_t i = 0; i < servers->count; i++) {
        struct nats_server *server = servers->all[i];
        if (!server->learnt || server->told || server == used[0] || server == used[1])
            servers->all[kept++] = server;
        else
            memory_free(server);
    }
    servers->count = kept;
}

struct nats_server *nats_servers_next(struct nats_servers *servers,
                                      const struct nats_server *but, uint64_t now_ms)
{
    struct nats_server *found = NULL;
    for (size_t i = 0; i < servers->count; i++) {
        size_t at = (servers->next + i) % servers->count;
        struct nats_server *server = servers->all[at];
        if (server == but) continue;
        if (found == NULL || (found->avoid_ms > now_ms && server->avoid_ms <= now_ms))
            found = server;
    }
    for (size_t i = 0; i < servers->count; i++)
        if (servers->all[i] == found) servers->next = (i + 1) % servers->count;
    return found;
}

void nats_servers_clear(struct nats_servers *servers)
{
    for (size_t i = 0; i < servers->count; i++)
        memory_free(servers->all[i]);
    *servers = (struct nats_servers){0};
}
