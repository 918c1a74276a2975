/*
 * A server of the API library with a few routes of its own, run on a thread of its own, for tests
 * that talk to it over a socket. Keys: "all" may everything, "none" nothing; "slow-all" has to be
 * asked for on a worker first. The session "browser" has the CSRF token "csrf-of-browser".
 */
#pragma once

#include <stdint.h>

#include "control/api/server.h"

struct api_server;

/* Starts it; `change` may be NULL, or adjusts the config. */
struct api_server *api_server_start(void (*change)(struct server_config *config));
void api_server_stop(struct api_server *server);
uint16_t api_server_port(const struct api_server *server);

/* Runs `task(server)` on the server's loop and waits for it. */
void api_server_do(struct api_server *server, void (*task)(struct server *server));
