/* The operator's JSON: `whilst admin` and the dashboard are made of it. Lists come in steps
   of a few hundred, so that no request holds the loop for long; what changes something is
   a POST, with all that it needs in its path. */
#include "admin.h"

#include "deny_file.h"
#include "log.h"
#include "passed.h"
#include "policy.h"
#include "process.h"
#include "request.h"
#include "server_state.h"
#include "whilst/memory.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STEP 250 /* pages or sessions in one answer */

/* ---- answers ---- */

/* Takes the value, which is NULL if there was no memory. */
static int send_json(const struct request *request, unsigned status, json_t *value)
{
    char *text = value == NULL ? NULL : json_dumps(value, JSON_COMPACT);
    json_decref(value);
    if (text == NULL) return -1;
    struct http_answer answer = {.status = status,
                                 .type = "application/json",
                                 .body = (const uint8_t *)text,
                                 .size = strlen(text),
                                 .headers = "Cache-Control: no-store\r\n" POLICY_PLAIN,
                                 .head = request->head,
                                 .close = request->close};
    int result = http_send(request->wsi, &answer);
    free(text);
    return result;
}

static int send_fault(const struct request *request, unsigned status, const char *words)
{
    return send_json(request, status, json_pack("{s:s}", "error", words));
}

/* A whole number in the query, 0 if it is not there. */
static uint64_t argument(const struct request *request, const char *name)
{
    char text[64];
    size_t length = strlen(name);
    for (int i = 0; lws_hdr_copy_fragment(request->wsi, text, sizeof text,
                                          WSI_TOKEN_HTTP_URI_ARGS, i) >= 0;
         i++)
        if (strncmp(text, name, length) == 0 && text[length] == '=')
            return strtoull(text + length + 1, NULL, 10);
    return 0;
}

/* ---- seeing ---- */

static int serve_status(const struct request *request)
{
    const struct server *server = request->server;
    const struct metrics *metrics = hub_metrics(server->hub);
    struct process process = process_read(server->metrics.sockets);
    json_t *limits = json_pack("{s:I, s:I, s:I}", "connections",
                               (json_int_t)server->config->hub.connections_max,
                               "page_bytes", (json_int_t)server->config->hub.page_bytes_max,
                               "descriptors", (json_int_t)process.descriptors_max);
    return send_json(
        request, 200,
        json_pack(
            "{s:s, s:i, s:i, s:I, s:s, s:s, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, "
            "s:I, s:o}",
            "version", WHILST_VERSION, "pid", (int)getpid(), "predecessor",
            server->succeeds ? passed_predecessor_process() : 0, "began_s",
            (json_int_t)server->began_s, "state", server->stopping ? "draining" : "serving",
            "log_level", log_level_name(log_settings()->level), "deny_file",
            server->config->deny_file, "denied", (json_int_t)metrics->denied, "visitors",
            (json_int_t)metrics->sessions, "pages", (json_int_t)metrics->pages, "holders",
            (json_int_t)metrics->holders, "away", (json_int_t)metrics->away, "seekers",
            (json_int_t)metrics->seekers, "memory_bytes",
            (json_int_t)process.resident_bytes, "cpu_s", (double)process.cpu_us / 1e6,
            "descriptors", (json_int_t)process.descriptors, "limits", limits));
}

static json_t *page_new(const struct hub_page *page)
{
    char hex[HASH_HEX + 1];
    hash_to_hex(&page->hash, 0, hex);
    return json_pack("{s:s, s:I, s:I, s:I, s:o, s:I}", "hash", hex, "holders",
                     (json_int_t)page->holders, "away", (json_int_t)page->away, "seekers",
                     (json_int_t)page->seekers, "bytes",
                     page->bytes == 0 ? json_null() : json_integer(page->bytes), "age_s",
                     (json_int_t)(page->age_ms / 1000));
}

static void add_page(const struct hub_page *page, void *list)
{
    json_array_append_new(list, page_new(page));
}

static json_t *step_new(const char *what, json_t *list, uint64_t next)
{
    return json_pack("{s:o, s:I}", what, list, "next", (json_int_t)next);
}

