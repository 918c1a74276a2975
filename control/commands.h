/*
 * What em-control does besides serving; each prints its result on standard output.
 *
 * Thread: main.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct control_options;
struct spawner;

/* The API's OpenAPI document. */
MUST_USE enum err command_openapi(void);

/* "ok" when the options and the files that they name are right. */
MUST_USE enum err command_check_config(const struct control_options *options);

/* A backup into options->file, or into DIR/backups; the path of it. */
MUST_USE enum err command_backup(const struct control_options *options, struct spawner *spawner);

/* The content of options->file in place of what is there; the former content is backed up first. */
MUST_USE enum err command_restore(const struct control_options *options, struct spawner *spawner);

/* A one-time link that signs an administrator in. */
MUST_USE enum err command_sign_in_link(const struct control_options *options,
                                       struct spawner *spawner);
