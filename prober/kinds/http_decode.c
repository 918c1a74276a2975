/*
 * Bodies that the server compressed because the check asked for it: what is expected is expected of
 * what they decode to. A body may be cut where enough of it was seen; a bomb is told by its ratio
 * before that.
 */
#include "shared/inflate.h"

#include "prober/kinds/http_run.h"

/* A page of zeros is compressed 1,000 times; what somebody reads hardly 50 times. */
#define RATIO_MAX        200
#define RATIO_FROM_BYTES (64 * 1024)

#define EXTRA_BYTES_MAX (64 * 1024) /* after the end of what was encoded */

/* br's window and trees: enough for what encoders use without being told otherwise, which is 4 MiB. */
#define MEMORY_BYTES_MAX (8 * 1024 * 1024)

static enum wait end_for_coding(struct probe *probe)
{
    enum outcome outcome =
        failure_last()->err == ERR_LIMITED ? OUTCOME_LIMIT_EXCEEDED : OUTCOME_PROTO_ERROR;

    return probe_end(probe, outcome, "the body cannot be decoded: %s", failure_last()->detail);
}

enum wait http_decode_begin(struct probe *probe, const struct http_head *head)
{
    const struct http_spec *spec = spec_of(probe);
    struct http_run *run = run_of(probe);
    const struct inflate_limits limits = {
        .input_bytes =
            spec->max_body_bytes + RATIO_FROM_BYTES, /* where compressing made it longer */
        .output_bytes = INT64_MAX,                   /* it is cut, not refused */
        .ratio = RATIO_MAX,
        .ratio_from_bytes = RATIO_FROM_BYTES,
        .memory_bytes = MEMORY_BYTES_MAX,
    };
    CLEANUP(buf_clear_p) struct buf codings = {0};

    inflater_free(TAKE(run->inflater));
    if (!spec->with_compression)
        return WAIT_NONE;
    for (uint32_t i = 0; i < head->field_count; i++) {
        if (!str_equal_nocase(head->fields[i].name, STR("content-encoding")))
            continue;
        buf_append_text(&codings, codings.len > 0 ? "," : "");
        buf_append_str(&codings, head->fields[i].value);
    }
    if (codings.len == 0)
        return WAIT_NONE;
    if (inflater_new(buf_str(&codings), &limits, &run->inflater) != OK)
        return end_for_coding(probe);
    return WAIT_NONE;
}

static enum wait end_for_data(struct probe *probe, enum inflate_status status)
{
    return probe_end(probe,
                     status == INFLATE_OVER_LIMIT ? OUTCOME_LIMIT_EXCEEDED : OUTCOME_PROTO_ERROR,
                     "the body cannot be decoded: %s", inflater_reason(run_of(probe)->inflater));
}

enum wait http_decode(struct probe *probe, struct str data)
{
    const struct probe_step *step = probe->step;
    struct inflater *inflater = run_of(probe)->inflater;

    if (!inflater)
        return http_take_body(probe, data);
    for (;;) {
        struct str decoded;
        size_t used;
        enum inflate_status status = inflater_run(inflater, data, &used, &decoded);
        enum wait wait;

        if (status == INFLATE_END && inflater_extra_bytes(inflater) > EXTRA_BYTES_MAX)
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                             "more than %d bytes follow the end of the encoded body",
                             EXTRA_BYTES_MAX);
        if (status == INFLATE_NEED_MORE || status == INFLATE_END)
            return WAIT_NONE;
        if (status != INFLATE_DATA)
            return end_for_data(probe, status);
        wait = http_take_body(probe, decoded);
        if (wait != WAIT_NONE || probe->step != step)
            return wait;
        data = str_sub(data, used, data.len);
    }
}

enum wait http_decode_end(struct probe *probe)
{
    struct inflater *inflater = run_of(probe)->inflater;
    enum inflate_status status = inflater ? inflater_finish(inflater) : INFLATE_END;

    return status == INFLATE_END ? WAIT_NONE : end_for_data(probe, status);
}
