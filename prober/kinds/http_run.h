/*
 * One run of an HTTP check: what its parts share.
 *
 *   probe_http.c     begins, asks the target, and leads to a redirect or to the verdict
 *   http_exchange.c  one request and its reply
 *   http_redirect.c  where a redirect leads, and what goes along
 *   http_judge.c     the verdict, by what http_expect.c says of the reply
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include "shared/result.h"
#include "shared/url.h"

#include "prober/kinds/http_exchange.h"
#include "prober/kinds/http_spec.h"
#include "prober/probe.h"

struct http_run {
    const struct url *url; /* the spec's, or `redirected` */
    struct str request;    /* the spec's, or `composed` */
    struct http_request_options options;
    unsigned redirects;
    struct result_tls certificates; /* the earliest ends over all hops */
    struct url redirected;
    struct buf composed;
    struct buf chain;       /* " → url" for each redirect */
    size_t kept_head_bytes; /* of probe->kept: headers that something is expected of */

    /* What stands above is zeroed when a run begins; this is large, and set up by its start. */
    struct http_exchange exchange;
};

static inline struct http_run *run_of(struct probe *probe)
{
    return (struct http_run *)probe->state;
}

static inline struct http_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

/* Goes to the host of run->url, then asks for run->request. */
enum wait http_ask(struct probe *probe);

/* Follows a redirect to `location`, or ends the probe. */
enum wait http_redirect_follow(struct probe *probe, const struct http_head *head,
                               struct str location);

/* Ends the probe by what the last reply is worth. */
enum wait http_judge(struct probe *probe);
