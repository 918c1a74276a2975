/*
 * Every trouble with DIR is found here, before PostgreSQL or Redis would fail on it with a message
 * of their own: sentences say which folder, whose, and what to type.
 */
#include "control/data_dir.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/user.h"

#include "control/system_user.h"

#define NAME            "environment-manager"
#define LOCK_FILE       "lock"
#define FILE_BYTES_MAX  (64 * 1024)
#define LONGEST_SOCKET  "/.s.PGSQL.5432"
#define FORBIDDEN_CHARS "\"'\\," /* they end a word in one of the configurations */

struct data_dir {
    char *path;
    int lock_fd;
};

static enum err find_standard(char **ret_path)
{
    const char *base = getenv("XDG_DATA_HOME");
    const char *home = getenv("HOME");

    if (geteuid() == 0)
        *ret_path = xstrdup("/var/lib/" NAME);
    else if (base && base[0] == '/')
        *ret_path = xasprintf("%s/" NAME, base);
    else if (home && home[0] == '/')
        *ret_path = xasprintf("%s/.local/share/" NAME, home);
    else
        return fail(ERR_INVALID, "data_dir_unknown",
                    "there is no home folder to keep data in: say where with --data DIR");
    return OK;
}

static char *make_absolute(const char *path)
{
    char here[PATH_MAX];
    char *absolute;
    size_t len;

    if (path[0] == '/' || !getcwd(here, sizeof here))
        absolute = xstrdup(path);
    else
        absolute = xasprintf("%s/%s", here, path);
    len = strlen(absolute);
    while (len > 1 && absolute[len - 1] == '/')
        absolute[--len] = '\0';
    return absolute;
}

enum err data_dir_find(const char *path, char **ret_path)
{
    if (!path)
        return find_standard(ret_path);
    *ret_path = make_absolute(path);
    return OK;
}

static enum err check_text(const char *path)
{
    size_t room = sizeof(((struct sockaddr_un *)0)->sun_path) - sizeof LONGEST_SOCKET;

    if (strlen(path) > room)
        return fail(ERR_INVALID, "data_dir_too_long",
                    "%s is too long: sockets lie in it, so its path may have at most %zu bytes, "
                    "not %zu: choose a shorter one with --data DIR",
                    path, room, strlen(path));
    for (const char *at = path; *at; at++) {
        if (iscntrl((unsigned char)*at) || strchr(FORBIDDEN_CHARS, *at))
            return fail(ERR_INVALID, "data_dir_name",
                        "the path of the data folder has a character that may not be in it: "
                        "quotes, backslash, comma and control characters");
    }
    return OK;
}

/* Makes the folders above with the usual mode, and DIR itself for its owner alone. */
static enum err make_folders(char *path)
{
    for (char *slash = strchr(path + 1, '/'); slash; slash = strchr(slash + 1, '/')) {
        int made;

        *slash = '\0';
        made = mkdir(path, 0755);
        if (made < 0 && errno != EEXIST) {
            enum err err =
                fail(ERR_DENIED, "data_dir_parent", "cannot make %s: %s", path, strerror(errno));

            *slash = '/';
            return err;
        }
        *slash = '/';
    }
    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        return fail(ERR_DENIED, "data_dir_parent", "cannot make %s: %s", path, strerror(errno));
    return OK;
}

bool data_dir_is_new(const char *path)
{
    CLEANUP(xfree_p) char *lock = xasprintf("%s/" LOCK_FILE, path);

    return access(lock, F_OK) < 0 && (errno == ENOENT || errno == ENOTDIR);
}

/* Whether something lies in it; a file system of its own begins with lost+found. */
static bool has_files(DIR *folder)
{
    const struct dirent *entry;

    while ((entry = readdir(folder))) { // NOLINT(concurrency-mt-unsafe): one thread has this DIR
        if (strcmp(entry->d_name, ".") != 0 && strcmp(entry->d_name, "..") != 0 &&
            strcmp(entry->d_name, "lost+found") != 0)
            return true;
    }
    return false;
}

/* An instance takes its folder over, mode and owner: so it may not be one that serves something
 * else already, such as a home folder. What may not be looked at is left to the later checks. */
