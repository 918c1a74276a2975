/*
 * How the first person gets in. The administrator and its key are written in one transaction, and
 * the key's file is put in its place before the commit: whatever is cut off in between, either both
 * are there or the next start does it again.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"

#include "control/access/access.sql.h"
#include "control/access/access_private.h"
#include "control/store/tx.h"

#define KEY_FILE           "admin.key"
#define ADMINISTRATOR_NAME "administrator"

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static enum err file_failed(const char *what, const char *path)
{
    return fail(ERR_UNAVAILABLE, "key_file_failed", "Cannot %s %s: %m.", what, path);
}

/* Writes the file under another name; the folder's owner owns it, because root may start what
 * another user runs. */
static enum err write_key_file(const char *data_dir, const char *temporary, const char *key)
{
    CLEANUP(close_fd)
    int fd = open(temporary, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat folder;

    if (fd < 0)
        return file_failed("create", temporary);
    if (fchmod(fd, 0600) != 0 || stat(data_dir, &folder) != 0)
        return file_failed("prepare", temporary);
    if (geteuid() == 0 && fchown(fd, folder.st_uid, folder.st_gid) != 0)
        return file_failed("give away", temporary);
    if (dprintf(fd, "%s\n", key) != API_KEY_BYTES || fsync(fd) != 0)
        return file_failed("write", temporary);
    return OK;
}

/* Puts the file in its place, for good. */
static enum err publish_key_file(const char *data_dir, const char *temporary, const char *path)
{
    CLEANUP(close_fd) int folder = open(data_dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

    if (folder < 0)
        return file_failed("open", data_dir);
    if (rename(temporary, path) != 0)
        return file_failed("put in place", path);
    if (fsync(folder) != 0)
        return file_failed("sync", data_dir);
    return OK;
}

static enum err write_key(const char *data_dir, const char *path, const char *key)
{
    AUTO(xfree) char *temporary = xasprintf("%s.new", path);

    TRY(write_key_file(data_dir, temporary, key));
    return publish_key_file(data_dir, temporary, path);
}

static enum err make_administrator(struct tx *tx, const char *key)
{
    struct uuid principal_id = uuid_new();
    struct uuid key_id = uuid_new();
    struct token_hash hash = token_hash(str_of(key));
    const struct str all = STR("*");

    TRY(tx_execute(tx, &sql_principal_insert,
                   PARAMS(p_uuid(&principal_id), p_text(ADMINISTRATOR_NAME), p_texts(&all, 1)),
                   NULL));
    return tx_execute(tx, &sql_api_key_insert,
                      PARAMS(p_uuid(&key_id), p_uuid(&principal_id), p_null(), p_text("first key"),
                             p_hash(&hash), p_texts(&all, 1), p_null()),
                      NULL);
}

/* Says how to get in when the key's file is gone: it cannot be written again, only its hash is
 * kept. */
static void warn_without_key_file(const char *path)
{
    if (access(path, F_OK) != 0 && errno == ENOENT)
        log_warning("access.key_file_missing",
                    "path=%s hint=\"em-control sign-in-link --data DIR makes a sign-in link\"",
                    path);
}

enum err access_bootstrap(struct db *db, const char *data_dir)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *administrators = NULL;
    AUTO(xfree) char *path = xasprintf("%s/" KEY_FILE, data_dir);
    char key[API_KEY_BYTES];

    TRY(tx_begin(db, &tx));
    TRY(tx_execute(tx, &sql_access_lock, NO_PARAMS, NULL));
    TRY(tx_query(tx, &sql_administrator_find, NO_PARAMS, &administrators));
    if (rows_count(administrators) > 0) {
        warn_without_key_file(path);
        return OK;
    }

    api_key_new(key);
    TRY(make_administrator(tx, key));
    TRY(write_key(data_dir, path, key));
    wipe(key, sizeof key);
    TRY(tx_commit(TAKE(tx)));
    log_info("access.administrator_made", "key_file=%s", path);
    return OK;
}

enum err access_sign_in_link(struct db *db, const char *base_url, char **ret_link)
{
    AUTO(tx_rollback) struct tx *tx = NULL;
    AUTO(rows_free) struct rows *administrators = NULL;
    char token[TOKEN_BYTES];
    struct token_hash hash;
    struct uuid principal_id;

    TRY(tx_begin(db, &tx));
    TRY(tx_query(tx, &sql_administrator_find, NO_PARAMS, &administrators));
    if (rows_count(administrators) == 0)
        return fail(ERR_NOT_FOUND, "no_administrator",
                    "There is no administrator yet: start em-control once.");
    principal_id = row_uuid(administrators, 0, 0);

    token_new(token);
    hash = token_hash(str_of(token));
    TRY(tx_execute(tx, &sql_sign_in_link_purge, NO_PARAMS, NULL));
    TRY(tx_execute(tx, &sql_sign_in_link_insert,
                   PARAMS(p_hash(&hash), p_uuid(&principal_id), p_int(SIGN_IN_LINK_MAX_AGE_S)),
                   NULL));
    TRY(tx_commit(TAKE(tx)));

    *ret_link = xasprintf("%s/login/#token=%s", base_url, token);
    wipe(token, sizeof token);
    return OK;
}
