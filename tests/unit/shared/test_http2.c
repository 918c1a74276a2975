/* Requests and replies against a server made with nghttp2, their bytes carried over in pieces of
 * several sizes. Wrong and hostile bytes: test_http2_hostile.c. */
#include "tests/unit/unit_test.h"

#include <nghttp2/nghttp2.h>
#include <stdio.h>

#include "shared/buf.h"
#include "shared/http2.h"
#include "shared/mem.h"

#define MIB 1048576

static const struct http2_limits limits = {
    .head_bytes = 16384,
    .fields = 100,
    .idle_frames = 1000,
    .window_bytes = 65535,
    .waiting_bytes = 100000,
};

/* ---- the server ---- */

struct server {
    nghttp2_session *library;
    void (*answer)(struct server *server, int32_t stream_id);
    struct buf request; /* "name: value\n" … */
    struct buf body;
    unsigned requests;
    unsigned resets;
    size_t reply_left; /* bytes of a body made of 'r' */
    bool has_trailers;
};

static int on_server_field(nghttp2_session *library, const nghttp2_frame *frame,
                           const uint8_t *name, size_t name_len, const uint8_t *value,
                           size_t value_len, uint8_t flags, void *user_data)
{
    struct server *server = user_data;

    (void)library;
    (void)frame;
    (void)flags;
    buf_printf(&server->request, "%.*s: %.*s\n", (int)name_len, name, (int)value_len, value);
    return 0;
}

static int on_server_data(nghttp2_session *library, uint8_t flags, int32_t stream_id,
                          const uint8_t *data, size_t len, void *user_data)
{
    struct server *server = user_data;

    (void)library;
    (void)flags;
    (void)stream_id;
    buf_append(&server->body, data, len);
    return 0;
}

static int on_server_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct server *server = user_data;
    bool is_message = frame->hd.type == NGHTTP2_HEADERS || frame->hd.type == NGHTTP2_DATA;

    (void)library;
    server->resets += frame->hd.type == NGHTTP2_RST_STREAM;
    if (is_message && frame->hd.flags & NGHTTP2_FLAG_END_STREAM) {
        server->requests++;
        server->answer(server, frame->hd.stream_id);
    }
    return 0;
}

static nghttp2_nv pair(const char *name, const char *value)
{
    return (nghttp2_nv){(uint8_t *)name, (uint8_t *)value, strlen(name), strlen(value), 0};
}

static ssize_t on_read_reply(nghttp2_session *library, int32_t stream_id, uint8_t *room,
                             size_t size, uint32_t *data_flags, nghttp2_data_source *source,
                             void *user_data)
{
    struct server *server = user_data;
    size_t len = MIN(size, server->reply_left);

    (void)source;
    memset(room, 'r', len);
    server->reply_left -= len;
    if (server->reply_left > 0)
        return (ssize_t)len;
    *data_flags |= NGHTTP2_DATA_FLAG_EOF;
    if (server->has_trailers) {
        nghttp2_nv trailer = pair("grpc-status", "0");

        *data_flags |= NGHTTP2_DATA_FLAG_NO_END_STREAM;
        assert_int_equal(nghttp2_submit_trailer(library, stream_id, &trailer, 1), 0);
    }
    return (ssize_t)len;
}

static void reply(struct server *server, int32_t stream_id, const char *status)
{
    nghttp2_nv pairs[] = {pair(":status", status), pair("server", "test")};
    nghttp2_data_provider body = {.read_callback = on_read_reply};

    assert_int_equal(nghttp2_submit_response(server->library, stream_id, pairs, ARRAY_LEN(pairs),
                                             server->reply_left > 0 ? &body : NULL),
                     0);
}

static void answer_ok(struct server *server, int32_t stream_id)
{
    reply(server, stream_id, "200");
}

static void server_begin(struct server *server,
                         void (*answer)(struct server *server, int32_t stream_id))
{
    nghttp2_session_callbacks *callbacks;

    *server = (struct server){.answer = answer};
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_header_callback(callbacks, on_server_field);
    nghttp2_session_callbacks_set_on_data_chunk_recv_callback(callbacks, on_server_data);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_server_frame);
    assert_int_equal(nghttp2_session_server_new(&server->library, callbacks, server), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(server->library, 0, NULL, 0), 0);
}

