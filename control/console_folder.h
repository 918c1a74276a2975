/*
 * Where the built console lies.
 *
 * Thread: the one that starts the program.
 */
#pragma once

#include "shared/err.h"

/* The folder given, or the one that belongs to this program: ../share/environment-manager/console
 * of an installation, console/out of the source tree. @param ret_folder yours to free; NULL when
 * there is none and none was given.
 * @return ERR_INVALID when the folder given holds no console. */
MUST_USE enum err console_folder_find(const char *given, char **ret_folder);
