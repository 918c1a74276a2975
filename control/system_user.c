/* Root is given up in the order that cannot be undone: spawner, groups, group, user; then it is
 * tried to get it back. */
#include "control/system_user.h"

#include <errno.h>
#include <grp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <unistd.h>

#include "shared/log.h"
#include "shared/mem.h"
#include "shared/spawner.h"
#include "shared/user.h"

#define USERADD "/usr/sbin/useradd"

static enum err add(const char *name, struct spawner *spawner)
{
    const char *const argv[] = {
        USERADD,   "--system",          "--user-group", "--home-dir", "/nonexistent",
        "--shell", "/usr/sbin/nologin", name,           NULL};
    const char *const environment[] = {"PATH=/usr/sbin:/usr/bin:/sbin:/bin", NULL};
    const struct spawn_request request = {
        .argv = argv, .environment = environment, .error_bytes_max = 4096, .timeout_ms = 30000};

    log_info("user.add", "name=%s", name);
    return spawner_run(spawner, &request, NULL);
}

enum err system_user_find(const char *name, struct spawner *spawner, uid_t *ret_user,
                          gid_t *ret_group)
{
    AUTO(xfree) char *reason = NULL;

    if (user_find(name, ret_user, ret_group) == OK)
        return OK;
    /* Two that start at once may both add it: what counts is that it is there afterwards. */
    if (add(name, spawner) == OK)
        return user_find(name, ret_user, ret_group);
    reason = xstrdup(failure_last()->detail);
    if (user_find(name, ret_user, ret_group) == OK)
        return OK;
    return fail(ERR_UNAVAILABLE, "user_missing",
                "root may not run this service, and the user %s cannot be made (%s): make it "
                "with `useradd --system --user-group %s`, name another with --user, or start "
                "em-control as an ordinary user",
                name, reason, name);
}

enum err system_user_become(struct spawner *spawner, uid_t user, gid_t group)
{
    if (user == 0)
        return fail(ERR_INVALID, "user_root", "--user names root: name an unprivileged user");
    TRY(spawner_become(spawner, user, group));
    if (setgroups(0, NULL) < 0 || setgid(group) < 0 || setuid(user) < 0)
        return fail(ERR_DENIED, "user_change", "cannot become user %d: %s", (int)user,
                    strerror(errno));
    if (setuid(0) == 0)
        return fail(ERR_BUG, "user_change", "root could not be given up");
    /* The change of user has cleared it; without it there are no core files to find a fault
     * with. */
    prctl(PR_SET_DUMPABLE, 1);
    return OK;
}
