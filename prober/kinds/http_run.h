/*
 * One run of an HTTP check: what its parts share.
 *
 *   probe_http.c     begins, asks the target, and leads to a redirect or to the verdict
 *   http_token.c     before that: an access token, when the check wants one and has none
 *   http_way.c       to the host of a URL: straight, or through a proxy
 *   http_exchange.c  one request and its reply over HTTP/1.1, http_over_2.c over HTTP/2
 *   http_decode.c    the body as it was before the server compressed it
 *   http_redirect.c  where a redirect leads, and what goes along
 *   http_cookies.c   cookies that replies set, for the hops to come
 *   http_judge.c     the verdict, by what http_expect.c says of the reply
 *   http_json.c      what is asserted of the body as JSON: here, or by jq
 *   http_explain.c   what --explain tells of all that
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include "shared/inflate.h"
#include "shared/result.h"
#include "shared/url.h"

#include "prober/kinds/http_cookies.h"
#include "prober/kinds/http_exchange.h"
#include "prober/kinds/http_spec.h"
#include "prober/kinds/http_way.h"
#include "prober/probe.h"

struct jq_request;

struct http_run {
    const struct url *url; /* the spec's, or `redirected` */
    struct str request;    /* the spec's, or `composed` */
    struct http_request_options options;
    unsigned redirects;
    bool has_both_lengths;          /* as the last reply's head has it */
    bool has_left_tls;              /* a redirect led from TLS to plain text */
    struct result_tls certificates; /* the earliest ends over all hops */
    struct result_timings before_hop;
    struct url redirected;
    struct buf composed;
    struct buf chain;          /* " → url" for each redirect */
    size_t kept_head_bytes;    /* of probe->kept: headers that something is expected of */
    enum http_version version; /* that the last reply came in */
    struct inflater *inflater; /* NULL: its body is taken as it comes */
    struct http_way way;
    struct http_cookies cookies;

    struct jq_request *jq_request;       /* NULL: jq is not asked */
    const struct probe_step *after_json; /* when the assertion holds */
    bool is_fetching_token;
    unsigned token_status;

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

/* Asks the target, from the first hop on: all that is wanted before that is there. */
enum wait http_ask(struct probe *probe);

/* Composes the request for run->url, goes there and sends it. */
enum wait http_ask_anew(struct probe *probe);

/* Follows a redirect to `location`, or ends the probe. */
enum wait http_redirect_follow(struct probe *probe, const struct http_head *head,
                               struct str location);

/* Begins to decode the body, where the check asks for compression and the reply has it. Ends the probe
 * where it cannot be decoded. */
enum wait http_decode_begin(struct probe *probe, const struct http_head *head);

/* A part of the body has come; http_take_body() gets what it decodes to. */
enum wait http_decode(struct probe *probe, struct str data);

/* The body is complete: ends the probe when what was encoded is not. */
enum wait http_decode_end(struct probe *probe);

/* A part of the body, as what is expected means it. */
enum wait http_take_body(struct probe *probe, struct str data);

/* Goes on with `then` when the body is JSON of which the check's assertion holds, else ends the
 * probe. */
enum wait http_json_judge(struct probe *probe, const struct probe_step *then);

/* The answer of jq is not waited for any more. */
void http_json_release(struct probe *probe);

/* Ends the probe by what the last reply is worth. */
enum wait http_judge(struct probe *probe);
