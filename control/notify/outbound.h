/*
 * HTTP requests to servers of others, many at once: the only door to libcurl. No redirects are
 * followed, the reply is cut at OUTBOUND_REPLY_BYTES_MAX, and the address connected to (after the
 * name was resolved) has to pass the policy: link-local and metadata addresses, multicast and the
 * unspecified address are refused, loopback and private ones too when they are not among those
 * allowed.
 *
 * Thread: one, which may wait; outbound_wake() from any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/addr.h"
#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"

#define OUTBOUND_REPLY_BYTES_MAX 4096
#define OUTBOUND_ERROR_BYTES     256

struct outbound;

struct outbound_request {
    void *context; /* comes back with the result */
    const char *url;
    const char *const *headers; /* "name: value" texts, NULL at the end; copied */
    struct str body;            /* sent by POST; borrowed until the result */
    int64_t timeout_ms;         /* for everything, from the name to the last byte */
};

struct outbound_result {
    void *context;
    int status;            /* 0: no reply */
    int64_t retry_after_s; /* from Retry-After; 0: not said */
    int64_t duration_ms;
    struct str reply;                 /* the beginning of its body; until the next call */
    char error[OUTBOUND_ERROR_BYTES]; /* why there was no reply; "" when there was */
};

/* Once per process, before threads start. */
void outbound_global_init(void);

/* @param networks the loopback and private networks that may be reached; NULL: all; borrowed. */
struct outbound *outbound_new(const struct addr_networks *networks);

/* What is under way is dropped. */
void outbound_free(struct outbound *outbound);

DEFINE_AUTO(struct outbound *, outbound_free);

/* Begins a request; its result comes from outbound_take(), whatever becomes of it. */
void outbound_start(struct outbound *outbound, const struct outbound_request *request);

/* Waits until something moved, it was woken, or the time is over. */
void outbound_wait(struct outbound *outbound, int64_t timeout_ms);

/* Ends a wait that runs, or the next one. Thread: any. */
void outbound_wake(struct outbound *outbound);

/* One result; false when there is none. */
bool outbound_take(struct outbound *outbound, struct outbound_result *ret_result);
