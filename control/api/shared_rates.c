/*
 * Redis counts only after it has shown that it can: after each connect the script is loaded and run
 * for a bucket of nobody's. What fails for one question would fail for all (no memory, a replica,
 * a disk that is full), so it cuts the rates off, and it is tried again each second.
 */
#include "control/api/shared_rates.h"

#include <stdio.h>
#include <string.h>

#include "shared/clock.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/metrics.h"
#include "shared/pool.h"
#include "shared/redis.h"

#include "control/api/rates.h"

#define RETRY_US     INT64_C(1000000)
#define JOIN_US      (int64_t)(SHARED_RATES_JOIN_S * 1000000)
#define KEY_BYTES    128
#define NUMBER_BYTES 24
#define SHA_BYTES    41
#define REASON_BYTES 160

/* Answers {granted, microseconds until the bucket is full}. Its time moves by what is used,
 * whatever that is: who uses more than there is waits longer. But no longer than two windows,
 * because the quota may have been another before. */
static const char script[] =
    "local quota, window, used, back, wanted, full_in = unpack(ARGV)\n"
    "local clock = redis.call('TIME')\n"
    "local now = clock[1] * 1000000 + clock[2]\n"
    "local price = window / quota\n"
    "local full_at = tonumber(redis.call('GET', KEYS[1]) or 0) or 0\n"
    "full_at = math.max(full_at, now + full_in) + (used - back) * price\n"
    "full_at = math.max(math.min(full_at, now + 2 * window), now)\n"
    /* A thousandth is what rounding takes from a whole token. */
    "local room = math.floor((now + window - full_at) / price + 0.001)\n"
    "local granted = math.max(math.min(room, tonumber(wanted)), 0)\n"
    "full_at = full_at + granted * price\n"
    "if full_at > now then\n"
    "    redis.call('SET', KEYS[1], full_at, 'PX', math.ceil((full_at - now) / 1000))\n"
    "else\n"
    "    redis.call('DEL', KEYS[1])\n"
    "end\n"
    "return {granted, math.ceil(full_at - now)}\n";

enum shared_state { SHARED_JOINING, SHARED_JOINED, SHARED_CUT_OFF };

struct shared_rates {
    struct loop *loop;
    struct rates *rates;
    struct redis *redis;
    ev_timer tick;
    enum shared_state state;
    bool is_trying;            /* the script is on its way */
    int64_t retry_us;          /* when to try again, connected but not joined */
    int64_t join_by_us;        /* 0: the loop does not run yet */
    char reason[REASON_BYTES]; /* why it is not joined */
    char installation[UUID_TEXT_BYTES];
    char sha[SHA_BYTES];
    struct pool questions;
};

/* A question that waits for its answer. */
struct question {
    struct shared_rates *shared;
    struct rate_ask ask;
    bool with_script; /* the whole text went with it */
};

static struct metric joined = METRIC_GAUGE(
    "em_rates_shared", "1 while rate limits are counted with other processes, in Redis");
static struct metric cuts = METRIC_COUNTER(
    "em_rates_cut_off_total", "Times that Redis was lost for counting with other processes");
static struct metric asked =
    METRIC_COUNTER("em_rates_asks_total", "Questions for leases of rate limits sent to Redis");
static struct metric not_asked = METRIC_COUNTER(
    "em_rates_asks_refused_total", "Questions for leases that found no room on their way to Redis");

/* States -------------------------------------------------------------------------------------- */

static void join(struct shared_rates *shared)
{
    shared->state = SHARED_JOINED;
    metric_set(&joined, 1);
    log_info("rates.joined", "installation=%s", shared->installation);
    rates_joined(shared->rates, clock_monotonic_us());
}

static void cut_off(struct shared_rates *shared)
{
    if (shared->state == SHARED_CUT_OFF)
        return;
    if (shared->state == SHARED_JOINED)
        metric_add(&cuts, 1);
    shared->state = SHARED_CUT_OFF;
    metric_set(&joined, 0);
    log_warning("rates.cut_off", "reason=\"%s\" sign_in=refused others=\"counted here alone\"",
                shared->reason);
    rates_cut_off(shared->rates);
}

