/*
 * One libev loop and what every loop of ours needs: work posted from other threads, and a reap
 * list, because an object must never be freed inside its own callback.
 *
 * Thread: its own, but for loop_post() and loop_stop(), which any thread may call.
 */
#pragma once

#include <ev.h>
#include <stdbool.h>

#include "shared/attrs.h"

struct loop;

typedef void (*loop_task_fn)(void *argument);

struct loop *loop_new(void);
void loop_free(struct loop *loop);

DEFINE_AUTO(struct loop *, loop_free);

/* The libev loop, for watchers. */
struct ev_loop *loop_ev(struct loop *loop);

/* Runs until loop_stop(). */
void loop_run(struct loop *loop);
void loop_stop(struct loop *loop);

/* Runs `task(argument)` on the loop's thread soon, in the order of posting. Never fails and never
 * blocks: who posts bounds what is in flight. */
void loop_post(struct loop *loop, loop_task_fn task, void *argument);

/* Runs what is posted and not run yet, on this thread, when the loop has ended and nobody posts any
 * more: while what the tasks are about is still there. */
void loop_settle(struct loop *loop);

/* Runs `task(argument)` after the current pass over events, when nobody is inside the object any
 * more. Own thread only. */
void loop_reap(struct loop *loop, loop_task_fn task, void *argument);
