/* The log of a long-running child. A full disk never blocks the child: what cannot be written is
 * dropped and counted. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "shared/spawner_private.h"

#define LOG_MODE 0640

static void open_file(struct child_log *log)
{
    struct stat status;

    log->fd = open(log->path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC | O_NOFOLLOW, LOG_MODE);
    log->len = log->fd >= 0 && fstat(log->fd, &status) == 0 ? (uint64_t)status.st_size : 0;
}

void child_log_open(struct child_log *log, const char *path, uint64_t len_max)
{
    log->path = xstrdup(path);
    log->len_max = len_max;
    log->dropped = 0;
    open_file(log);
}

static void close_file(struct child_log *log)
{
    if (log->fd >= 0)
        close(log->fd);
    log->fd = -1;
}

static void begin_anew(struct child_log *log)
{
    char *previous = xasprintf("%s.1", log->path);

    close_file(log);
    if (rename(log->path, previous) < 0)
        unlink(log->path);
    free(previous);
    open_file(log);
}

static bool put(struct child_log *log, const char *data, size_t len)
{
    ssize_t written = write(log->fd, data, len);

    if (written > 0)
        log->len += (uint64_t)written;
    return written == (ssize_t)len;
}

static bool put_dropped(struct child_log *log)
{
    char note[64];
    int len = snprintf(note, sizeof note, "[%llu bytes of log were dropped]\n",
                       (unsigned long long)log->dropped);

    if (!put(log, note, (size_t)len))
        return false;
    log->dropped = 0;
    return true;
}

static void write_part(struct child_log *log, const char *data, size_t len)
{
    if (log->fd < 0)
        open_file(log);
    if (log->fd >= 0 && log->len_max && log->len + len > log->len_max)
        begin_anew(log);
    if (log->fd < 0 || (log->dropped && !put_dropped(log)) || !put(log, data, len))
        log->dropped += len;
}

void child_log_write(struct child_log *log, const char *data, size_t len)
{
    while (len) {
        size_t part = log->len_max ? MIN(len, (size_t)log->len_max) : len;

        write_part(log, data, part);
        data += part;
        len -= part;
    }
}

void child_log_close(struct child_log *log)
{
    close_file(log);
    free(log->path);
    log->path = NULL;
}
