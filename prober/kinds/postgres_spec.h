/*
 * The spec of a PostgreSQL check, made ready: the start-up message composed, the expression compiled.
 *
 * Thread: made on any, then used by one loop.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/buf.h"
#include "shared/regex.h"

#include "prober/check.h"
#include "prober/kinds/endpoint_spec.h"
#include "prober/kinds/scram.h"

struct postgres_spec {
    struct endpoint_spec endpoint;
    bool with_tls;
    bool may_say_password;
    char *user;
    char *password; /* NULL: none */
    char *query;    /* NULL: none */
    struct regex *expectation;
    struct buf startup;
    struct scram_keys keys; /* what the loop remembers of the last login */
};

/* As struct probe_kind says. */
void postgres_spec_new(struct check *check, const json_t *json, json_t **errors);
void postgres_spec_free(void *object);
