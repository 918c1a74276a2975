/*
 * A tour probes each address of a name in turn, for checks of the family `all`: the kind runs from
 * its first step to an end once for each, with an equal part of the time that is left, and one
 * result is made of them all. So a dead address shows although the others work.
 *
 * The vote says what the result is: `worst` and `any` take the worst and the best verdict; `quorum`
 * fails when more than half of the addresses do, and warns when some do. An address that this
 * prober cannot try (no IPv6 here) has no vote, unless none has.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/verdict.h"

#include "shared/addr.h"

struct probe;
struct result;
struct tour;

enum address_vote { VOTE_WORST, VOTE_ANY, VOTE_QUORUM };

/* Reads the schema's word; NULL is "worst". */
enum address_vote address_vote_of(const char *word);

/* The verdict by how many addresses had which; pure. */
enum verdict address_vote_verdict(enum address_vote vote, const unsigned counts[VERDICT_COUNT]);

/* The run of `probe` is at the first of these addresses from now on. */
void tour_begin(struct probe *probe, const struct addr *addrs, size_t count);
void tour_free(struct tour *tour);

/* The address that the run is at. */
const struct addr *tour_address(const struct tour *tour);

/* What of `left_us` the run at the present address may take. */
int64_t tour_share_us(const struct tour *tour, int64_t left_us);

/* The run at the present address has ended with that result: true when there is a next one that can
 * still change the vote. */
bool tour_next(struct tour *tour, enum address_vote vote, const struct result *result);

/* Makes one result of all; its texts are the tour's. */
void tour_conclude(struct tour *tour, enum address_vote vote, struct result *ret_result);
