/* Reading the journal: statements, and one handler whose answer is no JSON document. */
#include "contract/journal_chain.h"

#include "control/api/listing.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/audit/audit.h"
#include "control/audit/audit.sql.h"
#include "control/store/query.h"

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

/* clang-format off */
const struct route audit_routes[] = {
    LIST   (     "/api/v1/journal",        entries,            "list_journal",        JOURNAL_READ,                     change_list,    "List what was changed"),
    READ   (     "/api/v1/journal/chain",  sql_journal_chains, "list_journal_chains", JOURNAL_READ, BROWSE, none, 200, journal_chains, "Where the journal's chains end"),
    LINES  (     "/api/v1/journal/export", export_journal,     "export_journal",      JOURNAL_READ, BROWSE,            journal_line,   "A chain's records and batches as lines of JSON, to be verified", "chain", "after", "limit"),
    READ   (     "/api/v1/journal/{id}",   sql_journal_entry,  "get_journal_entry",   JOURNAL_READ, BROWSE, none, 200, change,         "Get an entry of the journal"),
    { 0 },
};
/* clang-format on */
