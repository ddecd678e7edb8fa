/* libwhilst: hold, get and watch pages from a program of your own, on its own libuv loop.

   A page is bytes, named by their SHA-256: its hash, which is text here, of 64 lower-case
   hexadecimal digits. A server keeps no page: it knows who holds which, and brings the bytes
   from one to the other (docs/protocol.md).

   Everything that happens comes as an event, from the loop, never before the call that
   caused it has returned. Calls are made in the loop's thread, from events too. Loops in
   several threads do not disturb each other. As with libuv itself, SIGPIPE is the caller's
   to ignore. The library prints nothing, starts no thread of its own (libuv's look up names)
   and changes nothing of the process. When not even a small block of memory can be had it
   ends the process by abort(3).

   Structs whose fields are not given here are opaque. What grows in later versions:
   enumerations, and structs that the library hands out, at their ends. A kind of event that
   is not known is to be ignored. */
#ifndef WHILST_WHILST_H
#define WHILST_WHILST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define WHILST_VERSION_MAJOR 0
#define WHILST_VERSION_MINOR 1
#define WHILST_VERSION_PATCH 0
/* To be compared: 100 is 0.1.0. */
#define WHILST_VERSION_NUMBER                                                              \
    (WHILST_VERSION_MAJOR * 10000 + WHILST_VERSION_MINOR * 100 + WHILST_VERSION_PATCH)

/* The version that runs, for example "0.1.0", which may be newer than the header's. */
const char *whilst_version(void);

#define WHILST_HASH_SIZE 65     /* 64 digits and a terminator */
#define WHILST_ADDRESS_SIZE 560 /* the longest address, with its terminator */
#define WHILST_ERROR_SIZE 320
#define WHILST_PAGE_BYTES_MAX 8388608 /* no server relays a larger page */

struct uv_loop_s; /* uv_loop_t, of <uv.h> */

/* A connection to one server, which comes back after each loss, with pauses of up to 30 s. */
struct whilst;

enum whilst_result {
    WHILST_OK,
    WHILST_NOT_A_HASH, /* it must be 64 hexadecimal digits, of either case */
    WHILST_TOO_LARGE,  /* for any server, or for this one as far as it is known */
    WHILST_NO_MEMORY,
    WHILST_CLOSING, /* whilst_close was called */
};

/* In words. */
const char *whilst_result_text(enum whilst_result result);

enum whilst_event_kind {
    /* Of the connection. */
    WHILST_CONNECTED, /* once more after each loss */
    WHILST_LOST,      /* it ended, or could not be had: `fault`, `text`, `again_ms` */
    WHILST_CLOSED,    /* the last event, after whilst_close: nothing is left of it */
    /* Of a page, which is `hash`. */
    WHILST_HOLDING, /* the server knows that it is held here; again after each loss */
    WHILST_COUNT,   /* `count` hold it now, this program included */
    WHILST_HANDED,  /* its bytes were given to the server, for somebody who wants them */
    WHILST_FOUND,   /* its `bytes`, checked */
    WHILST_NOBODY,  /* nobody can be asked now, or `reason` says why it did not come: "",
                       "silent" or "wrong_bytes". It is waited for, until whilst_leave */
    WHILST_REFUSED, /* `reason` is a word of docs/protocol.md, section 4. "page_size": it is
                       held no more. Else it is tried again, until whilst_leave. What passes
                       by itself, as when the server is busy, is not told */
    WHILST_OVER,    /* the server ended it: it is neither held nor sought any more */
    WHILST_WRONG,   /* the server sent other bytes, which were dropped */
};

/* Why a connection ended. */
enum whilst_fault {
    WHILST_UNREACHABLE = 1, /* nobody answers, or it cannot be trusted */
    WHILST_FOREIGN,         /* whoever answers is no Whilst server */
    WHILST_SERVER_CLOSED,   /* the server said goodbye; why is in `text` */
    WHILST_BROKEN,          /* it was cut off */
};

/* Everything in it is borrowed for the call. What its kind does not name is 0 or NULL, and
   `text` and `reason` are never NULL. */
struct whilst_event {
    enum whilst_event_kind kind;
    const char *hash;
    uint32_t count;
    const void *bytes;
    size_t size; /* of bytes */
    const char *reason;
    enum whilst_fault fault;
    const char *text;  /* for people: one line of printable characters */
    uint64_t again_ms; /* until it is tried again; UINT64_MAX: it is not, whilst_close it */
};

/* `data` is what whilst_open was given. */
typedef void whilst_callback(struct whilst *whilst, const struct whilst_event *event,
                             void *data);

/* Begins to connect. `server` is http, https, ws or wss://HOST[:PORT][/PATH], or
   unix:FILE[:/PATH]; a page's address will do. Certificates are checked: `ca_file` is a PEM
   file of the authorities to be trusted, NULL: the system's. The loop must outlive it, until
   WHILST_CLOSED. NULL after a mistake, which `error` then tells in one line. */
struct whilst *whilst_open(struct uv_loop_s *loop, const char *server, const char *ca_file,
                           whilst_callback *callback, void *data,
                           char error[WHILST_ERROR_SIZE]);

/* Lets go of everything and says goodbye, for two seconds at most. WHILST_CLOSED follows, and
   nothing but that. May be called again. */
void whilst_close(struct whilst *whilst);

/* What is done with pages. Each may be asked for before the server is reached, and is taken up
   again after each loss. */

/* Holds a copy of these bytes, until whilst_leave; `hash` gets their hash. */
enum whilst_result whilst_hold(struct whilst *whilst, const void *bytes, size_t size,
                               char hash[WHILST_HASH_SIZE]);
/* Gets a page once, from whoever holds it: WHILST_FOUND, however long that takes. */
enum whilst_result whilst_get(struct whilst *whilst, const char *hash);
/* The same, and then holds it too, until whilst_leave. Those who hold a page are told how
   many they are: WHILST_COUNT. */
enum whilst_result whilst_watch(struct whilst *whilst, const char *hash);
/* Does not hold and not seek this page any more. */
enum whilst_result whilst_leave(struct whilst *whilst, const char *hash);

/* Names and addresses. */

/* The hash of these bytes. */
void whilst_hash(const void *bytes, size_t size, char hash[WHILST_HASH_SIZE]);
/* The hash in a page's address, or which `text` is; false if there is none. */
bool whilst_find_hash(const char *text, char hash[WHILST_HASH_SIZE]);
/* A page's address at this server, as whilst_open and browsers read it. */
enum whilst_result whilst_address(const struct whilst *whilst, const char *hash,
                                  char address[WHILST_ADDRESS_SIZE]);

#ifdef __cplusplus
}
#endif
#endif
