/*
 * Where a check goes and on which way: what the specs of all kinds over a network have in common
 * (include/contract/checks/parts/endpoint.json).
 *
 * Thread: made on any, then used by one loop.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "shared/addr.h"
#include "shared/tls.h"

#include "prober/check.h"
#include "prober/dial.h"

struct endpoint_spec {
    char *host; /* name, or IP literal without brackets; NULL for kinds that have a URL */
    uint16_t port;
    enum address_family family;
    bool has_source;
    struct addr source;
    char *server_name; /* NULL: the host */
    char *verify_name; /* NULL: server_name */
    struct tls_client tls;
    char *ca; /* what tls.options views */
    char *identity;
};

/* Reads the spec that the schema has accepted, and what of it belongs to every check (limits of
 * phases, thresholds, invert) into `check`.
 * @param default_port where the spec may leave it out. */
void endpoint_spec_read(struct endpoint_spec *endpoint, struct check *check, const json_t *spec,
                        uint16_t default_port);
/* Reads a `tls` object (or NULL) alone, for a further host that a check talks to. */
void endpoint_spec_read_tls(struct endpoint_spec *endpoint, const json_t *tls);

void endpoint_spec_clear(struct endpoint_spec *endpoint);

/* The target of a dial, by the endpoint's own host and port.
 * @param with_tls from the start. */
struct dial_target endpoint_target(struct endpoint_spec *endpoint, bool with_tls);

/* The names of a session with the endpoint's own host. */
struct tls_names endpoint_names(const struct endpoint_spec *endpoint);
