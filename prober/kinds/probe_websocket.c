/*
 * WebSocket: the handshake over HTTP/1.1, a message where there is one to send, then messages until
 * one matches. Pings are answered, and once the result stands the connection is closed as it has to
 * be, by a close frame each way.
 */
#include "shared/clock.h"
#include "shared/crypto.h"

#include "prober/exchange.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/kinds/websocket_handshake.h"
#include "prober/kinds/websocket_spec.h"
#include "prober/probe.h"

#define MESSAGE_BYTES_MAX  (1024 * 1024)
#define MESSAGES_MAX       1000                /* that do not match */
#define RECEIVED_BYTES_MAX (4 * 1024 * 1024)   /* of all frames */
#define CONTROLS_MAX       100                 /* pings and pongs */
#define MATCHING_US_MAX    (4 * REGEX_TIME_US) /* of all messages */
#define QUOTED_BYTES_MAX   64
#define REASON_BYTES_MAX   100

struct websocket_state {
    struct websocket_handshake handshake;
    struct websocket_reader reader;
    int64_t matching_us;
    unsigned messages; /* that did not match; the beginning of the last is in probe->kept */
    unsigned controls;
    size_t received; /* bytes of frames */
};

static enum wait websocket_begin(struct probe *probe);
static enum wait websocket_ask(struct probe *probe);
static enum wait websocket_reply(struct probe *probe);
static enum wait websocket_talk(struct probe *probe);
static enum wait websocket_close(struct probe *probe);

static const struct probe_step WEBSOCKET_STEP_BEGIN = {"begin", websocket_begin};
static const struct probe_step WEBSOCKET_STEP_ASK = {"request", websocket_ask};
static const struct probe_step WEBSOCKET_STEP_HANDSHAKE = {"handshake", websocket_reply};
static const struct probe_step WEBSOCKET_STEP_TALK = {"messages", websocket_talk};
static const struct probe_step WEBSOCKET_STEP_CLOSE = {"close", websocket_close};

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
    websocket_reader_init(&state->reader, WEBSOCKET_SERVER, MESSAGE_BYTES_MAX);
    state->handshake.is_open = false;
    state->matching_us = 0;
    state->messages = 0;
    state->controls = 0;
    state->received = 0;
    return dial_start(probe, &target, &WEBSOCKET_STEP_ASK);
}

static enum wait websocket_ask(struct probe *probe)
{
    probe_enter(probe, PHASE_REQUEST);
    websocket_handshake_begin(probe, &state_of(probe)->handshake);
    probe->step = &WEBSOCKET_STEP_HANDSHAKE;
    return WAIT_NONE;
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

static enum wait websocket_reply(struct probe *probe)
{
    struct websocket_handshake *handshake = &state_of(probe)->handshake;
    enum wait wait = exchange(probe, EXCHANGE_READ_BYTES);

    if (wait == WAIT_NONE)
        wait = websocket_handshake_read(probe, handshake);
    return wait == WAIT_NONE && handshake->is_open ? on_open(probe) : wait;
}

/* ---- messages ---- */

static enum wait on_message(struct probe *probe)
{
    struct websocket_state *state = state_of(probe);
    struct str message = state->reader.payload;
    int64_t begun_us = clock_monotonic_us();
    enum regex_answer answer = regex_match(spec_of(probe)->expectation, message);

    state->matching_us += clock_monotonic_us() - begun_us;
    if (answer == REGEX_NO_MATCH && state->matching_us > MATCHING_US_MAX)
        answer = REGEX_LIMIT;
    switch (answer) {
    case REGEX_MATCH:
        probe_enter(probe, PHASE_ASSERT);
        probe_succeed(probe, "a message matches, %zu bytes", message.len);
        return say_goodbye(probe);
    case REGEX_LIMIT:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "the expression takes too long on the messages");
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

    if (!state->handshake.is_open || probe->result.phase != PHASE_TRANSFER)
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
