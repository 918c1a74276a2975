/*
 * The scripts that one loop runs: a directory that holds what may be run, and the loop's handle on
 * the spawner that runs it. A script is named, never given: the name is a plain file name, and what
 * it leads to has to lie in the directory, also after symbolic links are followed.
 *
 * A run goes from its start to the reaped end of the child. Its probe may be over sooner, at the
 * deadline; until the child has ended, the check does not run again.
 *
 * Thread: the loop.
 */
#pragma once

#include "shared/loop.h"
#include "shared/spawner.h"
#include "shared/user.h"
#include "shared/uuid.h"

struct scripts;
struct script_run;

/* Where scripts come from and who they run as. */
struct scripts_settings {
    char *directory; /* without symbolic links; NULL: none may be run */
    struct run_as run_as;
};

/* Finds the directory (NULL: none) and whom children run as: `name` (borrowed for good), or "nobody"
 * when root has named nobody. Only root may name somebody else.
 * @return ERR_INVALID, ERR_NOT_FOUND with how to mend it. */
MUST_USE enum err scripts_settings_init(struct scripts_settings *settings, const char *directory,
                                        const char *name);
void scripts_settings_clear(struct scripts_settings *settings);

/* @param spawner_take a handle of its own.
 * @param settings borrowed for good. */
struct scripts *scripts_new(struct ev_loop *ev, struct spawner *spawner_take,
                            const struct scripts_settings *settings);

/* Stops what runs; nobody is called. */
void scripts_free(struct scripts *scripts);

/* The path of the script with that name, yours to free.
 * @return ERR_NOT_FOUND when there is none; ERR_DENIED when it lies outside. */
MUST_USE enum err scripts_find(const struct scripts *scripts, const char *name, char **ret_path);

/* A pipe that holds the text and then ends, for a child to read: yours to close. What was read is
 * gone, so no other program of the same user can read it later.
 * @return ERR_UNAVAILABLE when pipes are short. */
#define SCRIPTS_PIPE_BYTES_MAX (64 * 1024)
MUST_USE enum err scripts_pipe(struct str text, int *ret_fd);

/*
 * Starts a child for a check; fills in user, privileges and limits that all scripts share. `done`
 * is called once, unless scripts_leave() is called before.
 * @return ERR_CONFLICT "script_lives" when the check's last child has not ended yet; ERR_LIMITED
 * when as many as can be run already, or starting is held back after it failed; ERR_UNAVAILABLE
 * when the spawner is gone.
 */
MUST_USE enum err scripts_run(struct scripts *scripts, const struct uuid *check,
                              const struct spawn_request *request, spawn_done_fn done,
                              void *argument, struct script_run **ret_run);

/* Stops the child; its end is waited for in the background. */
void scripts_leave(struct script_run *run);
