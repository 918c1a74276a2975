/*
 * The steps of one probe with their times, for --explain and previews. Bounded: of a probe with
 * more than HISTORY_STEPS_MAX steps the last ones are left out.
 *
 * Thread: the loop of its probe.
 */
#pragma once

#include <jansson.h>
#include <stdarg.h>
#include <stdint.h>

#include "shared/attrs.h"

#define HISTORY_STEPS_MAX        64
#define HISTORY_DETAIL_BYTES_MAX 4096 /* of one step */

struct history;

struct history *history_new(void);
void history_free(struct history *history);

/* A step begins, unless it is the one that is under way. `name` is a constant. */
void history_enter(struct history *history, const char *name, int64_t at_us);

/* Adds a sentence to the step under way. */
void history_note(struct history *history, const char *format, va_list arguments)
    __attribute__((format(printf, 2, 0)));

/* The last step ends. */
void history_finish(struct history *history, int64_t at_us);

/* [{"step","at_us","took_us","detail"}, …]; yours. */
json_t *history_json(const struct history *history);
