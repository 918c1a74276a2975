/*
 * What the official test suites of the two protocols expect of a server: everything that is said
 * comes back. The same sessions and the same parsers as the product's, under other operations.
 *
 *   /engine.io/   a message comes back as it is
 *   /socket.io/   namespaces "/" and "/custom": `auth` with what came along with CONNECT, a moment
 *                 after it; `message` comes back as `message-back`; `message-with-ack` is
 *                 acknowledged with its arguments
 *
 * Thread: the loop.
 */
#pragma once

#include "control/api/live_session.h"

extern const struct live_service live_echo_services[];

/* Those that the suites were written for; open to everybody who can connect. */
extern const struct live_settings live_echo_settings;
