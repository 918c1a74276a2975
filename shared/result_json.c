/* Written straight into the buffer: a prober prints tens of thousands of results a second. */
#include "shared/result_json.h"

#include <arpa/inet.h>
#include <stdio.h>

#include "shared/clock.h"
#include "shared/mem.h"

#define VERDICT_WORD(value, name, word)            [VERDICT_##name] = (word),
#define OUTCOME_WORD(number, name, word, verdict)  [OUTCOME_##name] = (word),
#define OUTCOME_MEANS(number, name, word, verdict) [OUTCOME_##name] = (verdict),
#define PHASE_WORD(number, name, word)             [PHASE_##name] = (word),

static const char *const verdict_words[] = {VERDICT_TABLE(VERDICT_WORD)};
static const char *const outcome_words[] = {OUTCOME_TABLE(OUTCOME_WORD)};

static const enum verdict outcome_verdicts[] = {OUTCOME_TABLE(OUTCOME_MEANS)};

static const char *const phase_words[] = {PHASE_TABLE(PHASE_WORD)};

const char *verdict_word(enum verdict verdict)
{
    return (unsigned)verdict < VERDICT_COUNT ? verdict_words[verdict] : "?";
}

const char *outcome_word(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOME_COUNT ? outcome_words[outcome] : "?";
}

const char *phase_word(enum phase phase)
{
    return (unsigned)phase < PHASE_COUNT ? phase_words[phase] : "?";
}

enum verdict outcome_verdict(enum outcome outcome)
{
    return (unsigned)outcome < OUTCOME_COUNT ? outcome_verdicts[outcome] : VERDICT_ERROR;
}

const char *result_address_format(const struct result_address *address,
                                  char text[RESULT_ADDRESS_TEXT_BYTES])
{
    char ip[INET6_ADDRSTRLEN];

    inet_ntop(address->family, address->bytes, ip, sizeof ip);
    if (address->port == 0) {
        snprintf(text, RESULT_ADDRESS_TEXT_BYTES, "%s", ip);
        return text;
    }
    snprintf(text, RESULT_ADDRESS_TEXT_BYTES, address->family == AF_INET6 ? "[%s]:%u" : "%s:%u", ip,
             address->port);
    return text;
}

static void append_text_or_null(struct buf *buf, struct str text)
{
    if (str_is_empty(text))
        buf_append_text(buf, "null");
    else
        buf_append_json_string(buf, text);
}

static void append_time_or_null(struct buf *buf, int64_t wall_ms)
{
    char text[TIMESTAMP_BYTES];

    if (wall_ms == 0)
        buf_append_text(buf, "null");
    else
        buf_printf(buf, "\"%s\"", timestamp_format(wall_ms, text));
}

static void append_tls(struct buf *buf, const struct result_tls *tls)
{
    if (tls->version >= 0x0301)
        buf_printf(buf, ",\"tls\":{\"version\":\"1.%u\"", tls->version - 0x0301u);
    else
        buf_append_text(buf, ",\"tls\":{\"version\":null");
    buf_append_text(buf, ",\"not_after\":");
    append_time_or_null(buf, tls->not_after_ms);
    buf_append_text(buf, ",\"chain_not_after\":");
    append_time_or_null(buf, tls->chain_not_after_ms);
    buf_append_text(buf, ",\"verified_not_after\":");
    append_time_or_null(buf, tls->verified_not_after_ms);
    buf_append_char(buf, '}');
}

void result_json_write(struct buf *buf, const struct result *result, struct str check,
                       struct str location, struct str prober)
{
    const struct result_timings *timings = &result->timings;
    char at[TIMESTAMP_BYTES];
    char address[RESULT_ADDRESS_TEXT_BYTES];

    buf_append_text(buf, "{\"check\":");
    buf_append_json_string(buf, check);
    buf_printf(buf, ",\"at\":\"%s\",\"location\":", timestamp_format(result->at_ms, at));
    append_text_or_null(buf, location);
    buf_append_text(buf, ",\"prober\":");
    append_text_or_null(buf, prober);
    buf_printf(buf, ",\"verdict\":\"%s\",\"outcome\":\"%s\",\"phase\":\"%s\",\"message\":",
               verdict_word(result->verdict), outcome_word(result->outcome),
               phase_word(result->phase));
    buf_append_json_string(buf, result->message);
    buf_printf(
        buf,
        ",\"timings_us\":{\"queue\":%u,\"dns\":%u,\"connect\":%u,\"tls\":%u,\"first_byte\":%u,"
        "\"transfer\":%u,\"total\":%u}",
        timings->queue_us, timings->dns_us, timings->connect_us, timings->tls_us,
        timings->first_byte_us, timings->transfer_us, timings->total_us);
    if (result->has & RESULT_HAS_ADDRESS)
        buf_printf(buf, ",\"address\":\"%s\"", result_address_format(&result->address, address));
    if (result->has & RESULT_HAS_HTTP)
        buf_printf(buf,
                   ",\"http\":{\"status\":%u,\"redirects\":%u,\"body_bytes\":%u,\"truncated\":%s}",
                   result->http.status, result->http.redirects, result->http.body_bytes,
                   result->http.truncated ? "true" : "false");
    if (result->has & RESULT_HAS_TLS)
        append_tls(buf, &result->tls);
    if (result->has & RESULT_HAS_PERFDATA) {
        buf_append_text(buf, ",\"perfdata\":");
        buf_append_str(buf, result->perfdata);
    }
    buf_append_char(buf, '}');
}

struct result *result_copy(const struct result *result)
{
    struct result *copy = xmalloc(sizeof *copy + result->message.len + result->perfdata.len);
    char *texts = (char *)(copy + 1);

    *copy = *result;
    copy->message.ptr = texts;
    if (result->message.len > 0)
        memcpy(texts, result->message.ptr, result->message.len);
    copy->perfdata.ptr = texts + result->message.len;
    if (result->perfdata.len > 0)
        memcpy(texts + result->message.len, result->perfdata.ptr, result->perfdata.len);
    return copy;
}
