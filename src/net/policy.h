/* Who may do what with our answers: the security headers, and the origins that are allowed.
   The browser enforces the first, we the second. */
#ifndef WHILST_NET_POLICY_H
#define WHILST_NET_POLICY_H

#include "assets.h"
#include "http.h"
#include "server.h"

/* The policy of everything that is neither an asset nor a page's bytes. */
#define POLICY_PLAIN                                                                       \
    "Content-Security-Policy: default-src 'none'; frame-ancestors 'none'\r\n"              \
    "Cross-Origin-Resource-Policy: same-origin\r\n"

/* The header lines for an asset. `host` is ours as the client named it, of harmless
   characters, or ""; `origin` is the request's Origin, or "". */
void policy_print(struct http_text *text, enum asset_policy policy,
                  const struct server_config *config, const char *host, const char *origin);

/* Headers of the answers that the library makes by itself; a list for its context. */
const struct lws_protocol_vhost_options *policy_library_headers(void);

/* Whether `origin` is http(s)://host; a port that the scheme implies may be missing. */
bool policy_is_own(const char *origin, const char *host);

/* Whether a document of this origin may open a WebSocket. `host` is ours, as above but
   with whatever characters. */
bool policy_may_connect(const struct server_config *config, const char *origin,
                        const char *host);

#endif
