/*
 * Leads a probe through a dialogue (shared/dialogue.h) on the stream that it has dialled: sends,
 * waits for what has to match, starts TLS, closes its side. Whoever uses it has a struct dialogue_run
 * as the first member of the probe's state, and sets `timed_out` and `release` of its kind.
 *
 * Thread: the loop of the probe's shard.
 */
#pragma once

#include "shared/dialogue.h"
#include "shared/stream.h"
#include "shared/tls.h"

struct probe;
struct probe_step;
enum wait;

struct dialogue_run {
    const struct dialogue *dialogue;
    struct tls_client *tls; /* for the step that starts TLS */
    struct tls_names names;
    const struct probe_step *then; /* after the last step */

    size_t at;        /* the step */
    bool is_ended;    /* nothing more can be read … */
    enum io ended_by; /* … because of that */
    bool is_cut;      /* the server did not take what was sent last, and has not answered yet */
    struct str outgoing;
    struct dialogue_progress progress;
    struct dialogue_caught caught;
    struct buf composed;
};

/* Prepares the state before the dial; what an earlier probe left in it is overwritten. */
void dialogue_run_init(struct probe *probe, const struct dialogue_run *settings);

/* Begins, on a stream that stands. */
enum wait dialogue_run_start(struct probe *probe);

/* For the kind's `timed_out` and `release`. */
enum wait dialogue_run_timed_out(struct probe *probe);
void dialogue_run_release(struct probe *probe);
