/* One helper, asked by one thread at a time. What was understood once is remembered: the same few
 * programs stand in many checks. */
#include "shared/jq_check.h"

#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/jq_private.h"
#include "shared/log.h"
#include "shared/map.h"
#include "shared/mem.h"

#define LIMIT_MS  2000 /* for compiling */
#define WAIT_MS   5000 /* for the helper, its start included */
#define KNOWN_MAX 1024
#define TRIES     2 /* a helper may have ended since it was asked last */

struct known {
    UT_hash_handle hh;
    char text[];
};

struct jq_checker {
    pthread_mutex_t mutex; /* guards what follows */
    struct spawner *spawner;
    struct jq_link link;
    struct known *known; /* programs that compile */
};

static struct jq_checker *in_use;

struct jq_checker *jq_checker_new(struct spawner *spawner_take, const struct run_as *run_as)
{
    struct jq_checker *checker = NEW(struct jq_checker);

    pthread_mutex_init(&checker->mutex, NULL);
    checker->spawner = spawner_take;
    checker->link = (struct jq_link){.spawner = spawner_take, .run_as = run_as, .socket = -1};
    return checker;
}

static void forget_all(struct jq_checker *checker)
{
    struct known *known;
    struct known *next;

    HASH_ITER (hh, checker->known, known, next) {
        HASH_DEL(checker->known, known);
        free(known);
    }
}

void jq_checker_free(struct jq_checker *checker)
{
    if (!checker)
        return;
    if (in_use == checker)
        in_use = NULL;
    jq_link_close(&checker->link);
    spawner_free(checker->spawner);
    forget_all(checker);
    pthread_mutex_destroy(&checker->mutex);
    free(checker);
}

static bool is_known(const struct jq_checker *checker, struct str program)
{
    struct known *known;

    HASH_FIND(hh, checker->known, program.ptr, program.len, known);
    return known != NULL;
}

static void remember(struct jq_checker *checker, struct str program)
{
    struct known *known = xmalloc(sizeof *known + program.len);

    if (HASH_COUNT(checker->known) >= KNOWN_MAX)
        forget_all(checker);
    memcpy(known->text, program.ptr, program.len);
    HASH_ADD(hh, checker->known, text, program.len, known);
}

static void on_helper_end(void *argument, const struct spawn_result *result)
{
    (void)argument;
    if (result->end == SPAWN_FAILED)
        log_error("jq.not_started", "error=%s", strerrordesc_np(result->status));
}

static enum err wait_for_answer(const struct jq_link *link, enum json_answer *ret_answer,
                                struct buf *ret_reason)
{
    int64_t due_us = clock_monotonic_us() + INT64_C(1000) * WAIT_MS;
    struct pollfd wait = {.fd = link->socket, .events = POLLIN};
    int64_t left_us;

    while ((left_us = due_us - clock_monotonic_us()) > 0) {
        if (poll(&wait, 1, (int)(left_us / 1000 + 1)) > 0)
            return jq_link_receive(link, ret_answer, ret_reason);
    }
    return fail(ERR_UNAVAILABLE, "jq_link", "the process that runs jq does not answer");
}

static enum err ask(struct jq_checker *checker, struct str program, enum json_answer *ret_answer,
                    struct buf *ret_reason)
{
    TRY(spawner_wait(checker->spawner, 0));
    TRY(jq_link_open(&checker->link, on_helper_end, checker));
    TRY(jq_link_send(&checker->link, program, NULL, LIMIT_MS));
    return wait_for_answer(&checker->link, ret_answer, ret_reason);
}

static enum err check(struct jq_checker *checker, struct str program)
{
    CLEANUP(buf_clear_p) struct buf reason = {0};
    enum json_answer answer = JSON_ANSWER_LOST;
    enum err err = ERR_UNAVAILABLE;

    if (is_known(checker, program))
        return OK;
    for (int i = 0; i < TRIES && err != OK; i++) {
        err = ask(checker, program, &answer, &reason);
        if (err != OK)
            jq_link_close(&checker->link);
    }
    if (err != OK)
        return err;
    if (answer == JSON_ANSWER_TRUE) {
        remember(checker, program);
        return OK;
    }
    return fail(answer == JSON_ANSWER_LOST ? ERR_UNAVAILABLE : ERR_INVALID,
                answer == JSON_ANSWER_LOST ? "jq_link" : "jq_invalid", STR_FMT,
                STR_ARG(buf_str(&reason)));
}

enum err jq_check(struct jq_checker *checker, struct str program)
{
    enum err err;

    pthread_mutex_lock(&checker->mutex);
    err = check(checker, program);
    pthread_mutex_unlock(&checker->mutex);
    return err;
}

void jq_check_use(struct jq_checker *checker)
{
    in_use = checker;
}

bool jq_check_format(struct str text, char *detail, size_t detail_bytes)
{
    AUTO(json_assert_free) struct json_assert *assertion = NULL;
    enum err err = json_assert_new(text, &assertion);

    if (err == OK && in_use && !json_assert_is_simple(assertion))
        err = jq_check(in_use, text);
    if (err == ERR_INVALID)
        snprintf(detail, detail_bytes, "must be a jq program: %s", failure_last()->detail);
    else if (err != OK)
        log_warning("jq.not_checked", "reason=%s", failure_last()->detail);
    failure_clear();
    return err != ERR_INVALID;
}
