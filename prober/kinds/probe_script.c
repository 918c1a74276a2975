/*
 * Scripts by the conventions of monitoring plugins: exit status 0 ok, 1 warning, 2 failure, 3
 * unknown; first line for people; performance data after a "|". The spawner starts them and ends
 * what they leave behind; the probe is over when the script itself has ended, or at its deadline.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "prober/kinds/probe_kinds.h"
#include "prober/kinds/script_spec.h"
#include "prober/perfdata.h"
#include "prober/probe.h"
#include "prober/scripts.h"
#include "prober/shard.h"

#define OUTPUT_BYTES_MAX  (64 * 1024)
#define DETAILS_BYTES_MAX 3000 /* of the long output, for --explain */
#define FLOOD_BYTES_MAX   (16 * 1024 * 1024)
#define GRACE_MS          2000 /* from TERM to KILL */

struct script_state {
    struct script_run *run; /* NULL: none */
};

static enum wait script_start(struct probe *probe);
static enum wait script_ended(struct probe *probe);

static const struct probe_step SCRIPT_START = {"start", script_start};
static const struct probe_step SCRIPT_RUN = {"run", script_ended};

static struct script_state *state_of(struct probe *probe)
{
    return (struct script_state *)probe->state;
}

static const struct script_spec *spec_of(const struct probe *probe)
{
    return probe->check->spec;
}

/* ---- what it printed ---- */

/* Lines with their control bytes escaped, for --explain. */
static void note_lines(struct probe *probe, const char *what, struct str text)
{
    CLEANUP(buf_clear_p) struct buf lines = {0};

    while (text.len > 0 && lines.len < DETAILS_BYTES_MAX) {
        buf_append_char(&lines, '\n');
        buf_append_escaped(&lines, str_cut(&text, '\n'), DETAILS_BYTES_MAX - lines.len);
    }
    if (lines.len > 0)
        probe_note(probe, "%s:%s", what, lines.data);
}

static void take_perfdata(struct probe *probe, struct str text)
{
    struct perfdata_counts counts;

    buf_reset(&probe->perfdata);
    counts = perfdata_write(&probe->perfdata, text, RESULT_PERFDATA_BYTES_MAX);
    shard_count_perfdata_dropped(probe->shard, counts.dropped);
    if (counts.dropped > 0)
        probe_note(probe, "%zu item(s) of performance data are malformed or too many",
                   counts.dropped);
    probe->result.perfdata = buf_str(&probe->perfdata);
    probe->result.has |= RESULT_HAS_PERFDATA;
}

/* The message is the first line, or that of standard error when there is none. */
static void take_output(struct probe *probe, struct str output, struct str error,
                        struct buf *ret_message)
{
    struct plugin_output parts;

    plugin_output_split(output, &parts);
    buf_append_escaped(ret_message, parts.message, RESULT_MESSAGE_BYTES_MAX - 1);
    take_perfdata(probe, buf_str(&parts.perfdata));
    note_lines(probe, "output", parts.details);
    note_lines(probe, "standard error", error);
    if (ret_message->len == 0)
        buf_append_escaped(ret_message, str_trim(str_cut(&error, '\n')),
                           RESULT_MESSAGE_BYTES_MAX / 2);
    plugin_output_clear(&parts);
}

static void end_exited(struct probe *probe, const struct spawn_result *end)
{
    const struct script_spec *spec = spec_of(probe);
    enum verdict verdict = script_spec_verdict(spec, end->status);
    CLEANUP(buf_clear_p) struct buf output = {0};
    CLEANUP(buf_clear_p) struct buf error = {0};
    CLEANUP(buf_clear_p) struct buf message = {0};

    if (spec->secrets) {
        script_spec_mask(spec, end->output, &output);
        script_spec_mask(spec, end->error, &error);
        take_output(probe, buf_str(&output), buf_str(&error), &message);
    } else {
        take_output(probe, end->output, end->error, &message);
    }
    if (message.len == 0)
        buf_printf(&message, "exit status %d without output", end->status);
    probe_end_as(probe, verdict, verdict == VERDICT_OK ? OUTCOME_OK : OUTCOME_SCRIPT_EXIT, STR_FMT,
                 STR_ARG(buf_str(&message)));
}

/* ---- how it ended ---- */

static void end_signalled(struct probe *probe, int number)
{
    const char *name = sigabbrev_np(number);
    const char *why = number == SIGXCPU   ? ": it took more time of the processor than it may"
                      : number == SIGXFSZ ? ": it wrote a larger file than it may"
                                          : "";

    probe_end_as(probe, spec_of(probe)->unknown_exit, OUTCOME_SCRIPT_SIGNAL,
                 "the script was ended by signal %d (%s)%s", number, name ? name : "unknown", why);
}

