/*
 * The two ends of the bus (include/contract/bus.h): the only door to nanomsg. The prober's end has
 * one request under way at a time and nanomsg sends it again until a reply comes, also after the
 * other side was gone. Control's end is raw, so it may answer many probers in any order. Neither
 * blocks: watch the descriptor for reading, then take until there is nothing more.
 *
 * Thread: the one that owns the end.
 */
#pragma once

#include <stdbool.h>

#include "contract/bus.h"

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"
#include "shared/str.h"

struct bus_requester;
struct bus_replier;

/* The way back to who asked; as large as nanomsg's header of a request over one hop may be. */
#define BUS_RETURN_BYTES_MAX 128

struct bus_return {
    size_t len;
    char bytes[BUS_RETURN_BYTES_MAX];
};

/* Connects, now or whenever the other side is there. @param url "ipc:///path" or
 * "tcp://address:port".
 * @return ERR_INVALID "bus_url" */
MUST_USE enum err bus_requester_new(const char *url, struct bus_requester **ret_requester);
void bus_requester_free(struct bus_requester *requester);

DEFINE_AUTO(struct bus_requester *, bus_requester_free);

int bus_requester_fd(const struct bus_requester *requester);

/* Sends a request; only when none is under way, or to give up the one that is.
 * @return ERR_UNAVAILABLE "bus_failed" */
MUST_USE enum err bus_request(struct bus_requester *requester, struct str frame);

/* Puts the reply into `frame` (emptied first). False when there is none yet. */
bool bus_take_reply(struct bus_requester *requester, struct buf *frame);

/* Binds. @return ERR_CONFLICT "bus_in_use"; ERR_INVALID "bus_url" */
MUST_USE enum err bus_replier_new(const char *url, struct bus_replier **ret_replier);
void bus_replier_free(struct bus_replier *replier);

DEFINE_AUTO(struct bus_replier *, bus_replier_free);

/* Whether those who connect to a bound address find it: the socket of an ipc address is a file, and
 * may be deleted. */
bool bus_address_is_there(const char *url);

int bus_replier_fd(const struct bus_replier *replier);

/* Puts the next request into `frame` (emptied first) and the way back into `ret_return`. False when
 * there is none. */
bool bus_take_request(struct bus_replier *replier, struct buf *frame,
                      struct bus_return *ret_return);

/* Answers a request. One that cannot be sent is lost, and counted: the prober asks again. */
void bus_reply(struct bus_replier *replier, const struct bus_return *way_back, struct str frame);

/* Replies that could not be sent. */
uint64_t bus_replies_lost(const struct bus_replier *replier);
