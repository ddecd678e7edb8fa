/* The built front end, embedded in the binary. The table is written by
   cmake/front_end.mjs. */
#ifndef WHILST_NET_ASSETS_H
#define WHILST_NET_ASSETS_H

#include <stddef.h>
#include <stdint.h>

/* Which set of security headers an asset is served with; http.c spells them out. */
enum asset_policy {
    ASSET_APP,            /* a document of ours: the make and the view page */
    ASSET_FRAME_STATIC,   /* the frame that shows a page with its scripts dead */
    ASSET_FRAME_SCRIPTED, /* the frame that runs a page's scripts */
    ASSET_CLIENT,         /* the library and the element, for sites that may have them */
    ASSET_ADMIN,          /* the operator's dashboard, at the operator's address alone */
    ASSET_FILE, /* script, style, picture; its path carries its hash when immutable */
};

struct asset_body {
    const uint8_t *bytes; /* NULL when this encoding does not pay */
    size_t size;
};

struct asset {
    const char *path; /* as in the URL; the view page stands as "/-/page" */
    const char *type; /* Content-Type */
    const char *etag; /* strong, quoted; of the identity bytes */
    enum asset_policy policy;
    int immutable; /* the path changes with the bytes */
    struct asset_body identity, gzip, br;
};

extern const struct asset assets[];
extern const size_t assets_count;

/* CSP source of the frames' bootstrap script: 'sha256-<base64>' with its quotes. */
extern const char assets_bootstrap_source[];

#endif
