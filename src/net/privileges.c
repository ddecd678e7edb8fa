/* Giving up what only the start needs: ports below 1024, and files that only root may read,
   are open by then. A server that root started becomes another user before it reads the
   first byte of a stranger. Any server bars the way back, to itself and to what it starts:
   its successor has the sockets from it, and needs no more either. Nor are strangers'
   pages, or the key of the certificate, to lie in a core dump, or to be read by another
   process of the same user. */
#include "privileges.h"

#include "log.h"
#include "server_state.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

/* ---- who ---- */

static bool read_number(const char *text, uint32_t *number)
{
    char *end;
    errno = 0;
    unsigned long value = strtoul(text, &end, 10);
    *number = (uint32_t)value;
    return isdigit((unsigned char)text[0]) && *end == '\0' && errno == 0 &&
           value < UINT32_MAX; /* which stands for no change */
}

static bool find_group(const char *name, gid_t *group)
{
    const struct group *found = getgrnam(name);
    if (found != NULL) *group = found->gr_gid;
    return found != NULL || read_number(name, group);
}

/* A number that no user has needs a group. */
static bool find_user(const char *text, struct identity *who)
{
    const char *colon = strchr(text, ':');
    size_t size = colon == NULL ? strlen(text) : (size_t)(colon - text);
    *who = (struct identity){.changes = false};
    if (size == 0 || size >= sizeof who->name) return false;
    memcpy(who->name, text, size);
    const struct passwd *found = getpwnam(who->name);
    who->is_named = found != NULL;
    if (found != NULL) {
        who->user = found->pw_uid;
        who->group = found->pw_gid;
    } else if (colon == NULL || !read_number(who->name, &who->user)) {
        return false;
    }
    return colon == NULL || find_group(colon + 1, &who->group);
}

bool privileges_is_user(const char *text)
{
    struct identity who;
    return find_user(text, &who);
}

static bool say(const char *text, const char *why, const char *advice)
{
    fprintf(stderr, "whilst: --user %s: %s; %s\n", text, why, advice);
    return false;
}

/* Who stays root, or is that user already, changes nothing. */
bool privileges_open(struct server *server)
{
    struct identity *who = &server->identity;
    const char *text = server->config->user;
    if (text == NULL) return true;
    if (!find_user(text, who))
        return say(text, "there is no such user here", "name one that there is");
    who->changes = who->user != geteuid() || who->group != getegid();
    if (who->user == 0) who->changes = false;
    if (who->changes && geteuid() != 0)
        return say(text, "only root can become another user",
                   "start it as root, or leave this out");
    return true;
}

/* A link is not followed: who may write in that directory could lead us anywhere. */
bool privileges_give(const struct server *server, const char *path)
{
    const struct identity *who = &server->identity;
    return !who->changes || lchown(path, who->user, who->group) == 0;
}

/* ---- the change ---- */

static bool can_return(const struct identity *who)
{
    return setuid(0) == 0 || seteuid(0) == 0 || (who->group != 0 && setegid(0) == 0);
}

static bool become(const struct identity *who)
{
    int grouped =
        who->is_named ? initgroups(who->name, who->group) : setgroups(1, &who->group);
    return grouped == 0 && setresgid(who->group, who->group, who->group) == 0 &&
           setresuid(who->user, who->user, who->user) == 0;
}

static bool change(const struct server *server)
{
    const struct identity *who = &server->identity;
    const char *text = server->config->user;
    static const char advice[] = "start it as that user, or with --user root";
    if (!become(who)) return say(text, strerror(errno), advice);
    if (can_return(who)) return say(text, "root's privileges do not go away", advice);
    log_event(LOG_BECAME, LOG_TEXT("user", text), LOG_NUMBER("uid", who->user),
              LOG_NUMBER("gid", who->group));
    return true;
}

static void say_out_of_reach(const struct server_config *config, const char *path,
                             const char *advice)
{
    log_event(LOG_FILE_OUT_OF_REACH, LOG_TEXT("file", path), LOG_TEXT("user", config->user),
              LOG_TEXT("reason", strerror(errno)), LOG_TEXT("advice", advice));
}

/* What root could open now, and this user cannot when it is to be read again. */
static void look_at_files(const struct server_config *config)
{
    for (size_t i = 0; i < config->files_count; i++) {
        int file = open(config->files[i], O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (file < 0)
            say_out_of_reach(config, config->files[i], "let this user read it");
        else
            close(file);
    }
}

/* A successor is started by this user, and is the same file or what took its place. */
static void look_at_program(const struct server_config *config)
{
    char path[4096];
    ssize_t size = readlink("/proc/self/exe", path, sizeof path - 1);
    if (size < 0) return;
    path[size] = '\0';
    if (access(path, X_OK) != 0)
        say_out_of_reach(config, path,
                         "put the program where this user can run it, or it cannot be "
                         "upgraded by SIGUSR2");
}

static void allow_core_dumps(void)
{
    struct rlimit limit;
    if (getrlimit(RLIMIT_CORE, &limit) != 0) return;
    limit.rlim_cur = limit.rlim_max;
    setrlimit(RLIMIT_CORE, &limit);
}

/* The kernel takes the change of a user for a reason to dump nothing, too. */
bool privileges_drop(const struct server *server)
{
    const struct server_config *config = server->config;
    if (server->identity.changes && !change(server)) return false;
    prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0);
    prctl(PR_SET_DUMPABLE, config->core_dumps ? 1 : 0, 0, 0, 0);
    if (config->core_dumps) allow_core_dumps();
    if (server->identity.changes) {
        look_at_files(config);
        look_at_program(config);
    }
    return true;
}
