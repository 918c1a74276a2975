/* Small help for text in results. Thread: any. */
#pragma once

#include <stddef.h>

#include "shared/str.h"

/* The length without a UTF-8 sequence that was cut off at the end. */
size_t utf8_cut(struct str text);
