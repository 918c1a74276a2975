/*
 * One request and its reply on the stream that stands: HTTP/1.1, without a second one (over HTTP/2:
 * http_over_2.h). Whom it is
 * for (the target, a proxy, a token endpoint) says what to do with the reply as it comes.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/http_parse.h"
#include "shared/str.h"

#include "prober/kinds/http2_exchange.h"
#include "prober/probe.h"

/* Whom an exchange is for. Each callback may end the probe or lead it to another step, which ends
 * the exchange; WAIT_NONE with the step as it was goes on. Views last as long as the call. */
struct http_client {
    struct probe_step send;    /* http_exchange_send() and … */
    struct probe_step receive; /* … http_exchange_receive(), under names for --explain */
    bool is_connecting;        /* for the timings, it is a part of connecting to the target */
    enum wait (*on_head)(struct probe *probe, const struct http_head *head);
    enum wait (*on_body)(struct probe *probe, struct str data);
    enum wait (*on_end)(struct probe *probe);
};

struct http_exchange_options {
    bool is_head_request; /* no reply to it has a body */
    bool allows_both_lengths;
};

struct http_exchange {
    const struct http_client *client;
    struct str request; /* borrowed until it is sent */
    size_t sent;
    bool is_cut; /* the server did not take the whole request */
    struct http_exchange_options options;
    bool has_head; /* of the reply, after any 1xx */
    unsigned informational;
    uint64_t body_bytes; /* as they came, without framing */
    size_t behind;       /* bytes that came with the head, then with the end, and lie behind it */
    struct http_parser parser;
    struct http2_exchange over_2;
};

/* Once, before anything else; and when the run is over. */
void http_exchange_init(struct http_exchange *exchange);
void http_exchange_clear(struct http_exchange *exchange);

/* Leads a step to the exchange: the stream stands. */
enum wait http_exchange_start(struct probe *probe, const struct http_client *client,
                              struct str request, struct http_exchange_options options);

enum wait http_exchange_send(struct probe *probe);
enum wait http_exchange_receive(struct probe *probe);

/* ---- for both versions ---- */

/* Ready for a reply. */
void http_exchange_reset(struct http_exchange *exchange, const struct http_client *client);

/* A head and a part of the body have come: the client hears of them, unless it is a 1xx. */
enum wait http_exchange_head(struct probe *probe, const struct http_head *head);
enum wait http_exchange_body(struct probe *probe, struct str data);
