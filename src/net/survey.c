/* Which pages have the most viewers. Nobody keeps that order, for it would cost something at
   every join: whilst the operator looks, all pages are gone through, a few in each turn of
   the loop. */
#include "survey.h"

#include "server_state.h"

#include <string.h>

#define PAGES_A_STEP 500
#define STEP_MS 5
#define FRESH_MS 4000

static uint32_t viewers(const struct hub_page *page)
{
    return page->holders + page->seekers;
}

static void note(const struct hub_page *page, void *context)
{
    struct survey *survey = context;
    size_t at = survey->coming_count;
    while (at > 0 && viewers(&survey->coming[at - 1]) < viewers(page))
        at--;
    if (at == SURVEY_TOP) return;
    if (survey->coming_count < SURVEY_TOP) survey->coming_count++;
    memmove(&survey->coming[at + 1], &survey->coming[at],
            (survey->coming_count - at - 1) * sizeof *page);
    survey->coming[at] = *page;
}

static void on_step(uv_timer_t *timer)
{
    struct survey *survey = timer->data;
    uint64_t now_ms = server_now_ms(survey->server);
    survey->from = hub_walk_pages(survey->server->hub, survey->from, PAGES_A_STEP, now_ms,
                                  note, survey);
    if (survey->from != 0) return;
    uv_timer_stop(timer);
    memcpy(survey->top, survey->coming, sizeof survey->top);
    survey->top_count = survey->coming_count;
    survey->done_ms = now_ms;
    survey->running = false;
}

void survey_open(struct survey *survey, struct server *server)
{
    survey->server = server;
    survey->timer.data = survey;
    uv_timer_init(&server->loop, &survey->timer);
}

void survey_close(struct survey *survey)
{
    uv_close((uv_handle_t *)&survey->timer, NULL);
}

void survey_want(struct survey *survey)
{
    uint64_t now_ms = server_now_ms(survey->server);
    if (survey->running || (survey->done_ms != 0 && now_ms < survey->done_ms + FRESH_MS))
        return;
    survey->running = true;
    survey->coming_count = 0;
    uv_timer_start(&survey->timer, on_step, 0, STEP_MS);
}
