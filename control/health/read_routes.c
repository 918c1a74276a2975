/* The tree and the health of each level, straight from the read model. */
#include "control/health/read_routes.h"

#include <string.h>

#include "shared/json.h"

#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/route.h"
#include "control/health/model_json.h"
#include "control/health/read_model.h"

#define API_PREFIX "/api/v1/"

#define ENTITY_COLLECTION(number, name, word, collection) [number] = (collection),

static const char *const collections[ENTITY_COUNT] = {ENTITY_TABLE(ENTITY_COLLECTION)};

/* The kind that the route's path is about. */
static enum entity_kind kind_of(const struct route *route)
{
    struct str rest = str_of(route->path + strlen(API_PREFIX));
    struct str collection = str_cut(&rest, '/');

    for (int kind = 1; kind < ENTITY_COUNT; kind++) {
        if (str_equal(collection, str_of(collections[kind])))
            return (enum entity_kind)kind;
    }
    return ENTITY_NONE;
}

static enum err find_entity(const struct request *request, const struct uuid *id,
                            const struct model_entity **ret_entity)
{
    const struct model_entity *entity = read_model_find(request->context, id);

    if (!entity || !model_entity_is_shown(entity, &request->principal))
        return fail(ERR_NOT_FOUND, "not_found", "There is no entity with this id.");
    *ret_entity = entity;
    return OK;
}

/* Nothing is said rather than something wrong. */
static enum err check_loaded(const struct request *request)
{
    if (read_model_is_loaded(request->context))
        return OK;
    return fail(ERR_UNAVAILABLE, "health_loading", "The states are being loaded; see /readyz.");
}

static enum err get_health(const struct request *request, struct reply *reply)
{
    const struct model_entity *entity;
    struct uuid id;

    TRY(check_loaded(request));
    TRY(request_uuid(request, "id", &id));
    TRY(find_entity(request, &id, &entity));
    if (entity->kind != kind_of(request->route))
        return fail(ERR_NOT_FOUND, "not_found", "The id belongs to a %s.",
                    entity_words[entity->kind]);
    model_write_health(reply_body(reply), entity);
    return OK;
}

static void write_organisations(const struct request *request, struct buf *out, unsigned depth,
                                bool with_health)
{
    bool first = true;

    LIST_FOREACH (link, read_model_organisations(request->context)) {
        const struct model_entity *organisation =
            container_of(link, struct model_entity, child_link);

        if (!model_entity_is_shown(organisation, &request->principal))
            continue;
        if (!first)
            buf_append_char(out, ',');
        first = false;
        model_write_tree(out, organisation, depth, with_health);
    }
}

/* There is nothing else to include, and a typing error must not look like an answer. */
static enum err read_include(const struct request *request, bool *ret_with_health)
{
    struct str include = request_parameter(request, "include");
    json_t *errors = NULL;

    *ret_with_health = request_includes(request, "include", "health");
    if (!include.ptr || str_equal(include, STR("health")))
        return OK;
    json_add_error(&errors, "?include", "invalid", "must be health");
    return fail_fields(ERR_INVALID, "parameters_invalid", "Some query parameters are not right.",
                       errors);
}

static enum err get_tree(const struct request *request, struct reply *reply)
{
    int64_t depth = request_integer(request, "depth", MODEL_DEPTH_MAX);
    bool with_health;
    struct str root = request_parameter(request, "root");
    struct buf *out = reply_body(reply);
    const struct model_entity *entity;
    struct uuid id;

    TRY(check_loaded(request));
    TRY(read_include(request, &with_health));
    if (!root.ptr) {
        buf_append_text(out, "{\"items\":[");
        write_organisations(request, out, (unsigned)depth, with_health);
        buf_append_text(out, "]}");
        return OK;
    }
    TRY(request_uuid(request, "root", &id));
    TRY(find_entity(request, &id, &entity));
    buf_append_text(out, "{\"items\":[");
    model_write_tree(out, entity, (unsigned)depth, with_health);
    buf_append_text(out, "]}");
    return OK;
}

/* clang-format off */
const struct route health_read_routes[] = {
    /*     method  path                                      runs        operationId                      permission   rate    body  status reply   summary */
    MEMORY(GET,    "/api/v1/tree",                           get_tree,   "get_tree",                      HEALTH_READ, GRAPH,  none, 200,   tree,   "Everything that exists, as a tree", "root", "depth", "include"),
    MEMORY(GET,    "/api/v1/organisations/{id}/health",      get_health, "get_organisation_health",       HEALTH_READ, BROWSE, none, 200,   health, "State of an organisation and why"),
    MEMORY(GET,    "/api/v1/business-units/{id}/health",     get_health, "get_business_unit_health",      HEALTH_READ, BROWSE, none, 200,   health, "State of a business unit and why"),
    MEMORY(GET,    "/api/v1/systems/{id}/health",            get_health, "get_system_health",             HEALTH_READ, BROWSE, none, 200,   health, "State of a system and why"),
    MEMORY(GET,    "/api/v1/environment-groups/{id}/health", get_health, "get_environment_group_health",  HEALTH_READ, BROWSE, none, 200,   health, "State of an environment group and why"),
    MEMORY(GET,    "/api/v1/instances/{id}/health",          get_health, "get_instance_health",           HEALTH_READ, BROWSE, none, 200,   health, "State of an instance and why"),
    MEMORY(GET,    "/api/v1/components/{id}/health",         get_health, "get_component_health",          HEALTH_READ, BROWSE, none, 200,   health, "State of a component, why, and its checks"),
    MEMORY(GET,    "/api/v1/checks/{id}/health",             get_health, "get_check_health",              HEALTH_READ, BROWSE, none, 200,   health, "State of a check and its last result"),
    { 0 },
};
/* clang-format on */