static void server_end(struct server *server)
{
    nghttp2_session_del(server->library);
    buf_clear(&server->request);
    buf_clear(&server->body);
}

/* ---- the client, and what lies between ---- */

struct talk {
    struct server server;
    struct http2_session *client;
    size_t piece_bytes;
    struct buf events;
    uint64_t body_bytes;
    size_t most_output;
};

static void talk_begin(struct talk *talk, size_t piece_bytes,
                       void (*answer)(struct server *server, int32_t stream_id))
{
    *talk = (struct talk){.piece_bytes = piece_bytes, .client = http2_client_new(&limits)};
    server_begin(&talk->server, answer);
}

static void talk_end(struct talk *talk)
{
    http2_free(talk->client);
    server_end(&talk->server);
    buf_clear(&talk->events);
}

static void note(struct talk *talk, enum http2_status status, const struct http2_news *news)
{
    static const char *const words[] = {
        [HTTP2_HEAD] = "head", [HTTP2_DATA] = "data",   [HTTP2_TRAILERS] = "trailers",
        [HTTP2_END] = "end",   [HTTP2_RESET] = "reset", [HTTP2_FAILED] = "failed",
    };

    if (status == HTTP2_DATA) {
        talk->body_bytes += news->data.len;
        for (size_t i = 0; i < news->data.len; i++)
            assert_int_equal(news->data.ptr[i], 'r');
        return;
    }
    buf_printf(&talk->events, "%d %s", news->stream_id, words[status]);
    if (status == HTTP2_HEAD)
        buf_printf(&talk->events, " %u", news->head->status);
    for (uint32_t i = 0; news->head && i < news->head->field_count; i++)
        buf_printf(&talk->events, " " STR_FMT "=" STR_FMT, STR_ARG(news->head->fields[i].name),
                   STR_ARG(news->head->fields[i].value));
    if (status == HTTP2_RESET || status == HTTP2_FAILED)
        buf_printf(&talk->events, " %s", news->reason);
    buf_append_char(&talk->events, '\n');
}

static void client_receives(struct talk *talk, struct str input)
{
    enum http2_status status;

    do {
        struct http2_news news;
        size_t used;

        status = http2_receive(talk->client, input, &used, &news);
        input = str_sub(input, used, input.len);
        if (status != HTTP2_NEED_MORE)
            note(talk, status, &news);
    } while (status != HTTP2_NEED_MORE && status != HTTP2_FAILED);
}

static bool carry_to_server(struct talk *talk)
{
    struct str output = str_sub(http2_output(talk->client), 0, talk->piece_bytes);

    talk->most_output = MAX(talk->most_output, http2_output(talk->client).len);
    if (output.len == 0)
        return false;
    assert_int_equal(
        nghttp2_session_mem_recv(talk->server.library, (const uint8_t *)output.ptr, output.len),
        output.len);
    http2_sent(talk->client, output.len);
    return true;
}

static bool carry_to_client(struct talk *talk)
{
    const uint8_t *bytes;
    ssize_t len = nghttp2_session_mem_send(talk->server.library, &bytes);
    struct str output = str_n((const char *)bytes, (size_t)len);

    assert_true(len >= 0);
    for (size_t at = 0; at < output.len; at += talk->piece_bytes)
        client_receives(talk, str_sub(output, at, talk->piece_bytes));
    return len > 0;
}

/* Carries bytes both ways until neither end has any. */
static void talk_on(struct talk *talk)
{
    bool goes_on;

    do {
        goes_on = carry_to_server(talk);
        goes_on = carry_to_client(talk) || goes_on;
    } while (goes_on);
}

static void assert_events(struct talk *talk, const char *events)
{
    assert_string_equal(talk->events.data ? talk->events.data : "", events);
    buf_reset(&talk->events);
}

static struct http2_request request_of(const char *method, struct str body)
{
    return (struct http2_request){
        .method = str_of(method),
        .scheme = STR("https"),
        .authority = STR("example.test:8443"),
        .path = STR("/a?b=c"),
        .body = body,
    };
}

static int32_t send_request(struct talk *talk, const char *method, struct str body)
{
    struct http2_request request = request_of(method, body);
    int32_t id = 0;

    assert_int_equal(http2_send_request(talk->client, &request, &id), OK);
    return id;
}

