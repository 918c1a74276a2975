/* The parser by a table of messages, each given whole, byte by byte, and cut in two at every place:
 * the events have to be the same, and be the expected ones. */
#include "tests/unit/unit_test.h"

#include "shared/buf.h"
#include "shared/http_parse.h"
#include "shared/mem.h"

#define REQ HTTP_REQUEST
#define RES HTTP_RESPONSE

struct message {
    enum http_mode mode;
    const char *input;
    const char *
        events; /* see write_head() and run(); "400 …" begins what is malformed, "431" what is too large */
};

#define HOST        "Host: a\r\n"
#define CHUNKED     "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"
#define CHUNKED_RES "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"

/* clang-format off */
static const struct message messages[] = {
    /* requests that are fine */
    { REQ, "GET / HTTP/1.1\r\n" HOST "\r\n", "GET / 1.1 keep none|end" },
    { REQ, "GET / HTTP/1.0\r\n\r\n", "GET / 1.0 close none|end" },
    { REQ, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", "GET / 1.0 keep none|end" },
    { REQ, "GET /a?b=c%20d HTTP/1.1\r\nhOsT:a\r\nConnection: foo, close\r\n\r\n", "GET /a?b=c%20d 1.1 close none|end" },
    { REQ, "GET http://a/b HTTP/1.1\r\n" HOST "\r\n", "GET http://a/b 1.1 keep none|end" },
    { REQ, "OPTIONS * HTTP/1.1\r\n" HOST "\r\n", "OPTIONS * 1.1 keep none|end" },
    { REQ, "M-SEARCH / HTTP/1.1\r\n" HOST "\r\n", "M-SEARCH / 1.1 keep none|end" },
    { REQ, "GET / HTTP/1.1\r\nHost:\r\n\r\n", "GET / 1.1 keep none|end" },
    { REQ, "GET / HTTP/1.1\r\nHost: [::1]:80\r\nX: \t y\tz \t\r\n\r\n", "GET / 1.1 keep none|end" },
    { REQ, "GET / HTTP/1.1\r\n" HOST "X: caf\xc3\xa9 0123456789 0123456789\r\n\r\n", "GET / 1.1 keep none|end" },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\n\r\nhello", "POST / 1.1 keep length 5|hello|end" },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0\r\n\r\n", "POST / 1.1 keep none|end" },
    { REQ, "POST / HTTP/1.1\r\n" HOST "content-length:\t3 \r\nExpect: 100-Continue\r\n\r\nabc", "POST / 1.1 keep expect length 3|abc|end" },
    { REQ, "GET / HTTP/1.1\r\n" HOST "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n", "GET / 1.1 keep upgrade none|end" },
    { REQ, "GET /1 HTTP/1.1\r\n" HOST "\r\nGET /2 HTTP/1.1\r\n" HOST "\r\n", "GET /1 1.1 keep none|end|GET /2 1.1 keep none|end" },
    { REQ, "POST /1 HTTP/1.1\r\n" HOST "Content-Length: 2\r\n\r\nabGET /2 HTTP/1.1\r\n" HOST "\r\n", "POST /1 1.1 keep length 2|ab|end|GET /2 1.1 keep none|end" },
    { REQ, CHUNKED "5\r\nhello\r\n0\r\n\r\n", "POST / 1.1 keep chunked|hello|end" },
    { REQ, CHUNKED "3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n", "POST / 1.1 keep chunked|abcde|end" },
    { REQ, CHUNKED "0000000000000003\r\nabc\r\n000\r\n\r\n", "POST / 1.1 keep chunked|abc|end" },
    { REQ, CHUNKED "A;x=\"y\";z\r\n0123456789\r\n0;e\r\n\r\n", "POST / 1.1 keep chunked|0123456789|end" },
    { REQ, CHUNKED "1\r\nx\r\n0\r\nTrailer: 1\r\nOther:2\r\n\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "POST / 1.1 keep chunked|x|end|GET / 1.1 keep none|end" },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: CHUNKED\r\n\r\n0\r\n\r\n", "POST / 1.1 keep chunked|end" },

    /* request lines that are not */
    { REQ, "\x16\x03\x01\x02", "400 This is not an HTTP request." },
    { REQ, "\r\nGET / HTTP/1.1\r\n" HOST "\r\n", "400 This is not an HTTP request." },
    { REQ, " GET / HTTP/1.1\r\n" HOST "\r\n", "400 This is not an HTTP request." },
    { REQ, "GET  / HTTP/1.1\r\n" HOST "\r\n", "400 The request target is not visible ASCII followed by a space." },
    { REQ, "GET / HTTP/1.1 \r\n" HOST "\r\n", "400 The version is not HTTP/1.0 or HTTP/1.1." },
    { REQ, "GET /\r\n\r\n", "400 The request target is not visible ASCII followed by a space." },
    { REQ, "GET\r\n\r\n", "400 The request line does not begin with a method and a space." },
    { REQ, "G(T / HTTP/1.1\r\n" HOST "\r\n", "400 The request line does not begin with a method and a space." },
    { REQ, "GET /\xc3\xa9 HTTP/1.1\r\n" HOST "\r\n", "400 The request target is not visible ASCII followed by a space." },
    { REQ, "GET /\tx HTTP/1.1\r\n" HOST "\r\n", "400 The request target is not visible ASCII followed by a space." },
    { REQ, "GET / HTTP/2.0\r\n" HOST "\r\n", "400 The version is not HTTP/1.0 or HTTP/1.1." },
    { REQ, "GET / http/1.1\r\n" HOST "\r\n", "400 The version is not HTTP/1.0 or HTTP/1.1." },
    { REQ, "GET / HTTP/1.10\r\n" HOST "\r\n", "400 The version is not HTTP/1.0 or HTTP/1.1." },
    { REQ, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", "400 The version is not HTTP/1.0 or HTTP/1.1." },

    /* fields that are not */
    { REQ, "GET / HTTP/1.1\n" HOST "\r\n", "400 A line ends without a carriage return." },
    { REQ, "GET / HTTP/1.1\r\nHost: a\n\r\n", "400 A line ends without a carriage return." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "\n", "400 A line ends without a carriage return." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", "400 A field value has control bytes." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "X: a\x01" "b\r\n\r\n", "400 A field value has control bytes." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "X: 0123456789\x7f\r\n\r\n", "400 A field value has control bytes." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", "400 A field is folded over lines." },
    { REQ, "GET / HTTP/1.1\r\n Host: a\r\n\r\n", "400 A field is folded over lines." },
    { REQ, "GET / HTTP/1.1\r\nHost : a\r\n\r\n", "400 There is a blank before the colon of a field." },
    { REQ, "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", "400 A field line is not \"name: value\"." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "Nothing\r\n\r\n", "400 A field line is not \"name: value\"." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "N(ame: x\r\n\r\n", "400 A field line is not \"name: value\"." },
    { REQ, "GET / HTTP/1.1\r\n\r\n", "400 There has to be exactly one Host field." },
    { REQ, "GET / HTTP/1.1\r\n" HOST HOST "\r\n", "400 There has to be exactly one Host field." },
    { REQ, "GET / HTTP/1.0\r\n" HOST HOST "\r\n", "400 There has to be exactly one Host field." },
    { REQ, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", "400 Host is not a host name with an optional port." },
    { REQ, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", "400 Host is not a host name with an optional port." },
    { REQ, "GET / HTTP/1.1\r\nHost: x@a\r\n\r\n", "400 Host is not a host name with an optional port." },

    /* framing that could be read in two ways */
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Content-Length and Transfer-Encoding exclude each other." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nContent-Length: 5\r\n\r\n0\r\n\r\n", "400 Content-Length and Transfer-Encoding exclude each other." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello", "400 There is more than one Content-Length." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 5\r\n\r\nhello", "400 There is more than one Content-Length." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5, 5\r\n\r\nhello", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\nhello", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\nhello", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 5 5\r\n\r\nhello", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Content-Length: 9223372036854775808\r\n\r\n", "400 Content-Length is not a number." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked;q=1\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: \"chunked\"\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\nTransfer-Encoding: chunked\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { REQ, "POST / HTTP/1.0\r\n" HOST "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 HTTP/1.0 has no transfer codings." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding:\x0b" "chunked\r\n\r\n", "400 A field value has control bytes." },
    { REQ, "POST / HTTP/1.1\r\n" HOST "Transfer-Encoding : chunked\r\n\r\n", "400 There is a blank before the colon of a field." },

    /* chunks */
    { REQ, CHUNKED "5\nhello\r\n0\r\n\r\n", "POST / 1.1 keep chunked|400 A chunk size is not a hexadecimal number." },
    { REQ, CHUNKED "5\r\nhello\n0\r\n\r\n", "POST / 1.1 keep chunked|hello|400 A chunk is longer than its size." },
    { REQ, CHUNKED "5\r\nhelloX0\r\n\r\n", "POST / 1.1 keep chunked|hello|400 A chunk is longer than its size." },
    { REQ, CHUNKED "5\rXhello\r\n0\r\n\r\n", "POST / 1.1 keep chunked|400 A carriage return is not followed by a line feed." },
    { REQ, CHUNKED "1\r\nx\rX", "POST / 1.1 keep chunked|x|400 A carriage return is not followed by a line feed." },
    { REQ, CHUNKED "0x5\r\nhello\r\n0\r\n\r\n", "POST / 1.1 keep chunked|400 A chunk size is not a hexadecimal number." },
    { REQ, CHUNKED "5 \r\nhello\r\n0\r\n\r\n", "POST / 1.1 keep chunked|400 A chunk size is not a hexadecimal number." },
    { REQ, CHUNKED " 5\r\nhello\r\n0\r\n\r\n", "POST / 1.1 keep chunked|400 A chunk does not begin with its size." },
    { REQ, CHUNKED "\r\n", "POST / 1.1 keep chunked|400 A chunk does not begin with its size." },
    { REQ, CHUNKED "-1\r\n", "POST / 1.1 keep chunked|400 A chunk does not begin with its size." },
    { REQ, CHUNKED "00000000000000001\r\nx\r\n", "POST / 1.1 keep chunked|400 A chunk size is too large." },
    { REQ, CHUNKED "ffffffffffffffff\r\n", "POST / 1.1 keep chunked|400 A chunk size is too large." },
    { REQ, CHUNKED "8000000000000000\r\n", "POST / 1.1 keep chunked|400 A chunk size is too large." },
    { REQ, CHUNKED "5;\x01\r\nhello", "POST / 1.1 keep chunked|400 A chunk extension has control bytes." },
    { REQ, CHUNKED "5;a\nhello\r\n", "POST / 1.1 keep chunked|400 A chunk extension has control bytes." },
    { REQ, CHUNKED "1;aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\nx\r\n", "POST / 1.1 keep chunked|431 The chunk extensions are too long." },
    { REQ, CHUNKED "0\r\nBad Trailer: 1\r\n\r\n", "POST / 1.1 keep chunked|400 A trailer line is not \"name: value\"." },
    { REQ, CHUNKED "0\r\n folded\r\n\r\n", "POST / 1.1 keep chunked|400 A trailer line is not \"name: value\"." },
    { REQ, CHUNKED "0\r\nA: 1\nB: 2\r\n\r\n", "POST / 1.1 keep chunked|400 A trailer has control bytes." },
    { REQ, CHUNKED "0\r\n\rX", "POST / 1.1 keep chunked|400 A carriage return is not followed by a line feed." },

    /* limits: 100 bytes of target, 300 of head, 5 fields, 64 of extensions */
    { REQ, "GET /0123456789012345678901234567890123456789012345678901234567890123456789012345678901234567890123456789 HTTP/1.1\r\n" HOST "\r\n", "431 The request target is too long." },
    { REQ, "GET / HTTP/1.1\r\n" HOST "A: 1\r\nB: 2\r\nC: 3\r\nD: 4\r\nE: 5\r\n\r\n", "431 There are too many fields." },

    /* responses */
    { RES, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 [OK] 1.1 keep length 2|hi|end" },
    { RES, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "200 [OK] 1.1 keep length 0|end" },
    { RES, "HTTP/1.1 200\r\nContent-Length: 2\r\n\r\nhi", "200 [] 1.1 keep length 2|hi|end" },
    { RES, "HTTP/1.1 200 \r\nContent-Length: 2\r\n\r\nhi", "200 [] 1.1 keep length 2|hi|end" },
    { RES, "HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "200 [OK] 1.1 keep length 2|hi|end" },
    { RES, "\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi", "200 [OK] 1.1 keep length 2|hi|end" },
    { RES, "\nHTTP/1.1 200 OK\nContent-Length: 2\n\nhi", "200 [OK] 1.1 keep length 2|hi|end" },
    { RES, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 2\r\n\r\nhi", "200 [OK] 1.1 keep length 2|hi|end" },
    { RES, "HTTP/1.0 200 OK\r\n\r\nuntil the end", "200 [OK] 1.0 close until close|until the end|end" },
    { RES, "HTTP/1.1 200 OK\r\n\r\n", "200 [OK] 1.1 close until close|end" },
    { RES, "HTTP/1.1 204 No Content\r\nContent-Length: 5\r\n\r\n", "204 [No Content] 1.1 keep none|end" },
    { RES, "HTTP/1.1 304 Not Modified\r\nContent-Length: 5\r\n\r\n", "304 [Not Modified] 1.1 keep none|end" },
    { RES, "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\nx", "100 [Continue] 1.1 keep none|end|200 [OK] 1.1 keep length 1|x|end" },
    { RES, "HTTP/1.1 999 Odd: \xe4\r\nContent-Length: 1\r\n\r\nx", "999 [Odd: \xe4] 1.1 keep length 1|x|end" },
    { RES, CHUNKED_RES "5\r\nhello\r\n0\r\n\r\n", "200 [OK] 1.1 keep chunked|hello|end" },
    { RES, CHUNKED_RES "5\nhello\n0\n\n", "200 [OK] 1.1 keep chunked|hello|end" },
    { RES, CHUNKED_RES "5;x\nhello\n0\nT: 1\n\n", "200 [OK] 1.1 keep chunked|hello|end" },
    { RES, "\r\n\r\nHTTP/1.1 200 OK\r\n\r\n", "400 This is not an HTTP/1.x response." },
    { RES, "SSH-2.0-OpenSSH_9.2\r\n", "400 This is not an HTTP/1.x response." },
    { RES, "HTTP/2 200\r\n\r\n", "400 This is not an HTTP/1.x response." },
    { RES, "HTTP/1.1 20 OK\r\n\r\n", "400 The status is not three digits." },
    { RES, "HTTP/1.1 2000 OK\r\n\r\n", "400 The status is not three digits." },
    { RES, "HTTP/1.1 099 OK\r\n\r\n", "400 The status is not three digits." },
    { RES, "HTTP/1.1  200 OK\r\n\r\n", "400 The status is not three digits." },
    { RES, "HTTP/1.1\r\n\r\n", "400 The status line is not \"HTTP/1.x NNN\"." },
    { RES, "HTTP/1.1 200 a\x02\r\n\r\n", "400 The reason phrase has control bytes." },
    { RES, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nhi", "400 There are two different Content-Lengths." },
    { RES, "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "400 Content-Length and Transfer-Encoding exclude each other." },
    { RES, "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\n", "400 The only transfer coding that is understood is a single \"chunked\"." },
    { RES, "HTTP/1.1 200 OK\r\nX: a\r\n\tfolded\r\n\r\n", "400 A field is folded over lines." },
    { RES, "HTTP/1.1 200 OK\r\nX : a\r\n\r\n", "400 There is a blank before the colon of a field." },
    { RES, "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhi", "200 [OK] 1.1 keep length 10|hi|400 The connection ended in the middle of a message." },
    { RES, CHUNKED_RES "5\r\nhel", "200 [OK] 1.1 keep chunked|hel|400 The connection ended in the middle of a message." },
    { RES, "HTTP/1.1 200 OK\r\nContent", "400 The connection ended in the middle of a message." },
};
/* clang-format on */

static const struct http_limits limits = {
    .target_bytes = 100, .head_bytes = 300, .fields = 5, .chunk_extension_bytes = 64};

static void write_head(const struct http_parser *parser, struct buf *out)
{
    const struct http_head *head = &parser->head;
    static const char *const framings[] = {"none", "length", "chunked", "until close"};

    if (parser->mode == HTTP_REQUEST)
        buf_printf(out, STR_FMT " " STR_FMT, STR_ARG(head->method), STR_ARG(head->target));
    else
        buf_printf(out, "%u [" STR_FMT "]", head->status, STR_ARG(head->reason));
    buf_printf(out, " 1.%u %s%s%s %s", head->minor_version, head->keep_alive ? "keep" : "close",
               head->expect_continue ? " expect" : "", head->upgrade ? " upgrade" : "",
               framings[head->framing]);
    if (head->framing == HTTP_LENGTH)
        buf_printf(out, " %llu", (unsigned long long)head->content_length);
}

/* What a test run carries from one part of the input to the next. */
struct run {
    struct http_parser parser;
    struct buf
        input; /* what is not used up; freshly allocated each time, so that ASan sees old views */
    struct buf events;
    bool in_data;
    bool ended;
    bool over;
};

static void separate(struct run *run)
{
    if (run->events.len > 0)
        buf_append_char(&run->events, '|');
    run->in_data = false;
}

static void note(struct run *run, enum http_status status)
{
    switch (status) {
    case HTTP_NEED_MORE:
        break;
    case HTTP_HEAD:
        separate(run);
        write_head(&run->parser, &run->events);
        run->ended = false;
        break;
    case HTTP_DATA:
        if (!run->in_data)
            separate(run);
        run->in_data = true;
        buf_append_str(&run->events, run->parser.data);
        break;
    case HTTP_END:
        separate(run);
        buf_append_text(&run->events, "end");
        run->ended = true;
        break;
    case HTTP_MALFORMED:
    case HTTP_TOO_LARGE:
        separate(run);
        buf_printf(&run->events, "%s %s", status == HTTP_MALFORMED ? "400" : "431",
                   run->parser.reason);
        run->over = true;
        break;
    }
}

static void feed(struct run *run, const char *data, size_t len)
{
    struct buf moved = {0};

    buf_append_str(&moved, buf_str(&run->input));
    buf_append(&moved, data, len);
    buf_clear(&run->input);
    run->input = moved;

    while (!run->over) {
        size_t used;
        enum http_status status;

        if (run->ended && run->input.len == 0)
            return;
        if (run->ended) {
            http_parser_init(&run->parser, run->parser.mode, &limits);
            run->ended = false;
        }
        status = http_parse(&run->parser, buf_str(&run->input), &used);
        assert_true(used <= run->input.len);
        note(run, status);
        buf_drop(&run->input, used);
        if (status == HTTP_NEED_MORE)
            return;
    }
}

/* Gives the message in parts of [0, cut), [cut, end), or byte by byte with cut = SIZE_MAX; returns
 * the events. */
static char *run_split(const struct message *message, size_t cut)
{
    struct run run = {0};
    size_t len = strlen(message->input);

    http_parser_init(&run.parser, message->mode, &limits);
    if (cut == SIZE_MAX) {
        for (size_t i = 0; i < len; i++)
            feed(&run, message->input + i, 1);
    } else {
        feed(&run, message->input, cut);
        feed(&run, message->input + cut, len - cut);
    }
    if (!run.over && !run.ended)
        note(&run, http_parse_eof(&run.parser));
    buf_clear(&run.input);
    return buf_take_text(&run.events);
}

static void test_messages_give_the_expected_events_in_every_split(void **state)
{
    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(messages); i++) {
        size_t len = strlen(messages[i].input);

        for (size_t cut = 0; cut <= len + 1; cut++) {
            char *events = run_split(&messages[i], cut <= len ? cut : SIZE_MAX);

            if (strcmp(events, messages[i].events) != 0)
                print_error("row %zu, cut at %zu of %s\n", i, cut, messages[i].input);
            assert_string_equal(events, messages[i].events);
            free(events);
        }
    }
}

static void test_both_lengths_may_be_allowed(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 9\r\nTransfer-Encoding: "
                               "chunked\r\n\r\n2\r\nab\r\n0\r\n\r\n";
    struct str input = STR(text);
    struct http_parser parser;
    size_t used;

    (void)state;
    http_parser_init(&parser, HTTP_RESPONSE, &limits);
    parser.allows_both_lengths = true;
    assert_int_equal(http_parse(&parser, input, &used), HTTP_HEAD);
    assert_true(parser.head.has_both_lengths);
    assert_int_equal(parser.head.framing, HTTP_CHUNKED);
    input = str_sub(input, used, input.len);
    assert_int_equal(http_parse(&parser, input, &used), HTTP_DATA);
    assert_int_equal(parser.data.len, 2);
    input = str_sub(input, used, input.len);
    assert_int_equal(http_parse(&parser, input, &used), HTTP_END);
}

static void test_nul_bytes_are_refused_wherever_they_stand(void **state)
{
    static const char head[] = "GET /x HTTP/1.1\r\nHost: a\r\nX: y\r\n\r\n\r\n\r\n";
    size_t head_len = sizeof head - 1 - 4; /* a line end that is spoilt gives way to a later one */
    struct http_parser parser;
    size_t used;

    (void)state;
    for (size_t i = 0; i < head_len; i++) {
        char text[sizeof head];

        memcpy(text, head, sizeof head);
        text[i] = '\0';
        http_parser_init(&parser, HTTP_REQUEST, &limits);
        assert_int_equal(http_parse(&parser, str_n(text, sizeof head - 1), &used), HTTP_MALFORMED);
    }
}

static void test_head_limit_holds_to_the_byte(void **state)
{
    struct buf text = {0};
    struct http_parser parser;
    size_t used;

    (void)state;
    buf_append_text(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (text.len < limits.head_bytes - 4)
        buf_append_char(&text, 'x');
    buf_append_text(&text, "\r\n\r\n");
    http_parser_init(&parser, HTTP_REQUEST, &limits);
    assert_int_equal(http_parse(&parser, buf_str(&text), &used), HTTP_HEAD);
    assert_int_equal(used, limits.head_bytes);

    buf_reset(&text);
    buf_append_text(&text, "GET / HTTP/1.1\r\nHost: a\r\nX: ");
    while (text.len < limits.head_bytes - 3)
        buf_append_char(&text, 'x');
    buf_append_text(&text, "\r\n\r\n");
    http_parser_init(&parser, HTTP_REQUEST, &limits);
    assert_int_equal(http_parse(&parser, buf_str(&text), &used), HTTP_TOO_LARGE);
    assert_string_equal(parser.reason, "The header section is too large.");

    /* Without any line end it is refused as soon as the limit is passed. */
    buf_reset(&text);
    while (text.len <= limits.head_bytes)
        buf_append_char(&text, 'x');
    http_parser_init(&parser, HTTP_REQUEST, &limits);
    assert_int_equal(http_parse(&parser, str_n(text.data, limits.head_bytes), &used),
                     HTTP_NEED_MORE);
    assert_int_equal(http_parse(&parser, buf_str(&text), &used), HTTP_TOO_LARGE);
    assert_string_equal(parser.reason, "The first line is too long.");
    buf_clear(&text);
}

static void test_reply_to_head_has_no_body(void **state)
{
    struct http_parser parser;
    size_t used;

    (void)state;
    http_parser_init(&parser, HTTP_RESPONSE, &limits);
    parser.head_request = true;
    assert_int_equal(
        http_parse(&parser, STR("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n"), &used), HTTP_HEAD);
    assert_int_equal(parser.head.framing, HTTP_NO_BODY);
    assert_int_equal(parser.head.content_length, 9);
    assert_int_equal(http_parse(&parser, STR(""), &used), HTTP_END);
}

static void test_fields_are_found_without_regard_to_case(void **state)
{
    struct http_parser parser;
    size_t used;

    (void)state;
    http_parser_init(&parser, HTTP_REQUEST, &limits);
    assert_int_equal(http_parse(&parser,
                                STR("GET / HTTP/1.1\r\nHost: a\r\nX-One: 1\r\nx-one: 2\r\n\r\n"),
                                &used),
                     HTTP_HEAD);
    assert_true(str_equal(http_head_field(&parser.head, STR("x-ONE")), STR("1")));
    assert_null(http_head_field(&parser.head, STR("x-two")).ptr);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_messages_give_the_expected_events_in_every_split),
        cmocka_unit_test(test_both_lengths_may_be_allowed),
        cmocka_unit_test(test_nul_bytes_are_refused_wherever_they_stand),
        cmocka_unit_test(test_head_limit_holds_to_the_byte),
        cmocka_unit_test(test_reply_to_head_has_no_body),
        cmocka_unit_test(test_fields_are_found_without_regard_to_case),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
