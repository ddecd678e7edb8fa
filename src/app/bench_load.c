/* Visitors and waiting.

   Everything runs on one loop. A script calls load_turn or load_wait, which run it; what
   visitors are told is counted in the callbacks. A timer of a millisecond keeps turns
   short. A run in which nothing comes for STALL_MS is over. */
#include "bench_load.h"

#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

#define STALL_MS 15000
#define DESCRIPTORS_BESIDE 32
#define TURN_NS 1000000
#define IDLE_MS 100 /* a server that used no more than IDLE_NS in this time is idle */
#define IDLE_NS 1000000

/* ---- chance, pages ---- */

static uint64_t next_chance(struct load *load)
{
    uint64_t z = load->chance += UINT64_C(0x9e3779b97f4a7c15); /* splitmix64 */
    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

uint32_t load_chance(struct load *load, uint32_t below)
{
    return (uint32_t)(next_chance(load) % below);
}

double load_fraction(struct load *load)
{
    return (double)(next_chance(load) >> 11) * 0x1p-53;
}

void visitor_hold(struct visitor *visitor, uint64_t number, size_t size)
{
    struct page_hash hash;
    struct message *page = bench_page_new(visitor->load->options, number, size, &hash);
    peer_hold(client_peer(visitor->client), &hash, page);
    message_unref(page);
}

/* ---- phases ---- */

static pid_t server_of(const struct load *load)
{
    return (pid_t)load->options->server_pid;
}

void load_begin(struct load *load, const char *name, const char *unit)
{
    load->phase = result_begin(&load->result, name, unit, server_of(load));
}

void load_end(struct load *load)
{
    result_end(load->phase, server_of(load));
    load->phase = NULL;
}

static void count_one(const struct visitor *visitor)
{
    if (visitor->phase == NULL) return;
    visitor->phase->count++;
    histogram_add(visitor->phase->times, visitor->load->heard_ns - visitor->since_ns);
}

/* ---- visitors ---- */

static void give_up_waiting(struct visitor *visitor)
{
    visitor->load->awaiting -= visitor->awaiting;
    visitor->awaiting = 0;
}

void visitor_expect(struct visitor *visitor, struct phase *phase, enum peer_event_kind kind,
                    uint32_t times, uint64_t since_ns)
{
    visitor->phase = phase;
    visitor->awaited = kind;
    visitor->awaiting += times;
    visitor->since_ns = since_ns;
    visitor->load->awaiting += times;
}

static void on_event(struct client *client, const struct peer_event *event)
{
    struct visitor *visitor = client_owner(client);
    struct load *load = visitor->load;
    load->heard_ns = measure_now_ns();
    if (event->kind == PEER_COUNT) {
        visitor->count = event->count;
        load->counts++;
    } else if (event->kind == PEER_NOBODY) {
        load->nobodies++;
    } else if (event->kind == PEER_REFUSED) {
        result_fault(&load->result, event->reason);
    } else if (event->kind == PEER_WRONG || event->kind == PEER_GARBLED) {
        result_fault(&load->result, "wrong bytes or frames");
    }
    if (visitor->awaiting == 0 || event->kind != visitor->awaited) return;
    visitor->awaiting--;
    load->awaiting--;
    if (visitor->state == VISITOR_COMING && visitor->awaiting == 0)
        visitor->state = VISITOR_IN;
    count_one(visitor);
}

static bool say(const char *what, const char *why)
{
    fprintf(stderr, "whilst: %s: %s\n", what, why);
    return false;
}

static void on_opened(struct client *client)
{
    const struct visitor *visitor = client_owner(client);
    visitor->load->reached = true;
}

/* When not even one connection was had, it is no use to try thousands. */
static void give_up(struct load *load, const char *why)
{
    if (!load->interrupted) say(load->options->reach.server, why);
    load->interrupted = true;
}

static void on_ended(struct client *client, const struct link_end *end, uint64_t again_ms)
{
    char text[64];
    struct visitor *visitor = client_owner(client);
    (void)again_ms;
    give_up_waiting(visitor);
    if (visitor->ends) return;
    if (!visitor->load->reached) give_up(visitor->load, end->text);
    if (end->fault == LINK_CLOSED)
        snprintf(text, sizeof text, "closed with %u %.40s", end->code, end->text);
    else
        snprintf(text, sizeof text, "%.60s", end->text);
    result_fault(&visitor->load->result, text);
    visitor->state = VISITOR_LEAVING;
    client_free(client);
}

static void on_freed(void *owner)
{
    struct visitor *visitor = owner;
    visitor->client = NULL;
    visitor->state = VISITOR_OUT;
    visitor->load->alive--;
}

struct peer *visitor_new(struct visitor *visitor)
{
    visitor->client = client_new(&visitor->to->config, visitor);
    visitor->state = VISITOR_COMING;
    visitor->ends = false;
    visitor->count = 0;
    visitor->load->alive++;
    return client_peer(visitor->client);
}

/* So many visitors share each address from 127.1.0.1 on: servers limit what one address
   may have open. */
void visitor_open(struct visitor *visitor)
{
    uint32_t share = visitor->load->options->per_address;
    struct sockaddr_in from = {.sin_family = AF_INET};
    const struct sockaddr_in *to = (const struct sockaddr_in *)&visitor->to->address;
    bool is_local = to->sin_family == AF_INET && ntohl(to->sin_addr.s_addr) >> 24 == 127;
    if (share == 0 || !is_local) {
        client_open(visitor->client, NULL);
        return;
    }
    from.sin_addr.s_addr = htonl(0x7f010001 + visitor->number / share);
    client_open(visitor->client, (const struct sockaddr *)&from);
}

void visitor_leave(struct visitor *visitor, bool goodbye)
{
    give_up_waiting(visitor);
    visitor->state = VISITOR_LEAVING;
    visitor->ends = true;
    if (goodbye) client_close(visitor->client);
    if (!goodbye || !client_is_open(visitor->client)) client_free(visitor->client);
}

/* ---- time ---- */

static void show_progress(const struct load *load)
{
    const struct phase *phase = load->phase;
    static uint64_t shown_ns;
    uint64_t now = measure_now_ns();
    if (!load->terminal || phase == NULL || now - shown_ns < 250000000) return;
    shown_ns = now;
    fprintf(stderr, "\r\033[K%s: %llu %s, %u connections", phase->name,
            (unsigned long long)phase->count, phase->unit, load->alive);
}

static void on_tick(uv_timer_t *timer)
{
    show_progress(timer->data);
}

static void on_interrupt(uv_signal_t *signal, int number)
{
    struct load *load = signal->data;
    (void)number;
    load->interrupted = true;
}

bool load_turn(struct load *load)
{
    uv_run(&load->loop, UV_RUN_ONCE);
    return !load->interrupted;
}

/* The loop waits in milliseconds; whoever keeps to a rate needs to wake up more exactly. */
bool load_turn_until(struct load *load, uint64_t due_ns)
{
    struct pollfd loop = {.fd = uv_backend_fd(&load->loop), .events = POLLIN};
    uv_run(&load->loop, UV_RUN_NOWAIT);
    uint64_t now = measure_now_ns(), wait = due_ns > now ? due_ns - now : 0;
    struct timespec time = {.tv_nsec = wait < TURN_NS ? (long)wait : TURN_NS};
    if (wait > 0 && ppoll(&loop, 1, &time, NULL) > 0) uv_run(&load->loop, UV_RUN_NOWAIT);
    return !load->interrupted;
}

bool load_wait(struct load *load)
{
    load->heard_ns = measure_now_ns();
    while (load->awaiting > 0 && load_turn(load))
        if (measure_now_ns() - load->heard_ns > STALL_MS * UINT64_C(1000000)) {
            result_fault(&load->result, "nothing came for 15 s");
            load->interrupted = true;
        }
    return !load->interrupted;
}

bool load_sleep(struct load *load, uint64_t ms)
{
    uint64_t end = measure_now_ns() + ms * 1000000;
    while (measure_now_ns() < end && load_turn(load)) {
    }
    return !load->interrupted;
}

bool load_until_idle(struct load *load)
{
    uint64_t before, after = measure_cpu_ns(server_of(load));
    if (server_of(load) == 0) return load_sleep(load, IDLE_MS);
    do {
        before = after;
        if (!load_sleep(load, IDLE_MS)) return false;
        after = measure_cpu_ns(server_of(load));
    } while (after - before > IDLE_NS);
    return true;
}

/* ---- opening and closing ---- */

static bool resolve(struct destination *to)
{
    const struct target *target = &to->reach.target;
    struct addrinfo hints = {.ai_socktype = SOCK_STREAM}, *found;
    if (target->is_unix) return true;
    int error = getaddrinfo(target->host, target->port, &hints, &found);
    if (error != 0) return say(target->host, gai_strerror(error));
    memcpy(&to->address, found->ai_addr, found->ai_addrlen);
    freeaddrinfo(found);
    to->config.link.address = (const struct sockaddr *)&to->address;
    return true;
}

static bool open_destination(struct load *load, struct destination *to, const char *server)
{
    struct reach_options where = load->options->reach;
    where.server = server;
    if (!reach_open(&to->reach, &where, NULL)) return false;
    to->config = reach_client(&to->reach, &load->loop);
    to->config.peer.heartbeat_ms = 0; /* the server's pings are answered */
    to->config.opened = on_opened;
    to->config.event = on_event;
    to->config.ended = on_ended;
    to->config.freed = on_freed;
    return resolve(to);
}

static bool open_destinations(struct load *load)
{
    const char *holders = load->options->holders_server;
    return open_destination(load, &load->to, load->options->reach.server) &&
           (holders == NULL || open_destination(load, &load->holders_to, holders));
}

static bool raise_descriptors(uint32_t visitors)
{
    struct rlimit limit;
    char text[64];
    getrlimit(RLIMIT_NOFILE, &limit);
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_NOFILE, &limit);
    if ((rlim_t)visitors + DESCRIPTORS_BESIDE <= limit.rlim_cur) return true;
    snprintf(text, sizeof text, "a process here may hold %llu descriptors",
             (unsigned long long)limit.rlim_cur);
    return say("--visitors", text);
}

