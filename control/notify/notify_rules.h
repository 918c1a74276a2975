/* When a delivery is tried again and when it is given up: pure decisions. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* A delivery is given up this long after the event. */
#define NOTIFY_GIVE_UP_MS (72LL * 3600 * 1000)

enum delivery_next { DELIVERY_DONE, DELIVERY_RETRY, DELIVERY_GIVE_UP };

struct delivery_attempt {
    int attempts;          /* made so far, this one counted */
    int status;            /* HTTP status; 0 when there was no reply */
    int64_t retry_after_s; /* what the receiver asked for; 0: nothing */
    int64_t created_at_ms; /* of the event */
    int64_t now_ms;
};

/*
 * 2xx is done. 410 means that nobody wants it any more: given up at once. Everything else is tried
 * again after 2, 6, 14, 30 s, 1, 2, 5, 15, 30 min and then every hour, or later when the receiver
 * asks for it (at most an hour), until NOTIFY_GIVE_UP_MS have passed. `ret_delay_ms` is set for a
 * retry.
 */
enum delivery_next delivery_decide(const struct delivery_attempt *attempt, int64_t *ret_delay_ms);
