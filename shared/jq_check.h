/*
 * Whether libjq understands a program: for the moment when somebody defines it. Asks a helper as of
 * shared/jq.h and waits for it, so not for an event loop.
 *
 * The format "jq" of our JSON Schemas (shared/json_schema.h) uses the checker that was given to
 * jq_check_use(); without one it looks only for what programs may not contain.
 *
 * Thread: any, for jq_check() and the format; the others at start and end.
 */
#pragma once

#include <stddef.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"
#include "shared/user.h"

struct jq_checker;
struct spawner;

/* @param spawner_take a handle of its own.
 * @param run_as whom the helper runs as, for programs of root; borrowed for good. */
struct jq_checker *jq_checker_new(struct spawner *spawner_take, const struct run_as *run_as);
void jq_checker_free(struct jq_checker *checker);

DEFINE_AUTO(struct jq_checker *, jq_checker_free);

/* Compiles the program: about 50 ms for one that is new, and at most some seconds.
 * @return ERR_INVALID "jq_invalid" with jq's own words; ERR_UNAVAILABLE when no helper answers. */
MUST_USE enum err jq_check(struct jq_checker *checker, struct str program);

/* From now on, until it is freed, the format "jq" asks this one; NULL: nobody. */
void jq_check_use(struct jq_checker *checker);

/* The format "jq". A program that cannot be checked for a trouble of this machine is accepted: who
 * runs it will find out. */
bool jq_check_format(struct str text, char *detail, size_t detail_bytes);
