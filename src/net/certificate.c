/* A server's certificate and its key. Whatever would make browsers turn away, or the library
   fail at the first visitor, is found here, whilst whoever can mend it is looking. */
#include "certificate.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

__attribute__((format(printf, 2, 3))) static bool fail(struct certificate_fault *fault,
                                                       const char *format, ...)
{
    va_list arguments;
    va_start(arguments, format);
    vsnprintf(fault->what, sizeof fault->what, format, arguments);
    va_end(arguments);
    ERR_clear_error();
    return false;
}

static bool is_readable(const char *path, struct certificate_fault *fault)
{
    char any;
    errno = 0;
    FILE *file = fopen(path, "rb");
    bool read = file != NULL && fread(&any, 1, 1, file) == 1;
    int error = errno;
    if (file != NULL) fclose(file);
    if (read) return true;
    return fail(fault, "%s; %s", error == 0 ? "the file is empty" : strerror(error),
                error == EACCES ? "let the user that whilst runs as read it"
                                : "check the path");
}

/* ---- the certificate ---- */

static const char *print_moment(const ASN1_TIME *moment, char *out, size_t size)
{
    struct tm parts;
    if (ASN1_TIME_to_tm(moment, &parts) != 1 ||
        strftime(out, size, "%Y-%m-%d %H:%M UTC", &parts) == 0)
        snprintf(out, size, "a time that cannot be read");
    return out;
}

static bool is_valid_now(const X509 *certificate, const char *which,
                         struct certificate_fault *fault)
{
    char moment[40];
    const ASN1_TIME *from = X509_get0_notBefore(certificate);
    const ASN1_TIME *to = X509_get0_notAfter(certificate);
    if (X509_cmp_current_time(from) >= 0)
        return fail(fault, "%s is not valid before %s; wait, or set this machine's clock",
                    which, print_moment(from, moment, sizeof moment));
    if (X509_cmp_current_time(to) <= 0)
        return fail(fault, "%s expired at %s; renew it", which,
                    print_moment(to, moment, sizeof moment));
    return true;
}

static bool fail_chain(struct certificate_fault *fault)
{
    unsigned long error = ERR_peek_error();
    const char *reason = ERR_reason_error_string(error);
    if (ERR_GET_LIB(error) == ERR_LIB_PEM && ERR_GET_REASON(error) == PEM_R_NO_START_LINE)
        return fail(fault, "there is no certificate in it; name the file that has one "
                           "after BEGIN CERTIFICATE");
    return fail(fault, "it cannot be used: %s; have it made anew",
                reason == NULL ? "damaged" : reason);
}

static bool read_chain(SSL_CTX *context, const char *file, struct certificate_fault *fault)
{
    STACK_OF(X509) *chain = NULL;
    if (!is_readable(file, fault)) return false;
    if (SSL_CTX_use_certificate_chain_file(context, file) != 1) return fail_chain(fault);
    if (!is_valid_now(SSL_CTX_get0_certificate(context), "it", fault)) return false;
    SSL_CTX_get0_chain_certs(context, &chain);
    for (int i = 0; i < sk_X509_num(chain); i++)
        if (!is_valid_now(sk_X509_value(chain, i), "a certificate of its chain", fault))
            return false;
    return true;
}

/* ---- the key ---- */

static int on_password_wanted(char *out, int size, int writing, void *wanted)
{
    (void)out, (void)size, (void)writing;
    *(bool *)wanted = true;
    return -1;
}

static EVP_PKEY *parse_key(const char *path, struct certificate_fault *fault)
{
    bool encrypted = false;
    EVP_PKEY *key = NULL;
    FILE *file = fopen(path, "rb");
    if (file != NULL) {
        key = PEM_read_PrivateKey(file, NULL, on_password_wanted, &encrypted);
        fclose(file);
    }
    if (key == NULL && encrypted)
        fail(fault,
             "it is encrypted; write it without its password: openssl pkey -in %s "
             "-out NEW",
             path);
    else if (key == NULL)
        fail(fault, "there is no private key in it; name the file that has one after BEGIN "
                    "PRIVATE KEY");
    return key;
}

static bool read_key(SSL_CTX *context, const char *path, struct certificate_fault *fault)
{
    if (!is_readable(path, fault)) return false;
    EVP_PKEY *key = parse_key(path, fault);
    if (key == NULL) return false;
    bool fits = X509_check_private_key(SSL_CTX_get0_certificate(context), key) == 1 &&
                SSL_CTX_use_PrivateKey(context, key) == 1 &&
                SSL_CTX_check_private_key(context) == 1;
    EVP_PKEY_free(key);
    return fits || fail(fault, "it is not the key of the certificate; name two files that "
                               "were made together");
}

bool certificate_read(SSL_CTX *context, const char *certificate_file, const char *key_file,
                      struct certificate_fault *fault)
{
    if (key_file == NULL) key_file = certificate_file;
    *fault = (struct certificate_fault){"tls-certificate", certificate_file, ""};
    if (!read_chain(context, certificate_file, fault)) return false;
    *fault = (struct certificate_fault){"tls-key", key_file, ""};
    return read_key(context, key_file, fault);
}

bool certificate_check(const char *certificate_file, const char *key_file,
                       struct certificate_fault *fault)
{
    SSL_CTX *context = SSL_CTX_new(TLS_server_method());
    *fault = (struct certificate_fault){"tls-certificate", certificate_file,
                                        "there is not enough memory"};
    bool right =
        context != NULL && certificate_read(context, certificate_file, key_file, fault);
    SSL_CTX_free(context);
    return right;
}

long long certificate_end(SSL_CTX *context)
{
    struct tm parts;
    const X509 *certificate = SSL_CTX_get0_certificate(context);
    bool read = ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &parts) == 1;
    return read ? timegm(&parts) : 0;
}
