/* The policies, one for each kind of asset, spelled out here and nowhere else.

   Two lists of the operator's open what is closed by default. --origin: documents of that
   site may connect, and so may load the library. --embed-origin: that site may show our
   pages in a frame, and so may load the element that makes one; what runs in the frame is
   our own document with our own origin, so that such a site connects to nothing itself. */
#include "policy.h"

#include <string.h>

#define POLICY_APP_REST                                                                    \
    "\r\nCross-Origin-Opener-Policy: same-origin\r\n"                                      \
    "Cross-Origin-Resource-Policy: same-origin\r\n"                                        \
    "Origin-Agent-Cluster: ?1\r\n"                                                         \
    "Permissions-Policy: camera=(), microphone=(), geolocation=(), display-capture=(), "   \
    "usb=(), serial=(), hid=(), bluetooth=(), payment=(), midi=(), clipboard-read=(), "    \
    "fullscreen=(self), screen-wake-lock=(self), web-share=(self), "                       \
    "clipboard-write=(self)\r\n"

#define POLICY_FRAME_REST "\r\nCross-Origin-Resource-Policy: same-origin\r\n"

/* The end of a frame-ancestors directive. */
static void print_embedders(struct http_text *text, const struct server_config *config)
{
    for (size_t i = 0; i < config->embedders_count; i++)
        http_add(text, " ", config->embedders[i], NULL);
}

static void print_app(struct http_text *text, const struct server_config *config,
                      const char *host)
{
    bool known = host[0] != '\0';
    http_add(text,
             "Content-Security-Policy: default-src 'none'; script-src 'self'; "
             "style-src 'self'; img-src 'self' blob: data:; media-src 'self' blob:; "
             "connect-src 'self'",
             NULL);
    if (known) http_add(text, " ws://", host, " wss://", host, NULL);
    http_add(text, "; worker-src 'self'; manifest-src 'self'; frame-src ", NULL);
    if (known)
        http_add(text, host, config->base_path, "/-/frame/", NULL);
    else
        http_add(text, "'self'", NULL);
    http_add(text,
             "; object-src 'none'; base-uri 'none'; form-action 'none'; "
             "require-trusted-types-for 'script'; trusted-types whilst; frame-ancestors",
             config->embedders_count == 0 ? " 'none'" : "", NULL);
    print_embedders(text, config);
    http_add(text, POLICY_APP_REST, NULL);
}

/* The frame stands in our document, which may stand in another site's: all are ancestors. */
static void print_frame(struct http_text *text, const struct server_config *config,
                        const char *scripts)
{
    http_add(text,
             "Content-Security-Policy: sandbox allow-scripts allow-forms allow-popups "
             "allow-popups-to-escape-sandbox; default-src 'none'; script-src ",
             scripts,
             "; style-src 'unsafe-inline' blob: data:; img-src blob: data:; "
             "media-src blob: data:; font-src blob: data:; connect-src blob: data:; "
             "frame-src 'none'; worker-src blob:; object-src 'none'; form-action 'none'; "
             "base-uri 'none'; frame-ancestors 'self'",
             NULL);
    print_embedders(text, config);
    http_add(text, POLICY_FRAME_REST, NULL);
}

/* For the answers that the library gives by itself, to what it cannot read. */
const struct lws_protocol_vhost_options *policy_library_headers(void)
{
    static const struct lws_protocol_vhost_options headers[] = {
        {&headers[1], NULL, "X-Content-Type-Options:", "nosniff"},
        {&headers[2], NULL, "Referrer-Policy:", "no-referrer"},
        {&headers[3], NULL, "X-Robots-Tag:", "noindex, nofollow"},
        {&headers[4], NULL, "Cache-Control:", "no-store"},
        {NULL, NULL,
         "Content-Security-Policy:", "default-src 'none'; frame-ancestors 'none'"}};
    return headers;
}

static bool is_among(const char *const *origins, size_t count, const char *origin)
{
    for (size_t i = 0; i < count; i++)
        if (strcasecmp(origins[i], origin) == 0) return true;
    return false;
}

/* A module is loaded with CORS: only by the sites that the operator named. */
static void print_client(struct http_text *text, const struct server_config *config,
                         const char *origin)
{
    bool open = config->origins_count + config->embedders_count > 0;
    http_add(text, "Cross-Origin-Resource-Policy: ", open ? "cross-origin" : "same-origin",
             "\r\nVary: Origin\r\n", NULL);
    if (is_among(config->origins, config->origins_count, origin) ||
        is_among(config->embedders, config->embedders_count, origin))
        http_add(text, "Access-Control-Allow-Origin: ", origin, "\r\n", NULL);
}

void policy_print(struct http_text *text, enum asset_policy policy,
                  const struct server_config *config, const char *host, const char *origin)
{
    switch (policy) {
    case ASSET_APP: print_app(text, config, host); break;
    case ASSET_FRAME_STATIC: print_frame(text, config, assets_bootstrap_source); break;
    case ASSET_FRAME_SCRIPTED:
        print_frame(text, config, "'unsafe-inline' 'unsafe-eval' blob: data:");
        break;
    case ASSET_CLIENT: print_client(text, config, origin); break;
    case ASSET_ADMIN:
        http_add(text,
                 "Content-Security-Policy: default-src 'none'; script-src 'self'; "
                 "style-src 'self'; img-src 'self'; connect-src 'self'; "
                 "form-action 'none'; base-uri 'none'; frame-ancestors 'none'\r\n"
                 "Cross-Origin-Resource-Policy: same-origin\r\n"
                 "Cross-Origin-Opener-Policy: same-origin\r\n",
                 NULL);
        break;
    case ASSET_FILE: /* one of them is a worker, and has no other policy than its own */
        http_add(text,
                 "Content-Security-Policy: default-src 'none'\r\n"
                 "Cross-Origin-Resource-Policy: same-origin\r\n",
                 NULL);
        break;
    }
}

bool policy_is_own(const char *origin, const char *host)
{
    bool https = strncmp(origin, "https://", 8) == 0;
    if (!https && strncmp(origin, "http://", 7) != 0) return false;
    const char *name = origin + (https ? 8 : 7), *port = https ? ":443" : ":80";
    size_t name_length = strlen(name), host_length = strlen(host);
    size_t port_length = strlen(port);
    if (name_length > port_length && strcmp(name + name_length - port_length, port) == 0)
        name_length -= port_length;
    if (host_length > port_length && strcmp(host + host_length - port_length, port) == 0)
        host_length -= port_length;
    return name_length > 0 && name_length == host_length &&
           strncasecmp(name, host, name_length) == 0;
}

bool policy_may_connect(const struct server_config *config, const char *origin,
                        const char *host)
{
    return policy_is_own(origin, host) ||
           is_among(config->origins, config->origins_count, origin);
}
