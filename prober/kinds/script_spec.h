/*
 * The spec of a script check, ready to be run: the words of its command line and environment, what
 * it reads, and what its exit statuses mean.
 *
 * Thread: made on any, then read by one loop only.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

#include "contract/verdict.h"

#include "shared/buf.h"
#include "shared/vec.h"

struct check;

struct script_spec {
    char *command;
    VEC(char *) arguments;   /* [0] is set when it is started; ended by NULL */
    VEC(char *) environment; /* ended by NULL */
    json_t *secrets;         /* name → value; NULL: none */
    struct buf secrets_text; /* the same as the script reads it */
    struct buf input;        /* standard input */
    bool has_input;
    uint64_t warn_codes[4]; /* a bit for each exit status */
    enum verdict unknown_exit;
};

/* Of struct probe_kind. */
void script_spec_new(struct check *check, const json_t *json, json_t **errors);
void script_spec_free(void *object);

/* What an exit status means. */
enum verdict script_spec_verdict(const struct script_spec *spec, int status);

/* Appends the text with "***" in place of each secret. Values of less than 4 bytes are left: they
 * are in everything. */
void script_spec_mask(const struct script_spec *spec, struct str text, struct buf *ret_masked);
