#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "shared/mem.h"

#include "tests/unit/shared/http2_frames_text.h"
#include "tests/unit/shared/http2_owner.h"

const struct http2_server_limits owner_limits = {
    .streams = 10,
    .target_bytes = 100,
    .head_bytes = 1000,
    .fields = 12,
    .first_window_bytes = 1000,
    .window_bytes = 65535,
    .budget = 200,
    .budget_per_s = 10,
};

static void note(struct owner *owner, const char *format, ...) PRINTF(2, 3);

static void note(struct owner *owner, const char *format, ...)
{
    va_list arguments;

    if (owner->has_no_events)
        return;
    if (owner->events.len > 0)
        buf_append_char(&owner->events, '|');
    va_start(arguments, format);
    buf_vprintf(&owner->events, format, arguments);
    va_end(arguments);
}

static void note_head(struct owner *owner, const struct http2_server_request *request)
{
    static const char *const framings[] = {[HTTP_NO_BODY] = "none",
                                           [HTTP_LENGTH] = "length",
                                           [HTTP_CHUNKED] = "open",
                                           [HTTP_UNTIL_CLOSE] = "?"};
    const struct http_head *head = request->head;

    note(owner, "%d " STR_FMT " " STR_FMT " %s", request->stream_id, STR_ARG(head->method),
         STR_ARG(head->target), framings[head->framing]);
    if (owner->has_no_events)
        return;
    for (uint32_t i = 0; i < head->field_count; i++)
        buf_printf(&owner->events, " " STR_FMT "=" STR_FMT, STR_ARG(head->fields[i].name),
                   STR_ARG(head->fields[i].value));
    if (head->expect_continue)
        buf_append_text(&owner->events, " continue");
}

static struct http2_server_stream *on_begin(void *context,
                                            const struct http2_server_request *request)
{
    static const char *const faults[] = {[HTTP2_FAULT_MALFORMED] = "malformed",
                                         [HTTP2_FAULT_TARGET_TOO_LONG] = "target",
                                         [HTTP2_FAULT_HEAD_TOO_LARGE] = "head"};
    struct owner *owner = context;
    struct served *served = &owner->served[owner->begun++];

    assert_true(owner->begun <= SERVED_MAX);
    assert_int_equal(request->fault == HTTP2_FAULT_NONE, request->reason == NULL);
    if (owner->refuses)
        return NULL;
    served->stream = (struct http2_server_stream){.id = request->stream_id};
    served->is_open = true;
    owner->open++;
    if (request->fault == HTTP2_FAULT_NONE) {
        note_head(owner, request);
    } else {
        note(owner, "%d %s: %s", request->stream_id, faults[request->fault], request->reason);
        http2_server_answer(owner->server, &served->stream, 400, NULL, 0, (struct str){0});
    }
    return &served->stream;
}

static void on_data(void *context, struct http2_server_stream *stream, struct str data)
{
    struct owner *owner = context;
    char prefix[32];
    const char *last = owner->events.data ? strrchr(owner->events.data, '|') : NULL;

    snprintf(prefix, sizeof prefix, "|%d data ", stream->id);
    assert_true(container_of(stream, struct served, stream)->is_open);
    if (owner->has_no_events)
        return;
    if (last && strncmp(last, prefix, strlen(prefix)) == 0)
        buf_append_str(&owner->events, data);
    else
        note(owner, "%d data " STR_FMT, stream->id, STR_ARG(data));
}

static void on_end(void *context, struct http2_server_stream *stream)
{
    struct owner *owner = context;

    note(owner, "%d end", stream->id);
    if (!owner->is_silent)
        http2_server_answer(owner->server, stream, 200, NULL, 0, owner->answer);
}

static void on_closed(void *context, struct http2_server_stream *stream)
{
    struct owner *owner = context;
    struct served *served = container_of(stream, struct served, stream);

    assert_true(served->is_open);
    served->is_open = false;
    owner->open--;
    note(owner, "%d closed", stream->id);
}

static const struct http2_server_ops ops = {
    .begin = on_begin, .data = on_data, .end = on_end, .closed = on_closed};

/* Takes all that is to be sent. */
void take_output(struct owner *owner)
{
    while (http2_server_send(owner->server, &owner->out, owner->out.len + 16384, owner->now_us))
        ;
}

struct owner *owner_new(void)
{
    struct owner *owner = NEW(struct owner);

    owner->now_us = SECOND_US;
    owner->answer = STR("ok");
    owner->server = http2_server_new(&owner_limits, &ops, owner, owner->now_us);
    take_output(owner); /* what is acknowledged has to be sent before */
    return owner;
}

void owner_free(struct owner *owner)
{
    http2_server_free(owner->server);
    buf_clear(&owner->events);
    buf_clear(&owner->out);
    free(owner);
}

/* Gives the bytes in memory of their own, so that it shows when a view is kept. */
void feed(struct owner *owner, struct str input)
{
    char *copy = xmalloc(input.len);

    if (input.len > 0)
        memcpy(copy, input.ptr, input.len);
    http2_server_receive(owner->server, str_n(copy, input.len), owner->now_us);
    free(copy);
    take_output(owner);
}

void feed_frames(struct owner *owner, const char *frames)
{
    CLEANUP(buf_clear_p) struct buf bytes = {0};

    http2_append_frames(&bytes, frames);
    feed(owner, buf_str(&bytes));
}

/* What went out -------------------------------------------------------------------------------- */

static uint32_t number_at(const char *at)
{
    const uint8_t *bytes = (const uint8_t *)at;

    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

/* Appends what frames say that a peer is told by: heads, ends, resets, goodbyes. */
void describe_output(struct buf *text, struct str out)
{
    while (out.len > 0) {
        const uint32_t len = number_at(out.ptr) >> 8;
        const unsigned type = (uint8_t)out.ptr[3];
        const uint32_t stream = number_at(out.ptr + 5);
        bool is_end = (out.ptr[4] & 1) && type < 2;

        assert_true(out.len >= 9 + len);
        if (type == 1)
            buf_printf(text, "|%u head%s", stream, is_end ? " all" : "");
        else if (type == 0)
            buf_printf(text, "|%u %u bytes%s", stream, len, is_end ? " all" : "");
        else if (type == 3)
            buf_printf(text, "|%u reset %u", stream, number_at(out.ptr + 9));
        else if (type == 7)
            buf_printf(text, "|goaway %u %u", number_at(out.ptr + 9), number_at(out.ptr + 13));
        out = str_sub(out, 9 + len, out.len);
    }
}

/* What is sent to a peer that sends `frames` after its hello; yours to free. */
char *answers_to(struct owner *owner, const char *frames)
{
    struct buf out = {0};

    buf_reset(&owner->out);
    feed_frames(owner, frames);
    describe_output(&out, buf_str(&owner->out));
    buf_append_text(&out, "");
    return out.data ? buf_take_text(&out) : xstrdup("");
}

void assert_answers(struct owner *owner, const char *frames, const char *expected)
{
    char *answers = answers_to(owner, frames);

    assert_string_equal(answers, expected);
    free(answers);
}

struct owner *greeted(void)
{
    struct owner *owner = owner_new();

    feed_frames(owner, HELLO);
    return owner;
}
