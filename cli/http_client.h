/*
 * Requests to the control plane: the public API, nothing else.
 *
 * Thread: the one.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/buf.h"
#include "shared/err.h"
#include "shared/str.h"

#define HTTP_CLIENT_REPLY_BYTES_MAX (INT64_C(64) << 20)

struct http_client;

struct http_client_options {
    const char *url; /* of the control plane; a path in it goes before ours */
    const char *key; /* API key; NULL: none */
    const char *ca;  /* PEM file; NULL: the system's */
    int64_t timeout_s;
};

/* The options are copied. @return ERR_INVALID for a URL that is not http:// or https://. */
MUST_USE enum err http_client_new(const struct http_client_options *options,
                                  struct http_client **ret_client);
void http_client_free(struct http_client *client);

DEFINE_AUTO(struct http_client *, http_client_free);

/*
 * GET of a path below the URL: "/api/v1/…". Where there are too many requests (429), it comes again
 * when it is told to, within the time of one request.
 * @param ret_body of a 200; emptied first.
 * @return ERR_UNAVAILABLE without an answer, ERR_TIMEOUT without one in time, ERR_UNAUTHENTICATED
 * (401), ERR_DENIED (403), ERR_NOT_FOUND (404), ERR_BUG for any other answer; with what the problem
 * document says.
 */
MUST_USE enum err http_client_get(struct http_client *client, const char *path,
                                  struct buf *ret_body);

/* As above, for a JSON document. */
MUST_USE enum err http_client_get_json(struct http_client *client, const char *path,
                                       json_t **ret_json);
