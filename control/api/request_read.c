/* Targets, escapes and parameters. What needs no decoding stays a view of the head. */
#include "control/api/request_read.h"

#include "shared/json.h"

#include "control/api/listing.h"
#include "control/api/parameters.h"

enum method method_of(struct str word)
{
    for (int method = 0; method < METHOD_COUNT; method++) {
        if (str_equal(word, str_of(method_words[method])))
            return (enum method)method;
    }
    return METHOD_COUNT;
}

bool target_split(struct str target, struct str *ret_path, struct str *ret_query)
{
    if (target.len >= 7 && str_equal_nocase(str_sub(target, 0, 7), STR("http://")))
        target = str_sub(target, 7, target.len);
    else if (target.len >= 8 && str_equal_nocase(str_sub(target, 0, 8), STR("https://")))
        target = str_sub(target, 8, target.len);
    else if (target.len == 0 || target.ptr[0] != '/')
        return false;

    /* What is left of an absolute form begins with the authority. */
    while (target.len > 0 && target.ptr[0] != '/')
        target = str_sub(target, 1, target.len);
    if (target.len == 0)
        target = STR("/");
    *ret_path = str_cut(&target, '?');
    *ret_query = target;
    return true;
}

bool request_take_id(struct request *request, struct str id)
{
    if (id.len == 0 || id.len >= REQUEST_ID_BYTES)
        return false;
    for (size_t i = 0; i < id.len; i++) {
        char c = id.ptr[i];

        if (!((c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
              c == '.' || c == '-' || c == '_'))
            return false;
    }
    memcpy(request->id, id.ptr, id.len);
    request->id[id.len] = '\0';
    return true;
}

static int hex_value(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

bool percent_decode(struct str text, bool form, struct buf *texts, struct str *ret_decoded)
{
    char *start;
    char *end;

    if (!memchr(text.ptr, '%', text.len) && !(form && memchr(text.ptr, '+', text.len))) {
        *ret_decoded = text;
        return true;
    }
    start = end = texts->data + texts->len;
    for (size_t i = 0; i < text.len; i++) {
        char c = text.ptr[i];

        if (c == '%') {
            int high = i + 2 < text.len ? hex_value(text.ptr[i + 1]) : -1;
            int low = i + 2 < text.len ? hex_value(text.ptr[i + 2]) : -1;

            if (high < 0 || low < 0)
                return false;
            c = (char)(high << 4 | low);
            i += 2;
        } else if (c == '+' && form) {
            c = ' ';
        }
        *end++ = c;
    }
    texts->len += (size_t)(end - start);
    *ret_decoded = (struct str){start, (size_t)(end - start)};
    return true;
}

/* No control characters, neither of ASCII nor of Unicode (U+0080 to U+009F). */
static bool is_plain_line(struct str text)
{
    bool is_blank = true;
    size_t characters = 0;

    for (size_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.ptr[i];

        if (c < 0x20 || c == 0x7f || (c == 0xc2 && (unsigned char)text.ptr[i + 1] < 0xa0))
            return false;
        is_blank = is_blank && c == ' ';
        characters += (c & 0xc0) != 0x80;
    }
    return !is_blank && characters <= REASON_CHARACTERS_MAX;
}

char *reason_decode(struct str field)
{
    CLEANUP(buf_clear_p) struct buf decoded = {0};
    struct str reason;

    buf_reserve(&decoded, field.len);
    if (!percent_decode(field, false, &decoded, &reason) || !str_is_utf8(reason) ||
        !is_plain_line(reason))
        return NULL;
    return str_dup(reason);
}

static void add(struct request *request, struct str name, struct str value)
{
    request->parameters[request->parameter_count++] = (struct request_parameter){name, value};
}

static enum err read_path(struct request *request, const struct routed *routed,
                          const struct route_match *match, struct buf *texts)
{
    for (unsigned i = 0; i < routed->parameter_count; i++) {
        struct str value;
        struct uuid uuid;
        bool is_id = str_equal(routed->parameter_names[i], STR("id"));

        if (!percent_decode(match->values[i], false, texts, &value) || !str_is_utf8(value) ||
            memchr(value.ptr, '\0', value.len) || (is_id && !uuid_parse(value, &uuid)))
            return fail(ERR_NOT_FOUND, "not_found", "There is no such thing here.");
        add(request, routed->parameter_names[i], value);
    }
    return OK;
}

/* The name as the route knows it, so that it outlives the request; NULL for an unknown one. */
static const char *known_name(const struct routed *routed, struct str name)
{
    for (const char *const *known = routed->query; *known; known++) {
        if (str_equal(str_of(*known), name))
            return *known;
    }
    return NULL;
}

static void complain(json_t **errors, struct str name, const char *code, const char *detail)
{
    CLEANUP(buf_clear_p) struct buf pointer = {0};

    buf_append_char(&pointer, '?');
    buf_append_escaped(&pointer, name, 100);
    json_add_error(errors, pointer.data, code, "%s", detail);
}

/* A filter of a list; the same one may be given several times. */
static void read_condition(struct request *request, const struct listing *listing, struct str name,
                           struct str value, json_t **errors)
{
    struct listing_condition condition;
    char detail[128];

    if (!listing_condition_read(listing, name, &condition))
        complain(errors, name, "unknown_parameter",
                 "is no field of this list, or cannot be asked for in that way");
    else if (!listing_value_is_valid(&condition, value, detail, sizeof detail))
        complain(errors, name, "invalid", detail);
    else
        add(request, name, value);
}

/* What a list is to be sorted by, or to show. */
static bool names_are_valid(const struct listing *listing, const char *known, struct str value,
                            char *detail, size_t detail_bytes)
{
    bool sorts = strcmp(known, "sort") == 0;

    if (listing && strcmp(known, "include") == 0)
        return listing_includes_are_valid(listing, value, detail, detail_bytes);
    if (!listing || (!sorts && strcmp(known, "fields") != 0))
        return true;
    return listing_names_are_valid(listing, value, sorts, detail, detail_bytes);
}

static void read_pair(struct request *request, const struct routed *routed, struct str pair,
                      struct buf *texts, json_t **errors)
{
    struct str value = pair;
    struct str raw_name = str_cut(&value, '=');
    struct str name;
    const struct listing *listing = routed->route->listing;
    const char *known;
    char detail[128];

    if (!percent_decode(raw_name, true, texts, &name) ||
        !percent_decode(value.ptr ? value : STR(""), true, texts, &value)) {
        complain(errors, raw_name, "malformed", "has a \"%\" without two hexadecimal digits");
        return;
    }
    known = known_name(routed, name);
    if (!known && routed->route->run == ROUTE_LIST)
        read_condition(request, listing, name, value, errors);
    else if (!known)
        complain(errors, name, "unknown_parameter", "is not a parameter of this");
    else if (request_parameter(request, known).ptr)
        complain(errors, name, "repeated", "may be given once only");
    else if (!parameter_is_valid(parameter_find(known), value, detail, sizeof detail) ||
             !names_are_valid(listing, known, value, detail, sizeof detail))
        complain(errors, name, "invalid", detail);
    else
        add(request, str_of(known), value);
}

static void read_pairs(struct request *request, const struct routed *routed, struct str pairs,
                       struct buf *texts, json_t **errors)
{
    while (pairs.ptr) {
        struct str pair = str_cut(&pairs, '&');

        if (pair.len == 0)
            continue;
        if (json_array_size(*errors) == REQUEST_PARAMETERS_MAX)
            return;
        if (request->parameter_count == REQUEST_PARAMETERS_MAX) {
            complain(errors, (struct str){0}, "too_many", "has more parameters than it may have");
            return;
        }
        read_pair(request, routed, pair, texts, errors);
    }
}

enum err request_read_parameters(struct request *request, const struct routed *routed,
                                 const struct route_match *match, struct str query, struct str form,
                                 struct buf *texts)
{
    json_t *errors = NULL;

    request->parameter_count = 0;
    buf_reset(texts);
    /* so that views of it stay where they are */
    buf_reserve(texts, request->path.len + query.len + form.len);
    TRY(read_path(request, routed, match, texts));
    read_pairs(request, routed, query, texts, &errors);
    read_pairs(request, routed, form, texts, &errors);
    if (errors)
        return fail_fields(ERR_INVALID, "parameters_invalid",
                           "Some query parameters are not right.", errors);
    return OK;
}