static const size_t pieces[] = {1, 7, 1000, MIB};

/* ---- tests ---- */

static void test_a_request_arrives_and_its_reply_comes(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(pieces); i++) {
        struct talk talk;
        struct http2_request request = request_of("GET", STR(""));
        const struct http_field fields[] = {
            {STR("accept"), STR("text/html")}, {STR("X-One"), STR("1")}, {STR("x-one"), STR("")}};
        int32_t id;

        talk_begin(&talk, pieces[i], answer_ok);
        request.fields = fields;
        request.field_count = ARRAY_LEN(fields);
        assert_int_equal(http2_send_request(talk.client, &request, &id), OK);
        assert_memory_equal(http2_output(talk.client).ptr, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 24);
        talk_on(&talk);
        assert_string_equal(talk.server.request.data, ":method: GET\n"
                                                      ":scheme: https\n"
                                                      ":authority: example.test:8443\n"
                                                      ":path: /a?b=c\n"
                                                      "accept: text/html\n"
                                                      "x-one: 1\n"
                                                      "x-one: \n");
        assert_events(&talk, "1 head 200 server=test\n1 end\n");
        talk_end(&talk);
    }
}

static void answer_long(struct server *server, int32_t stream_id)
{
    nghttp2_nv early[] = {pair(":status", "103"), pair("link", "</x>")};

    nghttp2_submit_headers(server->library, 0, stream_id, NULL, early, ARRAY_LEN(early), NULL);
    server->reply_left = MIB;
    server->has_trailers = true;
    reply(server, stream_id, "200");
}

/* 1 MiB is sixteen windows. */
static void test_heads_body_and_trailers_come_in_their_order(void **state)
{
    (void)state;
    for (size_t i = 1; i < ARRAY_LEN(pieces); i++) {
        struct talk talk;

        talk_begin(&talk, pieces[i], answer_long);
        send_request(&talk, "GET", STR(""));
        talk_on(&talk);
        assert_events(&talk, "1 head 103 link=</x>\n1 head 200 server=test\n"
                             "1 trailers grpc-status=0\n1 end\n");
        assert_int_equal(talk.body_bytes, MIB);
        talk_end(&talk);
    }
}

static void test_a_whole_body_is_sent_within_the_windows(void **state)
{
    struct buf body = {0};

    (void)state;
    for (int i = 0; i < 300000; i++)
        buf_append_char(&body, (char)('a' + i % 23));
    for (size_t i = 1; i < ARRAY_LEN(pieces); i++) {
        struct talk talk;

        talk_begin(&talk, pieces[i], answer_ok);
        send_request(&talk, "POST", buf_str(&body));
        talk_on(&talk);
        assert_events(&talk, "1 head 200 server=test\n1 end\n");
        assert_true(str_equal(buf_str(&talk.server.body), buf_str(&body)));
        assert_in_range(talk.most_output, 1, 40000); /* the rest of it is not copied ahead */
        talk_end(&talk);
    }
    buf_clear(&body);
}

/* Ten bytes at a time, and then none until the server says so. */
static void test_a_body_is_sent_within_a_tiny_window(void **state)
{
    const nghttp2_settings_entry tiny = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 10};
    const nghttp2_settings_entry closed = {NGHTTP2_SETTINGS_INITIAL_WINDOW_SIZE, 0};
    struct talk talk;
    struct buf body = {0};

    (void)state;
    for (int i = 0; i < 1000; i++)
        buf_append_char(&body, (char)('a' + i % 23));
    talk_begin(&talk, 100, answer_ok);
    nghttp2_submit_settings(talk.server.library, 0, &tiny, 1);
    talk_on(&talk);
    send_request(&talk, "POST", buf_str(&body));
    talk_on(&talk);
    assert_events(&talk, "1 head 200 server=test\n1 end\n");
    assert_true(str_equal(buf_str(&talk.server.body), buf_str(&body)));

    nghttp2_submit_settings(talk.server.library, 0, &closed, 1);
    talk_on(&talk);
    send_request(&talk, "POST", STR("more"));
    talk_on(&talk);
    assert_events(&talk, "");
    nghttp2_submit_window_update(talk.server.library, 0, 3, 4);
    talk_on(&talk);
    assert_events(&talk, "3 head 200 server=test\n3 end\n");
    buf_clear(&body);
    talk_end(&talk);
}

