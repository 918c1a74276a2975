/*
 * WebSocket: the handshake over HTTP/1.1, a message where there is one to send, then messages until
 * one matches. Pings are answered, and once the result stands the connection is closed as it has to
 * be, by a close frame each way.
 */
#include "shared/crypto.h"
#include "shared/http_parse.h"
#include "shared/websocket.h"

#include "prober/exchange.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/kinds/websocket_spec.h"
#include "prober/probe.h"

#define HEAD_BYTES_MAX     (64 * 1024)
#define INFORMATIONAL_MAX  100 /* 1xx replies before the real one */
#define MESSAGE_BYTES_MAX  (1024 * 1024)
#define MESSAGES_MAX       1000              /* that do not match */
#define RECEIVED_BYTES_MAX (4 * 1024 * 1024) /* of all frames */
#define CONTROLS_MAX       100               /* pings and pongs */
#define QUOTED_BYTES_MAX   64
#define LOCATION_BYTES_MAX 100
#define REASON_BYTES_MAX   100

struct websocket_state {
    struct http_parser parser;
    unsigned informational;
    bool is_open;
    char accept[WEBSOCKET_ACCEPT_BYTES]; /* what belongs to our key */
    struct websocket_reader reader;
    unsigned messages; /* that did not match; the beginning of the last is in probe->kept */
    unsigned controls;
    size_t received; /* bytes of frames */
};

static enum wait websocket_begin(struct probe *probe);
static enum wait websocket_ask(struct probe *probe);
static enum wait websocket_handshake(struct probe *probe);
static enum wait websocket_talk(struct probe *probe);
static enum wait websocket_close(struct probe *probe);

static const struct probe_step WEBSOCKET_STEP_BEGIN = {"begin", websocket_begin};
static const struct probe_step WEBSOCKET_STEP_ASK = {"request", websocket_ask};
static const struct probe_step WEBSOCKET_STEP_HANDSHAKE = {"handshake", websocket_handshake};
static const struct probe_step WEBSOCKET_STEP_TALK = {"messages", websocket_talk};
static const struct probe_step WEBSOCKET_STEP_CLOSE = {"close", websocket_close};

static const struct http_limits limits = {
    .target_bytes = 8192,
    .head_bytes = HEAD_BYTES_MAX,
    .fields = HTTP_FIELDS_MAX,
    .chunk_extension_bytes = 4096,
};

static struct websocket_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static struct websocket_state *state_of(struct probe *probe)
{
    return (struct websocket_state *)probe->state;
}

/* ---- frames out ---- */

static void append_frame(struct probe *probe, enum websocket_opcode opcode, struct str payload)
{
    uint8_t mask[4];

    random_bytes(mask, sizeof mask);
    websocket_append_frame(&probe->out, opcode, payload, mask);
}

static void append_close(struct probe *probe, uint16_t code)
{
    const char payload[] = {(char)(code >> 8), (char)code};

    append_frame(probe, WEBSOCKET_CLOSE, str_n(payload, sizeof payload));
}

/* The result stands. */
static enum wait say_goodbye(struct probe *probe)
{
    append_close(probe, WEBSOCKET_CODE_NORMAL);
    return probe_part(probe, &WEBSOCKET_STEP_CLOSE);
}

/* ---- the handshake ---- */

static enum wait websocket_begin(struct probe *probe)
{
    struct websocket_spec *spec = spec_of(probe);
    struct websocket_state *state = state_of(probe);
    struct dial_target target = endpoint_target(&spec->endpoint, spec->url.is_tls);

    target.host = spec->url.host;
    target.port = spec->url.port;
    http_parser_init(&state->parser, HTTP_RESPONSE, &limits);
    websocket_reader_init(&state->reader, WEBSOCKET_SERVER, MESSAGE_BYTES_MAX);
    state->informational = 0;
    state->is_open = false;
    state->messages = 0;
    state->controls = 0;
    state->received = 0;
    return dial_start(probe, &target, &WEBSOCKET_STEP_ASK);
}

