/*
 * em-control when it serves: everything it is made of, started in order, run, and stopped in the
 * reverse order.
 *
 * Thread: main, which becomes the loop's thread.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct control_options;
struct spawner;

/* Serves until SIGTERM or SIGINT; then lets what runs end, within 10 s. SIGHUP reads the config
 * file again.
 * @return OK after a signal; else why it could not start, or ERR_UNAVAILABLE when a part that it
 * cannot do without is lost. */
MUST_USE enum err service_run(struct control_options *options, struct spawner *spawner);
