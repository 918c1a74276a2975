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

/* DIR without --data: /var/lib/environment-manager for root, else below $XDG_DATA_HOME or
 * ~/.local/share; yours to free.
 * @return ERR_INVALID when there is no home folder to put it in. */
MUST_USE enum err data_dir_default(char **ret_path);

/*
 * Makes DIR where it is missing, with mode 0700. As root: makes the system user where it is
 * missing, gives DIR to it, and becomes that user for good, the spawner too; so from here on
 * nothing runs as root.
 *
 * @param path made absolute; may be relative.
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
