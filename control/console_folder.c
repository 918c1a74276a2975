/* Looked for from the program's own file upwards, so that a source tree and an installation both
 * work without options. */
#include "control/console_folder.h"

#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "shared/mem.h"

#define MANIFEST "manifest.em.json"

static const char *const places[] = {"share/environment-manager/console", "console/out"};

static bool is_console(const char *folder)
{
    CLEANUP(xfree_p) char *manifest = xasprintf("%s/" MANIFEST, folder);

    return access(manifest, R_OK) == 0;
}

/* The place below any folder above the program's file; NULL when there is none. */
static char *search(const char *place)
{
    char path[PATH_MAX];
    ssize_t len = readlink("/proc/self/exe", path, sizeof path - 1);

    if (len <= 0)
        return NULL;
    path[len] = '\0';
    for (char *slash; (slash = strrchr(path, '/'));) {
        char *folder;

        *slash = '\0';
        folder = xasprintf("%s/%s", path, place);
        if (is_console(folder))
            return folder;
        free(folder);
    }
    return NULL;
}

enum err console_folder_find(const char *given, char **ret_folder)
{
    char *folder = NULL;

    if (given && !is_console(given))
        return fail(ERR_INVALID, "console_missing",
                    "--console: %s holds no built console (no " MANIFEST "), or may not be read",
                    given);
    if (given)
        folder = xstrdup(given);
    for (size_t i = 0; !folder && i < ARRAY_LEN(places); i++)
        folder = search(places[i]);
    *ret_folder = folder;
    return OK;
}
