#include "control/api/upload.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

static enum err check_room(const struct list *uploads, const struct uuid *credential_id)
{
    size_t all = 0;
    size_t own = 0;

    LIST_FOREACH (entry, uploads) {
        const struct upload *upload = container_of(entry, struct upload, link);

        all++;
        own += uuid_equal(&upload->credential_id, credential_id);
    }
    if (own >= UPLOADS_OF_ONE_MAX)
        return fail(ERR_LIMITED, "uploads_full", "Yours are %zu uploads already; let one end.",
                    own);
    if (all >= UPLOADS_MAX)
        return fail(ERR_LIMITED, "uploads_full", "%zu uploads are under way; come again.", all);
    return OK;
}

static enum err storage_failed(void)
{
    return fail(ERR_UNAVAILABLE, "upload_storage", "There is no place to keep it: %s.",
                strerrordesc_np(errno));
}

static enum err make_file(const char *folder, int *ret_fd)
{
    AUTO(xfree) char *path = xasprintf("%s/upload.XXXXXX", folder);
    int fd = mkostemp(path, O_CLOEXEC);

    if (fd < 0)
        return storage_failed();
    unlink(path);
    *ret_fd = fd;
    return OK;
}

enum err upload_begin(struct list *uploads, const char *folder, const struct uuid *credential_id,
                      struct upload **ret_upload)
{
    struct upload *upload;
    int fd;

    TRY(check_room(uploads, credential_id));
    TRY(make_file(folder, &fd));
    upload = NEW(struct upload);
    upload->fd = fd;
    upload->credential_id = *credential_id;
    list_append(uploads, &upload->link);
    *ret_upload = upload;
    return OK;
}

enum err upload_add(struct upload *upload, struct str data)
{
    while (data.len > 0) {
        ssize_t written = write(upload->fd, data.ptr, data.len);

        if (written < 0 && errno == EINTR)
            continue;
        if (written < 0)
            return storage_failed();
        upload->bytes += (uint64_t)written;
        data = str_sub(data, (size_t)written, data.len);
    }
    return OK;
}

enum err upload_read_lines(const struct upload *upload, const struct line_taker *taker)
{
    if (lseek(upload->fd, 0, SEEK_SET) != 0)
        return storage_failed();
    return lines_read_file(upload->fd, taker);
}

void upload_end(struct upload *upload)
{
    if (!upload)
        return;
    list_remove(&upload->link);
    close(upload->fd);
    free(upload);
}
