/* Reads the facts, asks the rules, writes what they say: transitions and locations here,
 * propagation beside. */
#include "control/health/preview_routes.h"

#include <stdio.h>

#include "shared/json.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/health/judge_rules.h"
#include "control/health/location_rules.h"

#define TIME_S_MAX 1000000000000 /* about 30,000 years */

/* Transitions --------------------------------------------------------------------------------- */

static struct judge_params read_params(const json_t *params)
{
    return (struct judge_params){
        .fall = (uint8_t)json_integer_or(params, "fall", CHECK_FALL_DEFAULT),
        .rise = (uint8_t)json_integer_or(params, "rise", CHECK_RISE_DEFAULT),
        .unknown_after = (uint8_t)json_integer_or(params, "unknown_after", CHECK_UNKNOWN_AFTER),
        .flap = json_boolean_or(params, "flap", false),
        .flap_high_pct = (uint8_t)json_integer_or(params, "flap_high", JUDGE_FLAP_HIGH_PCT),
        .flap_low_pct = (uint8_t)json_integer_or(params, "flap_low", JUDGE_FLAP_LOW_PCT),
        .interval_ms = json_integer_or(params, "interval_s", 60) * 1000,
        .retry_interval_ms = json_integer_or(params, "retry_interval_s", 20) * 1000,
        .stale_after_ms = json_integer_or(params, "stale_after_s", 180) * 1000,
    };
}

enum what {
    WHAT_OK,
    WHAT_WARN,
    WHAT_FAIL,
    WHAT_ERROR,
    WHAT_TICK,
    WHAT_START,
    WHAT_END,
    WHAT_COUNT
};

static const char *const what_words[WHAT_COUNT] = {
    "ok", "warn", "fail", "error", "tick", "maint_start", "maint_end",
};

/* An entry [t_s, what]; the schema cannot say what each place of an array holds. */
static bool read_entry(const json_t *entry, int64_t *ret_at_ms, enum what *ret_what)
{
    const json_t *time = json_array_get(entry, 0);
    const char *word = json_string_value(json_array_get(entry, 1));

    if (!json_is_integer(time) || !word || json_integer_value(time) < -TIME_S_MAX ||
        json_integer_value(time) > TIME_S_MAX)
        return false;
    *ret_at_ms = json_integer_value(time) * 1000;
    for (int what = 0; what < WHAT_COUNT; what++) {
        if (str_equal(str_of(word), str_of(what_words[what]))) {
            *ret_what = (enum what)what;
            return true;
        }
    }
    return false;
}

static struct judgement apply(const struct judge_params *params, struct check_state *state,
                              int64_t at_ms, enum what what)
{
    if (what <= WHAT_ERROR)
        return judge_result(params, state, at_ms, (enum verdict)what);
    if (what == WHAT_TICK)
        return judge_tick(params, state, at_ms);
    return judge_maintenance(params, state, at_ms, what == WHAT_START);
}

static json_t *events_of(const struct judgement *judgement)
{
    json_t *events = json_array();

    if (judgement->went_stale)
        json_array_append_new(
            events, json_sprintf("stale@%lld", (long long)(judgement->stale_at_ms / 1000)));
    for (int i = 0; i < judgement->message_count; i++)
        json_array_append_new(events, json_string(message_word(judgement->messages[i])));
    return events;
}

static json_t *step_of(const struct judge_params *params, const struct check_state *state,
                       const struct judgement *judgement, enum what what)
{
    json_t *step = json_pack("{s:s, s:s, s:o}", "published", state_word(judge_published(state)),
                             "hard", state_word(state->hard), "events", events_of(judgement));

    if (what < WHAT_ERROR)
        json_object_set_new(step, "soft", json_boolean(judgement->soft));
    if (what <= WHAT_ERROR)
        json_object_set_new(step, "next_in_s", json_integer(judgement->next_in_ms / 1000));
    if (what < WHAT_ERROR && params->flap)
        json_object_set_new(step, "flap_pct", json_real(judge_flap_permille(state) / 10.0));
    return step;
}

