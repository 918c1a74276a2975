/*
 * What a reply has to match: the field expect_regex of the kinds that have one.
 *
 * Thread: as the check.
 */
#pragma once

#include <jansson.h>

#include "shared/regex.h"
#include "shared/str.h"

struct probe;
enum wait;

/* The spec's expression; NULL when nothing is expected. */
struct regex *expectation_new(const json_t *spec, json_t **errors);

/* WAIT_NONE when `text` matches, or nothing is expected; else the end of the probe. Messages call it
 * `name` ("reply") and quote its beginning, but never `secret` (NULL: none). */
enum wait expectation_judge(struct probe *probe, const struct regex *expectation, const char *name,
                            struct str text, const char *secret);