/* At the start there is a time in which nothing is wrong yet. */
static void lose(struct shared_rates *shared, struct str why)
{
    snprintf(shared->reason, sizeof shared->reason, STR_FMT, STR_ARG(why));
    shared->is_trying = false;
    shared->retry_us = clock_monotonic_us() + RETRY_US;
    if (shared->state == SHARED_JOINED)
        cut_off(shared);
}

static void on_lost(void *context, const char *why)
{
    lose(context, str_of(why));
}

/* Questions ----------------------------------------------------------------------------------- */

static struct str number(char text[NUMBER_BYTES], int64_t value)
{
    return str_n(text, (size_t)snprintf(text, NUMBER_BYTES, "%lld", (long long)value));
}

/* Sends the script, by name or as a whole, with a key and the numbers of an ask. */
static bool run_script(struct shared_rates *shared, bool whole, struct str key,
                       const struct rate_ask *ask, redis_reply_fn on_reply, void *context)
{
    char texts[6][NUMBER_BYTES];

    return REDIS_SEND(shared->redis, on_reply, context, whole ? STR("EVAL") : STR("EVALSHA"),
                      whole ? STR(script) : str_of(shared->sha), STR("1"), key,
                      number(texts[0], ask->policy.quota),
                      number(texts[1], ask->policy.window_s * 1000000), number(texts[2], ask->used),
                      number(texts[3], ask->back), number(texts[4], ask->wanted),
                      number(texts[5], ask->full_in_ns / 1000));
}

static void on_answer(void *context, const struct redis_reply *reply);

static bool send_question(struct question *question)
{
    const struct rate_ask *ask = &question->ask;
    char key[KEY_BYTES];
    int len = snprintf(key, sizeof key, "em:rate:%s:%s:%s:%016llx", question->shared->installation,
                       rate_words[ask->rate], rate_subject_words[ask->subject],
                       (unsigned long long)ask->id);

    return run_script(question->shared, question->with_script, str_n(key, (size_t)len), ask,
                      on_answer, question);
}

static void on_failed(struct question *question, struct str why)
{
    struct shared_rates *shared = question->shared;

    if (str_starts_with(why, STR("NOSCRIPT")) && !question->with_script) {
        question->with_script = true; /* and so Redis has it for the others */
        if (send_question(question))
            return;
    }
    pool_give(&shared->questions, question);
    lose(shared, why);
}

static bool read_grant(const struct redis_reply *reply, int64_t wanted,
                       struct rate_grant *ret_grant)
{
    const int64_t most[] = {wanted, 2 * INT64_C(1000000) * RATE_WINDOW_S_MAX};
    struct redis_reply items[ARRAY_LEN(most)];

    if (reply->type != REDIS_LIST || reply->len != ARRAY_LEN(items))
        return false;
    for (size_t i = 0; i < ARRAY_LEN(items); i++) {
        items[i] = redis_reply_item(reply, i);
        if (items[i].type != REDIS_INTEGER || items[i].integer < 0 || items[i].integer > most[i])
            return false;
    }
    *ret_grant = (struct rate_grant){items[0].integer, items[1].integer * 1000};
    return true;
}

static void on_answer(void *context, const struct redis_reply *reply)
{
    struct question *question = context;
    struct shared_rates *shared = question->shared;
    struct rate_ask ask = question->ask;
    struct rate_grant grant;

    if (reply && reply->type == REDIS_FAILED) {
        on_failed(question, reply->text);
        return;
    }
    pool_give(&shared->questions, question);
    if (!reply || shared->state != SHARED_JOINED)
        return; /* the connection is lost, or the rates have given this one up */
    if (read_grant(reply, ask.wanted, &grant))
        rates_granted(shared->rates, &ask, grant, clock_monotonic_us());
    else
        lose(shared, STR("an answer that is none of the script's"));
}

static bool ask_redis(void *context, const struct rate_ask *ask)
{
    struct shared_rates *shared = context;
    struct question *question;

    if (pool_in_use(&shared->questions) >= SHARED_RATES_ASKS_MAX) {
        metric_add(&not_asked, 1);
        return false;
    }
    question = pool_take(&shared->questions);
    *question = (struct question){.shared = shared, .ask = *ask};
    if (send_question(question)) {
        metric_add(&asked, 1);
        return true;
    }
    pool_give(&shared->questions, question);
    metric_add(&not_asked, 1);
    return false;
}

