/*
 * Times are written as the difference between two intervals, totals as the difference to the last;
 * both are small numbers for a check that is probed regularly, so they take one to three bytes.
 * Verdict and outcome are written only when they change; the lowest bit of the total says so.
 */
#include "control/health/samples.h"

#include <assert.h>

#define FORMAT 1

static void put_varint(struct buf *buf, uint64_t value)
{
    while (value >= 0x80) {
        buf_append_char(buf, (char)(value | 0x80));
        value >>= 7;
    }
    buf_append_char(buf, (char)value);
}

static bool take_varint(struct str *rest, uint64_t *ret_value)
{
    uint64_t value = 0;

    for (size_t i = 0; i < rest->len && i < 10; i++) {
        uint8_t byte = (uint8_t)rest->ptr[i];

        value |= (uint64_t)(byte & 0x7f) << 7 * i;
        if (byte < 0x80) {
            *rest = str_sub(*rest, i + 1, rest->len);
            *ret_value = value;
            return true;
        }
    }
    return false;
}

/* Small negative numbers become small positive ones: 0, -1, 1, -2 … are 0, 1, 2, 3 … */
static uint64_t zigzag(int64_t value)
{
    return (uint64_t)value << 1 ^ (uint64_t)(value >> 63);
}

static int64_t unzigzag(uint64_t value)
{
    return (int64_t)(value >> 1) ^ -(int64_t)(value & 1);
}

void samples_pack(struct buf *buf, const struct sample *samples, size_t count)
{
    struct sample last = {0};
    int64_t last_interval_ms = 0;

    assert(count <= SAMPLES_PER_CHUNK);
    buf_append_char(buf, FORMAT);
    put_varint(buf, count);
    for (size_t i = 0; i < count; i++) {
        const struct sample *sample = &samples[i];
        int64_t interval_ms = sample->at_ms - last.at_ms;
        bool changed = sample->verdict != last.verdict || sample->outcome != last.outcome;

        put_varint(buf, zigzag(interval_ms - last_interval_ms));
        put_varint(buf, zigzag((int64_t)sample->total_us - last.total_us) << 1 | changed);
        if (changed) {
            buf_append_char(buf, (char)sample->verdict);
            buf_append_char(buf, (char)sample->outcome);
        }
        last_interval_ms = i == 0 ? 0 : interval_ms; /* the first is the time itself */
        last = *sample;
    }
}

static bool take_sample(struct str *rest, struct sample *sample, int64_t *interval_ms)
{
    uint64_t interval_change;
    uint64_t total_change;

    if (!take_varint(rest, &interval_change) || !take_varint(rest, &total_change))
        return false;
    *interval_ms += unzigzag(interval_change);
    sample->at_ms += *interval_ms;
    sample->total_us += (uint32_t)unzigzag(total_change >> 1);
    if (!(total_change & 1))
        return true;

    if (rest->len < 2 || (uint8_t)rest->ptr[0] >= VERDICT_COUNT ||
        (uint8_t)rest->ptr[1] >= OUTCOME_COUNT)
        return false;
    sample->verdict = (enum verdict)rest->ptr[0];
    sample->outcome = (enum outcome)rest->ptr[1];
    *rest = str_sub(*rest, 2, rest->len);
    return true;
}

bool samples_unpack(struct str bytes, struct sample ret_samples[SAMPLES_PER_CHUNK],
                    size_t *ret_count)
{
    struct sample sample = {0};
    int64_t interval_ms = 0;
    uint64_t count;

    if (bytes.len == 0 || bytes.ptr[0] != FORMAT)
        return false;
    bytes = str_sub(bytes, 1, bytes.len);
    if (!take_varint(&bytes, &count) || count > SAMPLES_PER_CHUNK)
        return false;
    for (size_t i = 0; i < count; i++) {
        if (!take_sample(&bytes, &sample, &interval_ms))
            return false;
        if (i == 0)
            interval_ms = 0;
        ret_samples[i] = sample;
    }
    *ret_count = count;
    return bytes.len == 0;
}
