/*
 * em-prober without a control: `once` probes each check of a file a single time, `run` keeps their
 * schedules or floods the targets.
 *
 * Thread: the program's first; results are printed from the loops.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct engine_options;
struct prober_options;

/* `ret_status`: 0 all ok, 1 some not ok, 2 some lines bad. */
MUST_USE enum err standalone_once(const struct prober_options *options,
                                  const struct engine_options *engine_options, int *ret_status);

/* Until --duration is over, or SIGTERM or SIGINT (which the caller has blocked). */
MUST_USE enum err standalone_run(const struct prober_options *options,
                                 const struct engine_options *engine_options, int *ret_status);
