/*
 * Bodies that are too large for memory. They are written to a file without a name while they come,
 * so that a slow sender holds no worker and a large one no memory; the handler then reads the file.
 * A server takes few at a time, and fewer of one credential.
 *
 * Thread: the loop; while a worker runs the handler, that one reads.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/line_reader.h"
#include "shared/list.h"
#include "shared/uuid.h"

#define UPLOAD_BYTES_MAX   ((uint64_t)50 << 20)
#define UPLOADS_MAX        8
#define UPLOADS_OF_ONE_MAX 2
#define UPLOAD_US          INT64_C(900000000) /* from the head to the end */

struct upload {
    struct list link;
    struct uuid credential_id;
    int fd;
    uint64_t bytes;
};

/* Begins one in `folder`; `uploads` are those under way.
 * @return ERR_LIMITED "uploads_full", ERR_UNAVAILABLE "upload_storage". */
MUST_USE enum err upload_begin(struct list *uploads, const char *folder,
                               const struct uuid *credential_id, struct upload **ret_upload);

/* @return ERR_UNAVAILABLE "upload_storage". */
MUST_USE enum err upload_add(struct upload *upload, struct str data);

/* Hands over its lines. @return what `taker` says; ERR_INVALID "file_unreadable". */
MUST_USE enum err upload_read_lines(const struct upload *upload, const struct line_taker *taker);

/* Forgets it with its file; NULL is none. */
void upload_end(struct upload *upload);
