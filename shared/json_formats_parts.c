/* The formats of objects and arrays: how the parts of one belong together. Each part by itself is
 * right when one of these is asked. */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "contract/check.h"

#include "shared/buf.h"
#include "shared/dialogue.h"
#include "shared/json.h"
#include "shared/json_schema_node.h"

static void complain_of(const char *field, const char *pointer, json_t **errors, const char *code,
                        const char *format, ...) PRINTF(5, 6);

/* An error of a field of the object at `pointer`. */
static void complain_of(const char *field, const char *pointer, json_t **errors, const char *code,
                        const char *format, ...)
{
    CLEANUP(buf_clear_p) struct buf at = {0};
    char detail[128];
    va_list arguments;

    buf_printf(&at, "%s/%s", pointer, field);
    va_start(arguments, format);
    vsnprintf(detail, sizeof detail, format, arguments);
    va_end(arguments);
    json_add_error(errors, at.data, code, "%s", detail);
}

static void check_dialogue_steps(const json_t *steps, const char *pointer, json_t **errors)
{
    dialogue_free(dialogue_new(steps, pointer, errors));
}

/* "1.2" and its like sort as texts. */
static void check_tls_versions(const json_t *tls, const char *pointer, json_t **errors)
{
    const char *oldest = json_loose_text(tls, "min_version", CHECK_TLS_MIN_VERSION);
    const char *newest = json_loose_text(tls, "max_version", NULL);

    if (newest && strcmp(newest, oldest) < 0)
        complain_of("max_version", pointer, errors, "below_min_version",
                    "must not be older than min_version, which is %s", oldest);
}

static void check_phases(const json_t *expect, const char *pointer, json_t **errors)
{
    const json_t *limits_of_fail = json_object_get(expect, "fail_phases_ms");
    char field[64];
    const char *phase;
    json_t *warn_ms;

    json_object_foreach(json_object_get(expect, "warn_phases_ms"), phase, warn_ms)
    {
        int64_t fail_ms = json_loose_integer(limits_of_fail, phase, INT64_MAX);

        snprintf(field, sizeof field, "warn_phases_ms/%s", phase);
        if (json_integer_value(warn_ms) > fail_ms)
            complain_of(field, pointer, errors, "above_fail_ms",
                        "must not be longer than in fail_phases_ms, which is %lld",
                        (long long)fail_ms);
    }
}

/* The level that warns must be reached before the one that fails. */
static void check_thresholds(const json_t *expect, const char *pointer, json_t **errors)
{
    int64_t warn_ms = json_loose_integer(expect, "warn_ms", 0);
    int64_t fail_ms = json_loose_integer(expect, "fail_ms", INT64_MAX);
    int64_t warn_days = json_loose_integer(expect, "cert_warn_days", INT64_MAX);
    int64_t fail_days = json_loose_integer(expect, "cert_fail_days", 0);

    if (warn_ms > fail_ms)
        complain_of("warn_ms", pointer, errors, "above_fail_ms",
                    "must not be longer than fail_ms, which is %lld", (long long)fail_ms);
    if (warn_days < fail_days)
        complain_of("cert_warn_days", pointer, errors, "below_cert_fail_days",
                    "must not be less than cert_fail_days, which is %lld", (long long)fail_days);
    check_phases(expect, pointer, errors);
}

/* HTTP/2 has a bound for the head of a request. */
static void check_http_request(const json_t *spec, const char *pointer, json_t **errors)
{
    const json_t *headers = json_object_get(spec, "headers");
    const json_t *header;
    size_t bytes = 0;
    size_t i;

    if (strcmp(json_loose_text(spec, "http_version", "1.1"), "1.1") == 0)
        return;
    json_array_foreach(headers, i, header) bytes += json_string_length(json_array_get(header, 0)) +
                                                    json_string_length(json_array_get(header, 1)) +
                                                    32;
    if (bytes > CHECK_HTTP2_HEADERS_BYTES_MAX)
        complain_of("headers", pointer, errors, "too_long",
                    "must take at most %d bytes with HTTP/2, take %zu (32 for each, too)",
                    CHECK_HTTP2_HEADERS_BYTES_MAX, bytes);
}

static void check_secrets(const json_t *secrets, const char *pointer, json_t **errors)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    json_write(secrets, &text);
    if (text.len > CHECK_SECRETS_BYTES_MAX)
        json_add_error(errors, pointer, "too_long", "must take at most %d bytes as JSON, takes %zu",
                       CHECK_SECRETS_BYTES_MAX, text.len);
    wipe(text.data, text.capacity);
}

const struct json_format json_formats_parts[] = {
    {"dialogue-steps", .check_value = check_dialogue_steps},
    {"tls-versions", .check_value = check_tls_versions},
    {"thresholds", .check_value = check_thresholds},
    {"http-request", .check_value = check_http_request},
    {"secrets", .check_value = check_secrets},
    {0},
};
