/* The schema has seen types and sizes, and that nothing is expected without a query. */
#include "prober/kinds/postgres_spec.h"

#include "shared/json.h"
#include "shared/mem.h"

#include "prober/kinds/expectation.h"
#include "prober/kinds/postgres_message.h"

#define DEFAULT_PORT 5432
#define PROTOCOL_3_0 0x00030000u

static char *text_of(const json_t *json, const char *key)
{
    const char *text = json_text(json, key, NULL);

    return text ? xstrdup(text) : NULL;
}

static void compose_startup(struct buf *startup, const char *user, const char *database)
{
    const char *const parameters[] = {
        "user",
        user,
        "database",
        database ? database : user,
        "application_name",
        "environment-manager",
        "client_encoding",
        "UTF8",
    };
    size_t begun = postgres_message_begin(startup, 0);

    postgres_append_int32(startup, PROTOCOL_3_0);
    for (size_t i = 0; i < ARRAY_LEN(parameters); i++)
        postgres_append_text(startup, parameters[i]);
    buf_append_char(startup, '\0');
    postgres_message_end(startup, begun);
}

void postgres_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct postgres_spec *spec = NEW(struct postgres_spec);

    check->spec = spec;
    endpoint_spec_read(&spec->endpoint, check, json, DEFAULT_PORT);
    spec->with_tls = json_has(json, "tls");
    spec->may_say_password = json_boolean_or(json, "allow_cleartext", false);
    spec->user = text_of(json, "user");
    spec->password = text_of(json, "password");
    spec->query = text_of(json, "query");
    spec->expectation = expectation_new(json, errors);
    compose_startup(&spec->startup, spec->user, json_text(json, "database", NULL));
}

void postgres_spec_free(void *object)
{
    struct postgres_spec *spec = object;

    if (!spec)
        return;
    endpoint_spec_clear(&spec->endpoint);
    regex_free(spec->expectation);
    buf_clear(&spec->startup);
    free(spec->user);
    xfree_secret(spec->password);
    free(spec->query);
    wipe(&spec->keys, sizeof spec->keys);
    free(spec);
}
