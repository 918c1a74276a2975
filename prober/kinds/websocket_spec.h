/*
 * The spec of a WebSocket check, made ready: the URL taken apart, the handshake composed but for its
 * key.
 *
 * Thread: made on any, then used by one loop.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/buf.h"
#include "shared/regex.h"
#include "shared/url.h"

#include "prober/check.h"
#include "prober/kinds/endpoint_spec.h"

struct websocket_spec {
    struct url url;
    struct endpoint_spec endpoint; /* without host and port: those are the URL's */
    bool verify_accept;
    char *subprotocol; /* NULL: none is asked for */
    char *send;        /* NULL: nothing */
    struct regex *expectation;
    struct buf handshake; /* up to the value of Sec-WebSocket-Key, which ends it */
};

/* As struct probe_kind says. */
void websocket_spec_new(struct check *check, const json_t *json, json_t **errors);
void websocket_spec_free(void *object);
