/*
 * PostgreSQL: TLS where it is wanted, start-up, login, then a query where there is one. From the
 * start-up on it is a dialogue: send what waits, read messages, and round again; the rounds of SCRAM
 * are done in parts between turns of the loop.
 */
#include "prober/exchange.h"
#include "prober/kinds/expectation.h"
#include "prober/kinds/http_mask.h"
#include "prober/kinds/postgres_auth.h"
#include "prober/kinds/postgres_message.h"
#include "prober/kinds/postgres_spec.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/probe.h"

#define RECEIVED_BYTES_MAX (1024 * 1024)
#define ROUNDS_PER_TURN    2048 /* of SCRAM: less than a millisecond */
#define QUOTED_BYTES_MAX   300
#define GARBAGE_BYTES_MAX  64
#define VERSION_BYTES_MAX  40

enum stage { STAGE_LOGIN, STAGE_START, STAGE_QUERY };

struct postgres_state {
    enum stage stage;
    struct postgres_auth auth;
    uint8_t certificate_digest[TLS_END_POINT_BYTES_MAX];
    size_t digest_len;
    size_t received;
    char version[VERSION_BYTES_MAX]; /* " 15.4"; "" while unknown */
    unsigned rows;
    enum postgres_first first; /* of the first row, whose value is in probe->kept */
};

static enum wait postgres_begin(struct probe *probe);
static enum wait postgres_connected(struct probe *probe);
static enum wait postgres_tls_asked(struct probe *probe);
static enum wait postgres_start(struct probe *probe);
static enum wait postgres_talk(struct probe *probe);
static enum wait postgres_derive(struct probe *probe);

static const struct probe_step POSTGRES_BEGIN = {"begin", postgres_begin};
static const struct probe_step POSTGRES_CONNECTED = {"connected", postgres_connected};
static const struct probe_step POSTGRES_TLS_ASKED = {"ask for tls", postgres_tls_asked};
static const struct probe_step POSTGRES_START = {"start", postgres_start};
static const struct probe_step POSTGRES_TALK = {"talk", postgres_talk};
static const struct probe_step POSTGRES_DERIVE = {"derive keys", postgres_derive};

/* What an error of the server means, by the beginning of its SQLSTATE. */
static const struct {
    const char *sqlstate;
    enum outcome outcome;
    const char *meaning;
} refusals[] = {
    {"57P01", OUTCOME_NOT_SERVING, "the server is shutting down"},
    {"57P02", OUTCOME_NOT_SERVING, "the server has crashed"},
    {"57P03", OUTCOME_NOT_SERVING, "the server is not ready"},
    {"53300", OUTCOME_NOT_SERVING, "the server has too many connections"},
    {"53", OUTCOME_NOT_SERVING, "the server lacks resources"},
    {"28", OUTCOME_ASSERT_FAILED, "the server refused the login"},
    {"3D000", OUTCOME_ASSERT_FAILED, "there is no such database"},
};

static struct postgres_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static struct postgres_state *state_of(struct probe *probe)
{
    return (struct postgres_state *)probe->state;
}

/* ---- bad ends ---- */

static enum wait end_refused(struct probe *probe, struct str body)
{
    const struct postgres_error error = postgres_error_read(body);
    CLEANUP(buf_clear_p) struct buf quoted = {0};
    enum outcome outcome = OUTCOME_ASSERT_FAILED;
    const char *meaning =
        state_of(probe)->stage == STAGE_QUERY ? "the query failed" : "the server refused the login";

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (str_starts_with(error.sqlstate, str_of(refusals[i].sqlstate))) {
            outcome = refusals[i].outcome;
            meaning = refusals[i].meaning;
            break;
        }
    }
    probe_enter(probe, PHASE_ASSERT);
    append_masked(&quoted, error.text, spec_of(probe)->password, QUOTED_BYTES_MAX);
    buf_append_text(&quoted, "\" (SQLSTATE ");
    buf_append_escaped(&quoted, error.sqlstate, 8);
    return probe_end(probe, outcome, "%s: \"" STR_FMT ")", meaning, STR_ARG(buf_str(&quoted)));
}