static enum err check_content(const char *path)
{
    DIR *folder = data_dir_is_new(path) ? opendir(path) : NULL;
    bool foreign = folder && has_files(folder);

    if (folder)
        closedir(folder);
    if (foreign)
        return fail(ERR_INVALID, "data_dir_foreign",
                    "%s has files in it, and they are no instance: name an empty folder, or one "
                    "that is not there yet, with --data DIR",
                    path);
    return OK;
}

enum err data_dir_check(const char *path)
{
    struct stat status;

    TRY(check_text(path));
    if (stat(path, &status) == 0 && !S_ISDIR(status.st_mode))
        return fail(ERR_INVALID, "data_dir", "%s is not a folder", path);
    return check_content(path);
}

/* Root's part: a new DIR becomes the user's; one that belongs to somebody else is left alone. */
static enum err hand_over(const struct data_dir *dir, uid_t user, gid_t group)
{
    struct stat status;
    char *owner;
    char *name;
    enum err err;

    if (stat(dir->path, &status) < 0)
        return fail(ERR_DENIED, "data_dir", "%s: %s", dir->path, strerror(errno));
    if (status.st_uid == user)
        return OK;
    if (status.st_uid == 0 && data_dir_is_new(dir->path)) {
        if (chown(dir->path, user, group) == 0)
            return OK;
        return fail(ERR_DENIED, "data_dir", "cannot give %s to its user: %s", dir->path,
                    strerror(errno));
    }

    owner = user_name_of(status.st_uid);
    name = user_name_of(user);
    err =
        fail(ERR_DENIED, "data_dir_owner",
             "%s belongs to %s, and root would run this as %s: start it as %s, or give the folder "
             "away with `chown -R %s: %s`",
             dir->path, owner, name, owner, name, dir->path);
    free(owner);
    free(name);
    return err;
}

/* Whether this process may pass through each folder above DIR; names the first where it may not. */
static enum err check_way(char *path)
{
    char *name = user_name_of(geteuid());
    enum err err = OK;

    for (char *slash = strchr(path + 1, '/'); slash && err == OK; slash = strchr(slash + 1, '/')) {
        *slash = '\0';
        if (access(path, X_OK) < 0 && errno != ENOENT)
            err = fail(ERR_DENIED, "data_dir_way",
                       "the user %s may not pass through %s: let it with `chmod o+x %s`, or choose "
                       "another folder with --data DIR",
                       name, path, path);
        *slash = '/';
    }
    free(name);
    return err;
}

static enum err check_use(const char *path)
{
    struct stat status;
    char *owner;
    char *name;
    enum err err;
    int error;

    if (stat(path, &status) < 0)
        return fail(ERR_DENIED, "data_dir", "%s: %s", path, strerror(errno));
    if (access(path, R_OK | W_OK | X_OK) == 0)
        return OK;
    error = errno;
    name = user_name_of(geteuid());
    owner = user_name_of(status.st_uid);
    err =
        fail(ERR_DENIED, "data_dir",
             "the user %s may not use %s, which belongs to %s (%s): start this as %s, or give the "
             "folder away with `chown -R %s: %s`",
             name, path, owner, strerror(error), owner, name, path);
    free(owner);
    free(name);
    return err;
}

static enum err open_as_root(struct data_dir *dir, const char *user_name, struct spawner *spawner)
{
    uid_t user;
    gid_t group;

    TRY(system_user_find(user_name, spawner, &user, &group));
    TRY(make_folders(dir->path));
    TRY(hand_over(dir, user, group));
    return system_user_become(spawner, user, group);
}

static enum err open_dir(struct data_dir *dir, const char *user, struct spawner *spawner)
{
    TRY(data_dir_check(dir->path));
    if (geteuid() == 0) {
        TRY(open_as_root(dir, user, spawner));
        TRY(check_way(dir->path));
    } else {
        TRY(check_way(dir->path));
        TRY(make_folders(dir->path));
    }
    TRY(check_use(dir->path));
    /* Whoever opens it to a group later keeps that. */
    if (data_dir_is_new(dir->path) && chmod(dir->path, 0700) < 0)
        return fail(ERR_DENIED, "data_dir", "%s: %s", dir->path, strerror(errno));
    return OK;
}

