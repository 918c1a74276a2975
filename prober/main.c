/*
 * em-prober. The spawner is forked right after the options, which say how it logs; then everything
 * else starts. SIGTERM and SIGINT are blocked in all threads and waited for by the first one.
 */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "shared/jq_check.h"
#include "shared/jq_helper.h"
#include "shared/log.h"
#include "shared/spawner.h"

#include "prober/check.h"
#include "prober/daemon.h"
#include "prober/engine.h"
#include "prober/options.h"
#include "prober/standalone.h"

#define STATUS_ERROR 2

static int say_failure(void)
{
    if (log_format() == LOG_FORMAT_JSON)
        log_error("program.failed", "detail=\"%s\"", failure_last()->detail);
    else
        fprintf(stderr, "em-prober: %s\n", failure_last()->detail);
    failure_clear();
    return STATUS_ERROR;
}

/* A peer that goes away is an error of the write. */
static void ignore_broken_pipes(void)
{
    sigaction(SIGPIPE, &(struct sigaction){.sa_handler = SIG_IGN}, NULL);
}

static void block_signals(void)
{
    sigset_t signals;

    sigemptyset(&signals);
    sigaddset(&signals, SIGTERM);
    sigaddset(&signals, SIGINT);
    pthread_sigmask(SIG_BLOCK, &signals, NULL);
}

static enum err set_log(const struct prober_options *options)
{
    enum log_level level;
    enum log_format format;

    if (!log_format_from_word(options->log_format, &format))
        return fail(ERR_INVALID, "log_format", "--log-format is text or json, not \"%s\".",
                    options->log_format);
    log_set_format(format);
    if (!log_level_from_word(options->log_level, &level))
        return fail(ERR_INVALID, "log_level",
                    "--log-level is error, warning, info or debug, not \"%s\".",
                    options->log_level);
    log_set_level(level);
    return OK;
}

static enum err load(int argc, char **argv, struct prober_options *ret_options,
                     const char **ret_command)
{
    TRY(options_load(&prober_program, argc, argv, ret_options, ret_command));
    return set_log(ret_options);
}

/* From here on programs in jq's language are checked by libjq. */
static enum err start_jq_checker(struct spawner *spawner, const struct run_as *run_as,
                                 struct jq_checker **ret_checker)
{
    struct spawner *handle;

    TRY(spawner_open(spawner, &handle));
    *ret_checker = jq_checker_new(handle, run_as);
    jq_check_use(*ret_checker);
    return OK;
}

static enum err dispatch(const char *command, const struct prober_options *options,
                         const struct engine_options *engine_options, int *ret_status)
{
    TRY(check_schemas_load());
    if (!command)
        return daemon_run(options, engine_options);
    if (strcmp(command, "once") == 0)
        return standalone_once(options, engine_options, ret_status);
    return standalone_run(options, engine_options, ret_status);
}

static enum err run(const char *command, const struct prober_options *options,
                    struct spawner *spawner, int *ret_status)
{
    struct engine_options engine_options = {
        .loops = (unsigned)options->loops,
        .limits = {.in_flight = (unsigned)options->in_flight,
                   .connecting = (unsigned)options->connecting,
                   .per_host = (unsigned)options->per_host},
        .dns_servers = options->dns_servers,
        .spawner = spawner,
        .flood = command && strcmp(command, "run") == 0 ? (unsigned)options->flood : 0,
    };
    struct jq_checker *checker = NULL;
    enum err err;

    err = scripts_settings_init(&engine_options.scripts, options->scripts, options->scripts_user);
    if (err == OK)
        err = start_jq_checker(spawner, &engine_options.scripts.run_as, &checker);
    if (err == OK)
        err = dispatch(command, options, &engine_options, ret_status);
    jq_checker_free(checker);
    scripts_settings_clear(&engine_options.scripts);
    return err;
}

/* Starts the spawner, and everything else after it. */
static int start(const char *command, const struct prober_options *options)
{
    AUTO(spawner_free) struct spawner *spawner = NULL;
    int status = 0;
    enum err err;

    if (spawner_start("em-prober-spawner", &spawner) != OK)
        return say_failure();
    /* A single run has nothing to put in order: there the signals do what they always do. */
    if (!command || strcmp(command, "once") != 0)
        block_signals();
    ignore_broken_pipes();
    err = run(command, options, spawner, &status);
    check_schemas_unload();
    return err == OK ? status : say_failure();
}

int main(int argc, char **argv)
{
    struct prober_options options = {0};
    const char *command = NULL;
    int status;

    if (jq_helper_is_wanted(argc, argv))
        jq_helper_main();
    log_set_program("em-prober");
    if (options_wants(argc, argv, "--version")) {
        puts("em-prober " EM_VERSION);
        return 0;
    }
    if (options_wants(argc, argv, "--help")) {
        CLEANUP(buf_clear_p) struct buf help = {0};

        options_help(&prober_program, &help);
        fwrite(help.data, 1, help.len, stdout);
        return 0;
    }
    status = load(argc, argv, &options, &command) == OK ? start(command, &options) : say_failure();
    options_clear(&prober_program, &options);
    return status;
}
