/*
 * The history of a check out of its three places: the ring has the newest results in full, the kept
 * ones are in full too, and the chunks have all others in packed form. A page is read newest first;
 * where several places have the same result, the full one is shown.
 */
#include "control/health/health_routes.h"

#include <string.h>

#include "shared/clock.h"
#include "shared/frame.h"
#include "shared/mem.h"
#include "shared/result_json.h"
#include "shared/vec.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/health/health.sql.h"
#include "control/health/model_json.h"
#include "control/health/samples.h"
#include "control/store/query.h"

#define FOREVER_MS 253402300799999 /* the end of the year 9999 */

/* One result of a page; `record` is empty for a packed one. */
struct entry {
    int64_t at_ms;
    struct uuid prober_id;
    struct str record; /* borrowed from the rows */
    struct sample sample;
};

typedef VEC(struct entry) entry_vec;

struct page {
    struct uuid check_id;
    int64_t from_ms;
    int64_t before_ms;
    int64_t limit;
    entry_vec entries;
    struct rows *ring; /* the records lie in these */
    struct rows *kept;
};

static void page_clear_p(struct page *page)
{
    rows_free(page->ring);
    rows_free(page->kept);
    vec_clear(&page->entries);
}

static void add_full(struct page *page, const struct rows *rows)
{
    for (int row = 0; row < rows_count(rows); row++) {
        int64_t at_ms = row_ms(rows, row, 0);

        if (at_ms >= page->from_ms && at_ms < page->before_ms)
            vec_push(&page->entries, (struct entry){.at_ms = at_ms,
                                                    .prober_id = row_uuid(rows, row, 1),
                                                    .record = row_bytes(rows, row, 2)});
    }
}

static void add_packed(struct page *page, struct str bytes)
{
    struct sample samples[SAMPLES_PER_CHUNK];
    size_t count;

    if (!samples_unpack(bytes, samples, &count))
        return;
    for (size_t i = 0; i < count; i++) {
        if (samples[i].at_ms >= page->from_ms && samples[i].at_ms < page->before_ms)
            vec_push(&page->entries,
                     (struct entry){.at_ms = samples[i].at_ms, .sample = samples[i]});
    }
}

/* Newest first; of the same moment the full one first. */
static int compare_entries(const void *a, const void *b)
{
    const struct entry *left = a;
    const struct entry *right = b;

    if (left->at_ms != right->at_ms)
        return left->at_ms < right->at_ms ? 1 : -1;
    return (left->record.ptr == NULL) - (right->record.ptr == NULL);
}

/* Sorts, and drops all but the first of each moment. */
static void order(entry_vec *entries)
{
    size_t kept = 0;

    if (entries->len == 0)
        return;
    qsort(entries->items, entries->len, sizeof *entries->items, compare_entries);
    for (size_t i = 1; i < entries->len; i++) {
        if (entries->items[i].at_ms != entries->items[kept].at_ms)
            entries->items[++kept] = entries->items[i];
    }
    entries->len = kept + 1;
}

/* Enough of each place for a page and one more, which tells whether there is another page. */
static enum err read_page(struct db *db, struct page *page)
{
    AUTO(rows_free) struct rows *chunks = NULL;
    int64_t chunks_most = (page->limit + 1) / SAMPLES_PER_CHUNK + 2;

    TRY(db_query(db, &sql_results_of_ring, PARAMS(p_uuid(&page->check_id)), &page->ring));
    add_full(page, page->ring);
    TRY(db_query(db, &sql_results_kept,
                 PARAMS(p_uuid(&page->check_id), p_ms(page->from_ms), p_ms(page->before_ms),
                        p_int(page->limit + 1)),
                 &page->kept));
    add_full(page, page->kept);
    TRY(db_query(db, &sql_sample_chunks,
                 PARAMS(p_uuid(&page->check_id), p_ms(page->from_ms), p_ms(page->before_ms),
                        p_int(chunks_most)),
                 &chunks));
    for (int row = 0; row < rows_count(chunks); row++)
        add_packed(page, row_bytes(chunks, row, 0));
    order(&page->entries);
    return OK;
}

static void write_entry(struct buf *out, const struct page *page, const struct entry *entry)
{
    struct str record = entry->record;
    char check[UUID_TEXT_BYTES];
    char at[TIMESTAMP_BYTES];
    struct result result;

    uuid_format(&page->check_id, check);
    if (record.ptr && frame_result_read(&record, &result)) {
        model_write_full_result(out, &result, str_of(check), &entry->prober_id);
        return;
    }
    buf_printf(out,
               "{\"check\":\"%s\",\"at\":\"%s\",\"verdict\":\"%s\",\"outcome\":\"%s\","
               "\"timings_us\":{\"total\":%u},\"compact\":true}",
               check, timestamp_format(entry->at_ms, at), verdict_word(entry->sample.verdict),
               outcome_word(entry->sample.outcome), entry->sample.total_us);
}

static void write_page(struct buf *out, const struct page *page)
{
    size_t count = MIN(page->entries.len, (size_t)page->limit);

    buf_append_text(out, "{\"items\":[");
    for (size_t i = 0; i < count; i++) {
        if (i > 0)
            buf_append_char(out, ',');
        write_entry(out, page, &page->entries.items[i]);
    }
    if (page->entries.len > count && count > 0)
        buf_printf(out, "],\"next\":\"%lld\"}", (long long)page->entries.items[count - 1].at_ms);
    else
        buf_append_text(out, "],\"next\":null}");
}

static int64_t time_parameter(const struct request *request, const char *name, int64_t otherwise)
{
    struct str text = request_parameter(request, name);
    int64_t wall_ms;

    return text.ptr && timestamp_parse(text, &wall_ms) ? wall_ms : otherwise;
}

static enum err list_check_results(struct request *request, struct reply *reply)
{
    CLEANUP(page_clear_p) struct page page = {0};
    AUTO(rows_free) struct rows *check = NULL;
    const struct uuid *own = &request->principal.organisation_id; /* nil: all */
    struct str cursor = request_parameter(request, "cursor");
    uint64_t before_ms;

    TRY(request_uuid(request, "id", &page.check_id));
    TRY(db_query_one(request->db, &sql_check_exists,
                     PARAMS(p_uuid(&page.check_id), p_uuid(uuid_is_nil(own) ? NULL : own)),
                     &check));
    page.limit = request_integer(request, "limit", PAGE_LIMIT_DEFAULT);
    page.from_ms = time_parameter(request, "from", 0);
    page.before_ms = time_parameter(request, "to", FOREVER_MS);
    if (cursor.ptr) {
        if (!str_to_u64(cursor, FOREVER_MS, &before_ms))
            return fail(ERR_INVALID, "parameters_invalid", "The cursor is not one of ours.");
        page.before_ms = MIN(page.before_ms, (int64_t)before_ms);
    }
    TRY(read_page(request->db, &page));
    write_page(reply_body(reply), &page);
    return OK;
}

/* clang-format off */
const struct route health_routes[] = {
    /*      method path                              runs                    operationId            permission   rate    body  status reply              summary */
    READ   (       "/api/v1/health/events",          sql_status_events_page, "list_health_events",  HEALTH_READ, BROWSE, none, 200,   health_event_page, "List changes of states"),
    HANDLER(GET,   "/api/v1/checks/{id}/results",    list_check_results,     "list_check_results",  CHECK_READ,  BROWSE, none, 200,   result_page,       "List results of a check", "from", "to", "limit", "cursor"),
    { 0 },
};
/* clang-format on */
