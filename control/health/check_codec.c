/* Format 1: fields in order, little-endian; the times of the window as seconds before the last
 * result would lose the milliseconds that dating needs, so they are 32-bit milliseconds before
 * it. */
#include "control/health/check_codec.h"

#include "shared/attrs.h"

#define FORMAT 1

enum {
    FLAG_IN_MAINTENANCE = 1,
    FLAG_FLAPPING = 2,
    FLAG_HAS_RESULT = 4,
    FLAG_HAS_VERDICT = 8,
    FLAG_TOLD_UNKNOWN = 16,
    FLAG_TOLD_FLAPPING = 32,
};

/* Bytes before the window. */
#define FIXED_BYTES 28

static void put(struct buf *buf, uint64_t value, int bytes)
{
    for (int i = 0; i < bytes; i++)
        buf_append_char(buf, (char)(value >> 8 * i));
}

/* The next number of a text that is known to be long enough. */
static uint64_t take(const char **at, int bytes)
{
    uint64_t value = 0;

    for (int i = 0; i < bytes; i++)
        value |= (uint64_t)(uint8_t) * (*at)++ << 8 * i;
    return value;
}

static unsigned flags_of(const struct check_state *state)
{
    return (state->in_maintenance ? FLAG_IN_MAINTENANCE : 0u) |
           (state->flapping ? FLAG_FLAPPING : 0u) | (state->has_result ? FLAG_HAS_RESULT : 0u) |
           (state->has_verdict ? FLAG_HAS_VERDICT : 0u) |
           (state->told.unknown_sent ? FLAG_TOLD_UNKNOWN : 0u) |
           (state->told.flapping ? FLAG_TOLD_FLAPPING : 0u);
}

void check_state_write(struct buf *buf, const struct check_state *state)
{
    put(buf, FORMAT, 1);
    put(buf, state->hard, 1);
    put(buf, flags_of(state), 1);
    put(buf, state->last_verdict, 1);
    put(buf, state->error_count, 1);
    put(buf, state->told.state | (unsigned)state->told.problem << 4, 1);
    put(buf, state->flap_bits, 4);
    put(buf, (uint64_t)state->hard_since_ms, 8);
    put(buf, (uint64_t)state->last_result_at_ms, 8);
    put(buf, state->window_len, 2);
    for (unsigned i = 0; i < state->window_len; i++) {
        int64_t before_ms = state->last_result_at_ms - state->window_at_ms[i];

        put(buf, state->window[i], 1);
        put(buf, (uint64_t)MAX(0, MIN(before_ms, UINT32_MAX)), 4);
    }
}

static bool is_hard(unsigned value)
{
    return value < STATE_MAINTENANCE;
}

bool check_state_read(struct str bytes, struct check_state *ret_state)
{
    struct check_state state = {0};
    const char *at = bytes.ptr;
    unsigned flags;
    unsigned told;

    if (bytes.len < FIXED_BYTES || take(&at, 1) != FORMAT)
        return false;
    state.hard = (enum state)take(&at, 1);
    flags = (unsigned)take(&at, 1);
    state.in_maintenance = flags & FLAG_IN_MAINTENANCE;
    state.flapping = flags & FLAG_FLAPPING;
    state.has_result = flags & FLAG_HAS_RESULT;
    state.has_verdict = flags & FLAG_HAS_VERDICT;
    state.told.unknown_sent = flags & FLAG_TOLD_UNKNOWN;
    state.told.flapping = flags & FLAG_TOLD_FLAPPING;
    state.last_verdict = (enum verdict)take(&at, 1);
    state.error_count = (uint8_t)take(&at, 1);
    told = (unsigned)take(&at, 1);
    state.told.state = (enum state)(told & 15);
    state.told.problem = (enum state)(told >> 4);
    state.flap_bits = (uint32_t)take(&at, 4);
    state.hard_since_ms = (int64_t)take(&at, 8);
    state.last_result_at_ms = (int64_t)take(&at, 8);
    state.window_len = (uint8_t)take(&at, 2);

    if (!is_hard(state.hard) || !is_hard(state.told.state) || !is_hard(state.told.problem) ||
        state.last_verdict >= VERDICT_ERROR || state.error_count > CHECK_RUN_MAX ||
        state.window_len > CHECK_RUN_MAX || bytes.len != FIXED_BYTES + state.window_len * 5u)
        return false;
    for (unsigned i = 0; i < state.window_len; i++) {
        state.window[i] = (uint8_t)take(&at, 1);
        state.window_at_ms[i] = state.last_result_at_ms - (int64_t)take(&at, 4);
        if (state.window[i] >= VERDICT_ERROR)
            return false;
    }
    *ret_state = state;
    return true;
}
