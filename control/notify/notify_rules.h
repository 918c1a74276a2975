/* When a delivery is tried again and when it is given up: pure decisions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* The schedule of Standard Webhooks 1.0.0 ("Deliverability and reliability"): at once, then after 5 s, 5 min,
 * 30 min, 2, 5, 10, 14, 20 and 24 hours. */
#define DELIVERY_STEPS 10

/* How long a receiver that fails is left alone: twice as long after each failure. */
#define RECEIVER_PAUSE_FIRST_MS 1000
#define RECEIVER_PAUSE_MOST_MS  (5 * 60 * 1000)

enum delivery_next { DELIVERY_DONE, DELIVERY_RETRY, DELIVERY_GIVE_UP, DELIVERY_GONE };

struct delivery_attempt {
    int step;    /* of the schedule, from 0 */
    bool is_due; /* else the receiver was only tried out: the schedule stays where it is */
    int status;  /* HTTP status; 0 when there was no reply */
    int64_t retry_after_s; /* what the receiver asked for; 0: nothing */
    uint32_t random;       /* spreads what failed together */
};

struct delivery_decision {
    enum delivery_next next;
    int step;         /* of a retry */
    bool keeps_time;  /* a retry at the time that it had */
    int64_t delay_ms; /* of a retry that does not: up to a fifth more than the schedule's */
};

/* 2xx is done. 410 means that nobody wants anything here any more. Everything else, redirects too,
 * is tried again as the schedule says, or later when the receiver asks for it (at most a day). */
struct delivery_decision delivery_decide(const struct delivery_attempt *attempt);

/* The pause after one more failure. @param pause_ms the one before; 0: none. */
int64_t receiver_pause_ms(int64_t pause_ms, int64_t retry_after_s);
