/* One result in a frame. */
#include <arpa/inet.h>

#include "shared/frame.h"
#include "shared/frame_private.h"
#include "shared/json.h"

static void put_timings(struct buf *buf, const struct result_timings *timings)
{
    put(buf, timings->queue_us, 4);
    put(buf, timings->dns_us, 4);
    put(buf, timings->connect_us, 4);
    put(buf, timings->tls_us, 4);
    put(buf, timings->first_byte_us, 4);
    put(buf, timings->transfer_us, 4);
    put(buf, timings->total_us, 4);
}

static struct result_timings take_timings(struct reader *reader)
{
    struct result_timings timings;

    timings.queue_us = (uint32_t)take(reader, 4);
    timings.dns_us = (uint32_t)take(reader, 4);
    timings.connect_us = (uint32_t)take(reader, 4);
    timings.tls_us = (uint32_t)take(reader, 4);
    timings.first_byte_us = (uint32_t)take(reader, 4);
    timings.transfer_us = (uint32_t)take(reader, 4);
    timings.total_us = (uint32_t)take(reader, 4);
    return timings;
}

static void put_address(struct buf *buf, const struct result_address *address)
{
    bool v4 = address->family == AF_INET;

    put(buf, v4 ? 4 : 6, 1);
    put(buf, address->port, 2);
    buf_append(buf, address->bytes, v4 ? 4 : 16);
}

static void take_address(struct reader *reader, struct result_address *ret_address)
{
    uint64_t version = take(reader, 1);
    struct str bytes;

    ret_address->family = version == 4 ? AF_INET : AF_INET6;
    ret_address->port = (uint16_t)take(reader, 2);
    bytes = take_bytes(reader, version == 4 ? 4 : 16);
    if (version != 4 && version != 6)
        reader->failed = true;
    if (bytes.len)
        memcpy(ret_address->bytes, bytes.ptr, bytes.len);
}

void frame_result_write(struct buf *buf, const struct result *result)
{
    size_t start = buf->len;

    assert(result->message.len <= RESULT_MESSAGE_BYTES_MAX &&
           result->perfdata.len <= RESULT_PERFDATA_BYTES_MAX);
    put(buf, 0, 2);
    put_id(buf, &result->check_id);
    put(buf, (uint64_t)result->scheduled_at_ms, 8);
    put(buf, (uint64_t)result->at_ms, 8);
    put(buf, result->verdict, 1);
    put(buf, result->outcome, 1);
    put(buf, result->phase, 1);
    put(buf, result->has, 1);
    put_timings(buf, &result->timings);
    put_text(buf, result->message);
    if (result->has & RESULT_HAS_ADDRESS)
        put_address(buf, &result->address);
    if (result->has & RESULT_HAS_HTTP) {
        put(buf, result->http.status, 2);
        put(buf, result->http.redirects, 1);
        put(buf, result->http.truncated, 1);
        put(buf, result->http.body_bytes, 4);
    }
    if (result->has & RESULT_HAS_TLS) {
        put(buf, result->tls.version, 2);
        put(buf, (uint64_t)result->tls.not_after_ms, 8);
        put(buf, (uint64_t)result->tls.chain_not_after_ms, 8);
        put(buf, (uint64_t)result->tls.verified_not_after_ms, 8);
    }
    if (result->has & RESULT_HAS_PERFDATA)
        put_text(buf, result->perfdata);
    put_at(buf, start, buf->len - start - 2, 2);
}

/* The answers of the API carry perfdata as it is, so it has to be an object. */
static bool is_json_object(struct str text)
{
    JSON_AUTO json_t *json = NULL;

    if (json_parse(text, &json) == OK && json_is_object(json))
        return true;
    failure_clear();
    return false;
}

bool frame_result_read(struct str *rest, struct result *ret_result)
{
    struct reader outer = {.rest = *rest};
    struct reader reader = {0};
    struct result result = {0};

    reader.rest = take_bytes(&outer, take(&outer, 2));
    result.check_id = take_id(&reader);
    result.scheduled_at_ms = (int64_t)take(&reader, 8);
    result.at_ms = (int64_t)take(&reader, 8);
    result.verdict = (enum verdict)take_below(&reader, 1, VERDICT_COUNT);
    result.outcome = (enum outcome)take_below(&reader, 1, OUTCOME_COUNT);
    result.phase = (enum phase)take_below(&reader, 1, PHASE_COUNT);
    result.has = take_below(&reader, 1, RESULT_HAS_PERFDATA << 1);
    result.timings = take_timings(&reader);
    result.message = take_utf8(&reader, 2, RESULT_MESSAGE_BYTES_MAX);
    if (result.has & RESULT_HAS_ADDRESS)
        take_address(&reader, &result.address);
    if (result.has & RESULT_HAS_HTTP) {
        result.http.status = (uint16_t)take(&reader, 2);
        result.http.redirects = (uint8_t)take(&reader, 1);
        result.http.truncated = take_below(&reader, 1, 2) != 0;
        result.http.body_bytes = (uint32_t)take(&reader, 4);
    }
    if (result.has & RESULT_HAS_TLS) {
        result.tls.version = (uint16_t)take(&reader, 2);
        result.tls.not_after_ms = (int64_t)take(&reader, 8);
        result.tls.chain_not_after_ms = (int64_t)take(&reader, 8);
        result.tls.verified_not_after_ms = (int64_t)take(&reader, 8);
    }
    if (result.has & RESULT_HAS_PERFDATA)
        result.perfdata = take_utf8(&reader, 2, RESULT_PERFDATA_BYTES_MAX);

    if (outer.failed || reader.failed || reader.rest.len > 0)
        return false;
    if (result.has & RESULT_HAS_PERFDATA && !is_json_object(result.perfdata))
        return false;
    *rest = outer.rest;
    *ret_result = result;
    return true;
}
