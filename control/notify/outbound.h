/*
 * One HTTP request to somebody else's server: the only door to libcurl. No redirects are followed,
 * the reply is cut at OUTBOUND_REPLY_BYTES_MAX, and the address connected to (after the name was
 * resolved) has to pass the policy: link-local and metadata addresses, multicast and the
 * unspecified address are refused.
 *
 * Thread: any that may block; a handle belongs to one thread.
 */
#pragma once

#include <stdint.h>

#include "shared/buf.h"
#include "shared/err.h"

#define OUTBOUND_REPLY_BYTES_MAX 4096

struct outbound;

struct outbound_request {
    const char *url;
    const char *const *headers; /* "name: value" texts, NULL at the end */
    struct str body;            /* sent by POST */
    int64_t timeout_ms;         /* for everything, from the name to the last byte */
};

struct outbound_reply {
    int status;            /* 0 when there was no reply */
    int64_t retry_after_s; /* from Retry-After in seconds; 0: not said */
    struct buf body;       /* the beginning of it */
};

/* Once per process, before threads start. */
void outbound_global_init(void);

struct outbound *outbound_new(void);
void outbound_free(struct outbound *outbound);

DEFINE_AUTO(struct outbound *, outbound_free);

/*
 * Sends the request and waits for the reply. Any status is OK.
 * @return ERR_UNAVAILABLE "outbound_failed" (name, connect, TLS, broken reply), ERR_TIMEOUT
 * "outbound_timeout",
 *         ERR_DENIED "outbound_policy".
 */
MUST_USE enum err outbound_send(struct outbound *outbound, const struct outbound_request *request,
                                struct outbound_reply *ret_reply);

void outbound_reply_clear(struct outbound_reply *reply);