static enum wait end_malformed(struct probe *probe, enum outcome outcome, const char *what,
                               struct str input)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    append_masked(&quoted, input, spec_of(probe)->password, GARBAGE_BYTES_MAX);
    return probe_end(probe, outcome, "%s; it begins with \"" STR_FMT "\"", what,
                     STR_ARG(buf_str(&quoted)));
}

/* A server that cannot fork says so in the words of an older protocol: a text after the E. */
static enum wait end_too_large(struct probe *probe, struct str input)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    if (!str_starts_with(input, STR("Ecould not fork")))
        return end_malformed(probe, OUTCOME_LIMIT_EXCEEDED, "a message is longer than 64 KiB",
                             input);
    input = str_sub(input, 1, input.len);
    buf_append_escaped(&quoted, str_cut(&input, '\n'), QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_NOT_SERVING, "the server lacks resources: \"" STR_FMT "\"",
                     STR_ARG(buf_str(&quoted)));
}

static enum wait end_unexpected(struct probe *probe, char type)
{
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the server sends a message of the type %c where none belongs", type);
}

/* ---- the way in ---- */

static enum wait postgres_begin(struct probe *probe)
{
    const struct dial_target target = endpoint_target(&spec_of(probe)->endpoint, false);

    *state_of(probe) = (struct postgres_state){.first = POSTGRES_FIRST_MISSING};
    return dial_start(probe, &target, &POSTGRES_CONNECTED);
}

static enum wait postgres_connected(struct probe *probe)
{
    static const char request_tls[] = {0, 0, 0, 8, 0x04, (char)0xd2, 0x16, 0x2f};

    if (!spec_of(probe)->with_tls) {
        probe->step = &POSTGRES_START;
        return WAIT_NONE;
    }
    probe_enter(probe, PHASE_REQUEST);
    buf_append(&probe->out, request_tls, sizeof request_tls);
    probe->step = &POSTGRES_TLS_ASKED;
    return WAIT_NONE;
}

/* One byte answers; no more is read, since what follows must be TLS. */
static enum wait postgres_tls_asked(struct probe *probe)
{
    struct endpoint_spec *endpoint = &spec_of(probe)->endpoint;
    enum wait wait = exchange(probe, 1);

    if (wait != WAIT_NONE)
        return wait;
    switch (probe->in.data[0]) {
    case 'S':
        buf_reset(&probe->in);
        return dial_start_tls(probe, &endpoint->tls, endpoint_names(endpoint), &POSTGRES_START);
    case 'N':
        probe_enter(probe, PHASE_TLS);
        return probe_end(probe, OUTCOME_TLS_HANDSHAKE, "the server does not offer TLS");
    case 'E': /* of an error message that takes its place */
        probe->step = &POSTGRES_TALK;
        return WAIT_NONE;
    default:
        return end_malformed(probe, OUTCOME_PROTO_ERROR, "the reply is none of PostgreSQL",
                             buf_str(&probe->in));
    }
}

static enum wait postgres_start(struct probe *probe)
{
    struct postgres_state *state = state_of(probe);

    if (probe->stream.ssl)
        state->digest_len = tls_server_end_point(&probe->stream, state->certificate_digest);
    probe_enter(probe, PHASE_REQUEST);
    buf_append_str(&probe->out, buf_str(&spec_of(probe)->startup));
    probe->step = &POSTGRES_TALK;
    return WAIT_NONE;
}

static enum wait postgres_derive(struct probe *probe)
{
    if (!postgres_auth_derive(&state_of(probe)->auth, &spec_of(probe)->keys, ROUNDS_PER_TURN,
                              &probe->out))
        return WAIT_TURN;
    probe->step = &POSTGRES_TALK;
    return WAIT_NONE;
}

static enum wait on_auth(struct probe *probe, struct str body)
{
    const struct postgres_spec *spec = spec_of(probe);
    struct postgres_state *state = state_of(probe);
    struct postgres_auth *auth = &state->auth;
    const struct postgres_user user = {
        .name = spec->user,
        .password = spec->password,
        .may_say_password = spec->may_say_password,
        .is_tls = spec->with_tls,
        .certificate_digest = str_n((const char *)state->certificate_digest, state->digest_len),
    };