static enum wait websocket_ask(struct probe *probe)
{
    char key[WEBSOCKET_KEY_BYTES];

    websocket_key(key);
    websocket_accept(str_of(key), state_of(probe)->accept);
    probe_enter(probe, PHASE_REQUEST);
    buf_append_str(&probe->out, buf_str(&spec_of(probe)->handshake));
    buf_printf(&probe->out, "%s\r\n\r\n", key);
    probe->step = &WEBSOCKET_STEP_HANDSHAKE;
    return WAIT_NONE;
}

static enum wait end_status(struct probe *probe, const struct http_head *head)
{
    CLEANUP(buf_clear_p) struct buf location = {0};

    probe_enter(probe, PHASE_ASSERT);
    buf_append_escaped(&location, http_head_field(head, STR("location")), LOCATION_BYTES_MAX);
    if (location.len > 0)
        return probe_end(probe, OUTCOME_STATUS_MISMATCH,
                         "status %u, expected 101; redirects are not followed, this one leads to "
                         "%s",
                         head->status, location.data);
    return probe_end(probe, OUTCOME_STATUS_MISMATCH, "status %u, expected 101", head->status);
}

static enum wait check_subprotocol(struct probe *probe, struct str chosen)
{
    const char *wanted = spec_of(probe)->subprotocol;
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    if (!chosen.ptr && !wanted)
        return WAIT_NONE;
    if (chosen.ptr && wanted && str_equal(chosen, str_of(wanted)))
        return WAIT_NONE;
    if (!chosen.ptr) {
        probe_enter(probe, PHASE_ASSERT);
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         "the server does not speak the subprotocol %s", wanted);
    }
    buf_append_escaped(&quoted, chosen, QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the server chose the subprotocol \"" STR_FMT "\", which was not offered",
                     STR_ARG(buf_str(&quoted)));
}

static enum wait check_head(struct probe *probe, const struct http_head *head)
{
    const struct websocket_spec *spec = spec_of(probe);
    struct str accept = http_head_field(head, STR("sec-websocket-accept"));

    if (!str_equal_nocase(http_head_field(head, STR("upgrade")), STR("websocket")) ||
        !head->upgrade)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server switches protocols, but not to WebSocket");
    if (spec->verify_accept && !str_equal(accept, str_of(state_of(probe)->accept)))
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         accept.ptr ? "the server's Sec-WebSocket-Accept does not belong to our key"
                                    : "the server sends no Sec-WebSocket-Accept");
    if (http_head_field(head, STR("sec-websocket-extensions")).len > 0)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server chose an extension, and none was offered");
    return check_subprotocol(probe, http_head_field(head, STR("sec-websocket-protocol")));
}

/* WAIT_NONE: the connection is open, or the real reply is still to come. */
static enum wait on_head(struct probe *probe)
{
    struct websocket_state *state = state_of(probe);
    const struct http_head *head = &state->parser.head;
    enum wait wait;

    probe->result.has |= RESULT_HAS_HTTP;
    probe->result.http.status = head->status;
    probe_note(probe, "status %u", head->status);
    if (head->status >= 200)
        return end_status(probe, head);
    if (head->status != 101) {
        if (++state->informational <= INFORMATIONAL_MAX)
            return WAIT_NONE;
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than %d informational replies",
                         INFORMATIONAL_MAX);
    }
    wait = check_head(probe, head);
    state->is_open = wait == WAIT_NONE;
    return wait;
}

static enum wait end_malformed(struct probe *probe)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    buf_append_escaped(&quoted, buf_str(&probe->in), QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the reply is no HTTP: it begins with \"" STR_FMT "\" (%s)",
                     STR_ARG(buf_str(&quoted)), state_of(probe)->parser.reason);
}

/* Reads as far as the heads go; what follows the last one are frames. */
static enum wait read_head(struct probe *probe)
{
    struct websocket_state *state = state_of(probe);
    enum wait wait = WAIT_NONE;

