/* Routes found by path and method, mistakes in tables, and the document that is printed from
 * them. */
#include "tests/unit/unit_test.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "control/api/openapi.h"
#include "control/api/reply.h"
#include "control/api/request.h"
#include "control/api/router.h"

static enum err memory(const struct request *request, struct reply *reply)
{
    (void)request;
    (void)reply;
    return OK;
}

static const struct statement page = {
    .name = "things_page",
    .parameters = (const char *const[]){"limit", "cursor", "org", "id", "system", NULL},
    .parameter_count = 5,
    .text = "SELECT 1",
};

/* clang-format off */
static const struct route routes[] = {
    MEMORY(GET,    "/api/v1/things",                 memory, "list_things",  INVENTORY_READ,  BROWSE, none,      200, thing, "All", "q"),
    MEMORY(POST,   "/api/v1/things",                 memory, "create_thing", INVENTORY_WRITE, CHANGE, thing,     201, thing, "New"),
    MEMORY(GET,    "/api/v1/things/preview",         memory, "preview",      SIGNED_IN,       BROWSE, none,      200, none,  "Literal beside a parameter"),
    MEMORY(GET,    "/api/v1/things/{id}",            memory, "get_thing",    INVENTORY_READ,  BROWSE, none,      200, thing, "One"),
    MEMORY(PATCH,  "/api/v1/things/{id}",            memory, "update_thing", INVENTORY_WRITE, CHANGE, thing,     200, thing, "Change"),
    READ  (        "/api/v1/things/{id}/parts",      page,   "list_parts",   INVENTORY_READ,  BROWSE, none,      200, none,  "Parts"),
    MEMORY(GET,    "/api/v1/things/{id}/at/{place}", memory, "get_at",       PUBLIC,          BROWSE, none,      200, none,  "Two parameters"),
    { 0 },
};
/* clang-format on */

static const char thing[] =
    "{\"$schema\":\"x\",\"type\":\"object\",\"properties\":{\"owner\":{\"$ref\":\"#/$defs/o\"},"
    "\"id\":{\"$ref\":\"id.json\"}},\"$defs\":{\"o\":{\"type\":\"string\"}}}";
static const char id[] = "{\"type\":\"string\",\"format\":\"uuid\"}";
static const struct embedded_file schemas[] = {
    {"thing.json", thing, sizeof thing - 1}, {"id.json", id, sizeof id - 1}, {0}};

static struct router *make(void)
{
    struct router *router = router_new();

    router_add_schemas(router, schemas);
    router_add(router, routes, (void *)routes);
    assert_int_equal(router_prepare(router), OK);
    return router;
}

static void test_paths_are_matched_by_segments(void **state)
{
    static const struct {
        enum method method;
        const char *path;
        const char *operation; /* NULL: no such path; "": no such method */
        const char *values;
    } cases[] = {
        {METHOD_GET, "/api/v1/things", "list_things", ""},
        {METHOD_HEAD, "/api/v1/things", "list_things", ""},
        {METHOD_POST, "/api/v1/things", "create_thing", ""},
        {METHOD_DELETE, "/api/v1/things", "", ""},
        {METHOD_GET, "/api/v1/things/preview", "preview", ""},
        {METHOD_GET, "/api/v1/things/7", "get_thing", "7"},
        {METHOD_GET, "/api/v1/things/preview/parts", "list_parts", "preview"},
        {METHOD_GET, "/api/v1/things/a%20b/at/c", "get_at", "a%20b c"},
        {METHOD_GET, "/api/v1/things/", NULL, ""},
        {METHOD_GET, "/api/v1/things//parts", NULL, ""},
        {METHOD_GET, "/api/v1/things/7/parts/", NULL, ""},
        {METHOD_GET, "/api/v1/thing", NULL, ""},
        {METHOD_GET, "/api/v1", NULL, ""},
        {METHOD_GET, "/", NULL, ""},
        {METHOD_GET, "", NULL, ""},
        {METHOD_GET, "/a/b/c/d/e/f/g/h/i/j/k/l/m", NULL, ""},
    };
    struct router *router = make();

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        struct route_match match = {0};
        struct buf values = {0};
        bool found = router_match(router, cases[i].method, str_of(cases[i].path), &match);

        assert_int_equal(found, cases[i].operation != NULL);
        if (!found)
            continue;
        assert_string_equal(match.routed ? match.routed->route->operation : "", cases[i].operation);
        for (unsigned j = 0; match.routed && j < match.routed->parameter_count; j++)
            buf_printf(&values, "%s" STR_FMT, j > 0 ? " " : "", STR_ARG(match.values[j]));
        assert_string_equal(values.data ? values.data : "", cases[i].values);
        if (match.routed)
            assert_ptr_equal(match.routed->context, routes);
        buf_clear(&values);
    }
    router_free(router);
}

