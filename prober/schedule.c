/* Arithmetic of slots. */
#include "prober/schedule.h"

int64_t schedule_phase_us(const struct uuid *id, int64_t interval_us)
{
    return (int64_t)(uuid_hash(id) % (uint64_t)interval_us);
}

int64_t schedule_next_us(int64_t after_us, int64_t interval_us, int64_t phase_us)
{
    int64_t into = (after_us - phase_us) % interval_us;

    if (into < 0)
        into += interval_us;
    return after_us - into + interval_us;
}

uint64_t schedule_missed(int64_t due_us, int64_t now_us, int64_t interval_us)
{
    return now_us > due_us ? (uint64_t)((now_us - due_us) / interval_us) : 0;
}
