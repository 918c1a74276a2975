/*
 * Content codings. The first byte chooses them, the second one where the input is cut: whole and cut
 * in two have to end alike and give the same bytes, and nothing may pass the limits.
 */
#include <assert.h>
#include <stdlib.h>

#include "shared/inflate.h"
#include "shared/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *codings[] = {"gzip",     "deflate",         "br", "identity", "br, gzip",
                                "gzip, br", "deflate, deflate"};

static const struct inflate_limits limits = {
    .input_bytes = 4096,
    .output_bytes = 256 * 1024,
    .ratio = 100,
    .ratio_from_bytes = 64 * 1024,
    .memory_bytes = 1 << 20,
};

struct outcome {
    enum inflate_status status;
    uint64_t bytes;
    uint64_t extra_bytes;
    uint32_t hash;
};

static void add(struct outcome *outcome, struct str data)
{
    assert(data.len > 0);
    outcome->bytes += data.len;
    assert(outcome->bytes <= limits.output_bytes);
    for (size_t i = 0; i < data.len; i++)
        outcome->hash = outcome->hash * 31 + (uint8_t)data.ptr[i];
}

static void feed(struct inflater *inflater, struct str input, struct outcome *outcome)
{
    char *copy = xmalloc(input.len);
    struct str rest = str_n(copy, input.len);

    if (input.len > 0)
        memcpy(copy, input.ptr, input.len);
    do {
        struct str data = {0};
        size_t used;

        outcome->status = inflater_run(inflater, rest, &used, &data);
        assert(used <= rest.len);
        rest = str_sub(rest, used, rest.len);
        if (outcome->status == INFLATE_DATA)
            add(outcome, data);
    } while (outcome->status == INFLATE_DATA);
    assert(rest.len == 0 || outcome->status == INFLATE_MALFORMED ||
           outcome->status == INFLATE_OVER_LIMIT);
    free(copy);
}

static struct outcome run(const char *named, struct str input, size_t cut)
{
    struct outcome outcome = {.status = INFLATE_NEED_MORE};
    struct inflater *inflater;

    if (inflater_new(str_of(named), &limits, &inflater) != OK)
        abort();
    feed(inflater, str_sub(input, 0, cut), &outcome);
    feed(inflater, str_sub(input, cut, input.len), &outcome);
    outcome.status = inflater_finish(inflater);
    outcome.extra_bytes = inflater_extra_bytes(inflater);
    inflater_free(inflater);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *named;
    struct str input;
    struct outcome whole;
    struct outcome split;

    if (size < 2)
        return 0;
    named = codings[data[0] % ARRAY_LEN(codings)];
    input = str_n((const char *)data + 2, size - 2);
    whole = run(named, input, input.len);
    split = run(named, input, data[1] * input.len / 255);
    /* The ratio is looked at after each piece, and how much came out before something wrong was seen
     * depends on the pieces, too. */
    if (whole.status == INFLATE_OVER_LIMIT || split.status == INFLATE_OVER_LIMIT)
        return 0;
    assert(whole.status == split.status);
    if (whole.status != INFLATE_END)
        return 0;
    assert(whole.bytes == split.bytes);
    assert(whole.extra_bytes == split.extra_bytes);
    assert(whole.hash == split.hash);
    return 0;
}
