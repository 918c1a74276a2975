/* A hash of texts. */
#include "control/store/pipeline_texts.h"

#include <stdio.h>

#include "shared/map.h"

#define TEXTS_MAX  512 /* kept, and so prepared in each connection */
#define NAME_BYTES 64

struct pipeline_text {
    struct statement statement;
    char *text;
    char name[NAME_BYTES]; /* "": prepared without a name */
    UT_hash_handle hh;     /* by text */
};

static struct pipeline_text *text_new(struct str text, size_t parameter_count)
{
    struct pipeline_text *made = NEW(struct pipeline_text);

    made->text = str_dup(text);
    made->statement = (struct statement){
        .name = made->name,
        .text = made->text,
        .parameter_count = (int)parameter_count,
    };
    return made;
}

void pipeline_text_free(struct pipeline_text *text)
{
    if (!text)
        return;
    free(text->text);
    free(text);
}

const struct statement *pipeline_texts_get(struct pipeline_texts *texts, const char *name,
                                           struct str text, size_t parameter_count,
                                           struct pipeline_text **ret_once)
{
    struct pipeline_text *made;

    *ret_once = NULL;
    HASH_FIND(hh, texts->by_text, text.ptr, text.len, made);
    if (made)
        return &made->statement;
    made = text_new(text, parameter_count);
    if (texts->count >= TEXTS_MAX) {
        *ret_once = made;
        return &made->statement;
    }
    snprintf(made->name, sizeof made->name, "%.40s_%zu", name, ++texts->count);
    HASH_ADD_KEYPTR(hh, texts->by_text, made->text, text.len, made);
    return &made->statement;
}

void pipeline_texts_clear(struct pipeline_texts *texts)
{
    struct pipeline_text *text;
    struct pipeline_text *next;

    HASH_ITER (hh, texts->by_text, text, next) {
        HASH_DEL(texts->by_text, text);
        pipeline_text_free(text);
    }
    texts->count = 0;
}
