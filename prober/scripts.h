/*
 * The scripts of one prober: a directory that holds what may be run, and the spawner that runs it.
 * A script is named, never given: the name is a plain file name, and what it leads to has to lie in
 * the directory, also after symbolic links are followed.
 *
 * Thread: the first loop, which owns the spawner's end.
 */
#pragma once

#include "shared/loop.h"
#include "shared/spawner.h"

struct scripts;

/* @param directory borrowed for the call. */
struct scripts *scripts_new(struct ev_loop *ev, struct spawner *spawner, const char *directory);

/* Watches the spawner no more; the spawner itself is the owner's to free. */
void scripts_free(struct scripts *scripts);

struct spawner *scripts_spawner(struct scripts *scripts);

/* Where the directory is, without symbolic links; NULL when it is not there. */
const char *scripts_directory(const struct scripts *scripts);

/* The path of the script with that name, yours to free.
 * @return ERR_NOT_FOUND when there is none or it cannot be run; ERR_DENIED when it lies outside. */
MUST_USE enum err scripts_find(const struct scripts *scripts, const char *name, char **ret_path);
