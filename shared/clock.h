/*
 * Time. Two clocks that must never be mixed: `_us` of the monotonic clock for durations and due
 * times, `_ms` of the wall clock (UTC since 1970) for what people and databases see. Rules take
 * time as a parameter; only the edges ask.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"

/* Length of "2026-11-20T10:00:00.123Z" with its zero byte. */
#define TIMESTAMP_BYTES 25

int64_t clock_monotonic_us(void);
int64_t clock_wall_ms(void);

/* Writes RFC 3339 in UTC with milliseconds; years 0000 to 9999. Returns `text`. */
const char *timestamp_format(int64_t wall_ms, char text[TIMESTAMP_BYTES]);

/* Reads RFC 3339 with any offset; fractions are cut to milliseconds. False for anything else. */
bool timestamp_parse(struct str text, int64_t *ret_wall_ms);
