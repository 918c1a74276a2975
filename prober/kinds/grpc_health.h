/*
 * The messages of gRPC's health protocol (grpc.health.v1), as they lie in the body of a request and
 * of a reply: one byte that says whether it is compressed, four of length, and the fields in
 * protobuf's encoding.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>

#include "shared/buf.h"
#include "shared/str.h"

#define GRPC_REPLY_BYTES_MAX 4096 /* its one field takes 2 */

/* HealthCheckResponse.ServingStatus */
enum grpc_serving { GRPC_UNKNOWN, GRPC_SERVING, GRPC_NOT_SERVING, GRPC_SERVICE_UNKNOWN };

enum grpc_read {
    GRPC_READ_MORE,
    GRPC_READ_DONE,
    GRPC_READ_MALFORMED,
    GRPC_READ_TOO_LARGE,
};

/* Appends the body of a Check request. */
void grpc_health_request(struct buf *out, struct str service);

/* Reads the body of a reply, as far as it has come. GRPC_READ_DONE: `ret_serving` is set, maybe to a
 * number that has no name. GRPC_READ_MALFORMED: `ret_wrong` says why, as a clause. */
enum grpc_read grpc_health_read(struct str body, uint64_t *ret_serving, const char **ret_wrong);
