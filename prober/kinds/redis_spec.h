/*
 * The spec of a Redis check, made ready: what is to be asked, composed into one request.
 *
 * Thread: made on any, then read by one loop.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "shared/buf.h"
#include "shared/regex.h"

#include "prober/check.h"
#include "prober/kinds/endpoint_spec.h"

/* What is asked of the server, in this order. */
enum redis_task { REDIS_TASK_LOGIN, REDIS_TASK_ROLE, REDIS_TASK_COMMAND };

struct redis_spec {
    struct endpoint_spec endpoint;
    bool with_tls;
    char *user;     /* NULL: the default one */
    char *password; /* NULL: none */
    char *role;     /* "master", "replica"; NULL: any */
    bool is_ping;
    struct regex *expectation;
    struct buf request; /* of all tasks */
};

/* Whether the check asks for that; it always has a command. */
bool redis_wants(const struct redis_spec *spec, enum redis_task task);

/* As struct probe_kind says. */
void redis_spec_new(struct check *check, const json_t *json, json_t **errors);
void redis_spec_free(void *object);
