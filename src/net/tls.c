/* OpenSSL between two memory buffers. */
#include "tls.h"

#include <arpa/inet.h>
#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdlib.h>

struct tls_context {
    SSL_CTX *openssl;
};

struct tls {
    SSL *ssl;
    BIO *in, *out; /* owned by ssl */
    const char *fault;
};

struct tls_context *tls_context_new(const char *ca_file)
{
    static const unsigned char protocols[] = "\x08http/1.1";
    struct tls_context *context = calloc(1, sizeof *context);
    if (context == NULL) return NULL;
    context->openssl = SSL_CTX_new(TLS_client_method());
    bool trusts =
        context->openssl != NULL &&
        (ca_file == NULL ? SSL_CTX_set_default_verify_paths(context->openssl) == 1
                         : SSL_CTX_load_verify_file(context->openssl, ca_file) == 1);
    if (!trusts) {
        tls_context_free(context);
        ERR_clear_error();
        return NULL;
    }
    SSL_CTX_set_min_proto_version(context->openssl, TLS1_2_VERSION);
    SSL_CTX_set_verify(context->openssl, SSL_VERIFY_PEER, NULL);
    SSL_CTX_set_alpn_protos(context->openssl, protocols, sizeof protocols - 1);
    SSL_CTX_set_mode(context->openssl, SSL_MODE_RELEASE_BUFFERS);
    return context;
}

void tls_context_free(struct tls_context *context)
{
    if (context == NULL) return;
    SSL_CTX_free(context->openssl);
    free(context);
}

/* Whom the certificate must name. An address is no name: it is not told to the server. */
static bool set_host(SSL *ssl, const char *host)
{
    unsigned char address[16];
    bool is_address =
        inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1;
    if (is_address) return X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(ssl), host) == 1;
    SSL_set_hostflags(ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    return SSL_set1_host(ssl, host) == 1 && SSL_set_tlsext_host_name(ssl, host) == 1;
}

struct tls *tls_new(struct tls_context *context, const char *host)
{
    struct tls *tls = calloc(1, sizeof *tls);
    if (tls == NULL) return NULL;
    tls->ssl = SSL_new(context->openssl);
    tls->in = BIO_new(BIO_s_mem());
    tls->out = BIO_new(BIO_s_mem());
    if (tls->ssl == NULL || tls->in == NULL || tls->out == NULL) {
        BIO_free(tls->in);
        BIO_free(tls->out);
        tls->in = tls->out = NULL;
    } else {
        SSL_set_bio(tls->ssl, tls->in, tls->out);
        SSL_set_connect_state(tls->ssl);
        if (set_host(tls->ssl, host)) return tls;
    }
    tls_free(tls);
    return NULL;
}

void tls_free(struct tls *tls)
{
    if (tls == NULL) return;
    SSL_free(tls->ssl);
    free(tls);
}

bool tls_feed(struct tls *tls, const void *bytes, size_t size)
{
    return BIO_write(tls->in, bytes, (int)size) == (int)size;
}

size_t tls_drain(struct tls *tls, void *out, size_t size)
{
    int got = BIO_read(tls->out, out, (int)size);
    return got > 0 ? (size_t)got : 0;
}

static enum tls_result judge(struct tls *tls, int result)
{
    int error = SSL_get_error(tls->ssl, result);
    if (result > 0) return TLS_DONE;
    if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return TLS_MORE;
    if (error == SSL_ERROR_ZERO_RETURN) return TLS_CLOSED;
    long verdict = SSL_get_verify_result(tls->ssl);
    const char *reason = ERR_reason_error_string(ERR_peek_error());
    tls->fault = verdict != X509_V_OK ? X509_verify_cert_error_string(verdict)
                 : reason != NULL     ? reason
                                      : "broken TLS";
    ERR_clear_error();
    return TLS_FAILED;
}

enum tls_result tls_shake(struct tls *tls)
{
    return judge(tls, SSL_do_handshake(tls->ssl));
}

enum tls_result tls_read(struct tls *tls, void *out, size_t size, size_t *got)
{
    int result = SSL_read(tls->ssl, out, (int)size);
    *got = result > 0 ? (size_t)result : 0;
    return judge(tls, result);
}

bool tls_write(struct tls *tls, const void *bytes, size_t size)
{
    return size == 0 || judge(tls, SSL_write(tls->ssl, bytes, (int)size)) == TLS_DONE;
}

void tls_end(struct tls *tls)
{
    if (SSL_is_init_finished(tls->ssl)) SSL_shutdown(tls->ssl);
    ERR_clear_error();
}

const char *tls_fault(const struct tls *tls)
{
    return tls->fault == NULL ? "broken TLS" : tls->fault;
}