static void test_a_body_is_sent_as_it_comes(void **state)
{
    struct talk talk;
    struct http2_request request = request_of("POST", STR("begin,"));
    int32_t id;

    (void)state;
    request.body_follows = true;
    talk_begin(&talk, 100, answer_ok);
    assert_int_equal(http2_send_request(talk.client, &request, &id), OK);
    talk_on(&talk);
    assert_int_equal(http2_write(talk.client, id, STR("middle,"), false), OK);
    assert_int_equal(http2_write(talk.client, id, STR("more,"), false), OK);
    talk_on(&talk);
    assert_string_equal(talk.server.body.data, "begin,middle,more,");
    assert_events(&talk, "");
    assert_int_equal(http2_write(talk.client, id, STR("end"), true), OK);
    talk_on(&talk);
    assert_string_equal(talk.server.body.data, "begin,middle,more,end");
    assert_events(&talk, "1 head 200 server=test\n1 end\n");

    assert_int_equal(http2_write(talk.client, id, STR("late"), true), ERR_NOT_FOUND);
    assert_string_equal(failure_last()->code, "stream_over");
    failure_clear();
    talk_end(&talk);
}

/* An end that comes alone is an empty DATA frame. */
static void test_a_body_ends_without_another_byte(void **state)
{
    struct talk talk;
    struct http2_request request = request_of("POST", STR(""));
    int32_t id;

    (void)state;
    request.body_follows = true;
    talk_begin(&talk, 100, answer_ok);
    assert_int_equal(http2_send_request(talk.client, &request, &id), OK);
    talk_on(&talk);
    assert_int_equal(talk.server.requests, 0);
    assert_int_equal(http2_write(talk.client, id, STR(""), true), OK);
    talk_on(&talk);
    assert_int_equal(talk.server.requests, 1);
    assert_events(&talk, "1 head 200 server=test\n1 end\n");
    talk_end(&talk);
}

static void test_a_body_that_nobody_takes_may_not_grow(void **state)
{
    struct talk talk;
    struct http2_request request = request_of("POST", STR(""));
    char part[1000] = {0};
    size_t written = 0;
    int32_t id;

    (void)state;
    request.body_follows = true;
    talk_begin(&talk, 100, answer_ok);
    assert_int_equal(http2_send_request(talk.client, &request, &id), OK);
    while (http2_write(talk.client, id, str_n(part, sizeof part), false) == OK)
        written += sizeof part;
    assert_string_equal(failure_last()->code, "body_waiting");
    failure_clear();
    /* What is to be sent, and what may wait. */
    assert_in_range(written, limits.waiting_bytes, limits.waiting_bytes + 40000);
    assert_in_range(http2_output(talk.client).len, 1, 40000);
    talk_on(&talk);
    assert_int_equal(http2_write(talk.client, id, STR("x"), true), OK);
    talk_on(&talk);
    assert_int_equal(talk.server.body.len, written + 1);
    talk_end(&talk);
}

static void test_requests_follow_and_overlap_on_a_connection(void **state)
{
    struct talk talk;

    (void)state;
    talk_begin(&talk, 50, answer_ok);
    assert_int_equal(send_request(&talk, "GET", STR("")), 1);
    talk_on(&talk);
    assert_events(&talk, "1 head 200 server=test\n1 end\n");
    assert_int_equal(send_request(&talk, "POST", STR("x")), 3);
    assert_int_equal(send_request(&talk, "GET", STR("")), 5);
    talk_on(&talk);
    assert_int_equal(talk.server.requests, 3);
    assert_non_null(strstr(talk.events.data, "3 head 200 server=test\n3 end\n"));
    assert_non_null(strstr(talk.events.data, "5 head 200 server=test\n5 end\n"));
    talk_end(&talk);
}

static void answer_head(struct server *server, int32_t stream_id)
{
    nghttp2_nv pairs[] = {pair(":status", "200"), pair("content-length", "1000")};

    nghttp2_submit_response(server->library, stream_id, pairs, ARRAY_LEN(pairs), NULL);
}

static void test_the_reply_to_head_has_a_length_and_no_body(void **state)
{
    struct talk talk;

    (void)state;
    talk_begin(&talk, 50, answer_head);
    send_request(&talk, "HEAD", STR(""));
    talk_on(&talk);
    assert_events(&talk, "1 head 200 content-length=1000\n1 end\n");
    talk_end(&talk);
}