    while (wait == WAIT_NONE && !state->is_open) {
        size_t used = 0;

        switch (http_parse(&state->parser, buf_str(&probe->in), &used)) {
        case HTTP_NEED_MORE:
            buf_drop(&probe->in, used);
            return WAIT_NONE;
        case HTTP_HEAD:
            wait = on_head(probe);
            break;
        case HTTP_END:
            http_parser_init(&state->parser, HTTP_RESPONSE, &limits);
            break;
        case HTTP_MALFORMED:
            return end_malformed(probe);
        case HTTP_DATA: /* heads of 1xx have none */
        case HTTP_TOO_LARGE:
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the reply is over a limit: %s",
                             state->parser.reason ? state->parser.reason : "its head has a body");
        }
        buf_drop(&probe->in, used);
    }
    return wait;
}

static enum wait read_frames(struct probe *probe);

static enum wait on_open(struct probe *probe)
{
    const struct websocket_spec *spec = spec_of(probe);

    if (spec->send)
        append_frame(probe, WEBSOCKET_TEXT, str_of(spec->send));
    if (!spec->expectation) {
        probe_enter(probe, PHASE_ASSERT);
        probe_succeed(probe, "the connection was upgraded%s%s", spec->subprotocol ? " to " : "",
                      spec->subprotocol ? spec->subprotocol : "");
        return say_goodbye(probe);
    }
    probe->step = &WEBSOCKET_STEP_TALK;
    return read_frames(probe);
}

static enum wait websocket_handshake(struct probe *probe)
{
    enum wait wait = exchange(probe, EXCHANGE_READ_BYTES);

    if (wait == WAIT_NONE)
        wait = read_head(probe);
    return wait == WAIT_NONE && state_of(probe)->is_open ? on_open(probe) : wait;
}

/* ---- messages ---- */

static enum wait on_message(struct probe *probe)
{
    struct websocket_state *state = state_of(probe);
    struct str message = state->reader.payload;

    switch (regex_match(spec_of(probe)->expectation, message)) {
    case REGEX_MATCH:
        probe_enter(probe, PHASE_ASSERT);
        probe_succeed(probe, "a message matches, %zu bytes", message.len);
        return say_goodbye(probe);
    case REGEX_LIMIT:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "the expression takes too long on a message");
    case REGEX_NO_MATCH:
        break;
    }
    buf_reset(&probe->kept);
    buf_append_escaped(&probe->kept, message, QUOTED_BYTES_MAX);
    if (++state->messages > MESSAGES_MAX)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than %d messages, and none matches",
                         MESSAGES_MAX);
    return WAIT_NONE;
}

/* The server has had enough before a message matched. */
static enum wait end_closed(struct probe *probe)
{
    const struct websocket_state *state = state_of(probe);
    uint16_t code = state->reader.code;
    bool is_away = code == WEBSOCKET_CODE_GOING_AWAY || code == WEBSOCKET_CODE_RESTART ||
                   code == WEBSOCKET_CODE_TRY_LATER;
    CLEANUP(buf_clear_p) struct buf reason = {0};

    append_close(probe, code == WEBSOCKET_CODE_NONE ? WEBSOCKET_CODE_NORMAL : code);
    exchange_last_words(probe);
    buf_append_escaped(&reason, state->reader.payload, REASON_BYTES_MAX);
    return probe_end(probe, is_away ? OUTCOME_NOT_SERVING : OUTCOME_EOF_EARLY,
                     "the server closed the WebSocket before a message matched: code %u, \"" STR_FMT
                     "\"",
                     code, STR_ARG(buf_str(&reason)));
}

static enum wait on_control(struct probe *probe)
{
    struct websocket_state *state = state_of(probe);

    if (state->reader.opcode == WEBSOCKET_CLOSE)
        return end_closed(probe);
    if (++state->controls > CONTROLS_MAX)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than %d pings and pongs",
                         CONTROLS_MAX);
    if (state->reader.opcode == WEBSOCKET_PING)
        append_frame(probe, WEBSOCKET_PONG, state->reader.payload);
    return WAIT_NONE;
}

