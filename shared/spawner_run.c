/* One run to its end, for code without a loop. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "shared/mem.h"
#include "shared/spawner.h"

#define DETAIL_BYTES 200

struct run {
    bool is_over;
    enum spawn_end end;
    int status;
    char *output;
    char detail[DETAIL_BYTES];
};

static struct str last_line(struct str text)
{
    size_t from;

    while (text.len && (text.ptr[text.len - 1] == '\n' || text.ptr[text.len - 1] == '\r'))
        text.len--;
    for (from = text.len; from > 0 && text.ptr[from - 1] != '\n';)
        from--;
    return str_sub(text, from, text.len);
}

static void on_run_done(void *argument, const struct spawn_result *result)
{
    struct run *run = argument;
    struct str line = last_line(result->error);

    run->is_over = true;
    run->end = result->end;
    run->status = result->status;
    run->output = str_dup(result->output);
    snprintf(run->detail, sizeof run->detail, STR_FMT, STR_ARG(line));
}

static enum err run_outcome(const char *program, const struct run *run)
{
    switch (run->end) {
    case SPAWN_EXITED:
        if (run->status == 0)
            return OK;
        return fail(ERR_UNAVAILABLE, "program_failed", "%s ended with status %d: %s", program,
                    run->status, run->detail);
    case SPAWN_SIGNALLED:
        return fail(ERR_UNAVAILABLE, "program_failed", "%s was ended by signal %d: %s", program,
                    run->status, run->detail);
    case SPAWN_TIMED_OUT:
        return fail(ERR_TIMEOUT, "program_timeout", "%s took too long: %s", program, run->detail);
    case SPAWN_FLOODED:
        return fail(ERR_LIMITED, "program_flood", "%s wrote without end: %s", program, run->detail);
    case SPAWN_FAILED:
        return fail(run->status == ENOENT ? ERR_NOT_FOUND : ERR_UNAVAILABLE,
                    run->status == ENOENT ? "program_missing" : "program_failed",
                    "%s cannot be run: %s", program, strerrordesc_np(run->status));
    case SPAWN_LOST:
        return fail(ERR_UNAVAILABLE, "spawner_lost", "the process that starts programs is gone");
    }
    return ERR_BUG;
}

enum err spawner_run(struct spawner *spawner, const struct spawn_request *request,
                     char **ret_output)
{
    struct run run = {0};
    uint64_t id;
    enum err err;

    TRY(spawner_launch(spawner, request, on_run_done, &run, &id));
    while (!run.is_over) {
        if (spawner_wait(spawner, 1000) != OK)
            break; /* then on_run_done has been told */
    }
    err = run_outcome(request->argv[0], &run);
    if (err == OK && ret_output)
        *ret_output = TAKE(run.output);
    free(run.output);
    return err;
}
