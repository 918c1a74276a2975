/*
 * em-control: reads its options, then either serves (control/service.c) or runs one command
 * (control/commands.c). The spawner is forked right after the options, which say how it logs, while
 * this process is still small and has one thread.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/buf.h"
#include "shared/jq_check.h"
#include "shared/jq_helper.h"
#include "shared/log.h"
#include "shared/spawner.h"

#include "control/commands.h"
#include "control/options.h"
#include "control/service.h"
#include "control/socketio_echo.h"

#define EXIT_USAGE 2

static int say(enum err err)
{
    if (err == OK)
        return EXIT_SUCCESS;
    if (log_format() == LOG_FORMAT_JSON)
        log_error("program.failed", "detail=\"%s\"", failure_last()->detail);
    else
        fprintf(stderr, "em-control: %s\n", failure_last()->detail);
    return err == ERR_INVALID ? EXIT_USAGE : EXIT_FAILURE;
}

static int print_help(void)
{
    CLEANUP(buf_clear_p) struct buf text = {0};

    options_help(&control_program, &text);
    fputs(text.data, stdout);
    return EXIT_SUCCESS;
}

/* Checks are defined here, so programs in jq's language are checked by libjq, in its process. */
static enum err serve(struct control_options *options, struct spawner *spawner)
{
    static const struct run_as as_we_are;
    AUTO(jq_checker_free) struct jq_checker *checker = NULL;
    struct spawner *handle;

    TRY(spawner_open(spawner, &handle));
    checker = jq_checker_new(handle, &as_we_are);
    jq_check_use(checker);
    return service_run(options, spawner);
}

static enum err dispatch(struct control_options *options, const char *command,
                         struct spawner *spawner)
{
    TRY(control_options_check(options));
    if (options->openapi)
        return command_openapi();
    if (options->check_config)
        return command_check_config(options);
    if (options->test_socketio_echo)
        return socketio_echo_run(options);
    if (!command)
        return serve(options, spawner);
    if (strcmp(command, "backup") == 0)
        return command_backup(options, spawner);
    if (strcmp(command, "restore") == 0)
        return command_restore(options, spawner);
    return command_sign_in_link(options, spawner);
}

/* Starts the spawner, and everything else after it. */
static int run(struct control_options *options, const char *command)
{
    const struct sigaction ignore = {.sa_handler = SIG_IGN};
    AUTO(spawner_free) struct spawner *spawner = NULL;

    if (spawner_start("em-spawner", &spawner) != OK)
        return say(ERR_UNAVAILABLE);
    sigaction(SIGPIPE, &ignore, NULL);
    return say(dispatch(options, command, spawner));
}

int main(int argc, char **argv)
{
    struct control_options options = {0};
    const char *command = NULL;
    enum err err;
    int status;

    if (jq_helper_is_wanted(argc, argv))
        jq_helper_main();
    log_set_program("em-control");
    if (options_wants(argc, argv, "--help"))
        return print_help();
    if (options_wants(argc, argv, "--version")) {
        puts("em-control " EM_VERSION);
        return EXIT_SUCCESS;
    }

    err = control_options_load(argc, argv, &options, &command);
    control_options_apply(&options);
    status = err == OK ? run(&options, command) : say(err);
    control_options_clear(&options);
    failure_clear();
    return status;
}
