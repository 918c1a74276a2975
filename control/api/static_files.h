/*
 * The console's files, as its manifest lists them: read into memory at start, with the headers of
 * each prepared. Only what the manifest names is served, so there is no way out of the folder.
 *
 * Thread: the loop.
 */
#pragma once

#include "shared/err.h"

#include "control/api/carrier.h"
#include "control/api/request.h"

#define STATIC_BYTES_MAX ((size_t)128 * 1024 * 1024) /* of all files and encodings together */

struct static_files;

/* Reads `folder`/manifest.em.json and the files. @return ERR_INVALID "console_invalid" when
 * something is missing. */
MUST_USE enum err static_files_load(const char *folder, struct static_files **ret_files);

void static_files_free(struct static_files *files);

/* Writes the answer to a GET or HEAD of a path that is no route. Works without a console too: then
 * all is 404. */
void static_files_answer(struct carrier *carrier, const struct request *request, struct str query);
