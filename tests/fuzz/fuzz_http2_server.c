/*
 * The bytes of an HTTP/2 client, after its preface. The first byte says where the input is cut, and
 * what the owner makes of the requests: views have to be readable, every stream that began has to
 * end once, and what waits to be sent must not pile up.
 */
#include <assert.h>
#include <stdlib.h>

#include "shared/http2_server.h"
#include "shared/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define SERVED_MAX     1000
#define OUT_BYTES_STEP 16384

static const struct http2_server_limits limits = {
    .streams = 10,
    .target_bytes = 100,
    .head_bytes = 1000,
    .fields = 12,
    .first_window_bytes = 1000,
    .window_bytes = 65535,
    .budget = 100,
    .budget_per_s = 10,
};

struct served {
    struct http2_server_stream stream;
    bool is_open;
    bool has_end;
};

struct owner {
    struct http2_server *server;
    struct served served[SERVED_MAX];
    unsigned begun;
    unsigned open;
    unsigned seed; /* what to do with the next request */
    uint32_t sum;  /* of all that was told: so that every byte is read */
};

static void read_bytes(struct owner *owner, struct str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        owner->sum = owner->sum * 31 + (uint8_t)bytes.ptr[i];
}

static bool is_inside(struct str view, struct str text)
{
    return view.len == 0 || (view.ptr >= text.ptr && view.ptr + view.len <= text.ptr + text.len);
}

static void check_head(struct owner *owner, const struct http2_server_request *request)
{
    const struct http_head *head = request->head;
    unsigned hosts = 0;

    assert(head->field_count <= limits.fields + 1);
    assert(request->text.len <= 2 * (size_t)limits.head_bytes);
    assert(is_inside(head->method, request->text) && is_inside(head->target, request->text));
    read_bytes(owner, request->text);
    for (uint32_t i = 0; i < head->field_count; i++) {
        const struct http_field *field = &head->fields[i];

        hosts += str_equal(field->name, STR("host"));
        assert(is_inside(field->value, request->text));
        assert(!memchr(field->value.ptr, '\0', field->value.len) &&
               !memchr(field->value.ptr, '\r', field->value.len) &&
               !memchr(field->value.ptr, '\n', field->value.len));
        read_bytes(owner, field->name);
    }
    assert(hosts == 1);
}

static struct http2_server_stream *on_begin(void *context,
                                            const struct http2_server_request *request)
{
    struct owner *owner = context;
    struct served *served = &owner->served[owner->begun];

    assert((request->fault == HTTP2_FAULT_NONE) == (request->reason == NULL));
    if (request->fault == HTTP2_FAULT_NONE)
        check_head(owner, request);
    if (owner->begun == SERVED_MAX || owner->seed++ % 7 == 6)
        return NULL;
    owner->begun++;
    owner->open++;
    served->stream = (struct http2_server_stream){.id = request->stream_id};
    served->is_open = true;
    assert(owner->open <= limits.streams + 1);
    if (request->fault != HTTP2_FAULT_NONE || owner->seed % 5 == 4)
        http2_server_answer(owner->server, &served->stream, 400, NULL, 0, STR("no"));
    else if (request->head->expect_continue)
        http2_server_continue(owner->server, &served->stream);
    return &served->stream;
}

static void on_data(void *context, struct http2_server_stream *stream, struct str data)
{
    struct owner *owner = context;
    struct served *served = container_of(stream, struct served, stream);

    assert(served->is_open && !served->has_end && !stream->is_answered && data.len > 0);
    read_bytes(owner, data);
    if (!stream->takes_body && owner->seed++ % 2 == 0)
        http2_server_take_body(owner->server, stream, 3000);
}

static void on_end(void *context, struct http2_server_stream *stream)
{
    static const struct http2_server_field fields[] = {
        {{"Content-Type", 12}, {"text/plain", 10}, false},
        {{"Set-Cookie", 10}, {"a=b", 3}, true},
    };
    static char body[40000];
    struct owner *owner = context;
    struct served *served = container_of(stream, struct served, stream);

    assert(served->is_open && !served->has_end && !stream->is_answered);
    served->has_end = true;
    if (owner->seed % 3 == 0)
        http2_server_cancel(owner->server, stream);
    else if (owner->seed % 3 == 1)
        http2_server_answer(owner->server, stream, 200, fields, 2,
                            str_n(body, owner->seed % 2 ? sizeof body : 1));
}

static void on_closed(void *context, struct http2_server_stream *stream)
{
    struct owner *owner = context;
    struct served *served = container_of(stream, struct served, stream);

    assert(served->is_open);
    served->is_open = false;
    owner->open--;
}

static const struct http2_server_ops ops = {
    .begin = on_begin, .data = on_data, .end = on_end, .closed = on_closed};

static void take_output(struct owner *owner, int64_t now_us)
{
    struct buf out = {0};

    while (http2_server_send(owner->server, &out, OUT_BYTES_STEP, now_us)) {
        assert(out.len < 3 * OUT_BYTES_STEP);
        buf_reset(&out);
    }
    buf_clear(&out);
}

static void feed(struct owner *owner, struct str input, int64_t now_us)
{
    char *copy = xmalloc(input.len);

    if (input.len > 0)
        memcpy(copy, input.ptr, input.len);
    http2_server_receive(owner->server, str_n(copy, input.len), now_us);
    free(copy);
    take_output(owner, now_us);
    for (unsigned i = 0; i < owner->begun; i++) {
        if (owner->served[i].is_open)
            (void)http2_server_is_blocked(owner->server, &owner->served[i].stream);
    }
    assert(http2_server_awaits_since_us(owner->server) <= now_us);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static struct owner owner;
    struct str input;
    size_t cut;

    if (size < 1)
        return 0;
    input = str_n((const char *)data + 1, size - 1);
    cut = data[0] * input.len / 255;
    owner = (struct owner){.seed = data[0]};
    owner.server = http2_server_new(&limits, &ops, &owner, 1);
    take_output(&owner, 1);
    feed(&owner, STR("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"), 2);
    feed(&owner, str_sub(input, 0, cut), 3);
    feed(&owner, str_sub(input, cut, input.len), 1000000);
    http2_server_drain(owner.server);
    take_output(&owner, 1000001);
    http2_server_drain(owner.server);
    take_output(&owner, 1000002);
    http2_server_end(owner.server, HTTP2_FAREWELL_GOODBYE);
    take_output(&owner, 1000003);
    assert(http2_server_farewell(owner.server) != HTTP2_FAREWELL_NONE);
    http2_server_free(owner.server);
    return 0;
}
