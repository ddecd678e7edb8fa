/* Functions of the libraries in whose place the program has its own. */
#ifndef WHILST_NET_OVERRIDES_H
#define WHILST_NET_OVERRIDES_H

#include <libwebsockets.h>

/* What libwebsockets may say. */
#define OVERRIDES_LOGGED (LLL_ERR | LLL_WARN)

/* Until the other is called, libwebsockets asks in vain to be told when this socket can be
   written to. Whoever does this sees to it that it hears so. */
void overrides_hush(struct lws *wsi);
void overrides_unhush(void);

#endif
