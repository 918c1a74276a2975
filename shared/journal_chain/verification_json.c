#include "shared/journal_chain/verification_json.h"

static json_t *findings_of(const struct verification *result)
{
    json_t *findings = json_array();

    for (size_t i = 0; i < result->findings.len; i++) {
        const struct finding *finding = &result->findings.items[i];

        json_array_append_new(
            findings, json_pack("{s:s, s:s?, s:o, s:o, s:s}", "code", finding_words[finding->code],
                                "chain", finding->chain[0] ? finding->chain : NULL, "sequence",
                                finding->sequence ? json_integer(finding->sequence) : json_null(),
                                "line", finding->line ? json_integer(finding->line) : json_null(),
                                "detail", finding->detail));
    }
    return findings;
}

static json_t *heads_of(const struct verification *result)
{
    json_t *heads = json_array();

    for (size_t i = 0; i < result->heads.len; i++) {
        const struct chain_head *head = &result->heads.items[i];

        json_array_append_new(heads, json_pack("{s:s, s:I, s:s}", "chain", head->chain, "sequence",
                                               (json_int_t)head->sequence, "hash", head->hash));
    }
    return heads;
}

json_t *verification_json(const struct verification *result)
{
    return json_pack("{s:b, s:I, s:I, s:I, s:o, s:o}", "whole", result->finding_count == 0,
                     "records", (json_int_t)result->records, "batches", (json_int_t)result->batches,
                     "finding_count", (json_int_t)result->finding_count, "heads", heads_of(result),
                     "findings", findings_of(result));
}
