/* The schema has accepted what is read here. */
#include "prober/kinds/script_spec.h"

#include <assert.h>
#include <string.h>

#include "contract/check.h"

#include "shared/json.h"
#include "shared/spawner.h"

#include "prober/check.h"
#include "prober/scripts.h"

#define MASKED_BYTES_MIN 4
#define SCRIPT_PATH      "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* What a spec may hold fits into one spawn request, beside path and further variables, and into a
 * pipe. */
static_assert(CHECK_SPEC_BYTES_MAX + 16 * 1024 <= SPAWN_REQUEST_BYTES_MAX, "a request has room");
static_assert(CHECK_SPEC_BYTES_MAX <= SCRIPTS_PIPE_BYTES_MAX, "a pipe has room");

static void add_arguments(struct script_spec *spec, const json_t *arguments)
{
    const json_t *argument;
    size_t i;

    vec_push(&spec->arguments, NULL);
    json_array_foreach(arguments, i, argument)
        vec_push(&spec->arguments, xstrdup(json_string_value(argument)));
    vec_push(&spec->arguments, NULL);
}

static void add_environment(struct script_spec *spec, const struct check *check,
                            const json_t *environment)
{
    const char *name;
    json_t *value;

    vec_push(&spec->environment, xstrdup(SCRIPT_PATH));
    vec_push(&spec->environment, xstrdup("LANG=C.UTF-8"));
    vec_push(&spec->environment, xasprintf("CHECK_ID=%s", check->label));
    vec_push(&spec->environment, xasprintf("CHECK_TIMEOUT_MS=%u", check->timeout_ms));
    if (spec->secrets)
        vec_push(&spec->environment, xasprintf("CHECK_SECRETS_FD=%d", SPAWN_THIRD_FD));
    json_object_foreach((json_t *)environment, name, value)
        vec_push(&spec->environment, xasprintf("%s=%s", name, json_string_value(value)));
    vec_push(&spec->environment, NULL);
}

static void add_secrets(struct script_spec *spec, json_t *secrets)
{
    if (json_object_size(secrets) == 0)
        return;
    spec->secrets = json_incref(secrets);
    json_write(secrets, &spec->secrets_text);
}

static void add_input(struct script_spec *spec, const json_t *input)
{
    if (!json_is_string(input))
        return;
    spec->has_input = true;
    buf_append(&spec->input, json_string_value(input), json_string_length(input));
}

void script_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct script_spec *spec = NEW(struct script_spec);
    const json_t *code;
    size_t i;

    (void)errors;
    check->spec = spec;
    spec->command = xstrdup(json_text(json, "command", ""));
    add_secrets(spec, json_object_get(json, "secrets"));
    add_input(spec, json_object_get(json, "stdin"));
    add_arguments(spec, json_object_get(json, "args"));
    add_environment(spec, check, json_object_get(json, "env"));
    json_array_foreach(json_object_get(json, "warn_codes"), i, code)
        spec->warn_codes[json_integer_value(code) / 64] |= UINT64_C(1)
                                                           << (json_integer_value(code) % 64);
    spec->unknown_exit = strcmp(json_text(json, "unknown_exit", "error"), "fail") == 0
                             ? VERDICT_FAIL
                             : VERDICT_ERROR;
}

void script_spec_free(void *object)
{
    struct script_spec *spec = object;

    if (!spec)
        return;
    for (size_t i = 0; i < spec->arguments.len; i++)
        free(spec->arguments.items[i]);
    for (size_t i = 0; i < spec->environment.len; i++)
        free(spec->environment.items[i]);
    vec_clear(&spec->arguments);
    vec_clear(&spec->environment);
    if (spec->secrets_text.data)
        wipe(spec->secrets_text.data, spec->secrets_text.capacity);
    buf_clear(&spec->secrets_text);
    buf_clear(&spec->input);
    json_decref(spec->secrets);
    free(spec->command);
    free(spec);
}

enum verdict script_spec_verdict(const struct script_spec *spec, int status)
{
    if (status > 0 && status < 256 && (spec->warn_codes[status / 64] >> (status % 64) & 1))
        return VERDICT_WARN;
    return status >= 0 && status <= VERDICT_ERROR ? (enum verdict)status : spec->unknown_exit;
}

/* The length of the secret that the text begins with; 0: none. */
static size_t secret_len(const struct script_spec *spec, struct str text)
{
    size_t longest = 0;
    const char *name;
    json_t *value;

    json_object_foreach(spec->secrets, name, value)
    {
        struct str secret = str_n(json_string_value(value), json_string_length(value));

        if (secret.len >= MASKED_BYTES_MIN && secret.len > longest && str_starts_with(text, secret))
            longest = secret.len;
    }
    return longest;
}

void script_spec_mask(const struct script_spec *spec, struct str text, struct buf *ret_masked)
{
    for (size_t i = 0; i < text.len;) {
        size_t len = secret_len(spec, str_sub(text, i, text.len));

        if (len > 0)
            buf_append_text(ret_masked, "***");
        else
            buf_append_char(ret_masked, text.ptr[i]);
        i += MAX(len, (size_t)1);
    }
}
