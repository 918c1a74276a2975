/* The children of the spawner: one fixed table, looked through from end to end, because it is small
 * and has no order. */
#include <assert.h>

#include "shared/spawner_private.h"

struct child children[SPAWN_IN_FLIGHT_MAX];

struct child *child_of_pid(pid_t pid)
{
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        if (children[i].state == CHILD_RUNNING && children[i].pid == pid)
            return &children[i];
    }
    return NULL;
}

struct child *child_of_id(uint64_t id)
{
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        if (children[i].state == CHILD_RUNNING && children[i].id == id)
            return &children[i];
    }
    return NULL;
}

struct child *child_new(void)
{
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        if (children[i].state == CHILD_FREE)
            return &children[i];
    }
    assert(!"the owner counts what is in flight");
    return NULL;
}

int64_t children_due_us(void)
{
    int64_t due_us = SPAWN_FOREVER;

    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        const struct child *child = &children[i];

        if (child->state == CHILD_RUNNING) {
            due_us = MIN(due_us, child->stop_at_us);
            due_us = MIN(due_us, child->kill_at_us);
        } else if (child->state == CHILD_DRAINING) {
            due_us = MIN(due_us, child->drained_at_us);
        }
    }
    return due_us;
}

bool children_any(void)
{
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        if (children[i].state == CHILD_RUNNING || children[i].state == CHILD_DRAINING)
            return true;
    }
    return false;
}

void child_clear(struct child *child)
{
    buf_clear(&child->captured[0]);
    buf_clear(&child->captured[1]);
    *child = (struct child){.state = CHILD_FREE, .fds = {-1, -1}};
}
