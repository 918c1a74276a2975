/*
 * A check, ready to be probed: kind, times and the kind's compiled spec (expressions compiled,
 * requests composed). Never changed once made, so that a probe under way keeps the definition it
 * began with.
 *
 * Thread: made on any, then counted and read by one loop only.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/outcome.h"

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "prober/tour.h"

struct engine_check;
struct probe_kind;

/* Limits of phases within the timeout; 0: none of its own. */
struct check_timeouts {
    uint32_t dns_ms;
    uint32_t connect_ms;
    uint32_t tls_ms;
    uint32_t first_byte_ms;
    uint32_t idle_ms; /* between two parts of the reply */
    bool any;
};

/* Thresholds of phases, by enum phase; 0: none. */
struct check_phases {
    uint32_t warn_ms[PHASE_COUNT];
    uint32_t fail_ms[PHASE_COUNT];
};

struct check {
    unsigned references;
    struct uuid id;
    char *label; /* the id as text */
    const struct probe_kind *kind;
    uint32_t interval_ms;
    uint32_t timeout_ms;
    uint32_t warn_ms; /* thresholds of the total time; 0: none */
    uint32_t fail_ms;
    struct check_phases *phases; /* NULL: only the total time counts */
    struct check_timeouts timeouts;
    enum address_vote vote; /* of the family `all` */
    bool invert;            /* what works is a failure, and the other way round */
    void *spec;             /* the kind's own */
    const char *host;       /* what the cap per host counts by, within spec; NULL: none */
};

/* Compiles the schemas of all kinds; call once at the start, before check_new(). */
MUST_USE enum err check_schemas_load(void);
void check_schemas_unload(void);

/* @return ERR_INVALID with the failure's field errors, each with its JSON pointer ("/spec/url"). */
MUST_USE enum err check_new(const struct engine_check *definition, struct check **ret_check);

/* Reads a check object as of POST /checks. The texts in `ret_definition` are borrowed from
 * `object`; its id is the caller's to set. A timeout that is not given is 5 s, or the interval when
 * that is shorter. @return ERR_INVALID with field errors. */
MUST_USE enum err check_read(const json_t *object, struct engine_check *ret_definition);

struct check *check_ref(struct check *check);
void check_unref(struct check *check);

DEFINE_AUTO(struct check *, check_unref);
