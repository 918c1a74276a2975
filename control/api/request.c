/* Reading a request: what the server knows of it, under names. */
#include "control/api/request.h"

#include <inttypes.h>

#include "shared/http_parse.h"
#include "shared/json.h"
#include "shared/json_schema.h"

#include "control/api/media_type.h"
#include "control/api/router.h"
#include "control/api/server_private.h"
#include "control/api/upload.h"

struct str request_parameter(const struct request *request, const char *name)
{
    struct str wanted = str_of(name);

    for (size_t i = 0; i < request->parameter_count; i++) {
        if (str_equal(request->parameters[i].name, wanted))
            return request->parameters[i].value;
    }
    return (struct str){0};
}

enum err request_uuid(const struct request *request, const char *name, struct uuid *ret_uuid)
{
    struct str value = request_parameter(request, name);

    if (!value.ptr || !uuid_parse(value, ret_uuid))
        return fail(ERR_NOT_FOUND, "not_found", "There is no such thing here.");
    return OK;
}

int64_t request_integer(const struct request *request, const char *name, int64_t otherwise)
{
    struct str value = request_parameter(request, name);
    uint64_t number;

    return value.ptr && str_to_u64(value, INT64_MAX, &number) ? (int64_t)number : otherwise;
}

bool request_flag(const struct request *request, const char *name)
{
    return str_equal(request_parameter(request, name), STR("true"));
}

bool request_includes(const struct request *request, const char *name, const char *word)
{
    struct str rest = request_parameter(request, name);

    while (rest.ptr) {
        if (str_equal(str_cut(&rest, ','), str_of(word)))
            return true;
    }
    return false;
}

struct str request_header(const struct request *request, const char *name)
{
    return http_head_field(request->head, str_of(name));
}

/* The next tag of a list, without weakness and quotes, which some clients forget. */
static struct str next_tag(struct str *list)
{
    struct str tag = str_trim(str_cut(list, ','));

    if (str_starts_with(tag, STR("W/")))
        tag = str_sub(tag, 2, tag.len);
    if (tag.len >= 2 && tag.ptr[0] == '"' && tag.ptr[tag.len - 1] == '"')
        tag = str_sub(tag, 1, tag.len - 2);
    return tag;
}

bool entity_tags_have(struct str list, struct str tag)
{
    while (list.ptr) {
        struct str listed = next_tag(&list);

        if (str_equal(listed, tag) || str_equal(listed, STR("*")))
            return true;
    }
    return false;
}

enum err request_match_version(const struct request *request, int64_t version)
{
    struct str list = request->if_match;

    if (!list.ptr)
        return OK;
    while (list.ptr) {
        struct str tag = next_tag(&list);
        struct str own = str_cut(&tag, '.');
        uint64_t number;

        if (str_equal(own, STR("*")) ||
            (str_to_u64(own, INT64_MAX, &number) && (int64_t)number == version))
            return OK;
    }
    return fail(ERR_CONFLICT, "precondition_failed",
                "It has changed since you read it: its version is %" PRId64 " now.", version);
}

enum err request_hook_body(const struct request *request, json_t **ret_json, struct str *ret_text)
{
    JSON_AUTO json_t *json = NULL;
    json_t *errors = NULL;
    enum media_type type = media_type_of(request_header(request, "content-type"));

    if (request->hook_body.len == 0)
        return OK;
    if (type == MEDIA_TEXT)
        *ret_text = request->hook_body;
    if (type != MEDIA_JSON)
        return OK;
    TRY(json_parse(request->hook_body, &json));
    if (json_schema_check(request->hook_schema, json, "", &errors) != OK)
        return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.", errors);
    *ret_json = TAKE(json);
    return OK;
}

enum err request_check(const struct request *request, const char *schema, const json_t *part,
                       json_t **errors)
{
    const struct json_schemas *schemas = router_schemas(request->server->config.router);

    return json_schema_check(json_schemas_find(schemas, schema), part, "", errors);
}

enum err request_read_lines(const struct request *request, const struct line_taker *taker)
{
    return upload_read_lines(request->upload, taker);
}
