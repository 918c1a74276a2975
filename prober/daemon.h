/* em-prober at work for a control: the engine on one side, the link on the other. Thread: the
 * program's first. */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct engine_options;
struct prober_options;

/* Until SIGTERM or SIGINT (which the caller has blocked); then within 5 s. */
MUST_USE enum err daemon_run(const struct prober_options *options,
                             const struct engine_options *engine_options);