bool load_open(struct load *load, const struct bench_options *options)
{
    *load = (struct load){.options = options, .chance = options->seed};
    load->terminal = isatty(STDERR_FILENO);
    if (!raise_descriptors(options->visitors)) return false;
    uv_loop_init(&load->loop);
    load->visitors_count = options->visitors;
    load->visitors = calloc(options->visitors, sizeof *load->visitors);
    if (load->visitors == NULL) abort();
    for (uint32_t i = 0; i < options->visitors; i++)
        load->visitors[i] = (struct visitor){.load = load, .to = &load->to, .number = i};
    uv_timer_init(&load->loop, &load->tick);
    uv_signal_init(&load->loop, &load->interrupt);
    load->tick.data = load->interrupt.data = load;
    uv_timer_start(&load->tick, on_tick, 1, 1);
    uv_signal_start(&load->interrupt, on_interrupt, SIGINT);
    signal(SIGPIPE, SIG_IGN);
    prctl(PR_SET_TIMERSLACK, 1); /* who keeps to a rate wakes up when it is due */
    return open_destinations(load);
}

void load_close(struct load *load)
{
    if (load->visitors == NULL) return;
    for (uint32_t i = 0; i < load->visitors_count; i++) {
        load->visitors[i].ends = true;
        if (load->visitors[i].client != NULL) client_free(load->visitors[i].client);
    }
    uv_close((uv_handle_t *)&load->tick, NULL);
    uv_close((uv_handle_t *)&load->interrupt, NULL);
    uv_run(&load->loop, UV_RUN_DEFAULT);
    if (uv_loop_close(&load->loop) != 0) abort();
    if (load->terminal) fprintf(stderr, "\r\033[K");
    free(load->visitors);
    result_clear(&load->result);
    reach_close(&load->to.reach);
    reach_close(&load->holders_to.reach);
}
