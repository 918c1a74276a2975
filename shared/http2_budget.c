/* Time gives whole units only, and moves `filled_us` on by what they took: none is lost. */
#include "shared/http2_budget.h"

#include "shared/attrs.h"

#define SECOND_US INT64_C(1000000)

void http2_budget_init(struct http2_budget *budget, uint32_t most, uint32_t per_s, int64_t now_us)
{
    *budget =
        (struct http2_budget){.most = most, .per_s = per_s, .left = most, .filled_us = now_us};
}

void http2_budget_give(struct http2_budget *budget, uint32_t amount)
{
    budget->left = amount > budget->most - budget->left ? budget->most : budget->left + amount;
}

static void fill(struct http2_budget *budget, int64_t now_us)
{
    int64_t passed_us = now_us - budget->filled_us;
    int64_t units;

    if (passed_us <= 0)
        return;
    if (passed_us / SECOND_US >= budget->most / budget->per_s + 1) { /* long enough for all of it */
        budget->left = budget->most;
        budget->filled_us = now_us;
        return;
    }
    units = passed_us * budget->per_s / SECOND_US;
    budget->filled_us += units * SECOND_US / budget->per_s;
    http2_budget_give(budget, (uint32_t)units);
}

bool http2_budget_take(struct http2_budget *budget, uint32_t cost, int64_t now_us)
{
    fill(budget, now_us);
    if (cost > budget->left) {
        budget->left = 0;
        return false;
    }
    budget->left -= cost;
    return true;
}
