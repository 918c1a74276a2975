/* The watcher of the spawner's reports, and the way from a name to a path. */
#include "prober/scripts.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/str.h"

struct scripts {
    struct ev_loop *ev;
    struct spawner *spawner;
    char *directory; /* real path; NULL: it is not there */
    ev_io reports;
};

static void on_report(struct ev_loop *ev, ev_io *watcher, int events)
{
    struct scripts *scripts = container_of(watcher, struct scripts, reports);

    (void)events;
    if (spawner_on_readable(scripts->spawner) == OK)
        return;
    log_error("scripts.spawner_lost", "detail=%s", failure_last()->detail);
    failure_clear();
    ev_io_stop(ev, watcher);
}

struct scripts *scripts_new(struct ev_loop *ev, struct spawner *spawner, const char *directory)
{
    struct scripts *scripts = NEW(struct scripts);

    scripts->ev = ev;
    scripts->spawner = spawner;
    scripts->directory = realpath(directory, NULL);
    if (!scripts->directory)
        log_error("scripts.directory_missing", "directory=%s error=%s", directory,
                  strerrordesc_np(errno));
    ev_io_init(&scripts->reports, on_report, spawner_fd(spawner), EV_READ);
    ev_io_start(ev, &scripts->reports);
    return scripts;
}

void scripts_free(struct scripts *scripts)
{
    if (!scripts)
        return;
    ev_io_stop(scripts->ev, &scripts->reports);
    free(scripts->directory);
    free(scripts);
}

struct spawner *scripts_spawner(struct scripts *scripts)
{
    return scripts->spawner;
}

const char *scripts_directory(const struct scripts *scripts)
{
    return scripts->directory;
}

enum err scripts_find(const struct scripts *scripts, const char *name, char **ret_path)
{
    AUTO(xfree) char *wanted = NULL;
    AUTO(xfree) char *path = NULL;
    size_t len;

    if (!scripts->directory)
        return fail(ERR_NOT_FOUND, "scripts_missing", "the scripts directory is not there");
    if (strchr(name, '/') || name[0] == '.')
        return fail(ERR_DENIED, "script_name", "\"%s\" is not a plain file name", name);

    wanted = xasprintf("%s/%s", scripts->directory, name);
    path = realpath(wanted, NULL);
    if (!path)
        return fail(ERR_NOT_FOUND, "script_missing", "the script %s cannot be found: %s", name,
                    strerrordesc_np(errno));
    len = strlen(scripts->directory);
    if (strncmp(path, scripts->directory, len) != 0 || path[len] != '/')
        return fail(ERR_DENIED, "script_outside",
                    "the script %s leads out of the scripts directory", name);
    if (access(path, X_OK) < 0)
        return fail(ERR_NOT_FOUND, "script_not_executable", "the script %s cannot be run: %s", name,
                    strerrordesc_np(errno));
    *ret_path = TAKE(path);
    return OK;
}
