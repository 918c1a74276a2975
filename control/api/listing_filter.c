/* A filter goes the way of a list's query string: read into pairs, checked, compiled. */
#include "control/api/listing_filter.h"

#include "shared/json.h"

#include "control/api/listing_query_private.h"
#include "control/api/parameters.h"
#include "control/api/request_read.h"

static const struct str words_name = {"q", 1};

static void complain(json_t **errors, const char *pointer, const char *code, struct str name,
                     const char *detail)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    buf_append_char(&text, '"');
    buf_append_escaped(&text, name, 100);
    buf_printf(&text, "\" %s", detail);
    json_add_error(errors, pointer, code, "%s", text.data);
}

/* Whether the pair can stand in a filter of the list. */
static bool check_pair(const struct listing *listing, struct str name, struct str value,
                       const char *pointer, json_t **errors)
{
    struct listing_condition condition;
    char detail[128];

    if (str_equal(name, words_name)) {
        if (parameter_is_valid(parameter_find("q"), value, detail, sizeof detail))
            return true;
        complain(errors, pointer, "invalid", name, detail);
        return false;
    }
    if (!listing_condition_read(listing, name, &condition)) {
        complain(errors, pointer, "unknown_parameter", name,
                 "is no field to filter by, or cannot be asked for in that way");
        return false;
    }
    if (!listing_value_is_valid(&condition, value, detail, sizeof detail)) {
        complain(errors, pointer, "invalid", name, detail);
        return false;
    }
    return true;
}

/* Reads the right pairs into the request's parameters; what is wrong is added to `errors`. */
static void read_pairs(const struct listing *listing, struct str filter, const char *pointer,
                       struct buf *texts, struct request *request, json_t **errors)
{
    buf_reserve(texts, filter.len);
    while (filter.ptr) {
        struct str value = str_cut(&filter, '&');
        struct str name = str_cut(&value, '=');
        struct str raw = name;

        if (name.len == 0 && !value.ptr)
            continue;
        if (request->parameter_count == LISTING_FILTER_CONDITIONS_MAX) {
            complain(errors, pointer, "too_many", raw,
                     "is one condition more than the 20 there may be");
            return;
        }
        if (!percent_decode(raw, true, texts, &name) ||
            !percent_decode(value.ptr ? value : STR(""), true, texts, &value))
            complain(errors, pointer, "malformed", raw,
                     "has a \"%\" without two hexadecimal digits");
        else if (check_pair(listing, name, value, pointer, errors))
            request->parameters[request->parameter_count++] =
                (struct request_parameter){name, value};
    }
}

void listing_filter_check(const struct listing *listing, struct str filter, const char *pointer,
                          json_t **errors)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    struct request request = {0};

    read_pairs(listing, filter, pointer, &texts, &request, errors);
}

void listing_filter_compile(const struct listing *listing, struct str filter, size_t taken,
                            struct listing_query *ret_query)
{
    CLEANUP(buf_clear_p) struct buf texts = {0};
    JSON_AUTO json_t *errors = NULL;
    struct request request = {0};
    struct listing_compiler compiler = {
        .listing = listing, .request = &request, .query = ret_query};

    *ret_query = (struct listing_query){.parameter_count = taken};
    read_pairs(listing, filter, "", &texts, &request, &errors);
    listing_append_conditions(&compiler);
    ret_query->text = compiler.conditions;
    listing_settle_values(ret_query);
}
