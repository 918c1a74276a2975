/*
 * The HTTP parser in both modes. The first byte chooses the mode and where the input is cut: whole
 * and cut in two have to end alike, with the same number of body bytes, and no view may leave the
 * input.
 */
#include <assert.h>

#include "shared/http_parse.h"
#include "shared/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const struct http_limits limits = {
    .target_bytes = 256, .head_bytes = 1024, .fields = 20, .chunk_extension_bytes = 64};

struct outcome {
    enum http_status last;
    uint64_t body_bytes;
    unsigned heads;
};

static void assert_inside(struct str view, struct str input)
{
    assert(view.len == 0 ||
           (view.ptr >= input.ptr && view.ptr + view.len <= input.ptr + input.len));
}

static void check_views(const struct http_parser *parser, enum http_status status, struct str input)
{
    if (status == HTTP_DATA)
        assert_inside(parser->data, input);
    if (status != HTTP_HEAD)
        return;
    assert_inside(parser->head.method, input);
    assert_inside(parser->head.target, input);
    assert_inside(parser->head.reason, input);
    for (uint32_t i = 0; i < parser->head.field_count; i++) {
        assert_inside(parser->head.fields[i].name, input);
        assert_inside(parser->head.fields[i].value, input);
    }
}

/* Parses what is there; false when nothing more can come of this input. */
static bool step(struct http_parser *parser, struct str *input, struct outcome *outcome)
{
    size_t used;

    if (outcome->last == HTTP_END) {
        if (input->len == 0)
            return false;
        http_parser_init(parser, parser->mode, &limits);
    }
    outcome->last = http_parse(parser, *input, &used);
    assert(used <= input->len);
    check_views(parser, outcome->last, *input);
    if (outcome->last == HTTP_DATA)
        outcome->body_bytes += parser->data.len;
    if (outcome->last == HTTP_HEAD)
        outcome->heads++;
    *input = str_sub(*input, used, input->len);
    return outcome->last != HTTP_NEED_MORE && outcome->last != HTTP_MALFORMED &&
           outcome->last != HTTP_TOO_LARGE;
}

static struct outcome run(struct str input, enum http_mode mode, size_t cut)
{
    struct outcome outcome = {.last = HTTP_NEED_MORE};
    struct http_parser parser;
    struct str part = str_sub(input, 0, cut);

    http_parser_init(&parser, mode, &limits);
    while (step(&parser, &part, &outcome))
        ;
    if (outcome.last == HTTP_NEED_MORE || outcome.last == HTTP_END) {
        /* What was not used up, and the rest: at another address, as when a buffer has grown. */
        size_t done = cut - part.len;
        size_t len = input.len - done;
        char *moved = xmalloc(len + 1);

        if (len > 0)
            memcpy(moved, input.ptr + done, len);
        part = str_n(moved, len);
        while (step(&parser, &part, &outcome))
            ;
        free(moved);
    }
    if (outcome.last == HTTP_NEED_MORE)
        outcome.last = http_parse_eof(&parser);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    enum http_mode mode;
    struct str input;
    struct outcome whole;
    struct outcome split;

    if (size < 2)
        return 0;
    mode = data[0] & 1 ? HTTP_REQUEST : HTTP_RESPONSE;
    input = str_n((const char *)data + 1, size - 1);
    whole = run(input, mode, input.len);
    split = run(input, mode, (data[0] >> 1) * input.len / 128);
    assert(whole.last == split.last);
    assert(whole.body_bytes == split.body_bytes);
    assert(whole.heads == split.heads);
    return 0;
}
