/* What share, get, keep and watch have in common: a loop, signals, servers to connect to, a
   line of status on a terminal, and an exit code. */
#ifndef WHILST_APP_ERRAND_H
#define WHILST_APP_ERRAND_H

#include "reach.h"

struct errand;

/* A server that the errand has to do with. */
struct site {
    struct site *next;
    struct errand *errand;
    struct reach reach;
    struct client_config config;
    struct client *client;
    bool reached; /* it was connected to once */
};

struct errand {
    uv_loop_t loop;
    uv_signal_t signals[2];
    uv_timer_t timer;
    struct site *sites;
    bool patient;   /* not even the first connection must be had */
    bool reconnect; /* lost connections are taken up again */
    bool terminal;  /* standard error is one: a line of status is kept there */
    bool ending, shown;
    int code, signal_code; /* to exit with; and what a signal makes of it */
    /* Called from the loop. */
    void (*event)(struct site *site, const struct peer_event *event);
    void (*second)(struct errand *errand); /* once a second, and after errand_touch */
    void (*changed)(struct site *site, const struct link_end *end, uint64_t again_ms);
};

void errand_init(struct errand *errand);
/* The server of the options, or of a page's address; the one that there is already, if it is
   the same. NULL after a mistake, which has been said. */
struct site *errand_site(struct errand *errand, const struct reach_options *options,
                         const char *page);
/* Connects and runs until it has ended; frees everything. Returns the exit code. */
int errand_run(struct errand *errand);
/* Says goodbye everywhere, and ends with this code. The first call counts. */
void errand_end(struct errand *errand, int code);
/* Gives up before errand_run. */
int errand_drop(struct errand *errand, int code);

/* A line on standard error, above the line of status. */
__attribute__((format(printf, 2, 3))) void errand_say(struct errand *errand,
                                                      const char *format, ...);
/* The line of status, on a terminal only. */
__attribute__((format(printf, 2, 3))) void errand_show(struct errand *errand,
                                                       const char *format, ...);
/* Takes it away, before something else is written there. */
void errand_hide(struct errand *errand);

/* A number of bytes for people: "10.0 KB". */
const char *errand_bytes(uint64_t bytes, char text[24]);

/* A page that a user names: its address, or its hash alone. *address is `text` if it is an
   address, else NULL. False after a mistake, which has been said. */
bool errand_page(const char *text, struct page_hash *hash, const char **address);

#endif
