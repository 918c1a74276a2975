/*
 * One probe step for each verb; each ends in next_step(). What comes is read into probe->in until the
 * socket is empty, and only then judged, so a reply in many pieces is matched few times.
 */
#include "prober/kinds/dialogue_run.h"

#include <errno.h>

#include "prober/probe.h"

#define READS_PER_TURN   16 /* a fast endless reply must not hold up the loop */
#define QUOTED_BYTES_MAX 64
#define WHAT_BYTES       32

static enum wait dialogue_send(struct probe *probe);
static enum wait dialogue_expect(struct probe *probe);
static enum wait dialogue_start_tls(struct probe *probe);
static enum wait dialogue_tls_stands(struct probe *probe);
static enum wait dialogue_half_close(struct probe *probe);

static const struct probe_step SEND = {"send", dialogue_send};
static const struct probe_step EXPECT = {"expect", dialogue_expect};
static const struct probe_step START_TLS = {"starttls", dialogue_start_tls};
static const struct probe_step TLS_STANDS = {"started", dialogue_tls_stands};
static const struct probe_step HALF_CLOSE = {"half_close", dialogue_half_close};

static struct dialogue_run *run_of(struct probe *probe)
{
    return (struct dialogue_run *)probe->state;
}

static const struct dialogue_step *step_of(struct probe *probe)
{
    const struct dialogue_run *run = run_of(probe);

    return &run->dialogue->steps.items[run->at];
}

/* ---- words ---- */

/* The step, for people: "the greeting", "step 3". */
static const char *what(struct probe *probe, char text[WHAT_BYTES])
{
    const struct dialogue_step *step = step_of(probe);

    if (step->what)
        return step->what;
    snprintf(text, WHAT_BYTES, "step %zu", run_of(probe)->at + 1);
    return text;
}

/* Bytes of the server in quotes; and what they look like when it is TLS. */
static void append_quoted(struct buf *text, struct str bytes)
{
    bool is_tls =
        bytes.len > 2 && (bytes.ptr[0] == 0x15 || bytes.ptr[0] == 0x16) && bytes.ptr[1] == 0x03;

    buf_append_char(text, '"');
    buf_append_escaped(text, bytes, QUOTED_BYTES_MAX);
    buf_append_text(text, is_tls ? "\", which looks like TLS" : "\"");
}

static enum wait end_unmatched(struct probe *probe, enum outcome outcome, const char *does,
                               struct str received, const char *then)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};
    char text[WHAT_BYTES];

    append_quoted(&quoted, received);
    return probe_end(probe, outcome, "%s does not match%s: the server sent " STR_FMT "%s",
                     what(probe, text), does, STR_ARG(buf_str(&quoted)), then);
}

/* ---- going on ---- */

static const struct probe_step *probe_step_of(enum dialogue_verb verb)
{
    switch (verb) {
    case DIALOGUE_SEND:
        return &SEND;
    case DIALOGUE_EXPECT:
    case DIALOGUE_EXPECT_BYTES:
        return &EXPECT;
    case DIALOGUE_START_TLS:
        return &START_TLS;
    case DIALOGUE_HALF_CLOSE:
        break;
    }
    return &HALF_CLOSE;
}

static enum wait begin_step(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);
    const struct dialogue_step *step;

    if (run->at == run->dialogue->steps.len) {
        if (run->is_cut)
            return probe_end_io(probe, IO_ERROR);
        probe_limit(probe, 0);
        probe->step = run->then;
        return WAIT_NONE;
    }
    step = step_of(probe);
    run->progress = (struct dialogue_progress){0};
    if (step->verb == DIALOGUE_SEND) {
        run->outgoing = dialogue_text(step, &run->caught, &run->composed);
        probe_enter(probe, PHASE_REQUEST);
    } else if (step->verb == DIALOGUE_EXPECT || step->verb == DIALOGUE_EXPECT_BYTES) {
        probe_enter(probe, PHASE_FIRST_BYTE);
    }
    probe_limit(probe, step->timeout_ms);
    probe->step = probe_step_of(step->verb);
    return WAIT_NONE;
}

static enum wait next_step(struct probe *probe)
{
    run_of(probe)->at++;
    return begin_step(probe);
}

void dialogue_run_init(struct probe *probe, const struct dialogue_run *settings)
{
    *run_of(probe) = *settings;
}

enum wait dialogue_run_start(struct probe *probe)
{
    return begin_step(probe);
}

void dialogue_run_release(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);

    buf_clear(&run->caught.bytes);
    buf_clear(&run->composed);
}

/* ---- sending, TLS and the end of our side ---- */

/* A server may answer (or send an alert) and close before it has read everything: that counts. */
static bool is_cut_off(const struct stream *stream)
{
    int error = stream_error(stream);

    return error == EPIPE || error == ECONNRESET;
}

static enum wait dialogue_send(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);
    size_t wanted = run->outgoing.len;
    char text[WHAT_BYTES];

    while (run->outgoing.len > 0) {
        size_t len = 0;
        enum io io = stream_write(&probe->stream, run->outgoing.ptr, run->outgoing.len, &len);

        if (io == IO_ERROR && is_cut_off(&probe->stream)) {
            run->is_cut = true;
            break;
        }
        if (io != IO_DONE)
            return probe_wait_io(probe, io);
        run->outgoing = str_sub(run->outgoing, len, run->outgoing.len);
    }
    /* Not what was sent: that may be a password. */
    probe_note(probe, "%s: %zu bytes", what(probe, text), wanted - run->outgoing.len);
    return next_step(probe);
}