static void end_unstarted(struct probe *probe, int error_number)
{
    const char *hint = error_number == ENOENT    ? " (the interpreter in its first line)"
                       : error_number == ENOEXEC ? " (a script begins with #! and its interpreter)"
                                                 : "";
    const char *user = shard_scripts_settings(probe->shard)->run_as.name;

    probe_end(probe, OUTCOME_PROBER_ERROR, "the script could not be started%s%s: %s%s",
              user ? " as " : "", user ? user : "", strerrordesc_np(error_number), hint);
}

static void on_done(void *context, const struct spawn_result *end)
{
    struct probe *probe = context;

    state_of(probe)->run = NULL;
    probe_note(probe, "took %lld us of the processor", (long long)end->cpu_us);
    switch (end->end) {
    case SPAWN_EXITED:
        end_exited(probe, end);
        break;
    case SPAWN_SIGNALLED:
        end_signalled(probe, end->status);
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
        end_unstarted(probe, end->status);
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

static enum err open_pipes(const struct script_spec *spec, struct spawn_request *request)
{
    if (spec->has_input)
        TRY(scripts_pipe(buf_str(&spec->input), &request->input_fd));
    if (spec->secrets)
        TRY(scripts_pipe(buf_str(&spec->secrets_text), &request->third_fd));
    return OK;
}

static enum err run_script(struct probe *probe, struct scripts *scripts, const char *path)
{
    const struct script_spec *spec = spec_of(probe);
    struct spawn_request request = {
        .argv = (const char *const *)spec->arguments.items,
        .environment = (const char *const *)spec->environment.items,
        .output_bytes_max = OUTPUT_BYTES_MAX,
        .error_bytes_max = OUTPUT_BYTES_MAX,
        .flood_bytes_max = FLOOD_BYTES_MAX,
        .timeout_ms = probe->check->timeout_ms,
        .grace_ms = GRACE_MS,
    };
    enum err err;

    spec->arguments.items[0] = (char *)path;
    err = open_pipes(spec, &request);
    if (err == OK)
        err = scripts_run(scripts, &probe->check->id, &request, on_done, probe,
                          &state_of(probe)->run);
    spec->arguments.items[0] = NULL;
    if (request.input_fd > 0)
        close(request.input_fd);
    if (request.third_fd > 0)
        close(request.third_fd);
    return err;
}

/* What it is given, without the values that must not be seen. */
static void note_start(struct probe *probe, const char *path)
{
    const struct script_spec *spec = spec_of(probe);
    const char *user = shard_scripts_settings(probe->shard)->run_as.name;
    const char *name;
    json_t *value;

    probe_note(probe, "%s%s%s", path, user ? " as " : "", user ? user : "");
    json_object_foreach(spec->secrets, name, value) probe_note(probe, "secret %s=***", name);
    if (spec->has_input)
        probe_note(probe, "%zu bytes of standard input", spec->input.len);
}

static enum wait script_start(struct probe *probe)
{
    struct scripts *scripts = shard_scripts(probe->shard);
    AUTO(xfree) char *path = NULL;
    enum err err;

    state_of(probe)->run = NULL;
    probe_enter(probe, PHASE_SCRIPT);
    shard_connected(probe->shard, probe);
    if (!scripts)
        return probe_end(probe, OUTCOME_POLICY, "this prober runs no scripts (option --scripts)");

    err = scripts_find(scripts, spec_of(probe)->command, &path);
    if (err == OK) {
        note_start(probe, path);
        err = run_script(probe, scripts, path);
    }
    if (err != OK) {
        probe_end(probe, err == ERR_DENIED ? OUTCOME_POLICY : OUTCOME_PROBER_ERROR, "%s",
                  failure_last()->detail);
        failure_clear();
        return WAIT_END;
    }
    probe->step = &SCRIPT_RUN;
    return WAIT_NONE;
}

static void script_release(struct probe *probe)
{
    if (state_of(probe)->run)
        scripts_leave(state_of(probe)->run);
    state_of(probe)->run = NULL;
}

const struct probe_kind probe_script = {
    .name = "script",
    .first = &SCRIPT_START,
    .state_bytes = sizeof(struct script_state),
    .spec_new = script_spec_new,
    .spec_free = script_spec_free,
    .release = script_release,
};
