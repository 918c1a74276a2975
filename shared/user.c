/* The names are the C library's business, which may ask more than /etc/passwd. */
#include "shared/user.h"

#include <pwd.h>
#include <stdlib.h>

#include "shared/mem.h"

#define LOOKUP_BYTES 16384

enum err user_find(const char *name, uid_t *ret_user, gid_t *ret_group)
{
    AUTO(xfree) char *texts = xmalloc(LOOKUP_BYTES);
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwnam_r(name, &entry, texts, LOOKUP_BYTES, &found) != 0 || !found)
        return fail(ERR_NOT_FOUND, "user_missing", "there is no user %s on this machine", name);
    *ret_user = found->pw_uid;
    *ret_group = found->pw_gid;
    return OK;
}

char *user_name_of(uid_t user)
{
    AUTO(xfree) char *texts = xmalloc(LOOKUP_BYTES);
    struct passwd entry;
    struct passwd *found = NULL;

    if (getpwuid_r(user, &entry, texts, LOOKUP_BYTES, &found) == 0 && found)
        return xstrdup(found->pw_name);
    return xasprintf("%d", (int)user);
}
