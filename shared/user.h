/* The users of this machine. Thread: any. */
#pragma once

#include <stdbool.h>
#include <sys/types.h>

#include "shared/attrs.h"
#include "shared/err.h"

/* Whom a child runs as; zeroed: as this program. */
struct run_as {
    const char *name; /* for people; NULL: as this program; borrowed */
    bool set_user;
    uid_t user;
    gid_t group;
};

/* @return ERR_NOT_FOUND "user_missing" when there is no such user. */
MUST_USE enum err user_find(const char *name, uid_t *ret_user, gid_t *ret_group);

/* The name of a user, or its number as text; yours to free. */
char *user_name_of(uid_t user);
