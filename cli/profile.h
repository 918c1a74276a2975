/*
 * Where the control plane is and with which key: from options and environment, else from a profile.
 *
 * The file is {"default": "prod", "profiles": {"prod": {"url": "https://…", "key": "em_key_…",
 * "ca": "FILE"}, …}}. A key in it is for its owner's eyes only, so others must not be able to read
 * the file.
 *
 * Thread: the one.
 */
#pragma once

#include "shared/err.h"

#include "cli/cli_options.h"

struct http_client;

/* @return ERR_INVALID with what is wrong in which file. */
MUST_USE enum err profile_connect(const struct cli_options *options,
                                  struct http_client **ret_client);
