/*
 * Redis: login, role and command are sent in one go, and their replies read one after the other.
 * What a reply holds is gathered in probe->kept, the values of an array as lines.
 */
#include "prober/exchange.h"
#include "prober/kinds/expectation.h"
#include "prober/kinds/http_mask.h"
#include "prober/kinds/probe_kinds.h"
#include "prober/kinds/redis_spec.h"
#include "prober/kinds/resp.h"
#include "prober/probe.h"

#define REPLY_BYTES_MAX  (64 * 1024)
#define REPLY_VALUES_MAX 2048
#define QUOTED_BYTES_MAX 200

struct redis_state {
    enum redis_task task; /* whose reply comes next */
    uint32_t expected;    /* values of that reply to come */
    uint32_t values;      /* of that reply so far, arrays included */
    uint32_t lines;       /* of it in probe->kept */
};

static enum wait redis_begin(struct probe *probe);
static enum wait redis_request(struct probe *probe);
static enum wait redis_reply(struct probe *probe);

static const struct probe_step REDIS_BEGIN = {"begin", redis_begin};
static const struct probe_step REDIS_REQUEST = {"request", redis_request};
static const struct probe_step REDIS_REPLY = {"reply", redis_reply};

/* What an error reply means, by its first word. */
static const struct {
    const char *word;
    enum outcome outcome;
    const char *meaning;
} refusals[] = {
    {"NOAUTH ", OUTCOME_ASSERT_FAILED, "the server asks for a password"},
    {"WRONGPASS ", OUTCOME_ASSERT_FAILED, "the server refused user or password"},
    {"NOPERM ", OUTCOME_ASSERT_FAILED, "the user may not do this"},
    {"READONLY ", OUTCOME_ASSERT_FAILED, "the server is a replica that takes no writes"},
    {"DENIED ", OUTCOME_ASSERT_FAILED, "the server is in protected mode"},
    {"LOADING ", OUTCOME_NOT_SERVING, "the server is still loading its data"},
    {"MASTERDOWN ", OUTCOME_NOT_SERVING, "the replica has lost its master"},
    {"CLUSTERDOWN ", OUTCOME_NOT_SERVING, "the cluster is down"},
    {"BUSY ", OUTCOME_NOT_SERVING, "the server is busy with a script"},
    {"ERR max number of clients ", OUTCOME_NOT_SERVING, "the server has too many clients"},
};

static const struct redis_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

static struct redis_state *state_of(struct probe *probe)
{
    return (struct redis_state *)probe->state;
}

static void begin_task(struct probe *probe, enum redis_task task)
{
    while (!redis_wants(spec_of(probe), task))
        task++;
    *state_of(probe) = (struct redis_state){.task = task, .expected = 1};
    buf_reset(&probe->kept);
}

static enum wait redis_begin(struct probe *probe)
{
    struct redis_spec *spec = probe->check->spec;
    const struct dial_target target = endpoint_target(&spec->endpoint, spec->with_tls);

    return dial_start(probe, &target, &REDIS_REQUEST);
}

static enum wait redis_request(struct probe *probe)
{
    begin_task(probe, REDIS_TASK_LOGIN);
    probe_enter(probe, PHASE_REQUEST);
    buf_append_str(&probe->out, buf_str(&spec_of(probe)->request));
    probe->step = &REDIS_REPLY;
    return WAIT_NONE;
}

/* ---- replies ---- */

static enum wait end_refused(struct probe *probe, struct str error)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};
    enum outcome outcome = OUTCOME_ASSERT_FAILED;
    const char *meaning = state_of(probe)->task == REDIS_TASK_LOGIN
                              ? "the server refused the login"
                              : "the server replied with an error";

    for (size_t i = 0; i < ARRAY_LEN(refusals); i++) {
        if (str_starts_with(error, str_of(refusals[i].word))) {
            outcome = refusals[i].outcome;
            meaning = refusals[i].meaning;
        }
    }
    probe_enter(probe, PHASE_ASSERT);
    append_masked(&quoted, error, spec_of(probe)->password, QUOTED_BYTES_MAX);
    return probe_end(probe, outcome, "%s: \"" STR_FMT "\"", meaning, STR_ARG(buf_str(&quoted)));
}

static enum wait end_unexpected(struct probe *probe, const char *command)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    append_masked(&quoted, buf_str(&probe->kept), spec_of(probe)->password, QUOTED_BYTES_MAX);
    return probe_end(probe, OUTCOME_PROTO_ERROR, "the reply to %s is \"" STR_FMT "\"", command,
                     STR_ARG(buf_str(&quoted)));
}

/* The value of a line "field:value" of INFO; an empty view with NULL when there is none. */
static struct str info_field(struct str info, struct str field)
{
    while (info.ptr) {
        struct str value = str_cut(&info, '\n');
        struct str name = str_cut(&value, ':');

        if (value.ptr && str_equal(name, field))
            return value.len > 0 && value.ptr[value.len - 1] == '\r'
                       ? str_sub(value, 0, value.len - 1)
                       : value;
    }
    return (struct str){0};
}

