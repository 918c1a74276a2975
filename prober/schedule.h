/*
 * When a check is due: at phase + n × interval since the epoch, where the phase comes from a hash
 * of the check's id. So every prober, at every start, finds the same slots, and many checks spread
 * evenly. Pure: the clock comes from outside.
 *
 * Thread: any.
 */
#pragma once

#include <stdint.h>

#include "shared/uuid.h"

/* Microseconds into the interval. */
int64_t schedule_phase_us(const struct uuid *id, int64_t interval_us);

/* The first slot after `after_us`. */
int64_t schedule_next_us(int64_t after_us, int64_t interval_us, int64_t phase_us);

/* How many slots lie in (due_us, now_us]: missed while the one at due_us was late or under way. */
uint64_t schedule_missed(int64_t due_us, int64_t now_us, int64_t interval_us);
