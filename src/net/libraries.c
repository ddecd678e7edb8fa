/* Memory and descriptors for the libraries.

   A server lives only as long as the least careful of its libraries. libwebsockets can crash
   when an allocation fails while it accepts; libuv aborts when its table of descriptors cannot
   grow. All of them take their memory from whilst/memory.h, whose reserve gives them the small
   blocks that they need even when the system refuses; what grows is grown at the start. */
#include "libraries.h"

#include "log.h"
#include "whilst/hash.h"
#include "whilst/memory.h"

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <openssl/crypto.h>
#include <sys/eventfd.h>
#include <sys/resource.h>
#include <unistd.h>

#define DESCRIPTORS_BESIDE 64 /* for the loop, listeners, files */
#define CONNECTIONS_DEFAULT 20000

static void *resize_for_websockets(void *memory, size_t size, const char *reason)
{
    (void)reason;
    if (size > 0) return memory_resize(memory, size);
    memory_free(memory);
    return NULL;
}

static void *new_for_uv(size_t count, size_t size)
{
    return size > 0 && count > SIZE_MAX / size ? NULL : memory_new(count * size);
}

static void *take_for_openssl(size_t size, const char *file, int line)
{
    (void)file, (void)line;
    return memory_take(size);
}

static void *resize_for_openssl(void *memory, size_t size, const char *file, int line)
{
    (void)file, (void)line;
    if (size > 0) return memory_resize(memory, size);
    memory_free(memory);
    return NULL;
}

static void free_for_openssl(void *memory, const char *file, int line)
{
    (void)file, (void)line;
    memory_free(memory);
}

bool libraries_lend_memory(size_t reserve_bytes)
{
    if (!memory_set_aside(reserve_bytes)) return false;
    lws_set_allocator(resize_for_websockets);
    json_set_alloc_funcs(memory_take, memory_free);
    uv_replace_allocator(memory_take, memory_resize, new_for_uv, memory_free);
    if (CRYPTO_set_mem_functions(take_for_openssl, resize_for_openssl, free_for_openssl) !=
        1)
        return false;
    hash_of("", 0);
    return true;
}

/* Who asked for more must hear of it. */
static void say_lowered(uint32_t asked, uint32_t sessions, rlim_t descriptors)
{
    if (asked > sessions)
        log_event(LOG_MAX_CONNECTIONS_LOWERED, LOG_NUMBER("asked", asked),
                  LOG_NUMBER("sessions", sessions), LOG_NUMBER("descriptors", descriptors),
                  LOG_TEXT("advice", "raise the hard limit: LimitNOFILE=, or ulimit -Hn"));
}

/* Root may raise the hard limit too, as long as it is root. */
static void limit_to(struct rlimit *limit, rlim_t wanted)
{
    struct rlimit raised = {.rlim_cur = wanted, .rlim_max = wanted};
    limit->rlim_cur = wanted;
    if (wanted > limit->rlim_max && setrlimit(RLIMIT_NOFILE, &raised) == 0) *limit = raised;
}

int libraries_limit_descriptors(struct server_config *config)
{
    struct rlimit limit;
    uint32_t *sessions = &config->hub.connections_max, *callers = &config->callers_max;
    uint32_t asked = *sessions == UINT32_MAX ? 0 : *sessions;
    getrlimit(RLIMIT_NOFILE, &limit);
    if (asked == 0) *sessions = CONNECTIONS_DEFAULT;
    limit_to(&limit, (rlim_t)*sessions + *callers + DESCRIPTORS_BESIDE);
    if (limit.rlim_cur > limit.rlim_max) {
        limit.rlim_cur = limit.rlim_max;
        uint32_t all = (uint32_t)limit.rlim_max, least = DESCRIPTORS_BESIDE + 2;
        uint32_t room = (all > least ? all : least) - DESCRIPTORS_BESIDE;
        if (*callers > room / 2) *callers = room / 2;
        *sessions = room - *callers;
        say_lowered(asked, *sessions, limit.rlim_max);
    }
    setrlimit(RLIMIT_NOFILE, &limit);
    return (int)limit.rlim_cur;
}

static void on_closed(uv_handle_t *handle)
{
    close(*(int *)handle->data);
}

bool libraries_make_room(uv_loop_t *loop, int limit)
{
    uv_poll_t poll;
    int event = eventfd(0, EFD_CLOEXEC);
    int highest = fcntl(event, F_DUPFD_CLOEXEC, limit - 1);
    close(event);
    if (highest < 0 || uv_poll_init(loop, &poll, highest) != 0) return false;
    uv_poll_start(&poll, UV_READABLE, NULL);
    poll.data = &highest;
    uv_close((uv_handle_t *)&poll, on_closed);
    return uv_run(loop, UV_RUN_DEFAULT) == 0;
}
