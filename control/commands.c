/*
 * Files that the user names are opened before root is given up, because the service's user may not
 * be allowed to; content goes through DIR/backups.
 */
#include "control/commands.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"

#include "control/access/access.h"
#include "control/api/openapi.h"
#include "control/api/router.h"
#include "control/console_folder.h"
#include "control/data_dir.h"
#include "control/instance.h"
#include "control/options.h"
#include "control/routes.h"
#include "control/store/db.h"

#define COPY_BYTES   65536
#define BACKUP_MAGIC "PGDMP" /* of pg_dump's custom format */

static enum err copy(int from, int to)
{
    CLEANUP(xfree_p) char *block = xmalloc(COPY_BYTES);
    ssize_t len;

    while ((len = read(from, block, COPY_BYTES)) > 0) {
        for (ssize_t at = 0; at < len;) {
            ssize_t written = write(to, block + at, (size_t)(len - at));

            if (written < 0)
                return fail(ERR_UNAVAILABLE, "copy_failed", "cannot write: %s", strerror(errno));
            at += written;
        }
    }
    if (len < 0 || fsync(to) < 0)
        return fail(ERR_UNAVAILABLE, "copy_failed", "cannot copy: %s", strerror(errno));
    return OK;
}

enum err command_openapi(void)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    AUTO(router_free) struct router *router = router_new();

    routes_add(router, &(struct route_contexts){0});
    TRY(router_prepare(router));
    openapi_write(router, true, &text);
    fputs(text.data, stdout);
    return OK;
}

/* The options themselves are checked by the caller, as for every use. */
enum err command_check_config(const struct control_options *options)
{
    const struct listener_options listener_options = control_listener_options(options);
    CLEANUP(xfree_p) char *console = NULL;
    CLEANUP(xfree_p) char *data = NULL;

    TRY(data_dir_find(options->data, &data));
    TRY(data_dir_check(data));
    TRY(console_folder_find(options->console, &console));
    TRY(listener_check(&listener_options));
    puts("ok");
    return OK;
}

/* Makes the backup in DIR and moves its content to the open file. */
static enum err back_up_to(const struct backup_target *target, int fd)
{
    CLEANUP(xfree_p) char *path = NULL;
    enum err err;
    int from;

    TRY(backup_make(target, "export", &path));
    from = open(path, O_RDONLY | O_CLOEXEC);
    err = from < 0 ? fail(ERR_UNAVAILABLE, "copy_failed", "%s: %s", path, strerror(errno))
                   : copy(from, fd);
    if (from >= 0)
        close(from);
    unlink(path);
    return err;
}

static enum err back_up(const struct control_options *options, struct spawner *spawner, int fd)
{
    CLEANUP(instance_close_p) struct instance instance = {0};
    CLEANUP(xfree_p) char *path = NULL;
    struct backup_target target;

    TRY(instance_open(options, spawner, INSTANCE_COMMAND, NULL, &instance));
    target = instance_backup_target(&instance);
    if (fd >= 0)
        TRY(back_up_to(&target, fd));
    else
        TRY(backup_make(&target, "backup", &path));
    puts(path ? path : options->file);
    return OK;
}

/* A mistyped folder must not become a new instance, whose backup then holds nothing. */
static enum err check_instance_exists(const struct control_options *options)
{
    CLEANUP(xfree_p) char *data = NULL;

    TRY(data_dir_find(options->data, &data));
    if (!options->database && data_dir_is_new(data))
        return fail(ERR_INVALID, "no_instance",
                    "%s holds no instance: say where it is with --data DIR", data);
    return OK;
}

enum err command_backup(const struct control_options *options, struct spawner *spawner)
{
    enum err err;
    int fd = -1;

    TRY(check_instance_exists(options));
    if (options->file) {
        fd = open(options->file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
        if (fd < 0)
            return fail(ERR_INVALID, "backup_file", "cannot make %s: %s", options->file,
                        strerror(errno));
    }
    err = back_up(options, spawner, fd);
    if (fd >= 0)
        close(fd);
    if (fd >= 0 && err != OK)
        unlink(options->file); /* not where only root may, who is given up by now */
    return err;
}

/* Takes the user's file into DIR, where the service's user can read it. */
static enum err take_in(const struct data_dir *dir, int fd, char **ret_path)
{
    CLEANUP(xfree_p) char *path = data_dir_file(dir, "backups/restore.part");
    enum err err;
    int to;

    TRY(data_dir_make_folder(dir, "backups"));
    to = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (to < 0)
        return fail(ERR_UNAVAILABLE, "copy_failed", "%s: %s", path, strerror(errno));
    err = copy(fd, to);
    close(to);
    if (err == OK)
        *ret_path = TAKE(path);
    return err;
}

static enum err restore(const struct control_options *options, struct spawner *spawner, int fd)
{
    CLEANUP(instance_close_p) struct instance instance = {0};
    CLEANUP(xfree_p) char *safety = NULL;
    CLEANUP(xfree_p) char *path = NULL;
    struct backup_target target;
    enum err err;

    TRY(instance_open(options, spawner, INSTANCE_ALONE, NULL, &instance));
    target = instance_backup_target(&instance);
    TRY(take_in(instance.dir, fd, &path));
    err = backup_make(&target, "before-restore", &safety);
    if (err == OK)
        err = backup_restore(&target, path);
    unlink(path);
    if (err != OK)
        return err;
    backup_prune(instance.dir, "before-restore");
    printf("restored %s; what was there before is in %s\n", options->file, safety);
    return OK;
}

/* A file that is none of ours is found before a folder is made and a server started for it. */
static enum err check_is_backup(const char *path, int fd)
{
    char begin[sizeof BACKUP_MAGIC - 1];

    if (pread(fd, begin, sizeof begin, 0) == sizeof begin &&
        memcmp(begin, BACKUP_MAGIC, sizeof begin) == 0)
        return OK;
    return fail(ERR_INVALID, "restore_file", "%s is not what `em-control backup` writes", path);
}

enum err command_restore(const struct control_options *options, struct spawner *spawner)
{
    enum err err;
    int fd;

    if (!options->file)
        return fail(ERR_INVALID, "restore_file", "say what to restore: em-control restore FILE");
    fd = open(options->file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fail(ERR_INVALID, "restore_file", "cannot read %s: %s", options->file,
                    strerror(errno));
    err = check_is_backup(options->file, fd);
    if (err == OK)
        err = restore(options, spawner, fd);
    close(fd);
    return err;
}

static enum err print_link(struct instance *instance)
{
    const struct db_options db_options = {
        .url = instance->database_url, .name = "sign-in-link", .rows = ALL_ROWS};
    AUTO(db_free) struct db *db = db_new(&db_options);
    CLEANUP(xfree_p) char *url = instance_url(instance);
    CLEANUP(xfree_p) char *link = NULL;

    if (!instance->is_running) {
        TRY(instance_migrate(instance));
        TRY(access_bootstrap(db, data_dir_path(instance->dir)));
    }
    TRY(access_sign_in_link(db, url, &link));
    puts(link);
    return OK;
}

enum err command_sign_in_link(const struct control_options *options, struct spawner *spawner)
{
    CLEANUP(instance_close_p) struct instance instance = {0};

    TRY(instance_open(options, spawner, INSTANCE_COMMAND, NULL, &instance));
    return print_link(&instance);
}
