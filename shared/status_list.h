/* Lists of HTTP statuses as "200-299,401", kept as a bit set. Thread: any. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/str.h"

#define STATUS_MIN 100
#define STATUS_MAX 599

struct status_list {
    uint64_t bits[(STATUS_MAX - STATUS_MIN) / 64 + 1];
};

/* False when the text is no such list: numbers from 100 to 599, ranges in ascending order, commas;
 * blanks may stand around each. */
bool status_list_parse(struct str text, struct status_list *ret_list);

bool status_list_has(const struct status_list *list, unsigned status);
