/* TLS (RFC 8446, RFC 5246) of the listeners that ask for it.

   The library makes each connection out of a context of its own, which has no certificate.
   Ours has: on_hello moves a connection to the one that is in force when its handshake
   begins. So a new certificate is a new context, and connections that there are keep theirs.
   Tickets (RFC 5077) belong to the library's context, which stays; their key is changed every
   TICKET_KEY_MS and with each new certificate.

   A handshake has as much time as headers have. After it the library writes and reads as it
   does without TLS, and keeps what a socket does not take: nothing else in the program needs
   to know of it, as long as every byte goes through lws_write. */
#include "secure.h"

#include "certificate.h"
#include "log.h"

#include <openssl/err.h>
#include <openssl/rand.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>

#define TICKET_KEY_MS ((uint64_t)12 * 3600 * 1000)
#define TICKET_KEY_BYTES 80
#define TICKET_SECONDS 7200
#define STRANGE_BYTES 8192 /* of a request in the clear: read, or the answer is lost */

/* ---- handshakes ---- */

static void forget(struct caller *caller)
{
    SSL *ssl = caller->wsi == NULL ? NULL : lws_get_ssl(caller->wsi);
    ring_remove(&caller->shaking);
    if (ssl != NULL) SSL_set_app_data(ssl, NULL);
}

void secure_end(struct caller *caller)
{
    bool shaking = !ring_is_empty(&caller->shaking);
    if (shaking) caller->server->metrics.tls_abandoned_total++;
    forget(caller);
}

static void note_done(const SSL *ssl, struct caller *caller)
{
    struct net_metrics *metrics = &caller->server->metrics;
    forget(caller);
    metrics->tls_handshakes_total++;
    if (SSL_session_reused(ssl)) metrics->tls_resumed_total++;
}

/* On a slow machine the client can be done before the library has given us its connection. */
void secure_begin(struct caller *caller)
{
    struct server *server = caller->server;
    SSL *ssl = lws_get_ssl(caller->wsi);
    caller->since_ms = server_moment(server);
    lws_set_timeout(caller->wsi, NO_PENDING_TIMEOUT, 0); /* ours is secure_sweep */
    if (SSL_is_init_finished(ssl)) {
        note_done(ssl, caller);
        return;
    }
    SSL_set_app_data(ssl, caller);
    ring_append(&server->secure.shaking, &caller->shaking);
}

static bool is_http(int fault)
{
    return fault == SSL_R_HTTP_REQUEST || fault == SSL_R_HTTPS_PROXY_REQUEST;
}

/* Nothing was written to this socket, and nothing will be. */
static void answer_plainly(int socket)
{
    static const char answer[] =
        "HTTP/1.1 400 Bad Request\r\nContent-Type: text/plain;charset=utf-8\r\n"
        "Content-Length: 52\r\nConnection: close\r\nCache-Control: no-store\r\n"
        "X-Content-Type-Options: nosniff\r\n\r\n"
        "this port speaks TLS: its address begins with https\n";
    char request[STRANGE_BYTES];
    recv(socket, request, sizeof request, MSG_DONTWAIT);
    send(socket, answer, sizeof answer - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

/* Whether the other side ended it, by an alert or without a word. */
static bool is_abandoned(int error, int fault)
{
    return error != SSL_ERROR_SSL || fault == SSL_R_UNEXPECTED_EOF_WHILE_READING ||
           fault >= SSL_AD_REASON_OFFSET;
}

static void note_failure(struct server *server, const SSL *ssl, int error,
                         struct caller *caller)
{
    int fault = ERR_GET_REASON(ERR_peek_error());
    enum reason reason = is_http(fault) ? REASON_NOT_TLS : REASON_BAD_TLS;
    if (caller != NULL) forget(caller);
    if (is_abandoned(error, fault))
        server->metrics.tls_abandoned_total++;
    else
        hub_metrics(server->hub)->refusals[reason]++;
    if (is_http(fault)) answer_plainly(SSL_get_fd(ssl));
}

/* The handshake of `ssl` went on. One that fails at once, before the library has given its
   connection to us, has no caller yet; one that is done at once is counted by secure_begin. */
static void on_progress(const SSL *ssl, int where, int result)
{
    struct server *server = SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl));
    struct caller *caller = SSL_get_app_data(ssl);
    if ((where & SSL_CB_HANDSHAKE_DONE) && caller != NULL) note_done(ssl, caller);
    if (!(where & SSL_CB_EXIT) || SSL_is_init_finished(ssl)) return;
    int error = SSL_get_error(ssl, result);
    if (error != SSL_ERROR_NONE && error != SSL_ERROR_WANT_READ &&
        error != SSL_ERROR_WANT_WRITE)
        note_failure(server, ssl, error, caller);
}

