/*
 * The namespace "/" of the product: clients follow rooms. Events and their arguments are in
 * design/api.md (Live).
 *
 * Thread: the loop.
 */
#pragma once

#include "control/api/live_session.h"

#define LIVE_ROOMS_MAX 500 /* of one client */

/* "/socket.io/", with that namespace. */
extern const struct live_service live_services[];