/* Joining ------------------------------------------------------------------------------------- */

static void on_tried(void *context, const struct redis_reply *reply)
{
    struct shared_rates *shared = context;
    struct rate_grant grant;

    if (!reply)
        return; /* on_lost() says why */
    if (!read_grant(reply, 0, &grant)) {
        lose(shared, reply->type == REDIS_FAILED ? reply->text : STR("the script did not run"));
        return;
    }
    shared->is_trying = false;
    join(shared);
}

/* Runs the script for a bucket of nobody's, in the way that needs the most: it writes. */
static void on_loaded(void *context, const struct redis_reply *reply)
{
    struct shared_rates *shared = context;
    const struct rate_ask ask = {.policy = {.quota = 1, .window_s = 1}, .used = 1};
    char key[KEY_BYTES];
    int len = snprintf(key, sizeof key, "em:rate:%s:trial", shared->installation);

    if (!reply)
        return;
    if (reply->type != REDIS_TEXT || reply->text.len != SHA_BYTES - 1) {
        lose(shared, reply->type == REDIS_FAILED ? reply->text : STR("the script was not loaded"));
        return;
    }
    snprintf(shared->sha, sizeof shared->sha, STR_FMT, STR_ARG(reply->text));
    if (!run_script(shared, false, str_n(key, (size_t)len), &ask, on_tried, shared))
        lose(shared, STR("no room to ask"));
}

static void try_to_join(struct shared_rates *shared)
{
    shared->is_trying =
        REDIS_SEND(shared->redis, on_loaded, shared, STR("SCRIPT"), STR("LOAD"), STR(script));
}

static void on_connected(void *context)
{
    try_to_join(context);
}

static void on_tick(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct shared_rates *shared = container_of(timer, struct shared_rates, tick);
    int64_t now_us = clock_monotonic_us();

    (void)ev;
    (void)events;
    if (shared->state == SHARED_JOINED) {
        rates_tick(shared->rates, now_us);
        return;
    }
    if (shared->join_by_us == 0)
        shared->join_by_us = now_us + JOIN_US;
    if (shared->state == SHARED_JOINING && now_us >= shared->join_by_us)
        cut_off(shared);
    if (!shared->is_trying && now_us >= shared->retry_us && redis_is_connected(shared->redis))
        try_to_join(shared);
}

/* Life ---------------------------------------------------------------------------------------- */

enum err shared_rates_new(const struct shared_rates_options *options,
                          struct shared_rates **ret_shared)
{
    AUTO(shared_rates_free) struct shared_rates *shared = NEW(struct shared_rates);

    metric_register(&joined);
    metric_register(&cuts);
    metric_register(&asked);
    metric_register(&not_asked);
    shared->loop = options->loop;
    shared->rates = options->rates;
    uuid_format(&options->installation, shared->installation);
    snprintf(shared->reason, sizeof shared->reason, "no answer yet");
    pool_init(&shared->questions, sizeof(struct question));
    ev_timer_init(&shared->tick, on_tick, RATES_TICK_S, RATES_TICK_S);
    TRY(redis_new(&(struct redis_options){.loop = options->loop,
                                          .url = options->redis_url,
                                          .on_connected = on_connected,
                                          .on_lost = on_lost,
                                          .context = shared,
                                          .patience_s = SHARED_RATES_PATIENCE_S / 2},
                  &shared->redis));
    rates_share(shared->rates, &(struct rates_holder){.context = shared, .ask = ask_redis});
    ev_timer_start(loop_ev(shared->loop), &shared->tick);
    *ret_shared = TAKE(shared);
    return OK;
}

void shared_rates_free(struct shared_rates *shared)
{
    if (!shared)
        return;
    shared->state = SHARED_CUT_OFF;
    rates_cut_off(shared->rates);
    ev_timer_stop(loop_ev(shared->loop), &shared->tick);
    redis_free(shared->redis);
    pool_clear(&shared->questions);
    free(shared);
}