/* What came in plain text behind the answer must not be taken for what comes by TLS: anybody on the
 * way could have put it there. */
static enum wait dialogue_start_tls(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);

    if (probe->in.len > 0)
        return probe_end(probe, OUTCOME_PROTO_ERROR,
                         "the server sent %zu bytes more in plain text after it agreed to TLS",
                         probe->in.len);
    return dial_start_tls(probe, run->tls, run->names, &TLS_STANDS);
}

static enum wait dialogue_tls_stands(struct probe *probe)
{
    return next_step(probe);
}

static enum wait dialogue_half_close(struct probe *probe)
{
    enum io io = stream_end_writing(&probe->stream);

    return io == IO_DONE ? next_step(probe) : probe_wait_io(probe, io);
}

/* ---- expecting ---- */

/* Reads until there is nothing, the buffer is full or it is others' turn. Returns the last read. */
static enum io fill(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);
    enum io io = IO_DONE;

    for (unsigned reads = 0; io == IO_DONE && reads < READS_PER_TURN; reads++) {
        size_t room = DIALOGUE_BUFFER_BYTES - probe->in.len;
        size_t len = 0;

        if (room == 0)
            break;
        io = stream_read(&probe->stream, buf_reserve(&probe->in, room), room, &len);
        if (io == IO_DONE)
            probe->in.len += len;
    }
    run->is_ended = io == IO_EOF || io == IO_ERROR;
    run->ended_by = io;
    return io;
}

static enum wait end_refused(struct probe *probe, struct str line)
{
    const struct dialogue_step *step = step_of(probe);
    bool is_refusal = step->refusal && regex_match(step->refusal, line) == REGEX_MATCH;

    return end_unmatched(probe, is_refusal ? step->refused : step->mismatch, "", line, "");
}

/* All that will come has come. */
static enum wait end_ended(struct probe *probe)
{
    const struct dialogue_run *run = run_of(probe);

    if (run->is_cut && probe->in.len == 0) {
        probe_enter(probe, PHASE_REQUEST);
        return probe_end_io(probe, IO_ERROR); /* the write's own error */
    }
    if (run->ended_by == IO_ERROR || probe->in.len == 0)
        return probe_end_io(probe, run->ended_by);
    return end_unmatched(probe, step_of(probe)->mismatch, "", buf_str(&probe->in),
                         " and closed the connection");
}

static enum wait on_match(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);
    CLEANUP(buf_clear_p) struct buf quoted = {0};
    char text[WHAT_BYTES];

    if (probe->history) {
        append_quoted(&quoted, run->progress.line);
        probe_note(probe, "%s: " STR_FMT, what(probe, text), STR_ARG(buf_str(&quoted)));
    }
    if (!dialogue_keep(run->dialogue, run->at, &run->progress.groups, &run->caught))
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "%s has caught more than %d bytes in one group", what(probe, text),
                         DIALOGUE_CAPTURE_BYTES_MAX);
    buf_drop(&probe->in, run->progress.used);
    run->is_cut = false;
    return next_step(probe);
}

static enum wait dialogue_expect(struct probe *probe)
{
    struct dialogue_run *run = run_of(probe);
    const struct dialogue_step *step = step_of(probe);
    enum io io = run->is_ended ? run->ended_by : fill(probe);
    char text[WHAT_BYTES];

    if (probe->in.len > 0 && probe->result.phase == PHASE_FIRST_BYTE)
        probe_enter(probe, PHASE_TRANSFER);
    switch (dialogue_match(step, buf_str(&probe->in), run->is_ended, &run->progress)) {
    case DIALOGUE_MATCH:
        return on_match(probe);
    case DIALOGUE_AGAIN:
        return WAIT_TURN;
    case DIALOGUE_MISMATCH:
        return end_refused(probe, run->progress.line);
    case DIALOGUE_MISSING:
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "%s", step->missing);
    case DIALOGUE_COSTLY:
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "%s: the expression takes too long on this reply", what(probe, text));
    case DIALOGUE_FULL:
        return end_unmatched(probe, OUTCOME_LIMIT_EXCEEDED, " within 16384 bytes",
                             buf_str(&probe->in), " and so on");
    case DIALOGUE_MORE:
        break;
    }
    if (run->is_ended)
        return end_ended(probe);
    return io == IO_DONE ? WAIT_TURN : probe_wait_io(probe, io);
}

enum wait dialogue_run_timed_out(struct probe *probe)
{
    char within[WHAT_BYTES];
    char text[WHAT_BYTES];

    if (probe->step != &EXPECT)
        return WAIT_NONE;
    if (probe->in.len == 0)
        return probe_end(probe, OUTCOME_TIMEOUT, "%s: nothing came within %u ms", what(probe, text),
                         probe->limit_ms);
    snprintf(within, sizeof within, " within %u ms", probe->limit_ms);
    return end_unmatched(probe, OUTCOME_TIMEOUT, within, buf_str(&probe->in), "");
}
