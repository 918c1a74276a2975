/*
 * Between the files of probe.h: probe.c, which drives, and probe_times.c, which keeps the times.
 *
 * Thread: the loop of the probe.
 */
#pragma once

#include "prober/probe.h"

/* Puts the deadline in force, by phase and timeout; `now_us` is the monotonic clock. */
void probe_set_deadline_from(struct probe *probe, int64_t now_us);

/* Has the timer fire after that time. */
void probe_arm_deadline(struct probe *probe, int64_t left_us);

/* The deadline was reached: ends the probe in the words of the kind, or of the phase. */
enum wait probe_end_at_deadline(struct probe *probe);

/* A duration as results have it. */
uint32_t probe_us(int64_t us);

/* Counts what has passed for the present phase. */
void probe_settle_phase(struct probe *probe, int64_t now_us);

struct probe_slowness {
    const char *what; /* "the connection ", or nothing for the whole */
    int64_t took_ms;
    uint32_t limit_ms; /* 0: it is fast enough */
};

/* The first threshold of that verdict (warn or fail) that is reached. */
struct probe_slowness probe_slowness(const struct probe *probe, enum verdict verdict);
