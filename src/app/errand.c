/* Errands: commands that talk to servers as a visitor does.

   Life: init - sites are added - run (connect, events) - end (goodbye to every server, for
   GOODBYE_MS at most) - everything is freed - the code. SIGINT and SIGTERM end an errand. */
#include "errand.h"

#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- what is shown ---- */

void errand_hide(struct errand *errand)
{
    if (errand->shown) fputs("\r\033[K", stderr);
    errand->shown = false;
}

void errand_say(struct errand *errand, const char *format, ...)
{
    va_list arguments;
    errand_hide(errand);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fputc('\n', stderr);
}

void errand_show(struct errand *errand, const char *format, ...)
{
    va_list arguments;
    if (!errand->terminal) return;
    errand_hide(errand);
    va_start(arguments, format);
    vfprintf(stderr, format, arguments);
    va_end(arguments);
    fflush(stderr);
    errand->shown = true;
}

const char *errand_bytes(uint64_t bytes, char text[24])
{
    static const char *const units[] = {"bytes", "KB", "MB", "GB", "TB"};
    double value = (double)bytes;
    size_t unit = 0;
    for (; value >= 1024 && unit < 4; unit++)
        value /= 1024;
    snprintf(text, 24, unit == 0 ? "%.0f %s" : "%.1f %s", value, units[unit]);
    return text;
}

/* ---- pages ---- */

bool errand_page(const char *text, struct page_hash *hash, const char **address)
{
    struct target target;
    const char *wrong;
    *address = NULL;
    if (hash_from_hex(text, strlen(text), hash, NULL)) return true;
    if (target_parse(text, &target, &wrong) && target.has_page) {
        *hash = target.page;
        *address = text;
        return true;
    }
    fprintf(stderr, "whilst: '%s' is neither a page's address nor 64 hexadecimal digits\n",
            text);
    return false;
}

/* ---- the end ---- */

static void close_handles(struct errand *errand)
{
    uv_handle_t *handles[] = {(uv_handle_t *)&errand->signals[0],
                              (uv_handle_t *)&errand->signals[1],
                              (uv_handle_t *)&errand->timer};
    for (size_t i = 0; i < sizeof handles / sizeof handles[0]; i++)
        if (!uv_is_closing(handles[i])) uv_close(handles[i], NULL);
}

void errand_end(struct errand *errand, int code)
{
    if (errand->ending) return;
    errand->ending = true;
    errand->code = code;
    errand_hide(errand);
    for (struct site *site = errand->sites; site != NULL; site = site->next) {
        peer_leave_all(client_peer(site->client));
        if (client_is_open(site->client))
            client_close(site->client);
        else
            client_free(site->client);
    }
    close_handles(errand);
}

int errand_drop(struct errand *errand, int code)
{
    errand_end(errand, code);
    uv_run(&errand->loop, UV_RUN_DEFAULT);
    errand_hide(errand);
    while (errand->sites != NULL) {
        struct site *site = errand->sites;
        errand->sites = site->next;
        reach_close(&site->reach);
        free(site);
    }
    if (uv_loop_close(&errand->loop) != 0) abort();
    return errand->code;
}

static void on_signal(uv_signal_t *signal, int number)
{
    struct errand *errand = signal->data;
    (void)number;
    errand_end(errand, errand->signal_code);
}

/* ---- servers ---- */

static void on_opened(struct client *client)
{
    struct site *site = client_owner(client);
    if (site->reached && site->errand->changed != NULL)
        site->errand->changed(site, NULL, 0);
    site->reached = true;
}

static void on_event(struct client *client, const struct peer_event *event)
{
    struct site *site = client_owner(client);
    if (!site->errand->ending) site->errand->event(site, event);
}

static void say_end(struct site *site, const struct link_end *end, uint64_t again_ms)
{
    char url[TARGET_URL_MAX], again[40] = "";
    target_print(&site->reach.target, NULL, url);
    if (again_ms != UINT64_MAX)
        snprintf(again, sizeof again, "; again in %.1f s", (double)again_ms / 1000);
    if (end->fault == LINK_CLOSED)
        errand_say(site->errand, "whilst: %s closed the connection: %u %s%s", url,
                   end->code, end->text, again);
    else
        errand_say(site->errand, "whilst: %s: %s%s", url, end->text, again);
}

static void on_ended(struct client *client, const struct link_end *end, uint64_t again_ms)
{
    struct site *site = client_owner(client);
    struct errand *errand = site->errand;
    bool lasts = again_ms != UINT64_MAX && (site->reached || errand->patient);
    if (errand->ending) {
        client_free(client);
        return;
    }
    if (errand->changed != NULL) errand->changed(site, end, again_ms);
    say_end(site, end, lasts ? again_ms : UINT64_MAX);
    if (lasts) return;
    bool limit = end->fault == LINK_TOO_LARGE ||
                 (end->fault == LINK_CLOSED && (end->code == 1008 || end->code == 1013));
    errand_end(errand, limit ? EXIT_LIMIT : EXIT_UNREACHABLE);
    client_free(client);
}

static struct site *find_site(const struct errand *errand, const struct target *target)
{
    struct site *site = errand->sites;
    for (; site != NULL; site = site->next) {
        const struct target *known = &site->reach.target;
        if (known->is_unix == target->is_unix && known->secure == target->secure &&
            strcmp(known->host, target->host) == 0 &&
            strcmp(known->port, target->port) == 0 &&
            strcmp(known->base, target->base) == 0)
            return site;
    }
    return NULL;
}

struct site *errand_site(struct errand *errand, const struct reach_options *options,
                         const char *page)
{
    struct reach reach = {0};
    if (!reach_open(&reach, options, page)) return NULL;
    struct site *site = find_site(errand, &reach.target);
    if (site != NULL) {
        reach_close(&reach);
        return site;
    }
    site = calloc(1, sizeof *site);
    if (site == NULL) abort();
    site->errand = errand;
    site->reach = reach;
    site->config = reach_client(&site->reach, &errand->loop);
    site->config.peer.limits = true;
    site->config.reconnect = errand->reconnect;
    site->config.opened = on_opened;
    site->config.event = on_event;
    site->config.ended = on_ended;
    site->client = client_new(&site->config, site);
    client_draw_token(site->client);
    peer_visit(client_peer(site->client));
    site->next = errand->sites;
    errand->sites = site;
    return site;
}

/* ---- the run ---- */

static void on_second(uv_timer_t *timer)
{
    struct errand *errand = timer->data;
    if (errand->second != NULL) errand->second(errand);
}

void errand_init(struct errand *errand)
{
    static const int numbers[] = {SIGINT, SIGTERM};
    uv_loop_init(&errand->loop);
    uv_timer_init(&errand->loop, &errand->timer);
    errand->timer.data = errand;
    errand->terminal = isatty(STDERR_FILENO);
    for (size_t i = 0; i < 2; i++) {
        uv_signal_init(&errand->loop, &errand->signals[i]);
        errand->signals[i].data = errand;
        uv_signal_start(&errand->signals[i], on_signal, numbers[i]);
    }
    signal(SIGPIPE, SIG_IGN);
}

int errand_run(struct errand *errand)
{
    uv_timer_start(&errand->timer, on_second, 1000, 1000);
    for (struct site *site = errand->sites; site != NULL; site = site->next)
        client_open(site->client, NULL);
    uv_run(&errand->loop, UV_RUN_DEFAULT);
    return errand_drop(errand, errand->code);
}
