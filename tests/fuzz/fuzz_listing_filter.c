/* The filter of a webhook, kept as text: what is found right compiles to a condition in which nothing of it stands. */
#include <assert.h>
#include <stdlib.h>

#include "shared/json.h"

#include "control/api/listing_filter.h"

#define TAKEN 3 /* parameters of the caller's */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* clang-format off */
static const struct listing things = { "things", "thing", "thing_item", (const struct listing_field[]){
    { "id", LISTING_UUID }, { "scope", LISTING_UUIDS }, { "name", LISTING_TEXT }, { "tags", LISTING_TAGS },
    { "attributes", LISTING_ATTRIBUTES }, { "size", LISTING_NUMBER }, { "count", LISTING_INTEGER }, { "on", LISTING_BOOLEAN },
    { "made_at", LISTING_TIME }, { "spec", LISTING_OTHER }, { 0 },
} };

/* clang-format on */

static void compile(struct str filter)
{
    CLEANUP(listing_query_clear_p) struct listing_query query = {0};

    listing_filter_compile(&things, filter, TAKEN, &query);
    assert(query.parameter_count <= TAKEN + 3 * LISTING_FILTER_CONDITIONS_MAX);
    for (size_t i = 0; i < query.text.len; i++) {
        char c = query.text.data[i];

        assert(c >= ' ' && c <= '~');
        if (c == '$') {
            size_t number = strtoul(query.text.data + i + 1, NULL, 10);

            assert(number > TAKEN && number <= query.parameter_count);
        }
    }
    for (size_t i = 0; i + TAKEN < query.parameter_count; i++)
        assert(query.values[i].len == 0 || !memchr(query.values[i].ptr, 0, query.values[i].len));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str filter = str_n((const char *)data, size);
    JSON_AUTO json_t *errors = NULL;

    listing_filter_check(&things, filter, "/filter", &errors);
    if (!errors)
        compile(filter);
    return 0;
}
