/* Fields are read one group at a time; the schema has seen types and formats. */
#include "prober/kinds/endpoint_spec.h"

#include "contract/check.h"

#include "shared/json.h"
#include "shared/mem.h"

/* "1.2" → TLS_1_2; 0 for NULL. */
static uint16_t version_of(const char *word)
{
    return word ? (uint16_t)(TLS_1_0 + (word[2] - '0')) : 0;
}

static char *text_of(const json_t *object, const char *key)
{
    const char *text = json_text(object, key, NULL);

    return text ? xstrdup(text) : NULL;
}

void endpoint_spec_read_tls(struct endpoint_spec *endpoint, const json_t *tls)
{
    struct tls_client_options *options = &endpoint->tls.options;

    options->verify = json_boolean_or(tls, "verify", true);
    options->resume = json_boolean_or(tls, "resume", false);
    options->min_version = version_of(json_text(tls, "min_version", CHECK_TLS_MIN_VERSION));
    options->max_version = version_of(json_text(tls, "max_version", NULL));
    endpoint->server_name = text_of(tls, "server_name");
    endpoint->verify_name = text_of(tls, "verify_name");
    endpoint->ca = text_of(tls, "ca");
    endpoint->identity = text_of(tls, "client_cert");
    options->ca = str_of(endpoint->ca);
    options->identity = str_of(endpoint->identity);
}

static void read_timeouts(struct check_timeouts *timeouts, const json_t *limits)
{
    timeouts->dns_ms = (uint32_t)json_integer_or(limits, "dns", 0);
    timeouts->connect_ms = (uint32_t)json_integer_or(limits, "connect", 0);
    timeouts->tls_ms = (uint32_t)json_integer_or(limits, "tls", 0);
    timeouts->first_byte_ms = (uint32_t)json_integer_or(limits, "first_byte", 0);
    timeouts->idle_ms = (uint32_t)json_integer_or(limits, "idle", 0);
    timeouts->any = timeouts->dns_ms || timeouts->connect_ms || timeouts->tls_ms ||
                    timeouts->first_byte_ms || timeouts->idle_ms;
}

static void read_phases(uint32_t *limits, const json_t *json)
{
    limits[PHASE_DNS] = (uint32_t)json_integer_or(json, "dns", 0);
    limits[PHASE_CONNECT] = (uint32_t)json_integer_or(json, "connect", 0);
    limits[PHASE_TLS] = (uint32_t)json_integer_or(json, "tls", 0);
    limits[PHASE_FIRST_BYTE] = (uint32_t)json_integer_or(json, "first_byte", 0);
    limits[PHASE_TRANSFER] = (uint32_t)json_integer_or(json, "transfer", 0);
}

static void read_thresholds(struct check *check, const json_t *expect)
{
    check->warn_ms = (uint32_t)json_integer_or(expect, "warn_ms", 0);
    check->fail_ms = (uint32_t)json_integer_or(expect, "fail_ms", 0);
    if (!json_has(expect, "warn_phases_ms") && !json_has(expect, "fail_phases_ms"))
        return;
    check->phases = NEW(struct check_phases);
    read_phases(check->phases->warn_ms, json_object_get(expect, "warn_phases_ms"));
    read_phases(check->phases->fail_ms, json_object_get(expect, "fail_phases_ms"));
}

static void read_address(struct endpoint_spec *endpoint, const char *text)
{
    struct str address = str_of(text);

    if (address.len > 2 && address.ptr[0] == '[')
        address = str_sub(address, 1, address.len - 2);
    endpoint->host = str_dup(address);
}

void endpoint_spec_read(struct endpoint_spec *endpoint, struct check *check, const json_t *spec,
                        uint16_t default_port)
{
    const char *source = json_text(spec, "source_address", NULL);

    if (json_has(spec, "address"))
        read_address(endpoint, json_text(spec, "address", ""));
    endpoint->port = (uint16_t)json_integer_or(spec, "port", default_port);
    endpoint->family = address_family_of(json_text(spec, "address_family", NULL));
    endpoint->has_source = source && addr_parse_ip(str_of(source), 0, &endpoint->source);
    endpoint_spec_read_tls(endpoint, json_object_get(spec, "tls"));

    read_timeouts(&check->timeouts, json_object_get(spec, "timeouts_ms"));
    read_thresholds(check, json_object_get(spec, "expect"));
    check->vote = address_vote_of(json_text(spec, "address_vote", NULL));
    check->invert = json_boolean_or(spec, "invert", false);
    check->host = endpoint->host;
}

void endpoint_spec_clear(struct endpoint_spec *endpoint)
{
    tls_client_clear(&endpoint->tls);
    free(endpoint->host);
    free(endpoint->server_name);
    free(endpoint->verify_name);
    free(endpoint->ca);
    free(endpoint->identity);
}

struct dial_target endpoint_target(struct endpoint_spec *endpoint, bool with_tls)
{
    return (struct dial_target){
        .host = endpoint->host,
        .port = endpoint->port,
        .family = endpoint->family,
        .source = endpoint->has_source ? &endpoint->source : NULL,
        .tls = with_tls ? &endpoint->tls : NULL,
        .names = endpoint_names(endpoint),
    };
}

struct tls_names endpoint_names(const struct endpoint_spec *endpoint)
{
    return (struct tls_names){endpoint->server_name ? endpoint->server_name : endpoint->host,
                              endpoint->verify_name};
}
