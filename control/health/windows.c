/* Few at a time, so a list that is looked through. */
#include "control/health/windows.h"

#include "shared/attrs.h"

bool windows_are_open(const window_vec *windows, const struct uuid *scope_id, int64_t now_ms)
{
    for (size_t i = 0; i < windows->len; i++) {
        const struct window *window = &windows->items[i];

        if (window->starts_ms <= now_ms && now_ms < window->ends_ms &&
            uuid_equal(&window->scope_id, scope_id))
            return true;
    }
    return false;
}

int64_t windows_next_ms(const window_vec *windows, int64_t now_ms)
{
    int64_t next_ms = INT64_MAX;

    for (size_t i = 0; i < windows->len; i++) {
        const struct window *window = &windows->items[i];

        if (window->starts_ms > now_ms)
            next_ms = MIN(next_ms, window->starts_ms);
        else if (window->ends_ms > now_ms)
            next_ms = MIN(next_ms, window->ends_ms);
    }
    return next_ms;
}
