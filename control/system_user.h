/*
 * The unprivileged user that the service runs as when root starts it.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include <sys/types.h>

#include "shared/attrs.h"
#include "shared/err.h"

struct spawner;

/* The ids of the user, which is made with useradd where it is missing.
 * @return ERR_UNAVAILABLE "user_missing" with how to mend it. */
MUST_USE enum err system_user_find(const char *name, struct spawner *spawner, uid_t *ret_user,
                                   gid_t *ret_group);

/* Makes this process and the spawner that user, for good and without further groups. */
MUST_USE enum err system_user_become(struct spawner *spawner, uid_t user, gid_t group);
