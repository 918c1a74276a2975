/* The schema of a spec says what is right in it; how the times of a check belong together is said
 * here. */
#include "control/cmdb/check_rules.h"

#include "contract/check.h"

#include "shared/buf.h"
#include "shared/embedded_file.h"
#include "shared/json.h"
#include "shared/json_schema.h"

#include "control/cmdb/check_secrets.h"

extern const struct embedded_file check_kind_schemas[];
extern const struct embedded_file check_part_schemas[];

/* Constant once compiled. */
static struct json_schemas *kinds;

enum err check_rules_init(void)
{
    kinds = json_schemas_new();
    json_schemas_add(kinds, check_kind_schemas);
    json_schemas_add(kinds, check_part_schemas);
    return json_schemas_compile(kinds);
}

const struct json_schema *check_rules_schema(const char *kind)
{
    return json_schemas_find(kinds, kind);
}

/* --- values that follow from others --- */

static bool is_heartbeat(const json_t *check)
{
    return str_equal(str_of(json_loose_text(check, "kind", "")), STR(CHECK_HEARTBEAT));
}

/* A missed heartbeat is told again as often as the target should have called, but once a day. */
static int64_t interval_s_default(const json_t *check)
{
    int64_t promised_s =
        json_loose_integer(json_object_get(check, "spec"), "interval_s", CHECK_INTERVAL_S_DEFAULT);

    if (!is_heartbeat(check))
        return CHECK_INTERVAL_S_DEFAULT;
    return MAX((int64_t)CHECK_INTERVAL_S_MIN, MIN(promised_s, (int64_t)CHECK_INTERVAL_S_MAX));
}

static int64_t interval_s(const json_t *check)
{
    return json_loose_integer(check, "interval_s", interval_s_default(check));
}

static int64_t timeout_ms_default(const json_t *check)
{
    return MIN((int64_t)CHECK_TIMEOUT_MS_DEFAULT, interval_s(check) * 1000);
}

static int64_t timeout_ms(const json_t *check)
{
    return json_loose_integer(check, "timeout_ms", timeout_ms_default(check));
}

static int64_t stale_after_s_default(const json_t *check)
{
    int64_t timeout_s = (timeout_ms(check) + 999) / 1000;

    return MAX(3 * interval_s(check) + timeout_s, CHECK_STALE_AFTER_S_MIN);
}

static void complete(json_t *check, const char *field, int64_t value)
{
    if (!json_has(check, field))
        json_object_set_new(check, field, json_integer(value));
}

void check_rules_defaults(json_t *check)
{
    if (!is_heartbeat(check))
        return;
    complete(check, "fall", CHECK_HEARTBEAT_RUN);
    complete(check, "rise", CHECK_HEARTBEAT_RUN);
    complete(check, "interval_s", interval_s_default(check));
}

void check_rules_complete(json_t *check)
{
    complete(check, "interval_s", interval_s_default(check));
    complete(check, "timeout_ms", timeout_ms_default(check));
    complete(check, "retry_interval_s", interval_s(check));
    complete(check, "stale_after_s", stale_after_s_default(check));
}

/* Forgets a value that is still what it was and was the default then. */
static void follow(const json_t *earlier, json_t *check, const char *field, int64_t earlier_default)
{
    int64_t was = json_loose_integer(earlier, field, 0);

    if (was == earlier_default && was == json_loose_integer(check, field, was))
        json_object_del(check, field);
}

void check_rules_follow(const json_t *earlier, json_t *check)
{
    if (is_heartbeat(earlier))
        follow(earlier, check, "interval_s", interval_s_default(earlier));
    follow(earlier, check, "timeout_ms", timeout_ms_default(earlier));
    follow(earlier, check, "retry_interval_s", interval_s(earlier));
    follow(earlier, check, "stale_after_s", stale_after_s_default(earlier));
}

/* --- what may be wrong --- */

static void check_times(const json_t *check, json_t **errors)
{
    int64_t interval = interval_s(check);

    if (interval < CHECK_INTERVAL_S_MIN || interval > CHECK_INTERVAL_S_MAX)
        return; /* the schema says so; nothing can be compared with it */
    if (timeout_ms(check) > interval * 1000)
        json_add_error(errors, "/timeout_ms", "above_interval",
                       "It must not be longer than interval_s, which is %lld s.",
                       (long long)interval);
    if (json_loose_integer(check, "retry_interval_s", interval) > interval)
        json_add_error(errors, "/retry_interval_s", "above_interval",
                       "It must not be longer than interval_s, which is %lld s.",
                       (long long)interval);
    if (json_loose_integer(check, "stale_after_s", interval) < interval)
        json_add_error(errors, "/stale_after_s", "below_interval",
                       "It must not be shorter than interval_s, which is %lld s.",
                       (long long)interval);
}

static void check_spec(const json_t *check, json_t **errors)
{
    CLEANUP(buf_clear_p) struct buf text = {0};
    const struct json_schema *kind = check_rules_schema(json_loose_text(check, "kind", ""));
    const json_t *spec = json_object_get(check, "spec");

    if (!kind || !json_is_object(spec))
        return; /* check_new.json names the kinds, and asks for an object */
    json_write(spec, &text);
    if (text.len > CHECK_SPEC_BYTES_MAX)
        json_add_error(errors, "/spec", "too_long", "It takes %zu bytes as JSON, at most %d fit.",
                       text.len, CHECK_SPEC_BYTES_MAX);
    if (json_schema_check(kind, spec, "/spec", errors) != OK)
        failure_clear(); /* they stand in `errors` */
}

void check_rules_check(const json_t *check, json_t **errors)
{
    check_times(check, errors);
    check_spec(check, errors);
    check_secrets_refuse_masks(check, errors);
}