static void answer_by_reset(struct server *server, int32_t stream_id)
{
    nghttp2_submit_rst_stream(server->library, 0, stream_id,
                              server->requests == 1 ? NGHTTP2_REFUSED_STREAM
                                                    : NGHTTP2_INTERNAL_ERROR);
}

/* Every request is reset at once: each is over, and nothing is kept of it. */
static void test_a_reset_ends_the_stream_alone(void **state)
{
    struct talk talk;

    (void)state;
    talk_begin(&talk, 50, answer_by_reset);
    send_request(&talk, "GET", STR(""));
    talk_on(&talk);
    assert_events(&talk, "1 reset The peer ended the stream with REFUSED_STREAM.\n");
    send_request(&talk, "GET", STR(""));
    talk_on(&talk);
    assert_events(&talk, "3 reset The peer ended the stream with INTERNAL_ERROR.\n");
    for (int i = 0; i < 500; i++) {
        send_request(&talk, "GET", STR(""));
        talk_on(&talk);
    }
    assert_int_equal(talk.server.requests, 502);
    talk_end(&talk);
}

/* The whole reply comes before the request has: then the server wants no more of that. */
static int on_early_frame(nghttp2_session *library, const nghttp2_frame *frame, void *user_data)
{
    struct server *server = user_data;

    (void)library;
    if (frame->hd.type == NGHTTP2_HEADERS) {
        server->reply_left = 10;
        reply(server, frame->hd.stream_id, "413");
    }
    return 0;
}

static int on_early_reply_sent(nghttp2_session *library, const nghttp2_frame *frame,
                               void *user_data)
{
    (void)user_data;
    if (frame->hd.type == NGHTTP2_DATA && frame->hd.flags & NGHTTP2_FLAG_END_STREAM)
        nghttp2_submit_rst_stream(library, 0, frame->hd.stream_id, NGHTTP2_NO_ERROR);
    return 0;
}

static void test_a_reply_before_the_end_of_the_request_counts(void **state)
{
    struct talk talk;
    struct buf body = {0};
    nghttp2_session_callbacks *callbacks;

    (void)state;
    memset(buf_reserve(&body, MIB), 'x', MIB);
    body.len = MIB;
    talk_begin(&talk, 20000, answer_ok);
    nghttp2_session_del(talk.server.library);
    assert_int_equal(nghttp2_session_callbacks_new(&callbacks), 0);
    nghttp2_session_callbacks_set_on_frame_recv_callback(callbacks, on_early_frame);
    nghttp2_session_callbacks_set_on_frame_send_callback(callbacks, on_early_reply_sent);
    assert_int_equal(nghttp2_session_server_new(&talk.server.library, callbacks, &talk.server), 0);
    nghttp2_session_callbacks_del(callbacks);
    assert_int_equal(nghttp2_submit_settings(talk.server.library, 0, NULL, 0), 0);

    send_request(&talk, "POST", buf_str(&body));
    talk_on(&talk);
    assert_events(&talk, "1 head 413 server=test\n1 end\n");
    assert_int_equal(talk.body_bytes, 10);
    buf_clear(&body);
    talk_end(&talk);
}

static void answer_and_go(struct server *server, int32_t stream_id)
{
    reply(server, stream_id, "200");
    nghttp2_submit_goaway(server->library, 0, stream_id, NGHTTP2_NO_ERROR, (const uint8_t *)"bye",
                          3);
}

static void test_a_connection_that_goes_away_takes_no_more_requests(void **state)
{
    struct talk talk;
    struct http2_request request = request_of("GET", STR(""));
    struct http2_news news;
    int32_t id;

    (void)state;
    talk_begin(&talk, 50, answer_and_go);
    send_request(&talk, "GET", STR(""));
    talk_on(&talk);
    assert_events(&talk, "1 head 200 server=test\n1 end\n");
    assert_int_equal(http2_send_request(talk.client, &request, &id), ERR_UNAVAILABLE);
    assert_string_equal(failure_last()->code, "connection_over");
    failure_clear();
    assert_int_equal(http2_eof(talk.client, &news), HTTP2_FAILED);
    assert_int_equal(news.error, HTTP2_ERROR_GOAWAY);
    assert_string_equal(news.reason, "The peer closes the connection with NO_ERROR (\"bye\").");
    assert_int_equal(http2_eof(talk.client, &news), HTTP2_FAILED);
    talk_end(&talk);
}

