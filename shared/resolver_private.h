/*
 * Between resolver.c, which asks, and resolver_channel.c, which is c-ares on a loop.
 *
 * Thread: its loop.
 */
#pragma once

#include <ares.h>
#include <ev.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/list.h"

/* One set-up of c-ares: all its queries have the same time limit. */
struct channel {
    struct ev_loop *ev;
    unsigned *local_failures; /* of the resolver: sockets that could not be opened or connected */
    ares_channel ares;
    ev_timer timeout;
    struct list link; /* in resolver->retired */
    struct list sockets;
    unsigned open; /* calls that c-ares has not called back for */
};

/* A channel whose queries take up to `timeout_ms`; NULL when c-ares cannot set itself up.
 * @param servers          "address:port,…", NULL: those of resolv.conf
 * @param local_failures   counts sockets that could not be had for want of something here; outlives
 *                         the channel */
struct channel *channel_new(struct ev_loop *ev, const char *servers, uint32_t timeout_ms,
                            unsigned *local_failures);

/* Waits anew for what c-ares waits for; after each call into it. */
void channel_set_timeout(struct channel *channel);

/* Calls back for what is open. */
void channel_free(struct channel *channel);
