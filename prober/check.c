/* Schemas first, then the kind's own rules: all errors of a check are found in one go. */
#include "prober/check.h"

#include <assert.h>

#include "contract/check.h"

#include "shared/addr.h"
#include "shared/json.h"
#include "shared/json_schema.h"
#include "shared/mem.h"

#include "prober/engine.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"

extern const struct embedded_file prober_schemas[];

static struct json_schemas *schemas;

enum err check_schemas_load(void)
{
    AUTO(json_schemas_free) struct json_schemas *loaded = json_schemas_new();

    json_schemas_add(loaded, prober_schemas);
    TRY(json_schemas_compile(loaded));
    schemas = TAKE(loaded);
    return OK;
}

void check_schemas_unload(void)
{
    json_schemas_free(TAKE(schemas));
}

/* Adds the errors against the schema of that name. */
static void check_schema(const char *name, const json_t *document, const char *base,
                         json_t **errors)
{
    if (json_schema_check(json_schemas_find(schemas, name), document, base, errors) != OK)
        failure_clear(); /* they stand in `errors` */
}

static void add_kind_error(json_t **errors, struct str kind)
{
    CLEANUP(buf_clear_p) struct buf words = {0};

    if (str_equal(kind, STR(CHECK_HEARTBEAT))) {
        json_add_error(errors, "/kind", "kind_not_probed",
                       "A heartbeat is not probed: its target calls, and em-control serves it.");
        return;
    }
    for (size_t i = 0; probe_kinds[i]; i++)
        buf_printf(&words, "%s%s", i > 0 ? ", " : "", probe_kinds[i]->name);
    json_add_error(errors, "/kind", "kind_unknown",
                   "There is no kind \"" STR_FMT "\"; there are %s.", STR_ARG(kind), words.data);
}

static enum err invalid(json_t *errors_take)
{
    return fail_fields(ERR_INVALID, "check_invalid", "The check is not valid.", errors_take);
}

static void check_times(int64_t timeout_ms, int64_t interval_ms, json_t **errors)
{
    if (timeout_ms > interval_ms)
        json_add_error(errors, "/timeout_ms", "above_interval",
                       "The timeout (%lld ms) is longer than the interval (%lld ms).",
                       (long long)timeout_ms, (long long)interval_ms);
}

static void check_spec(const struct probe_kind *kind, const json_t *spec, json_t **errors)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    json_write(spec, &text);
    if (text.len > CHECK_SPEC_BYTES_MAX)
        json_add_error(errors, "/spec", "too_long", "It takes %zu bytes as JSON, at most %d fit.",
                       text.len, CHECK_SPEC_BYTES_MAX);
    check_schema(kind->name, spec, "/spec", errors);
}

/* The cap per host is a courtesy to others; this machine needs none. */
static bool is_this_machine(const char *host)
{
    struct addr addr;

    return strcmp(host, "localhost") == 0 ||
           (addr_parse_ip(str_of(host), 0, &addr) && addr_is_loopback(&addr));
}

enum err check_new(const struct engine_check *definition, struct check **ret_check)
{
    AUTO(check_unref) struct check *check = NEW(struct check);
    const struct probe_kind *kind = probe_kind_find(definition->kind);
    char text[UUID_TEXT_BYTES];
    json_t *errors = NULL;

    assert(schemas);
    check->references = 1;
    check->id = definition->id;
    check->label = str_is_empty(definition->label) ? xstrdup(uuid_format(&check->id, text))
                                                   : str_dup(definition->label);
    check->kind = kind;
    check->interval_ms = definition->interval_ms;
    check->timeout_ms = definition->timeout_ms;
    check_times(check->timeout_ms, check->interval_ms, &errors);
    if (!kind) {
        add_kind_error(&errors, definition->kind);
        return invalid(errors);
    }
    check_spec(kind, definition->spec, &errors);
    if (errors)
        return invalid(errors);
    kind->spec_new(check, definition->spec, &errors);
    if (errors)
        return invalid(errors);
    if (check->host && is_this_machine(check->host))
        check->host = NULL;

    *ret_check = TAKE(check);
    return OK;
}

/* So that mistakes of one field do not hide those of others. */
static void add_further_errors(const json_t *object, json_t **errors)
{
    const char *word = json_loose_text(object, "kind", NULL);
    const json_t *spec = json_object_get(object, "spec");
    const struct probe_kind *kind = word ? probe_kind_find(str_of(word)) : NULL;
    int64_t interval_s = json_loose_integer(object, "interval_s", CHECK_INTERVAL_S_DEFAULT);

    if (word && !kind)
        add_kind_error(errors, str_of(word));
    if (kind && json_is_object(spec))
        check_spec(kind, spec, errors);
    if (interval_s >= CHECK_INTERVAL_S_MIN && interval_s <= CHECK_INTERVAL_S_MAX)
        check_times(json_loose_integer(object, "timeout_ms", 0), interval_s * 1000, errors);
}

enum err check_read(const json_t *object, struct engine_check *ret_definition)
{
    json_t *errors = NULL;
    uint32_t interval_ms;

    assert(schemas);
    check_schema("check_line", object, "", &errors);
    if (errors) {
        add_further_errors(object, &errors);
        return invalid(errors);
    }
    interval_ms = (uint32_t)json_integer_or(object, "interval_s", CHECK_INTERVAL_S_DEFAULT) * 1000;
    *ret_definition = (struct engine_check){
        .label = str_of(json_text(object, "id", "")),
        .kind = str_of(json_text(object, "kind", "")),
        .interval_ms = interval_ms,
        .timeout_ms = (uint32_t)json_integer_or(
            object, "timeout_ms", MIN((uint32_t)CHECK_TIMEOUT_MS_DEFAULT, interval_ms)),
        .spec = json_object_get(object, "spec"),
    };
    return OK;
}

struct check *check_ref(struct check *check)
{
    check->references++;
    return check;
}

void check_unref(struct check *check)
{
    if (!check || --check->references > 0)
        return;
    if (check->kind)
        check->kind->spec_free(check->spec);
    free(check->phases);
    free(check->label);
    free(check);
}