enum err data_dir_open(const char *path, const char *user, struct spawner *spawner,
                       struct data_dir **ret_dir)
{
    AUTO(data_dir_free) struct data_dir *dir = NEW(struct data_dir);

    dir->path = xstrdup(path);
    dir->lock_fd = -1;
    TRY(open_dir(dir, user, spawner));
    *ret_dir = TAKE(dir);
    return OK;
}

void data_dir_free(struct data_dir *dir)
{
    if (!dir)
        return;
    if (dir->lock_fd >= 0)
        close(dir->lock_fd);
    free(dir->path);
    free(dir);
}

/* The lock counts, not the file: it is free as soon as its owner is dead. The pid in it is for
 * people. */
enum err data_dir_lock(struct data_dir *dir)
{
    char *path = data_dir_file(dir, LOCK_FILE);
    char pid[32] = "";
    enum err err = OK;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);

    if (fd < 0) {
        err = fail(ERR_DENIED, "data_dir_lock", "%s: %s", path, strerror(errno));
    } else if (flock(fd, LOCK_EX | LOCK_NB) < 0) {
        if (read(fd, pid, sizeof pid - 1) < 0)
            pid[0] = '\0';
        err = fail(ERR_CONFLICT, "already_running",
                   "another em-control (pid %.*s) runs on %s: stop it first, or choose another "
                   "folder with --data DIR",
                   (int)strcspn(pid, "\n"), pid, dir->path);
        close(fd);
    } else {
        snprintf(pid, sizeof pid, "%d\n", (int)getpid());
        if (ftruncate(fd, 0) < 0 || write(fd, pid, strlen(pid)) < 0)
            err = fail(ERR_UNAVAILABLE, "data_dir_lock", "%s: %s", path, strerror(errno));
        dir->lock_fd = fd;
    }
    free(path);
    return err;
}

const char *data_dir_path(const struct data_dir *dir)
{
    return dir->path;
}

char *data_dir_file(const struct data_dir *dir, const char *name)
{
    return xasprintf("%s/%s", dir->path, name);
}

enum err data_dir_make_folder(const struct data_dir *dir, const char *name)
{
    char *path = data_dir_file(dir, name);
    enum err err = OK;

    if (mkdir(path, 0700) < 0 && errno != EEXIST)
        err = fail(ERR_DENIED, "data_dir", "cannot make %s: %s", path, strerror(errno));
    free(path);
    return err;
}

static bool write_new(const char *path, const char *text)
{
    size_t len = strlen(text);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    bool done;

    if (fd < 0)
        return false;
    done = write(fd, text, len) == (ssize_t)len && fsync(fd) == 0;
    return close(fd) == 0 && done;
}

enum err data_dir_write(const struct data_dir *dir, const char *name, const char *text)
{
    char *path = data_dir_file(dir, name);
    char *fresh = xasprintf("%s.new", path);
    enum err err = OK;

    if (!write_new(fresh, text) || rename(fresh, path) < 0)
        err = fail(ERR_UNAVAILABLE, "data_dir_write", "cannot write %s: %s", path, strerror(errno));
    free(path);
    free(fresh);
    return err;
}

enum err data_dir_read(const struct data_dir *dir, const char *name, char **ret_text)
{
    CLEANUP(xfree_p) char *path = data_dir_file(dir, name);
    char *text;
    ssize_t len;
    int fd = open(path, O_RDONLY | O_CLOEXEC);

    if (fd < 0)
        return fail(errno == ENOENT ? ERR_NOT_FOUND : ERR_DENIED, "data_dir_read", "%s: %s", path,
                    strerror(errno));
    text = xmalloc(FILE_BYTES_MAX + 1);
    len = read(fd, text, FILE_BYTES_MAX);
    close(fd);
    if (len < 0) {
        free(text);
        return fail(ERR_UNAVAILABLE, "data_dir_read", "%s cannot be read", path);
    }
    text[len] = '\0';
    *ret_text = text;
    return OK;
}
