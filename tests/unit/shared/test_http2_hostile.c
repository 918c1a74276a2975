/*
 * What a server may send and what it may not, frame by frame as it lies on the wire, by a table.
 * Each row is given whole, byte by byte, and cut in two at many places: the events have to be the
 * same, and be the expected ones.
 */
#include "tests/unit/unit_test.h"

#include <stdio.h>

#include "shared/buf.h"
#include "shared/http2.h"
#include "shared/mem.h"

#include "tests/unit/shared/http2_frames_text.h"

static const struct http2_limits limits = {
    .head_bytes = 2048,
    .fields = 20,
    .idle_frames = 50,
    .window_bytes = 65535,
    .waiting_bytes = 1024,
};

/* `frames`: see http2_append_frames(). `events`: see note(); what the row ends with when the server then
 * closes is left out unless nothing else ended it. */
struct row {
    const char *frames;
    const char *events;
};

#define INVALID                                                                                    \
    "reset protocol The peer breaks the rules of HTTP/2: the message is not a valid one, or not "  \
    "of the length it says."
#define FIELD(name, value)                                                                         \
    "reset protocol The peer breaks the rules of HTTP/2: Invalid HTTP header field was received: " \
    "frame type: 1, stream: 1, name: [" name "], value: [" value "]."
#define BREAKS "The peer breaks the rules of HTTP/2: "
#define CUT    "failed eof The connection ended in the middle of a message."
#define IDLE   "failed limit There are too many frames that carry nothing."

