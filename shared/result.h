/*
 * The result of one probe, as it travels from the prober to control and lies in the database. JSON
 * form: shared/result_json.h; binary form: shared/frame.h.
 */
#pragma once

#include <netinet/in.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/outcome.h"
#include "contract/verdict.h"

#include "shared/str.h"
#include "shared/uuid.h"

#define RESULT_MESSAGE_BYTES_MAX  512  /* UTF-8, already escaped */
#define RESULT_PERFDATA_BYTES_MAX 4096 /* a JSON object */

/* Parts of a result that not every kind has; a bit set of what is there. */
#define RESULT_HAS_ADDRESS  0x01u
#define RESULT_HAS_HTTP     0x02u
#define RESULT_HAS_TLS      0x04u
#define RESULT_HAS_PERFDATA 0x08u

/* Durations in microseconds of the monotonic clock; a phase that did not happen is 0. */
struct result_timings {
    uint32_t queue_us; /* from the due time to the start */
    uint32_t dns_us;
    uint32_t connect_us;
    uint32_t tls_us;
    uint32_t first_byte_us; /* from the request's first byte out to the reply's first byte in */
    uint32_t transfer_us;
    uint32_t total_us; /* from the start to the end, over redirects; without queue */
};

struct result_address {
    uint8_t family;    /* AF_INET or AF_INET6 */
    uint16_t port;     /* host order */
    uint8_t bytes[16]; /* 4 or 16 of them, network order */
};

struct result_http {
    uint16_t status; /* 0: no status line was read */
    uint8_t redirects;
    bool truncated; /* the body was cut at the cap */
    uint32_t body_bytes;
};

struct result_tls {
    uint16_t version;              /* 0x0303 is 1.2, 0x0304 is 1.3; 0: no handshake was completed */
    int64_t not_after_ms;          /* of the leaf; 0: unknown */
    int64_t chain_not_after_ms;    /* the earliest of the presented chain; 0: unknown */
    int64_t verified_not_after_ms; /* the earliest of the chain that was verified; 0: none was */
};

struct result {
    struct uuid check_id;
    int64_t scheduled_at_ms; /* wall clock of the due time */
    int64_t at_ms;           /* wall clock of the start */
    enum verdict verdict;
    enum outcome outcome;
    enum phase phase; /* where it ended */
    uint32_t has;     /* RESULT_HAS_… */
    struct result_timings timings;
    struct result_address address;
    struct result_http http;
    struct result_tls tls;
    struct str message;  /* borrowed; at most RESULT_MESSAGE_BYTES_MAX */
    struct str perfdata; /* borrowed; a JSON object, at most RESULT_PERFDATA_BYTES_MAX */
};