static int serve_pages(const struct request *request)
{
    json_t *list = json_array();
    struct server *server = request->server;
    uint64_t next = hub_walk_pages(server->hub, argument(request, "from"), STEP,
                                   server_now_ms(server), add_page, list);
    return send_json(request, 200, step_new("pages", list, next));
}

static void add_session(const struct hub_session *session, void *list)
{
    static const struct address nowhere = {{0}};
    char id[24];
    struct address_text from = address_print(&session->network);
    bool known = memcmp(&session->network, &nowhere, sizeof nowhere) != 0;
    snprintf(id, sizeof id, "%" PRIx64, session->id);
    json_array_append_new(list, json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:I}", "session",
                                          id, "network", known ? from.text : NULL,
                                          "holding", (json_int_t)session->holding,
                                          "seeking", (json_int_t)session->seeking, "asked",
                                          (json_int_t)session->asked, "unread_bytes",
                                          (json_int_t)session->unread_bytes, "age_s",
                                          (json_int_t)(session->age_ms / 1000)));
}

static int serve_sessions(const struct request *request)
{
    json_t *list = json_array();
    struct server *server = request->server;
    uint64_t next = hub_walk_sessions(server->hub, argument(request, "from"), STEP,
                                      server_now_ms(server), add_session, list);
    return send_json(request, 200, step_new("sessions", list, next));
}

static void add_node(const struct hub_node *node, void *list)
{
    json_array_append_new(list,
                          json_pack("{s:s, s:b, s:I, s:I, s:f, s:f, s:n, s:n}", "node",
                                    node->name, "here", 0, "pages", (json_int_t)node->pages,
                                    "holders", (json_int_t)node->holders, "heard_s",
                                    (double)node->silent_ms / 1000, "age_s",
                                    (double)node->age_ms / 1000, "server", "round_trip_s"));
}

/* This node first, and then those that it hears. */
static int serve_nodes(const struct request *request)
{
    struct server *server = request->server;
    const struct metrics *metrics = hub_metrics(server->hub);
    json_t *list = json_array();
    const char *at = server->bus == NULL ? NULL : nats_client_server(server->bus);
    if (server->config->bus.servers != NULL)
        json_array_append_new(
            list,
            json_pack(
                "{s:s, s:b, s:I, s:I, s:f, s:f, s:s?, s:f}", "node",
                server->config->hub.node, "here", 1, "pages", (json_int_t)metrics->pages,
                "holders", (json_int_t)(metrics->holders - metrics->away), "heard_s", 0.0,
                "age_s", (double)(time(NULL) - server->began_s), "server", at,
                "round_trip_s",
                at == NULL ? 0 : (double)nats_client_round_trip_ns(server->bus) / 1e9));
    hub_list_nodes(server->hub, server_now_ms(server), add_node, list);
    return send_json(request, 200, step_new("nodes", list, 0));
}

/* The last survey that is whole; looking begins the next. */
static int serve_top(const struct request *request)
{
    struct survey *survey = &request->server->admin.survey;
    json_t *list = json_array();
    survey_want(survey);
    for (size_t i = 0; i < survey->top_count; i++)
        add_page(&survey->top[i], list);
    return send_json(request, 200,
                     json_pack("{s:o, s:b}", "pages", list, "whole", survey->done_ms != 0));
}

static int serve_history(const struct request *request)
{
    return send_json(
        request, 200,
        history_json_new(request->server->admin.history, argument(request, "after")));
}

/* ---- doing ---- */

static int drop_page(const struct request *request, const struct page_hash *hash)
{
    struct server *server = request->server;
    uint32_t told = hub_drop_page(server->hub, hash, server_now_ms(server));
    log_event(LOG_ADMIN, LOG_TEXT("did", "drop"), LOG_NUMBER("told", told));
    server_settle(server);
    return send_json(request, 200, json_pack("{s:I}", "told", (json_int_t)told));
}