/* clang-format off */
static const struct row rows[] = {
    /* replies that are fine; 88 is ":status: 200" */
    { "4.0.0; 1.4.1:88; 0.1.1:'hello'", "head 200|data hello|end" },
    { "4.0.0; 4.1.0; 1.5.1:88", "head 200 none|end" },
    { "4.0.0:000300000064000400100000; 8.0.0:000f0001; 1.4.1:88; 0.0.1:'he'; 6.0.0:'12345678'; 0.1.1:'llo'", "head 200|data hello|end" },
    { "4.0.0; 1.4.1:88; 0.0.1:'x'; 1.5.1:000b'grpc-status'01'0'", "head 200|data x|trailers grpc-status=0|end" },
    { "4.0.0; 1.5.1:88000b'grpc-status'02'12'", "head 200 none grpc-status=12|end" },
    { "4.0.0; 1.0.1:88; 9.0.1:0001'a'01'b'; 9.4.1:0001'c'00; 0.1.1", "head 200 a=b c=|end" },
    { "4.0.0; 1.4.1:0803'103'0004'link'01'x'; 1.4.1:88; 0.1.1", "head 103 none link=x|head 200|end" },
    { "4.0.0; 1.c.1:03 88000000; 0.9.1:03'hi'000000", "head 200|data hi|end" },
    { "4.0.0; 1.24.1:0000000010 88; 0.1.1", "head 200|end" },
    { "4.0.0; 1.4.1:88000e'content-length'01'2'; 0.0.1:'a'; 0.1.1:'b'", "head 200 length=2 content-length=2|data ab|end" },
    { "4.0.0; 20.ff.7:'whatever'; a.0.0:0000; c.0.0; 2.0.1:0000000010; 1.5.1:88", "head 200 none|end" },
    { "4.0.0; 1.5.1:88; 3.0.1:00000000", "head 200 none|end" },
    { "4.0.0; 7.0.0:0000000100000000; 1.4.1:88; 0.1.1:'x'", "head 200|data x|end" },
    { "4.0.0; 7.0.0:7fffffff00000000; 7.0.0:0000000100000000; 1.5.1:88", "head 200 none|end" },
    { "4.0.0; 1.5.1:48 03'999'", "head 999 none|end" },

    /* what is no HTTP/2 */
    { "raw:'HTTP/1.1 400 Bad Request'", "failed protocol The peer speaks HTTP/1, not HTTP/2." },
    { "raw:'SSH-2.0-OpenSSH_9.2'", "failed protocol The peer does not speak HTTP/2: its first frame is not SETTINGS." },
    { "raw:15030300020246", "failed protocol The peer speaks TLS, not HTTP/2." },
    { "raw:1503030002024600 0000", "failed protocol The peer speaks TLS, not HTTP/2." },
    { "raw:'+OK'", "failed protocol The peer does not speak HTTP/2." },
    { "", CUT },
    { "1.5.1:88", "failed protocol The peer does not speak HTTP/2: its first frame is not SETTINGS." },
    { "4.1.0; 1.5.1:88", "failed protocol The peer does not speak HTTP/2: its first frame is not SETTINGS." },

    /* the end of the connection */
    { "4.0.0", CUT },
    { "4.0.0; 1.4.1:88; 0.0.1:'x'", "head 200|data x|" CUT },
    { "4.0.0; 1.0.1:88", CUT },
    { "4.0.0; 7.0.0:000000010000000b'slow ""\\x00"" down'", "failed goaway The peer closes the connection with ENHANCE_YOUR_CALM (\"slow \\x00 down\")." },
    { "4.0.0; 7.0.0:0000000100000000", "failed goaway The peer closes the connection with NO_ERROR." },
    { "4.0.0; 7.0.0:0000000000000002", "reset goaway The peer closes the connection with INTERNAL_ERROR." },
    { "4.0.0; 7.0.0:00000000deadbeef", "reset goaway The peer closes the connection with unknown (0xdeadbeef)." },

    /* the end of the stream */
    { "4.0.0; 3.0.1:00000007", "reset refused The peer ended the stream with REFUSED_STREAM." },
    { "4.0.0; 1.4.1:88; 0.0.1:'x'; 3.0.1:00000002", "head 200|data x|reset reset The peer ended the stream with INTERNAL_ERROR." },
    { "4.0.0; 1.4.1:88; 3.0.1:00000000", "head 200|reset reset The peer ended the stream with NO_ERROR." },
    { "4.0.0; 3.0.1:00000001", "reset reset The peer ended the stream with PROTOCOL_ERROR." },
    { "4.0.0; 3.0.1:0000000d", "reset reset The peer ended the stream with HTTP_1_1_REQUIRED." },

    /* frames that are wrong */
    { "4.0.0:0102030405", "failed protocol " BREAKS "FRAME_SIZE_ERROR." },
    { "4.0.1", "failed protocol " BREAKS "PROTOCOL_ERROR, SETTINGS: stream_id != 0." },
    { "4.1.0:000000000000", "failed protocol The peer does not speak HTTP/2: its first frame is not SETTINGS." },
    { "4.0.0; 4.1.0:000000000000", "failed protocol " BREAKS "FRAME_SIZE_ERROR." },
    { "4.0.0:000200000001", "failed protocol " BREAKS "PROTOCOL_ERROR, SETTINGS: server attempted to enable push." },
    { "4.0.0:000480000000", "failed protocol " BREAKS "FLOW_CONTROL_ERROR, SETTINGS: too large SETTINGS_INITIAL_WINDOW_SIZE." },
    { "4.0.0:000500000001", "failed protocol " BREAKS "PROTOCOL_ERROR, SETTINGS: invalid SETTINGS_MAX_FRAME_SIZE." },
    { "4.0.0; 4.0.0:00^198", "failed limit " BREAKS "ENHANCE_YOUR_CALM, SETTINGS: too many setting entries." },
    { "4.0.0; 6.0.0:'1234567'", "failed protocol " BREAKS "FRAME_SIZE_ERROR." },
    { "4.0.0; 6.0.1:'12345678'", "failed protocol " BREAKS "PROTOCOL_ERROR, PING: stream_id != 0." },
    { "4.0.0; 7.0.0:00000001", "failed protocol " BREAKS "FRAME_SIZE_ERROR." },
    { "4.0.0; 7.0.0:0000000100000000; 7.0.0:7fffffff00000000", "failed protocol " BREAKS "PROTOCOL_ERROR, GOAWAY: invalid last_stream_id." },
    { "4.0.0; 8.0.0:00000000", "failed protocol " BREAKS "PROTOCOL_ERROR, WINDOW_UPDATE: window_size_increment == 0." },
    { "4.0.0; 8.0.0:7fffffff", "failed protocol " BREAKS "FLOW_CONTROL_ERROR." },
    { "4.0.0; 8.0.1:000000", "failed protocol " BREAKS "FRAME_SIZE_ERROR." },
    { "4.0.0; 8.0.1:00000000", "failed protocol " BREAKS "PROTOCOL_ERROR, WINDOW_UPDATE: window_size_increment == 0." },
    { "4.0.0; 8.0.1:7fffffff", "reset protocol " BREAKS "the message is not a valid one, or not of the length it says." },
    { "4.0.0; 3.0.1:000000", "failed protocol " BREAKS "FRAME_SIZE_ERROR." },
    { "4.0.0; 3.0.3:00000000", "failed protocol " BREAKS "PROTOCOL_ERROR, RST_STREAM: stream in idle." },
    { "4.0.0; 3.0.0:00000000", "failed protocol " BREAKS "PROTOCOL_ERROR, RST_STREAM: stream_id == 0." },
    { "4.0.0; raw:004001000000000001", "failed protocol " BREAKS "FRAME_SIZE_ERROR, too large frame size." },
    { "4.0.0; 0.0.1:'x'", "failed protocol " BREAKS "PROTOCOL_ERROR, DATA: stream not opened." },
    { "4.0.0; 0.0.3:'x'", "failed protocol " BREAKS "PROTOCOL_ERROR, DATA: stream in idle." },
    { "4.0.0; 0.0.0:'x'", "failed protocol " BREAKS "PROTOCOL_ERROR, DATA: stream_id == 0." },
    { "4.0.0; 1.5.0:88", "failed protocol " BREAKS "PROTOCOL_ERROR, request HEADERS: stream_id == 0." },
    { "4.0.0; 1.5.2:88", "failed protocol " BREAKS "PROTOCOL_ERROR, request HEADERS: client received request." },
    { "4.0.0; 1.5.3:88", "failed protocol " BREAKS "PROTOCOL_ERROR, request HEADERS: client received request." },
    { "4.0.0; 1.4.1:88; 0.8.1:ff'hi'", "head 200|failed protocol " BREAKS "PROTOCOL_ERROR, DATA: invalid padding." },
    { "4.0.0; 1.5.1:88; 0.1.1:'x'", "head 200 none|end" },
    { "4.0.0; 5.4.1:00000002 82", "failed protocol The peer pushes what nobody asked for." },

    /* heads in parts */
    { "4.0.0; 9.4.1:88", "failed protocol " BREAKS "PROTOCOL_ERROR, CONTINUATION: unexpected." },
    { "4.0.0; 1.0.1:88; 0.1.1:'x'", "failed protocol " BREAKS "PROTOCOL_ERROR, unexpected non-CONTINUATION frame or stream_id is invalid." },
    { "4.0.0; 1.0.1:88; 9.4.3:88", "failed protocol " BREAKS "PROTOCOL_ERROR, unexpected non-CONTINUATION frame or stream_id is invalid." },
    { "4.0.0; 1.0.1:88; 9.0.1*4; 9.4.1; 0.1.1", "failed limit A head comes in too many CONTINUATION frames." },
    { "4.0.0; 1.0.1:88; 9.0.1*3; 9.4.1; 0.1.1", "head 200|end" },

    /* header compression */
    { "4.0.0; 1.5.1:80", "failed compression " BREAKS "COMPRESSION_ERROR." },
    { "4.0.0; 1.5.1:ff8001", "failed compression " BREAKS "COMPRESSION_ERROR." },
    { "4.0.0; 1.5.1:ffffffffffffffff", "failed compression " BREAKS "COMPRESSION_ERROR." },
    { "4.0.0; 1.5.1:0004'na'", "failed compression " BREAKS "COMPRESSION_ERROR." },
    { "4.0.0; 1.5.1:3fe2ff03 88", "failed compression " BREAKS "COMPRESSION_ERROR." },
    { "4.0.0; 1.5.1:88 0081ff00", "failed compression " BREAKS "COMPRESSION_ERROR." },

    /* messages that are not HTTP */
    { "4.0.0; 1.5.1:0001'a'01'b'", INVALID },
    { "4.0.0; 1.5.1", INVALID },
    { "4.0.0; 1.5.1:8888", FIELD(":status", "200") },
    { "4.0.0; 1.5.1:0001'a'01'b' 88", FIELD(":status", "200") },
    { "4.0.0; 1.5.1:88 84", FIELD(":path", "/") },
    { "4.0.0; 1.5.1:0802'20'", FIELD(":status", "20") },
    { "4.0.0; 1.5.1:0803'2x0'", FIELD(":status", "2x0") },
    { "4.0.0; 1.5.1:0803'099'", INVALID },
    { "4.0.0; 1.4.1:0803'101'", FIELD(":status", "101") },
    { "4.0.0; 1.5.1:0803'103'", INVALID },
    { "4.0.0; 1.5.1:88 0004'Name'01'x'", FIELD("Name", "x") },
    { "4.0.0; 1.5.1:88 0001'a'03'b'0a'c'", "reset protocol " BREAKS "the field \"a\" is not a valid one." },
    { "4.0.0; 1.5.1:88 0001'a'02' b'", "reset protocol " BREAKS "the field \"a\" is not a valid one." },
    { "4.0.0; 1.5.1:88 0002'a'ff01'b'", "reset protocol " BREAKS "the field \"a\\xff\" is not a valid one." },
    { "4.0.0; 1.5.1:88 000001'b'", "reset protocol " BREAKS "the field \"\" is not a valid one." },
    { "4.0.0; 1.5.1:88 000a'connection'05'close'", FIELD("connection", "close") },
    { "4.0.0; 1.5.1:88 0011'transfer-encoding'07'chunked'", FIELD("transfer-encoding", "chunked") },
    { "4.0.0; 1.5.1:88 000e'content-length'01'2'", INVALID },
    { "4.0.0; 1.5.1:88 000e'content-length'02'-1'", FIELD("content-length", "-1") },
    { "4.0.0; 1.4.1:88 000e'content-length'01'2'; 0.1.1:'a'", "head 200 length=2 content-length=2|data a|" INVALID },
    { "4.0.0; 1.4.1:88 000e'content-length'01'2'000e'content-length'01'3'", FIELD("content-length", "3") },
    { "4.0.0; 1.4.1:88; 1.4.1:0001'a'01'b'", "head 200|" INVALID },
    { "4.0.0; 1.4.1:88; 1.5.1:88", "head 200|" FIELD(":status", "200") },

    /* frames without end: 50 are allowed, of which the first SETTINGS is one */
    { "4.0.0; 6.0.0:'12345678'*49; 1.5.1:88", "head 200 none|end|" IDLE },
    { "4.0.0; 6.0.0:'12345678'*48; 1.5.1:88", "head 200 none|end" },
    { "4.0.0; 6.0.0:'12345678'*50", IDLE },
    { "4.0.0; 6.1.0:'12345678'*50", IDLE },
    { "4.0.0; 4.0.0*50", IDLE },
    { "4.0.0; 8.0.0:00000001*50", IDLE },
    { "4.0.0; 2.0.1:0000000010*50", IDLE },
    { "4.0.0; 20.0.0:'x'*50", IDLE },
    { "4.0.0; 1.4.1:88; 0.0.1*50", "head 200|" IDLE },
    { "4.0.0; 1.4.1:88; 0.8.1:0100*50", "head 200|" IDLE },
    { "4.0.0; 3.0.1:00000008; 3.0.1:00000008*50", "reset reset The peer ended the stream with CANCEL.|" IDLE },

    /* heads without end */
    { "4.0.0; 1.4.1:88 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b' 0001'a'01'b'", "failed limit A head has too many fields." },
    { "4.0.0; 1.0.1:88; 9.0.1:00016100*3; 9.4.1:00016100; 0.1.1", "head 200 a= a= a= a=|end" },
    /* a field of 505 bytes goes into the table, and comes again by one byte each */
    { "4.0.0; 1.5.1:88 4001'a'7ff702 'x'^502 be be be", "failed limit A head is too large." },
    { "4.0.0; 1.0.1:88; 9.0.1:0001'a'7fd10e 'x'^2000; 9.4.1", "failed limit A head is too large." },
};

