/* The pages with the most viewers. */
#ifndef WHILST_NET_SURVEY_H
#define WHILST_NET_SURVEY_H

#include "whilst/hub.h"

#include <uv.h>

#define SURVEY_TOP 12

struct server;

/* Zeroed memory but for `server` and `timer`, which survey_open sets. */
struct survey {
    struct server *server;
    uv_timer_t timer;
    uint64_t from;    /* of hub_walk_pages */
    uint64_t done_ms; /* when the last one was whole, 0: never */
    bool running;
    struct hub_page top[SURVEY_TOP], coming[SURVEY_TOP]; /* the last one; the present one */
    size_t top_count, coming_count;
};

void survey_open(struct survey *survey, struct server *server);
void survey_close(struct survey *survey);

/* Somebody looks: a survey is begun, unless there is one or the last is fresh. */
void survey_want(struct survey *survey);

#endif
