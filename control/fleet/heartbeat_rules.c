/* The rate is kept as the time at which the target may make all its calls again. */
#include "control/fleet/heartbeat_rules.h"

#include "contract/check.h"

#include "shared/attrs.h"
#include "shared/clock.h"
#include "shared/json.h"

#define SECOND_US 1000000LL

struct heartbeat_promise heartbeat_promise_of(const json_t *spec, int64_t interval_s)
{
    int64_t promised_s = json_integer_or(spec, "interval_s", interval_s);
    int64_t grace_s =
        json_integer_or(spec, "grace_s", MIN(promised_s, (int64_t)CHECK_HEARTBEAT_GRACE_S_MAX));

    return (struct heartbeat_promise){promised_s * SECOND_US, grace_s * SECOND_US};
}

int64_t heartbeat_late_at_us(const struct heartbeat_promise *promise, int64_t last_us,
                             const struct heartbeat_listening *listening)
{
    int64_t allowed_us = promise->interval_us + promise->grace_us;
    int64_t late_us = last_us + allowed_us;
    int64_t excused_us;

    if (last_us >= listening->since_us)
        return late_us;
    excused_us = MIN(listening->since_us + allowed_us, late_us + listening->away_us + allowed_us);
    return MAX(late_us, excused_us);
}

bool heartbeat_may_call(int64_t *full_at_us, int64_t now_us, int64_t *ret_retry_s)
{
    const int64_t price_us = SECOND_US / HEARTBEAT_CALLS_PER_SECOND;
    const int64_t room_us = price_us * HEARTBEAT_CALLS_BURST;
    int64_t from_us = MAX(*full_at_us, now_us);

    if (from_us + price_us > now_us + room_us) {
        *ret_retry_s = (from_us + price_us - now_us - room_us + SECOND_US - 1) / SECOND_US;
        return false;
    }
    *full_at_us = from_us + price_us;
    return true;
}

bool heartbeat_status(struct str word, enum verdict *ret_verdict)
{
    static const struct {
        const char *word;
        enum verdict verdict;
    } words[] = {{"ok", VERDICT_OK}, {"warn", VERDICT_WARN}, {"fail", VERDICT_FAIL}};

    for (size_t i = 0; i < ARRAY_LEN(words); i++) {
        if (str_equal(word, str_of(words[i].word))) {
            *ret_verdict = words[i].verdict;
            return true;
        }
    }
    return false;
}

/* Log output ends with a line break that nobody wants to see escaped. */
static struct str without_end(struct str text)
{
    static const char blanks[] = {' ', '\t', '\r', '\n'};

    while (text.len > 0 && memchr(blanks, text.ptr[text.len - 1], sizeof blanks))
        text.len--;
    return text;
}

static void write_perfdata(struct buf *texts, const struct heartbeat_call *call)
{
    buf_append_char(texts, '{');
    if (call->duration_ms >= 0)
        buf_printf(texts, "\"duration\":{\"value\":%lld,\"uom\":\"ms\"}",
                   (long long)call->duration_ms);
    if (call->duration_ms >= 0 && call->has_exit_code)
        buf_append_char(texts, ',');
    if (call->has_exit_code)
        buf_printf(texts, "\"exit_code\":{\"value\":%lld}", (long long)call->exit_code);
    buf_append_char(texts, '}');
}

void heartbeat_result(const struct heartbeat_call *call, int64_t at_ms, struct buf *texts,
                      struct result *ret_result)
{
    size_t message_bytes;

    buf_reset(texts);
    buf_append_escaped(texts, without_end(call->message), RESULT_MESSAGE_BYTES_MAX);
    message_bytes = texts->len;
    *ret_result = (struct result){
        .scheduled_at_ms = at_ms,
        .at_ms = at_ms,
        .verdict = call->verdict,
        .outcome = call->verdict == VERDICT_OK ? OUTCOME_OK : OUTCOME_REPORTED,
        .phase = PHASE_REQUEST,
        .has = call->address.family != 0 ? RESULT_HAS_ADDRESS : 0,
        .address = call->address,
    };
    if (call->duration_ms >= 0 || call->has_exit_code) {
        write_perfdata(texts, call);
        ret_result->has |= RESULT_HAS_PERFDATA;
        ret_result->perfdata = str_sub(buf_str(texts), message_bytes, texts->len);
    }
    if (call->duration_ms >= 0)
        ret_result->timings.total_us =
            (uint32_t)MIN(call->duration_ms, (int64_t)(UINT32_MAX / 1000)) * 1000;
    ret_result->message = str_sub(buf_str(texts), 0, message_bytes);
}

void heartbeat_missed_result(const struct heartbeat_promise *promise, int64_t heard_at_ms,
                             int64_t at_ms, struct buf *texts, struct result *ret_result)
{
    char heard_at[TIMESTAMP_BYTES];

    buf_reset(texts);
    if (heard_at_ms != 0)
        buf_printf(texts, "no call since %s; ", timestamp_format(heard_at_ms, heard_at));
    buf_printf(texts, "one is expected every %lld s, with %lld s of grace",
               (long long)(promise->interval_us / SECOND_US),
               (long long)(promise->grace_us / SECOND_US));
    *ret_result = (struct result){
        .scheduled_at_ms = at_ms,
        .at_ms = at_ms,
        .verdict = VERDICT_FAIL,
        .outcome = OUTCOME_HEARTBEAT_MISSED,
        .phase = PHASE_REQUEST,
        .message = buf_str(texts),
    };
}
