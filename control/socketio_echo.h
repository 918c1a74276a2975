/*
 * `em-control --test-socketio-echo`: the live connections of the product with the echo of
 * control/api/live_echo.h in place of what the product says, for the official test suites. It needs
 * no instance, asks nobody who they are, and listens on loopback only.
 *
 * Thread: main.
 */
#pragma once

#include "shared/attrs.h"
#include "shared/err.h"

struct control_options;

/* Prints the address and serves until SIGTERM or SIGINT. @return ERR_INVALID when --listen is not a
 * loopback address. */
MUST_USE enum err socketio_echo_run(const struct control_options *options);