static void answer_nothing(struct server *server, int32_t stream_id)
{
    (void)server;
    (void)stream_id;
}

/* Two requests are under way when the server says that it has looked at the first one only. */
static void test_going_away_ends_what_was_not_looked_at(void **state)
{
    struct talk talk;

    (void)state;
    talk_begin(&talk, 50, answer_nothing);
    send_request(&talk, "GET", STR(""));
    send_request(&talk, "GET", STR(""));
    send_request(&talk, "GET", STR(""));
    talk_on(&talk);
    nghttp2_submit_goaway(talk.server.library, 0, 1, NGHTTP2_NO_ERROR, NULL, 0);
    reply(&talk.server, 1, "204");
    talk_on(&talk);
    assert_non_null(
        strstr(talk.events.data, "3 reset The peer closes the connection with NO_ERROR.\n"));
    assert_non_null(
        strstr(talk.events.data, "5 reset The peer closes the connection with NO_ERROR.\n"));
    assert_non_null(strstr(talk.events.data, "1 head 204 server=test\n1 end\n"));
    talk_end(&talk);
}

static void test_a_head_too_large_is_refused_before_it_is_sent(void **state)
{
    struct talk talk;
    struct http2_request request = request_of("GET", STR(""));
    static char value[HTTP2_REQUEST_HEAD_BYTES_MAX];
    struct http_field field = {STR("x"), {value, sizeof value}};
    struct http_field many[HTTP_FIELDS_MAX + 1];
    size_t before;
    int32_t id;

    (void)state;
    memset(value, 'v', sizeof value);
    talk_begin(&talk, 100000, answer_ok);
    before = http2_output(talk.client).len;
    request.fields = &field;
    request.field_count = 1;
    assert_int_equal(http2_send_request(talk.client, &request, &id), ERR_LIMITED);
    assert_string_equal(failure_last()->code, "head_too_large");
    for (size_t i = 0; i < ARRAY_LEN(many); i++)
        many[i] = (struct http_field){STR("a"), STR("b")};
    request.fields = many;
    request.field_count = ARRAY_LEN(many);
    assert_int_equal(http2_send_request(talk.client, &request, &id), ERR_LIMITED);
    failure_clear();
    assert_int_equal(http2_output(talk.client).len, before);

    /* The largest one arrives: 32 bytes for each field, and the other names and values. */
    request.fields = &field;
    request.field_count = 1;
    field.value.len = sizeof value - 5 * 32 - strlen(":methodGET:schemehttps:path/a?b=cx") -
                      strlen(":authorityexample.test:8443");
    field.value.len++;
    assert_int_equal(http2_send_request(talk.client, &request, &id), ERR_LIMITED);
    failure_clear();
    field.value.len--;
    assert_int_equal(http2_send_request(talk.client, &request, &id), OK);
    talk_on(&talk);
    assert_events(&talk, "1 head 200 server=test\n1 end\n");
    talk_end(&talk);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_request_arrives_and_its_reply_comes),
        cmocka_unit_test(test_heads_body_and_trailers_come_in_their_order),
        cmocka_unit_test(test_a_whole_body_is_sent_within_the_windows),
        cmocka_unit_test(test_a_body_is_sent_within_a_tiny_window),
        cmocka_unit_test(test_a_body_is_sent_as_it_comes),
        cmocka_unit_test(test_a_body_ends_without_another_byte),
        cmocka_unit_test(test_a_body_that_nobody_takes_may_not_grow),
        cmocka_unit_test(test_requests_follow_and_overlap_on_a_connection),
        cmocka_unit_test(test_the_reply_to_head_has_a_length_and_no_body),
        cmocka_unit_test(test_a_reset_ends_the_stream_alone),
        cmocka_unit_test(test_a_reply_before_the_end_of_the_request_counts),
        cmocka_unit_test(test_a_connection_that_goes_away_takes_no_more_requests),
        cmocka_unit_test(test_going_away_ends_what_was_not_looked_at),
        cmocka_unit_test(test_a_head_too_large_is_refused_before_it_is_sent),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
