/* The schema has accepted what is read here; what is left to check are sums and reserved names. */
#include "prober/kinds/script_spec.h"

#include <string.h>

#include "shared/json.h"
#include "shared/spawner.h"

#include "prober/check.h"
#include "prober/scripts.h"

/* With room for path and further variables in one spawn request. */
#define ARGUMENTS_BYTES_MAX (96 * 1024)
#define SECRETS_BYTES_MAX   8192 /* two pages, which any pipe has */
#define MASKED_BYTES_MIN    4
#define SCRIPT_PATH         "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

static const char *const reserved[] = {"CHECK_ID", "CHECK_TIMEOUT_MS", "CHECK_SECRETS_FD"};

static size_t add_arguments(struct script_spec *spec, const json_t *arguments)
{
    size_t bytes = 0;
    const json_t *argument;
    size_t i;

    vec_push(&spec->arguments, NULL);
    json_array_foreach(arguments, i, argument)
    {
        vec_push(&spec->arguments, xstrdup(json_string_value(argument)));
        bytes += json_string_length(argument) + 1;
    }
    vec_push(&spec->arguments, NULL);
    return bytes;
}

static void check_name(const char *name, json_t **errors)
{
    CLEANUP(buf_clear_p) struct buf pointer = {0};

    for (size_t i = 0; i < ARRAY_LEN(reserved); i++) {
        if (strcmp(name, reserved[i]) != 0)
            continue;
        buf_printf(&pointer, "/spec/env/%s", name);
        json_add_error(errors, pointer.data, "reserved", "%s is set by the prober.", name);
    }
}

static size_t add_environment(struct script_spec *spec, const struct check *check,
                              const json_t *environment, json_t **errors)
{
    size_t bytes = 0;
    const char *name;
    json_t *value;

    vec_push(&spec->environment, xstrdup(SCRIPT_PATH));
    vec_push(&spec->environment, xstrdup("LANG=C.UTF-8"));
    vec_push(&spec->environment, xasprintf("CHECK_ID=%s", check->label));
    vec_push(&spec->environment, xasprintf("CHECK_TIMEOUT_MS=%u", check->timeout_ms));
    if (spec->secrets)
        vec_push(&spec->environment, xasprintf("CHECK_SECRETS_FD=%d", SPAWN_THIRD_FD));
    json_object_foreach((json_t *)environment, name, value)
    {
        check_name(name, errors);
        vec_push(&spec->environment, xasprintf("%s=%s", name, json_string_value(value)));
        bytes += strlen(name) + json_string_length(value) + 2;
    }
    vec_push(&spec->environment, NULL);
    return bytes;
}

static void add_secrets(struct script_spec *spec, json_t *secrets, json_t **errors)
{
    if (json_object_size(secrets) == 0)
        return;
    spec->secrets = json_incref(secrets);
    json_write(secrets, &spec->secrets_text);
    if (spec->secrets_text.len > SECRETS_BYTES_MAX)
        json_add_error(errors, "/spec/secrets", "too_long",
                       "The secrets take %zu bytes as JSON; at most %d fit.",
                       spec->secrets_text.len, SECRETS_BYTES_MAX);
}

static void add_input(struct script_spec *spec, const json_t *input, json_t **errors)
{
    if (!json_is_string(input))
        return;
    spec->has_input = true;
    buf_append(&spec->input, json_string_value(input), json_string_length(input));
    if (spec->input.len > SCRIPTS_PIPE_BYTES_MAX)
        json_add_error(errors, "/spec/stdin", "too_long", "It has more than %d bytes.",
                       SCRIPTS_PIPE_BYTES_MAX);
}

void script_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct script_spec *spec = NEW(struct script_spec);
    const json_t *code;
    size_t bytes;
    size_t i;

    check->spec = spec;
    spec->command = xstrdup(json_text(json, "command", ""));
    add_secrets(spec, json_object_get(json, "secrets"), errors);
    add_input(spec, json_object_get(json, "stdin"), errors);
    bytes = add_arguments(spec, json_object_get(json, "args"));
    bytes += add_environment(spec, check, json_object_get(json, "env"), errors);
    if (bytes > ARGUMENTS_BYTES_MAX)
        json_add_error(errors, "/spec/args", "too_long",
                       "Arguments and environment together have more than %d bytes.",
                       ARGUMENTS_BYTES_MAX);
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