static void test_a_read_takes_what_its_statement_names(void **state)
{
    struct router *router = make();
    struct route_match match = {0};

    (void)state;
    assert_true(router_match(router, METHOD_GET, STR("/api/v1/things/1/parts"), &match));
    assert_string_equal(match.routed->query[0], "limit");
    assert_string_equal(match.routed->query[1], "cursor");
    assert_string_equal(match.routed->query[2], "system");
    assert_null(match.routed->query[3]);
    router_free(router);
}

/* clang-format off */
static const struct route unknown_body[] = {
    MEMORY(POST, "/a", memory, "a", PUBLIC, BROWSE, nowhere, 200, none, "…"), { 0 } };
static const struct route unknown_reply[] = {
    MEMORY(GET, "/a", memory, "a", PUBLIC, BROWSE, none, 200, nowhere, "…"), { 0 } };
static const struct route same_path[] = {
    MEMORY(GET, "/a/{x}", memory, "a", PUBLIC, BROWSE, none, 200, none, "…"),
    MEMORY(GET, "/a/{y}", memory, "b", PUBLIC, BROWSE, none, 200, none, "…"), { 0 } };
static const struct route same_operation[] = {
    MEMORY(GET, "/a", memory, "a", PUBLIC, BROWSE, none, 200, none, "…"),
    MEMORY(GET, "/b", memory, "a", PUBLIC, BROWSE, none, 200, none, "…"), { 0 } };

/* clang-format on */

static void test_mistakes_in_tables_are_found(void **state)
{
    static const struct route *const wrong[] = {unknown_body, unknown_reply, same_path,
                                                same_operation};

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(wrong); i++) {
        struct router *router = router_new();

        router_add(router, wrong[i], NULL);
        assert_int_equal(router_prepare(router), ERR_BUG);
        router_free(router);
    }
}

static json_t *at(json_t *json, const char *path)
{
    struct str rest = str_of(path);

    while (rest.ptr && json) {
        struct str step = str_cut(&rest, '|');
        char *key = str_dup(step);

        json = json_is_array(json) ? json_array_get(json, strtoul(key, NULL, 10))
                                   : json_object_get(json, key);
        free(key);
    }
    return json;
}

static void assert_at(json_t *json, const char *path, const char *text)
{
    json_t *value = at(json, path);

    if (!json_is_string(value))
        print_error("nothing at %s\n", path);
    assert_true(json_is_string(value));
    assert_string_equal(json_string_value(value), text);
}

static void test_the_document_is_printed_from_the_rows(void **state)
{
    struct router *router = make();
    struct buf text = {0};
    json_t *json = NULL;

    (void)state;
    openapi_write(router, true, &text);
    assert_int_equal(json_parse(buf_str(&text), &json), OK);
    assert_at(json, "openapi", "3.1.0");
    assert_at(json, "paths|/api/v1/things|get|operationId", "list_things");
    assert_at(json, "paths|/api/v1/things|get|x-permission", "inventory.read");
    assert_at(json, "paths|/api/v1/things|get|parameters|0|name", "q");
    assert_at(json, "paths|/api/v1/things|get|tags|0", "things");
    assert_at(json, "paths|/api/v1/things|post|requestBody|content|application/json|schema|$ref",
              "#/components/schemas/thing");
    assert_at(json, "paths|/api/v1/things|post|responses|201|content|application/json|schema|$ref",
              "#/components/schemas/thing");
    assert_at(json, "paths|/api/v1/things|post|responses|default|$ref",
              "#/components/responses/problem");
    assert_at(json, "paths|/api/v1/things/{id}|patch|parameters|0|schema|format", "uuid");
    assert_at(json, "paths|/api/v1/things/{id}|patch|parameters|1|name", "If-Match");
    assert_int_equal(json_array_size(at(json, "paths|/api/v1/things/{id}/at/{place}|get|security")),
                     0);
    assert_at(json, "components|schemas|thing|properties|owner|$ref",
              "#/components/schemas/thing.o");
    assert_at(json, "components|schemas|thing|properties|id|$ref", "#/components/schemas/id");
    assert_null(at(json, "components|schemas|thing|$schema"));
    assert_at(json, "components|schemas|problem|title", "Problem");
    json_decref(json);
    buf_clear(&text);
    router_free(router);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_paths_are_matched_by_segments),
        cmocka_unit_test(test_a_read_takes_what_its_statement_names),
        cmocka_unit_test(test_mistakes_in_tables_are_found),
        cmocka_unit_test(test_the_document_is_printed_from_the_rows),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
