/*
 * The bytes of an HTTP/2 server. The first byte says where the input is cut: whole and cut in two
 * have to give the same events, views have to be readable, and nothing may pile up. Of what is wrong
 * both have to say so; which of several mistakes is told, and how much came before, may differ.
 */
#include <assert.h>
#include <stdlib.h>

#include "shared/http2.h"
#include "shared/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OUTPUT_BYTES_MAX (300 * 1024)

static const struct http2_limits limits = {
    .head_bytes = 2048,
    .fields = 20,
    .idle_frames = 100,
    .window_bytes = 65535,
    .waiting_bytes = 1000,
};

struct outcome {
    enum http2_status last;
    uint32_t hash; /* of the events but DATA */
    uint64_t body_bytes;
    bool
        is_broken; /* a stream or the connection was: then it depends on the pieces how much came */
};

static void add(struct outcome *outcome, const void *bytes, size_t len)
{
    for (size_t i = 0; i < len; i++)
        outcome->hash = outcome->hash * 31 + ((const uint8_t *)bytes)[i];
}

static void note(struct outcome *outcome, enum http2_status status, const struct http2_news *news)
{
    outcome->last = status;
    if (status == HTTP2_DATA) {
        assert(news->data.len > 0);
        outcome->body_bytes += news->data.len;
        return;
    }
    add(outcome, &status, sizeof status);
    add(outcome, &news->stream_id, sizeof news->stream_id);
    add(outcome, &news->error, sizeof news->error);
    if (news->reason)
        add(outcome, news->reason, strlen(news->reason));
    for (uint32_t i = 0; news->head && i < news->head->field_count; i++) {
        add(outcome, news->head->fields[i].name.ptr, news->head->fields[i].name.len);
        add(outcome, news->head->fields[i].value.ptr, news->head->fields[i].value.len);
    }
    assert((news->error != HTTP2_ERROR_NONE) == (status == HTTP2_RESET || status == HTTP2_FAILED));
    outcome->is_broken = outcome->is_broken || news->error != HTTP2_ERROR_NONE;
}

static void feed(struct http2_session *session, struct str input, struct outcome *outcome)
{
    char *copy = xmalloc(input.len);
    struct str rest = str_n(copy, input.len);
    enum http2_status status;

    if (input.len > 0)
        memcpy(copy, input.ptr, input.len);
    do {
        struct http2_news news;
        size_t used;

        status = http2_receive(session, rest, &used, &news);
        assert(used <= rest.len);
        rest = str_sub(rest, used, rest.len);
        if (status != HTTP2_NEED_MORE)
            note(outcome, status, &news);
        assert(http2_output(session).len <= OUTPUT_BYTES_MAX);
    } while (status != HTTP2_NEED_MORE && status != HTTP2_FAILED);
    free(copy);
}

static struct outcome run(struct str input, size_t cut)
{
    static const struct http_field field = {{"te", 2}, {"trailers", 8}};
    struct http2_session *session = http2_client_new(&limits);
    const struct http2_request request = {.method = STR("POST"),
                                          .scheme = STR("http"),
                                          .authority = STR("a"),
                                          .path = STR("/"),
                                          .fields = &field,
                                          .field_count = 1,
                                          .body = STR("hello"),
                                          .body_follows = true};
    struct outcome outcome = {0};
    struct http2_news news;
    int32_t id;

    if (http2_send_request(session, &request, &id) != OK)
        abort();
    feed(session, str_sub(input, 0, cut), &outcome);
    if (outcome.last != HTTP2_FAILED)
        feed(session, str_sub(input, cut, input.len), &outcome);
    assert(http2_eof(session, &news) == HTTP2_FAILED && news.error != HTTP2_ERROR_NONE);
    add(&outcome, news.reason, strlen(news.reason));
    http2_free(session);
    return outcome;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct str input;
    struct outcome whole;
    struct outcome split;

    if (size < 1)
        return 0;
    input = str_n((const char *)data + 1, size - 1);
    whole = run(input, input.len);
    split = run(input, data[0] * input.len / 255);
    assert(whole.is_broken == split.is_broken);
    if (whole.is_broken)
        return 0;
    assert(whole.last == split.last);
    assert(whole.hash == split.hash);
    assert(whole.body_bytes == split.body_bytes);
    return 0;
}
