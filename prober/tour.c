/* The first result of each verdict is kept, to speak for the others of its kind. */
#include "prober/tour.h"

#include <assert.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/resolver.h"
#include "shared/result_json.h"

#include "prober/probe.h"

struct tour {
    struct addr addrs[RESOLVER_ADDRS_MAX];
    size_t count;
    size_t at;
    unsigned counts[VERDICT_COUNT];
    struct result *results[VERDICT_COUNT]; /* NULL: no address had that verdict */
    struct buf message;
};

enum address_vote address_vote_of(const char *word)
{
    if (!word || strcmp(word, "worst") == 0)
        return VOTE_WORST;
    return strcmp(word, "any") == 0 ? VOTE_ANY : VOTE_QUORUM;
}

static enum verdict best(const unsigned counts[VERDICT_COUNT])
{
    if (counts[VERDICT_OK] > 0)
        return VERDICT_OK;
    return counts[VERDICT_WARN] > 0 ? VERDICT_WARN : VERDICT_FAIL;
}

static enum verdict worst(const unsigned counts[VERDICT_COUNT])
{
    if (counts[VERDICT_FAIL] > 0)
        return VERDICT_FAIL;
    return counts[VERDICT_WARN] > 0 ? VERDICT_WARN : VERDICT_OK;
}

enum verdict address_vote_verdict(enum address_vote vote, const unsigned counts[VERDICT_COUNT])
{
    unsigned votes = counts[VERDICT_OK] + counts[VERDICT_WARN] + counts[VERDICT_FAIL];

    if (votes == 0)
        return VERDICT_ERROR;
    switch (vote) {
    case VOTE_WORST:
        return worst(counts);
    case VOTE_ANY:
        return best(counts);
    case VOTE_QUORUM:
        break;
    }
    if (counts[VERDICT_FAIL] > votes / 2)
        return VERDICT_FAIL;
    return counts[VERDICT_FAIL] + counts[VERDICT_WARN] > 0 ? VERDICT_WARN : VERDICT_OK;
}

void tour_begin(struct probe *probe, const struct addr *addrs, size_t count)
{
    struct tour *tour = NEW(struct tour);

    memcpy(tour->addrs, addrs, count * sizeof *addrs);
    tour->count = count;
    probe->tour = tour;
    probe_set_deadline(probe);
}

void tour_free(struct tour *tour)
{
    if (!tour)
        return;
    for (size_t i = 0; i < VERDICT_COUNT; i++)
        free(tour->results[i]);
    buf_clear(&tour->message);
    free(tour);
}

const struct addr *tour_address(const struct tour *tour)
{
    return &tour->addrs[tour->at];
}

int64_t tour_share_us(const struct tour *tour, int64_t left_us)
{
    return left_us / (int64_t)(tour->count - tour->at);
}

bool tour_next(struct tour *tour, enum address_vote vote, const struct result *result)
{
    tour->counts[result->verdict]++;
    if (!tour->results[result->verdict])
        tour->results[result->verdict] = result_copy(result);
    tour->at++;
    return tour->at < tour->count && !(vote == VOTE_ANY && result->verdict == VERDICT_OK);
}

void tour_conclude(struct tour *tour, enum address_vote vote, struct result *ret_result)
{
    enum verdict verdict = address_vote_verdict(vote, tour->counts);
    /* A quorum that some miss warns with the words of one that fails. */
    enum verdict speaker = tour->results[verdict] ? verdict : VERDICT_FAIL;

    assert(tour->results[speaker]);
    *ret_result = *tour->results[speaker];
    ret_result->verdict = verdict;
    if (tour->count == 1)
        return;
    buf_printf(&tour->message, "%u of %zu addresses: " STR_FMT, tour->counts[speaker], tour->count,
               STR_ARG(ret_result->message));
    ret_result->message = buf_str(&tour->message);
}
