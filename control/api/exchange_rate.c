/* Whether a request is within its limits: who asks, as the limits know them, and the wait for what
 * other processes have left. */
#include "shared/clock.h"

#include "control/api/exchange_private.h"
#include "control/api/rates.h"

#define WAIT_US     2500000 /* an answer, or that none comes, is known before: shared_rates.h */
#define UNCOUNTED_S 5       /* as often as Redis is tried at the least */

/* What requests cost more than one token of. A list that looks for words reads more than it shows. */
#define COST_OF_WORDS  3
#define COST_OF_GRAPH  5
#define COST_OF_EXPORT 10

/* Of the query string as it came: it has not been looked at yet. */
static bool looks_for_words(struct str query)
{
    while (query.ptr) {
        struct str pair = str_cut(&query, '&');

        if (str_starts_with(pair, STR("q=")))
            return true;
    }
    return false;
}

static uint32_t cost_of(const struct exchange *exchange)
{
    const struct route *route = exchange->routed->route;

    if (route->rate == RATE_GRAPH)
        return COST_OF_GRAPH;
    if (route->rate == RATE_EXPORT)
        return COST_OF_EXPORT;
    return route->run == ROUTE_LIST && looks_for_words(exchange->query) ? COST_OF_WORDS : 1;
}

enum rate exchange_rate_class(const struct exchange *exchange)
{
    enum rate rate = exchange->routed->route->rate;

    return rate < RATE_COUNT ? rate : RATE_BROWSE;
}

/* Whoever has an IPv6 address has 2^64 of them. */
static uint64_t hash_address(const char *address)
{
    struct addr addr;

    if (!strchr(address, ':') || !addr_parse_ip(str_of(address), 0, &addr))
        return text_hash(str_of(address)) | 1;
    return text_hash(str_n((const char *)&addr.v6.sin6_addr, 8)) | 1;
}

/* Who asks, for the limits. */
static struct rate_caller rate_caller_of(const struct exchange *exchange)
{
    const struct principal *principal = &exchange->request.principal;
    struct rate_caller caller = {
        .ids = {[RATE_BY_ADDRESS] = hash_address(exchange->request.address)},
        .cost = cost_of(exchange),
    };

    if (principal->by != CREDENTIAL_NONE) {
        caller.ids[RATE_BY_KEY] = uuid_hash(&principal->credential_id) | 1;
        /* Keys of several organisations may have one owner: none takes from another. */
        caller.ids[RATE_BY_USER] =
            (uuid_hash(&principal->id) ^ uuid_hash(&principal->organisation_id)) | 1;
    }
    return caller;
}

static void on_rate_again(struct rate_waiter *waiter)
{
    struct exchange *exchange = container_of(waiter, struct exchange, rate_waiter);

    exchange->waits_for_rate = false;
    exchange_proceed(exchange);
}

static enum err wait_for_rate(struct exchange *exchange, const struct rate_caller *caller,
                              int64_t now_us)
{
    if (exchange->rate_since_us == 0)
        exchange->rate_since_us = clock_monotonic_us();
    if (now_us > exchange->rate_since_us + WAIT_US)
        return fail(ERR_TIMEOUT, "rate_undecided", "What is left of a limit is not known in time.");
    exchange->rate_waiter.again = on_rate_again;
    exchange->waits_for_rate = true;
    rates_wait(exchange->request.server->config.rates, caller, &exchange->rate,
               &exchange->rate_waiter);
    return OK;
}

enum err exchange_check_rate(struct exchange *exchange)
{
    struct rates *rates = exchange->request.server->config.rates;
    const struct rate_caller caller = rate_caller_of(exchange);
    int64_t now_us = exchange->rate_since_us ? clock_monotonic_us() : exchange->started_us;

    if (!rates ||
        rates_take(rates, exchange_rate_class(exchange), &caller, now_us, &exchange->rate))
        return OK;
    switch (exchange->rate.verdict) {
    case RATE_TAKEN:
        return OK;
    case RATE_UNDECIDED:
        return wait_for_rate(exchange, &caller, now_us);
    case RATE_UNCOUNTED:
        exchange->rate.is_limited = false; /* there is nothing to tell */
        exchange->reply.retry_after_s = UNCOUNTED_S;
        exchange_refuse(exchange, 503, "sign_in_uncounted",
                        "Attempts to sign in cannot be counted while Redis does not answer, so "
                        "none is allowed. Sessions and API keys go on working.");
        return OK;
    case RATE_EMPTY:
        break;
    }
    exchange->reply.retry_after_s = exchange->rate.retry_s;
    return fail(ERR_LIMITED, "rate_limited", "Too many requests; come again in %lld s.",
                (long long)exchange->rate.retry_s);
}
