/* Reading the journal: statements, and two handlers, of which one answers with lines and one is asked
 * by lines. */
#include "contract/journal_chain.h"

#include "shared/journal_chain/chain_verifier.h"
#include "shared/journal_chain/journal_line.h"
#include "shared/journal_chain/verification_json.h"
#include "shared/json.h"
#include "shared/line_reader.h"

#include "control/api/listing.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/audit/audit.h"
#include "control/audit/audit.sql.h"
#include "control/store/query.h"

#define COMPARED_MOST       1000 /* chains */
#define EXPORT_RECORDS_MOST 1000
#define EXPORT_BYTES_MOST   (INT64_C(4) << 20) /* of objects, beyond the first record */

/* clang-format off */
static const struct listing entries = { "journal", "change_base", "change_item", (const struct listing_field[]){
    { "id",            LISTING_UUID },
    { "organisation",  LISTING_UUID, "base.organisation_id" },
    { "sequence",      LISTING_INTEGER },
    { "at",            LISTING_TIME },
    { "action",        LISTING_TEXT },
    { "kind",          LISTING_TEXT },
    { "entity",        LISTING_UUID, "base.entity_id" },
    { "actor",         LISTING_TEXT },
    { "actor_id",      LISTING_UUID },
    { "credential_id", LISTING_UUID },
    { "address",       LISTING_TEXT },
    { "request_id",    LISTING_TEXT },
    { "changes",       LISTING_OTHER },
    { "before",        LISTING_OTHER },
    { "after",         LISTING_OTHER },
    { "reason",        LISTING_TEXT },
    { 0 },
} };

/* clang-format on */

/* The chain that is asked for, when the caller may see it: the installation's without a name. */
static enum err read_chain(const struct request *request, struct uuid *ret_chain)
{
    struct str chain = request_parameter(request, "chain");

    if (!uuid_parse(chain.ptr ? chain : STR(JOURNAL_INSTALLATION), ret_chain))
        return fail(ERR_INVALID, "parameters_invalid", "The chain is no UUID.");
    if (!guard_shows(&request->principal, ret_chain))
        return fail(ERR_NOT_FOUND, "chain_missing", "There is no such chain.");
    return OK;
}

static enum err export_journal(struct request *request, struct reply *reply)
{
    AUTO(rows_free) struct rows *rows = NULL;
    struct uuid chain;

    TRY(read_chain(request, &chain));
    TRY(db_query_one(request->db, &sql_journal_export,
                     PARAMS(p_uuid(&chain), p_int(request_integer(request, "after", 0)),
                            p_int(request_integer(request, "limit", EXPORT_RECORDS_MOST)),
                            p_int(EXPORT_BYTES_MOST)),
                     &rows));
    reply->type = REPLY_LINES_TYPE;
    buf_append_str(reply_body(reply), row_text(rows, 0, 0));
    return OK;
}

/* Whether a chain of an export is the one that is here, as far as it goes: by the hash where it ends,
 * which takes in all before. @param ret_finding NULL when it is; yours. */
static enum err compare_chain(struct db *db, const struct chain_head *head, json_t **ret_finding)
{
    AUTO(rows_free) struct rows *rows = NULL;
    enum finding_code code = FINDING_CHAIN_REWRITTEN;
    const char *detail = "up to there it is not the chain that is kept here";
    struct uuid chain;

    *ret_finding = NULL;
    if (head->sequence == 0 || !uuid_parse(str_of(head->chain), &chain))
        return OK;
    TRY(db_query_one(db, &sql_journal_batch_at, PARAMS(p_uuid(&chain), p_int(head->sequence)),
                     &rows));
    if (!row_is_null(rows, 0, 0) && str_equal(row_text(rows, 0, 0), str_of(head->hash)))
        return OK;
    if (row_is_null(rows, 0, 1)) {
        code = FINDING_CHAIN_UNKNOWN;
        detail = "there is no such chain here";
    } else if (row_int(rows, 0, 1) < head->sequence) {
        code = FINDING_CHAIN_TRUNCATED;
        detail = "the chain that is kept here ends before";
    }
    *ret_finding =
        json_pack("{s:s, s:s, s:I, s:n, s:s}", "code", finding_words[code], "chain", head->chain,
                  "sequence", (json_int_t)head->sequence, "line", "detail", detail);
    return OK;
}

/* Adds what differs from the journal here. */
static enum err compare_chains(struct db *db, const struct verification *result, json_t *document)
{
    json_t *findings = json_object_get(document, "findings");
    int64_t count = result->finding_count;

    if (result->heads.len > COMPARED_MOST)
        return fail(ERR_INVALID, "chains_too_many",
                    "The export has more than %d chains: verify it by emctl.", COMPARED_MOST);
    for (size_t i = 0; i < result->heads.len; i++) {
        json_t *finding;

        TRY(compare_chain(db, &result->heads.items[i], &finding));
        if (!finding)
            continue;
        json_array_append_new(findings, finding);
        count++;
    }
    json_object_set_new(document, "finding_count", json_integer(count));
    json_object_set_new(document, "whole", json_boolean(count == 0));
    return OK;
}

static enum err take_line(void *context, struct str line)
{
    chain_verifier_add(context, line);
    return OK;
}

static enum err verify_journal(struct request *request, struct reply *reply)
{
    AUTO(chain_verifier_free) struct chain_verifier *verifier = chain_verifier_new();
    JSON_AUTO json_t *document = NULL;
    const struct verification *result;

    TRY(request_read_lines(request,
                           &(struct line_taker){take_line, verifier, JOURNAL_LINE_BYTES_MAX}));
    result = chain_verifier_end(verifier);
    document = verification_json(result);
    TRY(compare_chains(request->db, result, document));
    json_write(document, reply_body(reply));
    return OK;
}

/* clang-format off */
const struct route audit_routes[] = {
    LIST   (     "/api/v1/journal",        entries,            "list_journal",        JOURNAL_READ,                     change_list,    "List what was changed"),
    READ   (     "/api/v1/journal/chain",  sql_journal_chains, "list_journal_chains", JOURNAL_READ, BROWSE, none, 200, journal_chains, "Where the journal's chains end"),
    LINES  (     "/api/v1/journal/export", export_journal,     "export_journal",      JOURNAL_READ, EXPORT,            journal_line,   "A chain's records and batches as lines of JSON, to be verified", "chain", "after", "limit"),
    UPLOAD (     "/api/v1/journal/verify", verify_journal,     "verify_journal",      JOURNAL_READ, EXPENSIVE, journal_export_line, 200, journal_verification, "Verify an export, and compare it with the journal as it is here"),
    READ   (     "/api/v1/journal/{id}",   sql_journal_entry,  "get_journal_entry",   JOURNAL_READ, BROWSE, none, 200, change,         "Get an entry of the journal"),
    { 0 },
};
/* clang-format on */
