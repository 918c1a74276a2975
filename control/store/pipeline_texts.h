/*
 * Statements whose text is made at run time: the same text is the same statement, so that it is
 * prepared once per connection. There is a bound of texts; beyond it a statement lives for one
 * query and is prepared without a name.
 *
 * Thread: the loop.
 */
#pragma once

#include <stddef.h>

#include "shared/statement.h"
#include "shared/str.h"

struct pipeline_text;

struct pipeline_texts {
    struct pipeline_text *by_text;
    size_t count;
};

/* The statement of a text, made when there is none yet. `ret_once` gets what pipeline_text_free()
 * is to be called with after the query, NULL for a text that is kept. */
const struct statement *pipeline_texts_get(struct pipeline_texts *texts, const char *name,
                                           struct str text, size_t parameter_count,
                                           struct pipeline_text **ret_once);

void pipeline_text_free(struct pipeline_text *text);

void pipeline_texts_clear(struct pipeline_texts *texts);
