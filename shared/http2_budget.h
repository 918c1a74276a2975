/*
 * How much a peer may ask for without giving us anything to do: a bucket that each frame that
 * carries nothing and each stream that comes to nothing takes from, and that time and work that was
 * done fill again.
 *
 * Thread: any; one belongs to one session.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

struct http2_budget {
    uint32_t most;  /* and what it begins with */
    uint32_t per_s; /* that time gives */

    /* private */
    uint32_t left;
    int64_t filled_us; /* when time last gave */
};

void http2_budget_init(struct http2_budget *budget, uint32_t most, uint32_t per_s, int64_t now_us);

/* False when there is not so much left. */
bool http2_budget_take(struct http2_budget *budget, uint32_t cost, int64_t now_us);

/* What was asked for led to something. */
void http2_budget_give(struct http2_budget *budget, uint32_t amount);