/* clang-format on */

/* ---- what came ---- */

static const char *const error_words[] = {
    [HTTP2_ERROR_NONE] = "none",
    [HTTP2_ERROR_PROTOCOL] = "protocol",
    [HTTP2_ERROR_COMPRESSION] = "compression",
    [HTTP2_ERROR_LIMIT] = "limit",
    [HTTP2_ERROR_REFUSED] = "refused",
    [HTTP2_ERROR_RESET] = "reset",
    [HTTP2_ERROR_GOAWAY] = "goaway",
    [HTTP2_ERROR_EOF] = "eof",
};

static void note_head(struct buf *events, const struct http_head *head)
{
    if (head->status > 0)
        buf_printf(events, " %u", head->status);
    if (head->status > 0 && head->framing == HTTP_NO_BODY)
        buf_append_text(events, " none");
    if (head->status > 0 && head->framing == HTTP_LENGTH)
        buf_printf(events, " length=%llu", (unsigned long long)head->content_length);
    for (uint32_t i = 0; i < head->field_count; i++)
        buf_printf(events, " " STR_FMT "=" STR_FMT, STR_ARG(head->fields[i].name),
                   STR_ARG(head->fields[i].value));
}

static void note(struct buf *events, enum http2_status status, const struct http2_news *news)
{
    static const char *const words[] = {
        [HTTP2_HEAD] = "head", [HTTP2_DATA] = "data",   [HTTP2_TRAILERS] = "trailers",
        [HTTP2_END] = "end",   [HTTP2_RESET] = "reset", [HTTP2_FAILED] = "failed",
    };
    bool goes_on = status == HTTP2_DATA && events->len > 0 &&
                   strncmp(strrchr(events->data, '|') + 1, "data", 4) == 0;

    if (!goes_on)
        buf_printf(events, "|%s", words[status]);
    if (status == HTTP2_HEAD || status == HTTP2_TRAILERS)
        note_head(events, news->head);
    if (status == HTTP2_DATA)
        buf_printf(events, "%s" STR_FMT, goes_on ? "" : " ", STR_ARG(news->data));
    if (status == HTTP2_RESET || status == HTTP2_FAILED)
        buf_printf(events, " %s %s", error_words[news->error], news->reason);
    assert_int_equal(news->stream_id, status == HTTP2_FAILED ? 0 : 1);
}

