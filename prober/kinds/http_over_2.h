/*
 * The same exchange over HTTP/2: the request is composed as for HTTP/1.1 and put in its fields, and
 * the client hears of the reply as it would there.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include "shared/err.h"
#include "shared/http2.h"
#include "shared/str.h"

#include "prober/kinds/http_exchange.h"

/* As http_exchange_start(), on a stream that speaks HTTP/2. `request` is borrowed until the exchange
 * is cleared. */
enum wait http_over_2_start(struct probe *probe, const struct http_client *client,
                            struct str request, bool is_tls);

/*
 * Takes a request of HTTP/1.1 apart: Host is the authority, and what HTTP/1.1 says of the connection
 * is left out. Views into `text`; the fields go to `fields`, of HTTP_FIELDS_MAX.
 *
 * @return ERR_LIMITED "head_too_large", ERR_INVALID for what is no request.
 */
MUST_USE enum err http_over_2_request(struct str text, bool is_tls, struct http_field *fields,
                                      struct http2_request *ret_request);