static enum wait judge_role(struct probe *probe)
{
    struct str info = buf_str(&probe->kept);
    struct str role = info_field(info, STR("role"));
    bool is_replica = str_equal(role, STR("slave"));
    const char *name = is_replica ? "replica" : "master";
    const char *wanted = spec_of(probe)->role;

    if (!is_replica && !str_equal(role, STR("master")))
        return end_unexpected(probe, "INFO");
    probe_note(probe, "the server is a %s", name);
    probe_enter(probe, PHASE_ASSERT);
    if (strcmp(name, wanted) != 0)
        return probe_end(probe, OUTCOME_ASSERT_FAILED, "the server is a %s, expected a %s", name,
                         wanted);
    if (is_replica && str_equal(info_field(info, STR("master_link_status")), STR("down")))
        return probe_end(probe, OUTCOME_NOT_SERVING, "the replica has no link to its master");
    probe_enter(probe, PHASE_TRANSFER);
    return WAIT_NONE;
}

static enum wait judge_command(struct probe *probe)
{
    const struct redis_spec *spec = spec_of(probe);
    struct str reply = buf_str(&probe->kept);
    enum wait wait;

    if (spec->is_ping && !spec->expectation && !str_equal(reply, STR("PONG")))
        return end_unexpected(probe, "PING");
    wait = expectation_judge(probe, spec->expectation, "reply", reply, spec->password);
    if (wait != WAIT_NONE)
        return wait;
    if (spec->expectation)
        return probe_succeed(probe, "the reply matches, %zu bytes", reply.len);
    if (spec->is_ping)
        return probe_succeed(probe, "PONG");
    return probe_succeed(probe, "the server replied, %zu bytes", reply.len);
}

static enum wait on_reply(struct probe *probe)
{
    enum redis_task task = state_of(probe)->task;
    enum wait wait = WAIT_NONE;

    if (task == REDIS_TASK_COMMAND) {
        probe_enter(probe, PHASE_ASSERT);
        return judge_command(probe);
    }
    if (task == REDIS_TASK_LOGIN && !str_equal(buf_str(&probe->kept), STR("OK")))
        return end_unexpected(probe, "AUTH");
    if (task == REDIS_TASK_ROLE)
        wait = judge_role(probe);
    begin_task(probe, task + 1);
    return wait;
}

static enum wait on_value(struct probe *probe, const struct resp_value *value)
{
    struct redis_state *state = state_of(probe);

    if (value->type == RESP_ERROR && state->values == 0)
        return end_refused(probe, value->text);
    state->values++;
    state->expected += value->count;
    state->expected--;
    if (value->type != RESP_ARRAY) {
        if (state->lines++ > 0)
            buf_append_char(&probe->kept, '\n');
        buf_append_str(&probe->kept, value->text);
    }
    if (state->values + state->expected > REPLY_VALUES_MAX || probe->kept.len > REPLY_BYTES_MAX)
        return probe_end(probe, OUTCOME_LIMIT_EXCEEDED,
                         "the reply is over a limit: it has more than 2048 values or 64 KiB");
    return state->expected == 0 ? on_reply(probe) : WAIT_NONE;
}

static enum wait end_malformed(struct probe *probe, struct str input, const char *why)
{
    CLEANUP(buf_clear_p) struct buf quoted = {0};

    append_masked(&quoted, input, spec_of(probe)->password, 64);
    return probe_end(probe, OUTCOME_PROTO_ERROR,
                     "the reply is none of Redis: %s; it begins with \"" STR_FMT "\"", why,
                     STR_ARG(buf_str(&quoted)));
}

/* Reads values until one is not complete or the probe is over. */
static enum wait read_values(struct probe *probe, struct str input, size_t *ret_used)
{
    enum wait wait = WAIT_NONE;

    while (wait == WAIT_NONE) {
        struct str rest = str_sub(input, *ret_used, input.len);
        struct resp_value value;
        const char *why = NULL;
        size_t used = 0;

        switch (resp_read(rest, &value, &used, &why)) {
        case RESP_NEED_MORE:
            return WAIT_NONE;
        case RESP_MALFORMED:
            return end_malformed(probe, rest, why);
        case RESP_TOO_LARGE:
            return probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the reply is over a limit: %s", why);
        case RESP_VALUE:
            break;
        }
        wait = on_value(probe, &value);
        *ret_used += used;
    }
    return wait;
}

static enum wait redis_reply(struct probe *probe)
{
    enum wait wait = exchange(probe, EXCHANGE_READ_BYTES);
    size_t used = 0;

    if (wait != WAIT_NONE)
        return wait;
    wait = read_values(probe, buf_str(&probe->in), &used);
    buf_drop(&probe->in, used);
    return wait;
}

const struct probe_kind probe_redis = {
    .name = "redis",
    .first = &REDIS_BEGIN,
    .state_bytes = sizeof(struct redis_state),
    .spec_new = redis_spec_new,
    .spec_free = redis_spec_free,
};