/* Gives the session a piece; false when the connection is over. */
static bool feed(struct http2_session *session, struct str input, struct buf *events)
{
    char *copy =
        xmalloc(input.len); /* in memory of its own: so that it shows when a view is kept */
    struct str rest = str_n(copy, input.len);
    enum http2_status status;

    if (input.len > 0)
        memcpy(copy, input.ptr, input.len);
    do {
        struct http2_news news;
        size_t used;

        status = http2_receive(session, rest, &used, &news);
        assert_true(used <= rest.len);
        rest = str_sub(rest, used, rest.len);
        if (status != HTTP2_NEED_MORE)
            note(events, status, &news);
    } while (status != HTTP2_NEED_MORE && status != HTTP2_FAILED);
    assert_true(rest.len == 0 || status == HTTP2_FAILED);
    free(copy);
    return status != HTTP2_FAILED;
}

static struct http2_session *session_with_request(void)
{
    struct http2_session *session = http2_client_new(&limits);
    const struct http2_request request = {
        .method = STR("GET"),
        .scheme = STR("http"),
        .authority = STR("a"),
        .path = STR("/"),
    };
    int32_t id = 0;

    assert_int_equal(http2_send_request(session, &request, &id), OK);
    assert_int_equal(id, 1);
    return session;
}