static enum wait end_broken(struct probe *probe, enum outcome outcome, const char *what)
{
    const struct websocket_reader *reader = &state_of(probe)->reader;

    append_close(probe, reader->code);
    exchange_last_words(probe);
    return probe_end(probe, outcome, "%s: %s", what, reader->why);
}

static enum wait on_event(struct probe *probe, enum websocket_event event)
{
    switch (event) {
    case WEBSOCKET_MESSAGE:
        return on_message(probe);
    case WEBSOCKET_CONTROL:
        return on_control(probe);
    case WEBSOCKET_BROKEN:
        return end_broken(probe, OUTCOME_PROTO_ERROR, "the server breaks the rules of WebSocket");
    case WEBSOCKET_TOO_LARGE:
        return end_broken(probe, OUTCOME_LIMIT_EXCEEDED, "the server is over a limit");
    case WEBSOCKET_NEED_MORE:
        break;
    }
    return WAIT_NONE;
}

static enum wait read_frames(struct probe *probe)
{
    struct str rest = buf_str(&probe->in);
    enum websocket_event event;
    enum wait wait;

    do {
        size_t used = 0;

        event = websocket_read(&state_of(probe)->reader, rest, &used);
        rest = str_sub(rest, used, rest.len);
        wait = on_event(probe, event);
    } while (wait == WAIT_NONE && event != WEBSOCKET_NEED_MORE && !probe->parting);
    state_of(probe)->received += probe->in.len - rest.len;
    buf_drop(&probe->in, probe->in.len - rest.len);
    if (wait == WAIT_NONE && state_of(probe)->received > RECEIVED_BYTES_MAX && !probe->parting)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "more than 4 MiB, and no message matches");
    return wait;
}

static enum wait websocket_talk(struct probe *probe)
{
    enum wait wait = exchange(probe, EXCHANGE_READ_BYTES);

    return wait == WAIT_NONE ? read_frames(probe) : wait;
}

/* Until the server's close frame comes; what else comes does not matter any more. */
static enum wait websocket_close(struct probe *probe)
{
    struct websocket_state *state = state_of(probe);
    struct websocket_reader *reader = &state->reader;
    enum wait wait = exchange(probe, EXCHANGE_READ_BYTES);

    while (wait == WAIT_NONE) {
        size_t used = 0;
        enum websocket_event event = websocket_read(reader, buf_str(&probe->in), &used);

        buf_drop(&probe->in, used);
        state->received += used;
        if (reader->why || state->received > RECEIVED_BYTES_MAX)
            return probe_end(probe, OUTCOME_OK, "closed without a proper end");
        if (event == WEBSOCKET_NEED_MORE)
            return WAIT_NONE;
        if (event == WEBSOCKET_CONTROL && reader->opcode == WEBSOCKET_CLOSE) {
            probe_note(probe, "closed with code %u", reader->code);
            return probe_end(probe, OUTCOME_OK, "closed");
        }
    }
    return wait;
}

static enum wait websocket_late(struct probe *probe)
{
    const struct websocket_state *state = state_of(probe);

    if (!state->is_open || probe->result.phase != PHASE_TRANSFER)
        return WAIT_NONE;
    if (state->messages == 0)
        return probe_end(probe, OUTCOME_TIMEOUT, "no message within %u ms", probe->limit_ms);
    return probe_end(probe, OUTCOME_TIMEOUT,
                     "none of %u messages matched within %u ms; the last begins with \"" STR_FMT
                     "\"",
                     state->messages, probe->limit_ms, STR_ARG(buf_str(&probe->kept)));
}

static void websocket_release(struct probe *probe)
{
    websocket_reader_clear(&state_of(probe)->reader);
}

const struct probe_kind probe_websocket = {
    .name = "websocket",
    .first = &WEBSOCKET_STEP_BEGIN,
    .state_bytes = sizeof(struct websocket_state),
    .spec_new = websocket_spec_new,
    .spec_free = websocket_spec_free,
    .release = websocket_release,
    .timed_out = websocket_late,
};