static int block_page(const struct request *request, const struct page_hash *hash)
{
    struct server *server = request->server;
    const char *why = "";
    uint64_t before = hub_metrics(server->hub)->refusals[REASON_BLOCKED];
    if (!hub_deny_page(server->hub, hash, server_now_ms(server)))
        return send_fault(request, 503, "there is no memory");
    uint64_t told = hub_metrics(server->hub)->refusals[REASON_BLOCKED] - before;
    bool written = deny_file_add(server, hash, &why);
    log_event(LOG_ADMIN, LOG_TEXT("did", "block"), LOG_NUMBER("told", told),
              LOG_TEXT("written", written ? "yes" : "no"));
    server_settle(server);
    return send_json(request, 200,
                     json_pack("{s:I, s:b, s:s?, s:s}", "told", (json_int_t)told, "written",
                               written, "deny_file", server->config->deny_file, "why",
                               why));
}

static int serve_page_act(const struct request *request)
{
    struct page_hash hash;
    const char *hex = request->path + strlen("/api/pages/"), *verb = strchr(hex, '/');
    if (verb == NULL || !hash_from_hex(hex, (size_t)(verb - hex), &hash, NULL))
        return send_fault(request, 400, "a page is named by 64 hexadecimal digits");
    if (strcmp(verb, "/drop") == 0) return drop_page(request, &hash);
    if (strcmp(verb, "/block") == 0) return block_page(request, &hash);
    return send_fault(request, 404, "a page can be dropped or blocked");
}

static int serve_session_act(const struct request *request)
{
    struct server *server = request->server;
    const char *text = request->path + strlen("/api/sessions/");
    char *verb;
    session_id id = strtoull(text, &verb, 16);
    if (verb == text || strcmp(verb, "/close") != 0)
        return send_fault(request, 404, "a session can be closed");
    if (!hub_drop_session(server->hub, id, server_now_ms(server)))
        return send_fault(request, 404, "there is no such session");
    log_event(LOG_ADMIN, LOG_TEXT("did", "close"));
    server_settle(server);
    return send_json(request, 200, json_pack("{s:b}", "closed", 1));
}

static int serve_log_level(const struct request *request)
{
    enum log_level level;
    const char *name = request->path + strlen("/api/log-level/");
    if (!log_level_parse(name, &level))
        return send_fault(request, 400, "a level is error, warn, info or debug");
    log_event(LOG_ADMIN, LOG_TEXT("did", "log_level"),
              LOG_TEXT("level", log_level_name(level)));
    log_set_level(level);
    return send_json(request, 200, json_pack("{s:s}", "log_level", name));
}

static int serve_drain(const struct request *request)
{
    int result =
        send_json(request, 200,
                  json_pack("{s:I}", "visitors",
                            (json_int_t)hub_metrics(request->server->hub)->sessions));
    server_stop(request->server, "drain");
    return result;
}

/* ---- routes ---- */

/* A path that ends with "/" stands for all below it. */
static const struct route {
    const char *path;
    bool post;
    int (*serve)(const struct request *request);
} routes[] = {
    {"/api/status", false, serve_status},
    {"/api/pages", false, serve_pages},
    {"/api/top", false, serve_top},
    {"/api/sessions", false, serve_sessions},
    {"/api/nodes", false, serve_nodes},
    {"/api/history", false, serve_history},
    {"/api/pages/", true, serve_page_act},
    {"/api/sessions/", true, serve_session_act},
    {"/api/log-level/", true, serve_log_level},
    {"/api/drain", true, serve_drain},
};

int api_serve(const struct request *request, bool post)
{
    for (size_t i = 0; i < sizeof routes / sizeof routes[0]; i++) {
        size_t length = strlen(routes[i].path);
        bool below = routes[i].path[length - 1] == '/';
        if (below ? strncmp(request->path, routes[i].path, length) != 0
                  : strcmp(request->path, routes[i].path) != 0)
            continue;
        if (post == routes[i].post) return routes[i].serve(request);
        return send_fault(request, 405, post ? "this is a GET" : "this is a POST");
    }
    return send_fault(request, 404, "there is nothing at this address");
}