/* Gives the bytes in pieces: `first`, then `each` at a time. Returns the events. */
static char *run(struct str input, size_t first, size_t each)
{
    struct http2_session *session = session_with_request();
    struct buf events = {0};
    struct http2_news news;
    bool goes_on = true;
    size_t len = first;
    size_t used;

    while (input.len > 0 && goes_on) {
        goes_on = feed(session, str_sub(input, 0, len), &events);
        input = str_sub(input, len, input.len);
        len = each;
    }
    /* What is not over by itself ends with the connection. */
    if (goes_on && (events.len == 0 || (strcmp(events.data + events.len - 4, "|end") != 0 &&
                                        !strstr(events.data, "|reset"))))
        note(&events, http2_eof(session, &news), &news);
    if (!goes_on) { /* … and it stays over */
        assert_int_equal(http2_receive(session, STR("more"), &used, &news), HTTP2_FAILED);
        assert_int_equal(used, 0);
    }
    http2_free(session);
    buf_drop(&events, 1);
    return buf_take_text(&events);
}

static void assert_events(const struct row *row, const char *events)
{
    if (strcmp(events, row->events) != 0)
        print_error("row: %s\n", row->frames);
    assert_string_equal(events, row->events);
}

static void test_frames_give_the_expected_events_in_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
        CLEANUP(buf_clear_p) struct buf bytes = {0};
        char *events;

        http2_append_frames(&bytes, rows[i].frames);
        events = run(buf_str(&bytes), bytes.len, 1);
        assert_events(&rows[i], events);
        free(events);
        for (size_t cut = 0; cut < bytes.len; cut += bytes.len / 200 + 1) {
            events = run(buf_str(&bytes), cut == 0 ? 1 : cut, cut == 0 ? 1 : bytes.len);
            assert_events(&rows[i], events);
            free(events);
        }
    }
}

