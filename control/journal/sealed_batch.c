/* The lists of include/contract/journal_chain.h, as they grow. */
#include "control/journal/sealed_batch.h"

#include <inttypes.h>
#include <stdio.h>

#include "contract/journal_chain.h"

#define NUMBER_BYTES 24

static void add_number(struct buf *list, int64_t number)
{
    char text[NUMBER_BYTES];

    snprintf(text, sizeof text, "%" PRId64, number);
    text_list_add(list, str_of(text));
}

static void add_uuid(struct buf *list, const struct uuid *id)
{
    char text[UUID_TEXT_BYTES];

    text_list_add(list, str_of(uuid_format(id, text)));
}

void sealed_chain_begin(struct sealed_chain *chain, const struct uuid *id, int64_t last,
                        struct str hash)
{
    *chain = (struct sealed_chain){.id = *id, .last = last, .first = last + 1};
    snprintf(chain->hash, sizeof chain->hash, "%.*s",
             STR_ARG(str_is_empty(hash) ? STR(JOURNAL_CHAIN_BEGIN) : hash));
}

void sealed_chain_clear(struct sealed_chain *chain)
{
    buf_clear(&chain->record_hashes);
}

int64_t sealed_chain_add(struct sealed_chain *chain, const struct str texts[SEALED_TEXTS],
                         char ret_hash[TEXT_LIST_HASH_BYTES])
{
    CLEANUP(buf_clear_p) struct buf list = {0};
    bool has_address = texts[SEALED_TEXTS - 1].ptr != NULL;

    chain->last++;
    text_list_add(&list, has_address ? STR(JOURNAL_RECORD_TAG_2) : STR(JOURNAL_RECORD_TAG_1));
    add_uuid(&list, &chain->id);
    add_number(&list, chain->last);
    for (size_t i = 0; i < (has_address ? SEALED_TEXTS : SEALED_TEXTS - 1); i++)
        text_list_add(&list, texts[i]);
    text_list_hash(&list, ret_hash);
    text_list_add(&chain->record_hashes, str_of(ret_hash));
    return chain->last;
}

void sealed_chain_end(struct sealed_chain *chain, struct str sealed_at)
{
    CLEANUP(buf_clear_p) struct buf list = {0};

    text_list_add(&list, STR(JOURNAL_BATCH_TAG));
    add_uuid(&list, &chain->id);
    text_list_add(&list, str_of(chain->hash));
    add_number(&list, chain->first);
    add_number(&list, chain->last);
    add_number(&list, chain->last - chain->first + 1);
    text_list_add(&list, sealed_at);
    buf_append_str(&list, buf_str(&chain->record_hashes));
    text_list_hash(&list, chain->hash);
}