    switch (postgres_auth_read(auth, &user, body, &probe->out)) {
    case POSTGRES_AUTH_GO_ON:
        return WAIT_NONE;
    case POSTGRES_AUTH_DERIVE:
        probe->step = &POSTGRES_DERIVE;
        return WAIT_NONE;
    case POSTGRES_AUTH_DONE:
        probe_note(probe, "login by %s", auth->method ? auth->method : "trust");
        state->stage = STAGE_START;
        return WAIT_NONE;
    case POSTGRES_AUTH_DENIED:
        probe_enter(probe, PHASE_ASSERT);
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "the server %s", auth->why);
    case POSTGRES_AUTH_BROKEN:
        return probe_end(probe, OUTCOME_PROTO_ERROR, "the server %s", auth->why);
    case POSTGRES_AUTH_LACKING:
        break;
    }
    return probe_end(probe, OUTCOME_PROBER_ERROR, "this prober %s", auth->why);
}

static void on_parameter(struct probe *probe, struct str body)
{
    struct postgres_state *state = state_of(probe);
    CLEANUP(buf_clear_p) struct buf version = {0};
    struct str name;
    struct str value;

    if (!postgres_take_text(&body, &name) || !postgres_take_text(&body, &value) ||
        !str_equal(name, STR("server_version")))
        return;
    buf_append_char(&version, ' ');
    buf_append_escaped(&version, str_cut(&value, ' '), sizeof state->version - 2);
    memcpy(state->version, version.data, version.len + 1);
    probe_note(probe, "PostgreSQL%s", state->version);
}

/* ---- the query ---- */

/* Ends the session as it should be, so that the server's log stays clean. */
static void terminate(struct probe *probe)
{
    postgres_message_end(&probe->out, postgres_message_begin(&probe->out, 'X'));
    exchange_last_words(probe);
}

static enum wait on_ready(struct probe *probe)
{
    const struct postgres_spec *spec = spec_of(probe);
    size_t begun;

    if (!spec->query) {
        terminate(probe);
        probe_enter(probe, PHASE_ASSERT);
        return probe_succeed(probe, "PostgreSQL%s is ready", state_of(probe)->version);
    }
    state_of(probe)->stage = STAGE_QUERY;
    begun = postgres_message_begin(&probe->out, 'Q');
    postgres_append_text(&probe->out, spec->query);
    postgres_message_end(&probe->out, begun);
    return WAIT_NONE;
}

static void on_row(struct probe *probe, struct str body)
{
    struct postgres_state *state = state_of(probe);
    struct str value;

    if (state->rows++ > 0)
        return;
    state->first = postgres_row_first(body, &value);
    if (state->first == POSTGRES_FIRST_VALUE)
        buf_append_str(&probe->kept, value);
}

static enum wait judge(struct probe *probe)
{
    const struct postgres_spec *spec = spec_of(probe);
    const struct postgres_state *state = state_of(probe);
    enum wait wait;

    terminate(probe);
    probe_enter(probe, PHASE_ASSERT);
    if (spec->expectation && state->first != POSTGRES_FIRST_VALUE)
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         state->first == POSTGRES_FIRST_NULL ? "the first value is NULL"
                                                             : "the query gave no value");
    wait = expectation_judge(probe, spec->expectation, "first value", buf_str(&probe->kept),
                             spec->password);
    if (wait != WAIT_NONE)
        return wait;
    return probe_succeed(probe, "PostgreSQL%s answered the query with %u row%s%s", state->version,
                         state->rows, state->rows == 1 ? "" : "s",
                         spec->expectation ? ", the first value matches" : "");
}

static enum wait on_query_message(struct probe *probe, const struct postgres_message *message)
{
    switch (message->type) {
    case 'T': /* the columns */
    case 'C': /* a command is complete */
    case 'I': /* an empty one is */
        return WAIT_NONE;
    case 'D':
        on_row(probe, message->body);
        return WAIT_NONE;
    case 'Z':
        return judge(probe);
    case 'G':
    case 'H':
    case 'W':
        probe_enter(probe, PHASE_ASSERT);
        return probe_end(probe, OUTCOME_ASSERT_FAILED,
                         "the query starts to copy data, which a check cannot do");
    default:
        return end_unexpected(probe, message->type);
    }
}