enum err preview_transitions(const json_t *body, json_t **ret_answer)
{
    struct judge_params params = read_params(json_object_get(body, "params"));
    const json_t *input = json_object_get(body, "input");
    JSON_AUTO json_t *steps = json_array();
    JSON_AUTO json_t *errors = NULL;
    struct check_state state = {0};
    int64_t last_ms = INT64_MIN;

    for (size_t i = 0; i < json_array_size(input) && !errors; i++) {
        struct judgement judgement;
        char pointer[32];
        int64_t at_ms;
        enum what what;

        snprintf(pointer, sizeof pointer, "/input/%zu", i);
        if (!read_entry(json_array_get(input, i), &at_ms, &what)) {
            json_add_error(&errors, pointer, "invalid", "must be [seconds, word]");
        } else if (at_ms < last_ms) {
            json_add_error(&errors, pointer, "out_of_order", "is before the entry before it");
        } else {
            judgement = apply(&params, &state, at_ms, what);
            json_array_append_new(steps, step_of(&params, &state, &judgement, what));
            last_ms = at_ms;
        }
    }
    if (errors)
        return fail_fields(ERR_INVALID, "body_invalid", "Some entries are not right.",
                           TAKE(errors));
    *ret_answer = json_pack("{s:o}", "steps", TAKE(steps));
    return OK;
}

/* Locations ----------------------------------------------------------------------------------- */

enum err preview_locations(const json_t *body, json_t **ret_answer)
{
    int64_t stale_after_ms = (int64_t)(json_number_or(body, "stale_after_s", 0) * 1000);
    struct location_votes votes = {0};
    json_t *vote;
    size_t i;

    json_array_foreach(json_object_get(body, "verdicts"), i, vote)
    {
        struct str word = str_of(json_text(vote, "verdict", ""));

        for (int what = WHAT_OK; what <= WHAT_ERROR; what++) {
            if (str_equal(word, str_of(what_words[what])))
                location_vote(&votes, (enum verdict)what,
                              (int64_t)(json_number_or(vote, "age_s", 0) * 1000), stale_after_ms);
        }
    }
    *ret_answer = json_pack(
        "{s:s}", "state",
        state_word(location_state(&votes, (uint32_t)json_integer_or(body, "min_fail", 0))));
    return OK;
}

/* Routes -------------------------------------------------------------------------------------- */

static enum err preview_health_transitions(struct request *request, struct reply *reply)
{
    json_t *answer = NULL;

    TRY(preview_transitions(request->body, &answer));
    return reply_json_take(reply, answer);
}

static enum err preview_health_propagation(struct request *request, struct reply *reply)
{
    json_t *answer = NULL;

    TRY(preview_propagation(request->body, &answer));
    return reply_json_take(reply, answer);
}

static enum err preview_health_locations(struct request *request, struct reply *reply)
{
    json_t *answer = NULL;

    TRY(preview_locations(request->body, &answer));
    return reply_json_take(reply, answer);
}

/* clang-format off */
const struct route preview_routes[] = {
    /*      method path                                    runs                        operationId                   permission   rate       body                 status reply                       summary */
    HANDLER(POST,  "/api/v1/health/preview/transitions", preview_health_transitions, "preview_health_transitions", HEALTH_READ, BROWSE,    preview_transitions, 200,   preview_transitions_answer, "What a check's state would do over time"),
    HANDLER(POST,  "/api/v1/health/preview/locations",   preview_health_locations,   "preview_health_locations",   HEALTH_READ, BROWSE,    preview_locations,   200,   preview_locations_answer,   "What several locations make of a check"),
    HANDLER(POST,  "/api/v1/health/preview/propagation", preview_health_propagation, "preview_health_propagation", HEALTH_READ, GRAPH,     preview_propagation, 200,   preview_propagation_answer, "What children make of a parent"),
    { 0 },
};
/* clang-format on */
