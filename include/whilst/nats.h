/* A client's side of the NATS protocol (docs.nats.io, "Client Protocol"): a stream of bytes
   from a server into messages, and what a client sends. It does no I/O. */
#ifndef WHILST_NATS_H
#define WHILST_NATS_H

#include "whilst/message.h"
#include "whilst/print.h"
#include "whilst/slice.h"

#define NATS_LINE_MAX 4096               /* bytes of a line, its end included */
#define NATS_INFO_MAX ((size_t)32 << 10) /* of an INFO, which lists a whole cluster */
#define NATS_SUBJECT_MAX 255             /* of what we write */
#define NATS_COMMAND_MAX 1024            /* of any command that we write but CONNECT */
#define NATS_NO_RESPONDERS 503           /* a status: nobody is subscribed */

enum nats_kind {
    NATS_MORE, /* all bytes are used up */
    NATS_INFO, /* text: the JSON; nats_read_info reads it */
    NATS_MESSAGE,
    NATS_TOO_LARGE, /* a message over payload_bytes_max, which is passed over */
    NATS_PING,      /* to be answered */
    NATS_PONG,
    NATS_OK,
    NATS_ERROR,  /* text: what the server says, without quotes */
    NATS_BROKEN, /* no NATS server speaks like this: read no more */
};

/* The slices are valid until nats_next is called again. */
struct nats_event {
    struct slice text;
    /* Of a message, and the first two of one that is too large. */
    struct slice subject;
    uint64_t subscription;
    struct slice reply;   /* empty: none */
    struct slice headers; /* as they came, their version line included; empty: none */
    unsigned status;      /* in the headers' version line, or 0 */
    const uint8_t *payload;
    size_t size;
};

/* What has come of a line and of a message. Zeroed memory but for payload_bytes_max is the
   start of a stream. */
struct nats {
    size_t payload_bytes_max; /* headers included */
    struct message *kept;     /* what began in bytes that are gone */
    size_t wanted;            /* bytes that it will have; 0: its line is not complete */
    size_t passed_over;       /* bytes still to come of what is too large */
    bool given;               /* `kept` was handed out by the last call */
};

/* Takes bytes from *at, which it moves, until something is whole or `end` is reached. */
enum nats_kind nats_next(struct nats *nats, const uint8_t **at, const uint8_t *end,
                         struct nats_event *event);
void nats_clear(struct nats *nats);

/* What an INFO says. The slices point into its text. */
struct nats_info {
    struct slice server_name, version, nonce;
    struct slice connect_urls; /* a JSON array, for nats_next_url */
    size_t payload_bytes_max;
    bool headers, tls_required, tls_available;
    bool lame_duck; /* the server is about to stop */
};

/* False if the text is no JSON object. */
bool nats_read_info(struct slice text, struct nats_info *info);
/* Takes the next HOST:PORT off the array; false at its end. */
bool nats_next_url(struct slice *connect_urls, struct slice *url);

/* ---- what a client sends: commands return the number of bytes written ---- */

/* Whether bytes are a subject: tokens with dots between them, without spaces or controls.
   `wild`: `*` may be a token, and `>` the last. A name (of a node, a queue group) is one
   token without wildcards. */
bool nats_is_subject(struct slice subject, bool wild);
bool nats_is_name(struct slice name);

/* An empty slice is left out. */
struct nats_login {
    struct slice name, version; /* of the client */
    struct slice user, password, token, jwt, nkey, signature;
    bool tls;
};

/* CONNECT with our options: no echo, headers, no responders, not verbose. */
void nats_print_connect(struct print *to, const struct nats_login *login);

size_t nats_write_ping(char out[NATS_COMMAND_MAX]);
size_t nats_write_pong(char out[NATS_COMMAND_MAX]);
/* `queue` is empty for none. */
size_t nats_write_subscribe(struct slice subject, struct slice queue, uint64_t subscription,
                            char out[NATS_COMMAND_MAX]);
/* Ends a subscription, or lets it end after `most` messages; 0: at once. */
size_t nats_write_unsubscribe(uint64_t subscription, uint64_t most,
                              char out[NATS_COMMAND_MAX]);
/* The line before a payload; the caller adds the headers, if any, the payload and "\r\n".
   `reply` is empty for none; `headers_size` 0 for no headers, else `size` counts them
   too. */
size_t nats_write_publish(struct slice subject, struct slice reply, size_t headers_size,
                          size_t size, char out[NATS_COMMAND_MAX]);

#endif
