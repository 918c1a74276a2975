/*
 * DIR, the folder that one instance lives in: who owns it, whether it can hold sockets, and the
 * lock that keeps a second instance out. As root, everything is handed over to an unprivileged
 * system user before anything else starts.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include <stdbool.h>

#include "shared/attrs.h"
#include "shared/err.h"

struct data_dir;
struct spawner;

/* The absolute path of DIR; yours to free. @param path as --data has it; NULL: without --data, which
 * is /var/lib/environment-manager for root, else below $XDG_DATA_HOME or ~/.local/share.
 * @return ERR_INVALID when there is no home folder to put it in. */
MUST_USE enum err data_dir_find(const char *path, char **ret_path);

/* Whether DIR can hold an instance, as far as its path and what lies in it tell; changes nothing.
 * @return ERR_INVALID for a path that sockets or configurations cannot have, for a file, and for a
 * folder with somebody's files that is no instance. */
MUST_USE enum err data_dir_check(const char *path);

/* Whether no instance was ever in it; false where that cannot be seen. */
bool data_dir_is_new(const char *path);

/*
 * Makes DIR where it is missing, with mode 0700. As root: makes the system user where it is
 * missing, gives DIR to it, and becomes that user for good, the spawner too; so from here on
 * nothing runs as root.
 *
 * @param path absolute.
 * @param user name of the system user, for root.
 * @return ERR_INVALID or ERR_DENIED with a sentence that names the folder and how to mend it.
 */
MUST_USE enum err data_dir_open(const char *path, const char *user, struct spawner *spawner,
                                struct data_dir **ret_dir);

/* Gives the lock back. */
void data_dir_free(struct data_dir *dir);

DEFINE_AUTO(struct data_dir *, data_dir_free);

/* Takes the lock for as long as this process lives.
 * @return ERR_CONFLICT "already_running" with the pid of the one that has it. */
MUST_USE enum err data_dir_lock(struct data_dir *dir);

/* The absolute path of DIR. */
const char *data_dir_path(const struct data_dir *dir);

/* "DIR/<name>"; yours to free. */
char *data_dir_file(const struct data_dir *dir, const char *name);

/* Makes DIR/<name> with mode 0700 where it is missing. */
MUST_USE enum err data_dir_make_folder(const struct data_dir *dir, const char *name);

/* Writes DIR/<name> with mode 0600 in one step: the file is the old one or the new one, never
 * half. */
MUST_USE enum err data_dir_write(const struct data_dir *dir, const char *name, const char *text);

/* Reads DIR/<name>, at most 64 KiB; yours to free. @return ERR_NOT_FOUND when it is missing. */
MUST_USE enum err data_dir_read(const struct data_dir *dir, const char *name, char **ret_text);