/* ---- messages ---- */

static enum wait on_message(struct probe *probe, const struct postgres_message *message)
{
    switch (message->type) {
    case 'E':
        if (state_of(probe)->stage == STAGE_QUERY)
            terminate(probe);
        return end_refused(probe, message->body);
    case 'S':
        on_parameter(probe, message->body);
        return WAIT_NONE;
    case 'N': /* a notice */
    case 'A': /* a notification */
        return WAIT_NONE;
    default:
        break;
    }
    switch (state_of(probe)->stage) {
    case STAGE_LOGIN:
        return message->type == 'R' ? on_auth(probe, message->body)
                                    : end_unexpected(probe, message->type);
    case STAGE_START:
        if (message->type == 'K') /* the key to cancel a query with */
            return WAIT_NONE;
        return message->type == 'Z' ? on_ready(probe) : end_unexpected(probe, message->type);
    case STAGE_QUERY:
        break;
    }
    return on_query_message(probe, message);
}

/* What other servers say first is rarely a message that may come first. */
static bool is_foreign(struct probe *probe, struct str input)
{
    return state_of(probe)->stage == STAGE_LOGIN && input.len > 0 &&
           (input.ptr[0] == '\0' || !strchr("RENSA", input.ptr[0]));
}

/* Reads messages until one is not complete or something else has to be done first. */
static enum wait read_messages(struct probe *probe, struct str input, size_t *ret_used)
{
    enum wait wait = WAIT_NONE;

    while (wait == WAIT_NONE && probe->step == &POSTGRES_TALK) {
        struct str rest = str_sub(input, *ret_used, input.len);
        struct postgres_message message;
        size_t used = 0;

        if (is_foreign(probe, rest))
            return end_malformed(probe, OUTCOME_PROTO_ERROR, "the reply is none of PostgreSQL",
                                 rest);
        switch (postgres_message_read(rest, &message, &used)) {
        case POSTGRES_NEED_MORE:
            return WAIT_NONE;
        case POSTGRES_MALFORMED:
            return end_malformed(probe, OUTCOME_PROTO_ERROR,
                                 "a message breaks the rules of PostgreSQL", rest);
        case POSTGRES_TOO_LARGE:
            return end_too_large(probe, rest);
        case POSTGRES_MESSAGE:
            break;
        }
        *ret_used += used;
        wait = on_message(probe, &message);
    }
    return wait;
}

static enum wait postgres_talk(struct probe *probe)
{
    struct postgres_state *state = state_of(probe);
    enum wait wait = exchange(probe, EXCHANGE_READ_BYTES);
    size_t used = 0;

    if (wait != WAIT_NONE)
        return wait;
    wait = read_messages(probe, buf_str(&probe->in), &used);
    buf_drop(&probe->in, used);
    state->received += used;
    if (wait == WAIT_NONE && state->received > RECEIVED_BYTES_MAX)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the server sends more than 1 MiB");
    return wait;
}

static enum wait postgres_late(struct probe *probe)
{
    if (probe->result.phase != PHASE_TRANSFER)
        return WAIT_NONE;
    if (state_of(probe)->stage == STAGE_QUERY)
        return probe_end(probe, OUTCOME_TIMEOUT, "the query was not answered within %u ms",
                         probe->limit_ms);
    return probe_end(probe, OUTCOME_TIMEOUT, "the login was not complete within %u ms",
                     probe->limit_ms);
}

static void postgres_release(struct probe *probe)
{
    postgres_auth_clear(&state_of(probe)->auth);
}

const struct probe_kind probe_postgres = {
    .name = "postgres",
    .first = &POSTGRES_BEGIN,
    .state_bytes = sizeof(struct postgres_state),
    .spec_new = postgres_spec_new,
    .spec_free = postgres_spec_free,
    .release = postgres_release,
    .timed_out = postgres_late,
};
