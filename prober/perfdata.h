/*
 * Performance data as monitoring plugins print it after a "|":
 * 'label'=value[UOM];[warn];[crit];[min];[max], items separated by blanks. Labels in single quotes
 * may hold blanks and doubled quotes; the value may be "U" for undetermined; warn and crit are
 * ranges ("10", "10:", "~:10", "10:20", "@10:20").
 *
 * Thread: any.
 */
#pragma once

#include <stddef.h>

#include "shared/buf.h"
#include "shared/str.h"

#define PERFDATA_ITEMS_MAX       128
#define PERFDATA_LABEL_BYTES_MAX 128

struct perfdata_counts {
    size_t items;
    size_t dropped; /* malformed, doubled, or more than fits */
};

/* Appends one JSON object {"label": {"value", "uom", "warn", "crit", "min", "max"}, …} of at most
 * `limit` bytes; what is absent is left out, an undetermined value is null. A malformed item drops
 * itself only. */
struct perfdata_counts perfdata_write(struct buf *buf, struct str text, size_t limit);

/* What a plugin printed, in its parts; views of the output but for the performance data. */
struct plugin_output {
    struct str message;  /* for people: the first line up to a "|" */
    struct str details;  /* the lines below up to a "|" */
    struct buf perfdata; /* after the first "|" of the first line, and after the next one below */
};

void plugin_output_split(struct str output, struct plugin_output *ret_parts);
void plugin_output_clear(struct plugin_output *parts);
