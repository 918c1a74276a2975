/*
 * One request over HTTP/2 on the stream of a probe: sends what the session has to send, reads, and
 * gives to the kind what came. The kind's step is a call of http2_exchange_run().
 *
 * Thread: the loop of the probe's shard.
 */
#pragma once

#include "shared/http2.h"

#include "prober/probe.h"

struct http2_exchange {
    struct http2_session *session; /* NULL: none */
    /* What came; HTTP2_RESET and HTTP2_FAILED mostly go on to http2_exchange_end_for(). */
    enum wait (*on_news)(struct probe *probe, enum http2_status status,
                         const struct http2_news *news);
    bool is_sent; /* the request is, so that the reply can be waited for */
    bool is_cut;  /* the server takes no more */
};

/* Enters the phase of the request. The request may be larger than the server likes, not than we do:
 * ERR_LIMITED. */
MUST_USE enum err http2_exchange_begin(struct probe *probe, struct http2_exchange *exchange,
                                       const struct http2_request *request);

/* Goes on as far as it can. */
enum wait http2_exchange_run(struct probe *probe, struct http2_exchange *exchange);

void http2_exchange_clear(struct http2_exchange *exchange);

/* Ends the probe for a stream or a connection that is over before its time. */
enum wait http2_exchange_end_for(struct probe *probe, const struct http2_news *news);