/* ---- contexts ---- */

/* Who offers protocols must offer http/1.1 (RFC 7301, section 3.2): what is meant for another
   could mean something else here. */
static int on_protocols(SSL *ssl, const unsigned char **out, unsigned char *out_size,
                        const unsigned char *in, unsigned int in_size, void *argument)
{
    static const unsigned char ours[] = "\x08http/1.1";
    unsigned char *chosen;
    (void)ssl, (void)argument;
    bool found = SSL_select_next_proto(&chosen, out_size, ours, sizeof ours - 1, in,
                                       in_size) == OPENSSL_NPN_NEGOTIATED;
    *out = chosen;
    return found ? SSL_TLSEXT_ERR_OK : SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* TLS 1.3, and 1.2 with forward secrecy and authenticated encryption (RFC 9325). */
static bool set_rules(struct server *server, SSL_CTX *context)
{
    SSL_CTX_set_app_data(context, server);
    SSL_CTX_set_info_callback(context, on_progress);
    SSL_CTX_set_options(context, SSL_OP_NO_COMPRESSION | SSL_OP_NO_RENEGOTIATION |
                                     SSL_OP_CIPHER_SERVER_PREFERENCE |
                                     SSL_OP_PRIORITIZE_CHACHA);
    SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
    SSL_CTX_set_timeout(context, TICKET_SECONDS);
    SSL_CTX_set_alpn_select_cb(context, on_protocols, NULL);
    return SSL_CTX_set_min_proto_version(context, TLS1_2_VERSION) == 1 &&
           SSL_CTX_set_cipher_list(context, "ECDHE+AESGCM:ECDHE+CHACHA20") == 1 &&
           SSL_CTX_set1_groups_list(context, "X25519:P-256:P-384") == 1;
}

static SSL_CTX *read_context(struct server *server, struct certificate_fault *fault)
{
    const struct server_config *config = server->config;
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    *fault = (struct certificate_fault){"tls-certificate", config->tls_certificate,
                                        "there is not enough memory"};
    if (context != NULL && set_rules(server, context) &&
        certificate_read(context, config->tls_certificate, config->tls_key, fault))
        return context;
    SSL_CTX_free(context);
    ERR_clear_error();
    return NULL;
}

static void take_context(struct server *server, SSL_CTX *context)
{
    SSL_CTX_free(server->secure.current);
    server->secure.current = context;
    server->metrics.tls_certificate_end_seconds = (uint64_t)certificate_end(context);
}

bool secure_open(struct server *server)
{
    struct certificate_fault fault;
    if (server->config->tls_certificate == NULL) return true;
    SSL_CTX *context = read_context(server, &fault);
    if (context != NULL)
        take_context(server, context);
    else
        fprintf(stderr, "whilst: --%s %s: %s\n", fault.option, fault.file, fault.what);
    return context != NULL;
}

void secure_close(struct server *server)
{
    SSL_CTX_free(server->secure.current);
    server->secure.current = NULL;
}

/* ---- the library ---- */

uint64_t secure_options(const struct server *server)
{
    return server->secure.current == NULL ? 0 : LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT;
}

/* The library chooses among vhosts with the same port by the Host header, whatever the
   connection: this one has another "port" than the plain one. */
bool secure_make_vhost(struct server *server, const struct lws_context_creation_info *info)
{
    struct lws_context_creation_info own = *info;
    if (server->secure.current == NULL) return true;
    own.port = CONTEXT_PORT_NO_LISTEN_SERVER;
    own.vhost_name = "tls";
    own.options |= LWS_SERVER_OPTION_DO_SSL_GLOBAL_INIT |
                   LWS_SERVER_OPTION_CREATE_VHOST_SSL_CTX |
                   LWS_SERVER_OPTION_DISABLE_OS_CA_CERTS;
    server->secure.vhost = lws_create_vhost(server->context, &own);
    return server->secure.vhost != NULL && set_rules(server, server->secure.base);
}

static void change_ticket_key(struct server *server)
{
    uint8_t key[TICKET_KEY_BYTES];
    if (RAND_priv_bytes(key, sizeof key) != 1) return;
    SSL_CTX_set_tlsext_ticket_keys(server->secure.base, key, sizeof key);
    OPENSSL_cleanse(key, sizeof key);
    server->secure.ticket_ms = server_now_ms(server);
}

static int on_hello(SSL *ssl, int *alert, void *argument)
{
    const struct server *server = argument;
    if (SSL_set_SSL_CTX(ssl, server->secure.current) != NULL) return SSL_TLSEXT_ERR_OK;
    *alert = SSL_AD_INTERNAL_ERROR;
    return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* The callback for the server's name is called whether or not the client names it. It takes
   the place of the library's, which would look for a vhost of that name. */
int secure_context_made(struct server *server, SSL_CTX *context)
{
    server->secure.base = context;
    SSL_CTX_set_tlsext_servername_callback(context, on_hello);
    SSL_CTX_set_tlsext_servername_arg(context, server);
    change_ticket_key(server);
    return 0;
}

/* ---- time ---- */

static void end_slow_handshakes(struct server *server)
{
    struct ring *head = &server->secure.shaking;
    while (!ring_is_empty(head)) {
        struct caller *caller = NET_OWNER(head->next, struct caller, shaking);
        uint32_t age_ms = server_age_ms(server, caller->since_ms);
        if (age_ms < server->config->header_seconds * 1000) return;
        ring_remove(&caller->shaking);
        hub_metrics(server->hub)->refusals[REASON_TLS_TIMEOUT]++;
        server_end_socket(caller->wsi, 0);
    }
}

void secure_sweep(struct server *server)
{
    struct secure *secure = &server->secure;
    end_slow_handshakes(server);
    if (secure->base != NULL && server_now_ms(server) - secure->ticket_ms >= TICKET_KEY_MS)
        change_ticket_key(server);
}

/* ---- new certificates ---- */

static void refuse(struct server *server, const struct certificate_fault *fault)
{
    server->metrics.tls_certificate_refused_total++;
    log_event(LOG_CERTIFICATE_REFUSED, LOG_TEXT("file", fault->file),
              LOG_TEXT("reason", fault->what));
}

static void read_again(struct server *server)
{
    struct certificate_fault fault = {
        .file = "", .what = "the configuration names none any more; the old one stays"};
    SSL_CTX *context = NULL;
    if (server->config->tls_certificate != NULL) context = read_context(server, &fault);
    if (context == NULL) {
        refuse(server, &fault);
        return;
    }
    take_context(server, context);
    change_ticket_key(server);
    log_event(LOG_CERTIFICATE_READ,
              LOG_NUMBER("expires_seconds", server->metrics.tls_certificate_end_seconds));
}

static void say_unwatched(bool watched)
{
    if (!watched)
        log_event(LOG_CERTIFICATE_UNWATCHED,
                  LOG_TEXT("advice", "send SIGHUP after changes"));
}

static void on_change(void *owner)
{
    read_again(owner);
}

void secure_watch(struct server *server)
{
    const struct server_config *config = server->config;
    say_unwatched(file_watch_open(&server->secure.watch, &server->loop,
                                  config->tls_certificate, config->tls_key, on_change,
                                  server));
}

/* The paths may be others: the older ones are gone with the texts of the configuration. */
void secure_reload(struct server *server)
{
    const struct server_config *config = server->config;
    say_unwatched(
        file_watch_point(&server->secure.watch, config->tls_certificate, config->tls_key));
    if (server->secure.current != NULL) read_again(server);
}
