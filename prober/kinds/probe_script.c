/*
 * Scripts by the conventions of monitoring plugins: exit status 0 ok, 1 warning, 2 failure, 3
 * unknown; first line for people; performance data after a "|". The spawner starts them and ends
 * what they leave behind; the probe is over when the script itself has ended, or at its deadline.
 */
#include <string.h>

#include "shared/json.h"
#include "shared/vec.h"

#include "prober/kinds/probe_kinds.h"
#include "prober/perfdata.h"
#include "prober/probe.h"
#include "prober/scripts.h"
#include "prober/shard.h"
#include "prober/text.h"

#define OUTPUT_BYTES_MAX (64 * 1024)
#define FLOOD_BYTES_MAX  (16 * 1024 * 1024)
#define ARGUMENTS_BYTES_MAX                                                                        \
    (96 * 1024)                 /* with room for path and environment in one spawn request */
#define GRACE_MS           2000 /* from TERM to KILL */
#define WRITTEN_FILE_BYTES (64 * 1024 * 1024)
#define OPEN_FILES         256
#define SCRIPT_PATH        "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

struct script_spec {
    char *command;
    VEC(char *) arguments;   /* [0] is set when it is started; ended by NULL */
    VEC(char *) environment; /* ended by NULL */
    uint64_t warn_codes[4];  /* a bit for each exit status */
};

struct script_state {
    uint64_t child; /* 0: none */
};

static enum wait script_start(struct probe *probe);
static enum wait script_ended(struct probe *probe);

static const struct probe_step SCRIPT_START = {"start", script_start};
static const struct probe_step SCRIPT_RUN = {"run", script_ended};

static struct script_state *state_of(struct probe *probe)
{
    return (struct script_state *)probe->state;
}

/* ---- how it ended ---- */

static enum verdict verdict_of(const struct script_spec *spec, int status)
{
    if (status >= 0 && status <= VERDICT_ERROR)
        return (enum verdict)status;
    return status > 0 && status < 256 && (spec->warn_codes[status / 64] >> (status % 64) & 1)
               ? VERDICT_WARN
               : VERDICT_ERROR;
}

static void take_output(struct probe *probe, struct str output, struct buf *ret_message)
{
    CLEANUP(buf_clear_p) struct buf perfdata = {0};
    struct perfdata_counts counts;
    struct str message;

    perfdata_split(output, &message, &perfdata);
    buf_append_escaped(ret_message, message, RESULT_MESSAGE_BYTES_MAX - 1);
    buf_reset(&probe->perfdata);
    counts = perfdata_write(&probe->perfdata, buf_str(&perfdata), RESULT_PERFDATA_BYTES_MAX);
    if (counts.dropped > 0)
        probe_note(probe, "%zu item(s) of performance data are malformed or too many",
                   counts.dropped);
    probe->result.perfdata = buf_str(&probe->perfdata);
    probe->result.has |= RESULT_HAS_PERFDATA;
}

static void end_exited(struct probe *probe, const struct spawn_result *end)
{
    const struct script_spec *spec = probe->check->spec;
    enum verdict verdict = verdict_of(spec, end->status);
    CLEANUP(buf_clear_p) struct buf message = {0};

    take_output(probe, end->output, &message);
    if (message.len == 0 && verdict != VERDICT_OK) {
        struct str error = end->error;

        buf_append_escaped(&message, str_trim(str_cut(&error, '\n')), RESULT_MESSAGE_BYTES_MAX / 2);
    }
    if (message.len == 0)
        buf_printf(&message, "exit status %d without output", end->status);
    probe_end_as(probe, verdict, verdict == VERDICT_OK ? OUTCOME_OK : OUTCOME_SCRIPT_EXIT, STR_FMT,
                 STR_ARG(buf_str(&message)));
}

static void on_done(void *context, const struct spawn_result *end)
{
    struct probe *probe = context;

    state_of(probe)->child = 0;
    switch (end->end) {
    case SPAWN_EXITED:
        end_exited(probe, end);
        break;
    case SPAWN_SIGNALLED:
        probe_end(probe, OUTCOME_SCRIPT_SIGNAL, "the script was ended by signal %d (%s)",
                  end->status, sigabbrev_np(end->status) ? sigabbrev_np(end->status) : "unknown");
        break;
    case SPAWN_TIMED_OUT:
        probe_end(probe, OUTCOME_SCRIPT_TIMEOUT, "the script did not end within %u ms",
                  probe->check->timeout_ms);
        break;
    case SPAWN_FLOODED:
        probe_end(probe, OUTCOME_LIMIT_EXCEEDED, "the script wrote more than %d MiB",
                  FLOOD_BYTES_MAX / 1024 / 1024);
        break;
    case SPAWN_FAILED:
        probe_end(probe, OUTCOME_PROBER_ERROR, "the script could not be started: %s",
                  strerrordesc_np(end->status));
        break;
    case SPAWN_LOST:
        probe_end(probe, OUTCOME_PROBER_ERROR, "the process that starts scripts is gone");
        break;
    }
    probe_advance(probe);
}

static enum wait script_ended(struct probe *probe)
{
    return probe->ended ? WAIT_END : WAIT_CALL;
}