static char *events_of(const char *frames)
{
    CLEANUP(buf_clear_p) struct buf bytes = {0};

    http2_append_frames(&bytes, frames);
    return run(buf_str(&bytes), bytes.len, 1);
}

/* How much of the body is told before it shows that it is too long depends on the pieces. */
static void test_a_body_longer_than_it_says_is_no_message(void **state)
{
    char *events = events_of("4.0.0; 1.4.1:88 000e'content-length'01'2'; 0.0.1:'ab'; 0.1.1:'c'");

    (void)state;
    assert_string_equal(events, "head 200 length=2 content-length=2|data ab|" INVALID);
    free(events);
}

static void test_replies_before_the_reply_are_limited(void **state)
{
    char *events = events_of("4.0.0; 1.4.1:0803'100'*49; 1.5.1:88");

    (void)state;
    assert_non_null(strstr(events, "|head 200 none|end|" IDLE));
    free(events);
    events = events_of("4.0.0; 1.4.1:0803'100'*1000");
    assert_null(strstr(events, "head 200"));
    assert_int_equal(strlen(events), 50 * strlen("|head 100 none") - 1 + strlen("|" IDLE));
    free(events);
}

/* A field of 535 bytes goes into the table, and comes again by one byte each. */
static void test_what_the_table_repeats_counts(void **state)
{
    char *events = events_of("4.0.0; 1.5.1:88 4001'a'7ff702 'x'^502 be be");

    (void)state;
    assert_int_equal(strncmp(events, "head 200 none a=xxx", 19), 0);
    free(events);
    events = events_of("4.0.0; 1.5.1:88 4001'a'7ff702 'x'^502 be be be");
    assert_string_equal(events, "failed limit A head is too large.");
    free(events);
}

/* Nothing is sent, whatever piles up. */
static void test_what_waits_to_be_sent_is_limited(void **state)
{
    CLEANUP(buf_clear_p) struct buf bytes = {0};
    struct http2_limits patient = limits;
    struct buf events = {0};
    struct http2_session *session;
    size_t most = 0;

    (void)state;
    patient.idle_frames = 1000000;
    http2_append_frames(&bytes, "4.0.0; 6.0.0:'12345678'*100");
    session = http2_client_new(&patient);
    for (int i = 0; i < 10000 && feed(session, buf_str(&bytes), &events); i++) {
        most = MAX(most, http2_output(session).len);
        if (i == 0)
            buf_drop(&bytes, 9); /* SETTINGS: once */
    }
    assert_string_equal(events.data, "|failed limit The peer wants more answers than it takes from "
                                     "the connection.");
    assert_in_range(most, 256 * 1024 - 2000, 256 * 1024);
    http2_free(session);
    buf_clear(&events);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_frames_give_the_expected_events_in_every_split),
        cmocka_unit_test(test_a_body_longer_than_it_says_is_no_message),
        cmocka_unit_test(test_replies_before_the_reply_are_limited),
        cmocka_unit_test(test_what_the_table_repeats_counts),
        cmocka_unit_test(test_what_waits_to_be_sent_is_limited),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