/* ---- how it begins ---- */

static enum wait end_unstarted(struct probe *probe, enum err err)
{
    enum outcome outcome = err == ERR_DENIED ? OUTCOME_POLICY : OUTCOME_PROBER_ERROR;
    enum wait wait = probe_end(probe, outcome, "%s", failure_last()->detail);

    failure_clear();
    return wait;
}

static enum wait script_start(struct probe *probe)
{
    const struct script_spec *spec = probe->check->spec;
    struct scripts *scripts = shard_scripts(probe->shard);
    AUTO(xfree) char *path = NULL;
    enum err err;

    state_of(probe)->child = 0;
    probe_enter(probe, PHASE_SCRIPT);
    shard_connected(probe->shard, probe);
    if (!scripts)
        return probe_end(probe, OUTCOME_POLICY, "this prober runs no scripts (option --scripts)");
    err = scripts_find(scripts, spec->command, &path);
    if (err != OK)
        return end_unstarted(probe, err);

    spec->arguments.items[0] = path;
    err = spawner_launch(scripts_spawner(scripts),
                         &(struct spawn_request){
                             .argv = (const char *const *)spec->arguments.items,
                             .environment = (const char *const *)spec->environment.items,
                             .limits = {.cpu_s = probe->check->timeout_ms / 1000 + 2,
                                        .file_bytes = WRITTEN_FILE_BYTES,
                                        .files = OPEN_FILES},
                             .output_bytes_max = OUTPUT_BYTES_MAX,
                             .error_bytes_max = OUTPUT_BYTES_MAX,
                             .flood_bytes_max = FLOOD_BYTES_MAX,
                             .timeout_ms = probe->check->timeout_ms,
                             .grace_ms = GRACE_MS,
                         },
                         on_done, probe, &state_of(probe)->child);
    spec->arguments.items[0] = NULL;
    if (err != OK)
        return end_unstarted(probe, err);
    probe->step = &SCRIPT_RUN;
    return WAIT_CALL;
}

static void script_release(struct probe *probe)
{
    struct script_state *state = state_of(probe);

    if (state->child)
        spawner_abandon(scripts_spawner(shard_scripts(probe->shard)), state->child);
    state->child = 0;
}

/* ---- the spec ---- */

static size_t add_arguments(struct script_spec *spec, const json_t *arguments)
{
    size_t bytes = 0;
    const json_t *argument;
    size_t i;

    vec_push(&spec->arguments, NULL);
    json_array_foreach(arguments, i, argument)
    {
        vec_push(&spec->arguments, xstrdup(json_string_value(argument)));
        bytes += json_string_length(argument) + 1;
    }
    vec_push(&spec->arguments, NULL);
    return bytes;
}

static size_t add_environment(struct script_spec *spec, const struct check *check,
                              const json_t *environment)
{
    size_t bytes = 0;
    const char *name;
    json_t *value;

    vec_push(&spec->environment, xstrdup(SCRIPT_PATH));
    vec_push(&spec->environment, xstrdup("LANG=C.UTF-8"));
    vec_push(&spec->environment, xasprintf("CHECK_ID=%s", check->label));
    vec_push(&spec->environment, xasprintf("CHECK_TIMEOUT_MS=%u", check->timeout_ms));
    json_object_foreach((json_t *)environment, name, value)
    {
        vec_push(&spec->environment, xasprintf("%s=%s", name, json_string_value(value)));
        bytes += strlen(name) + json_string_length(value) + 2;
    }
    vec_push(&spec->environment, NULL);
    return bytes;
}

static void script_spec_new(struct check *check, const json_t *json, json_t **errors)
{
    struct script_spec *spec = NEW(struct script_spec);
    const json_t *code;
    size_t bytes;
    size_t i;

    check->spec = spec;
    spec->command = xstrdup(json_text(json, "command", ""));
    bytes = add_arguments(spec, json_object_get(json, "args"));
    bytes += add_environment(spec, check, json_object_get(json, "env"));
    if (bytes > ARGUMENTS_BYTES_MAX)
        json_add_error(errors, "/spec/args", "too_long",
                       "Arguments and environment together have more than %d bytes.",
                       ARGUMENTS_BYTES_MAX);
    json_array_foreach(json_object_get(json, "warn_codes"), i, code)
        spec->warn_codes[json_integer_value(code) / 64] |= UINT64_C(1)
                                                           << (json_integer_value(code) % 64);
}

static void script_spec_free(void *object)
{
    struct script_spec *spec = object;

    if (!spec)
        return;
    for (size_t i = 0; i < spec->arguments.len; i++)
        free(spec->arguments.items[i]);
    for (size_t i = 0; i < spec->environment.len; i++)
        free(spec->environment.items[i]);
    vec_clear(&spec->arguments);
    vec_clear(&spec->environment);
    free(spec->command);
    free(spec);
}

const struct probe_kind probe_script = {
    .name = "script",
    .first = &SCRIPT_START,
    .state_bytes = sizeof(struct script_state),
    .spec_new = script_spec_new,
    .spec_free = script_spec_free,
    .release = script_release,
    .on_first_loop = true,
};
