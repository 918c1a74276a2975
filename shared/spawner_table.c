/* The children of the spawner: one fixed table, a list of its free places, one of the living, and a
 * map by pid. */
#include "shared/spawner_private.h"

struct child children[SPAWN_IN_FLIGHT_MAX];
struct list live_children;

static struct list free_children;
static struct child *by_pid;

void children_init(void)
{
    list_init(&live_children);
    list_init(&free_children);
    for (int i = 0; i < SPAWN_IN_FLIGHT_MAX; i++) {
        list_init(&children[i].link);
        child_clear(&children[i]);
    }
}

struct child *child_new(void)
{
    struct list *link = list_first(&free_children);
    struct child *child;

    if (!link)
        return NULL;
    child = container_of(link, struct child, link);
    list_remove(link);
    list_append(&live_children, link);
    return child;
}

void child_know_pid(struct child *child, pid_t pid)
{
    child->pid = pid;
    HASH_ADD_INT(by_pid, pid, child);
}

void child_forget_pid(struct child *child)
{
    HASH_DEL(by_pid, child);
}

struct child *child_of_pid(pid_t pid)
{
    struct child *child;

    HASH_FIND_INT(by_pid, &pid, child);
    return child;
}

struct child *child_of_id(const struct owner *owner, uint64_t id)
{
    LIST_FOREACH (link, &live_children) {
        struct child *child = container_of(link, struct child, link);

        if (child->state == CHILD_RUNNING && child->id == id && child->owner == owner)
            return child;
    }
    return NULL;
}

int64_t child_due_us(const struct child *child)
{
    int64_t due_us = MIN(child->stop_at_us, child->kill_at_us);

    if (child->state == CHILD_DRAINING)
        return child->drained_at_us;
    due_us = MIN(due_us, child->watch_at_us);
    return MIN(due_us, child->give_up_at_us);
}

void child_clear(struct child *child)
{
    list_remove(&child->link);
    buf_clear(&child->captured[0]);
    buf_clear(&child->captured[1]);
    *child = (struct child){.state = CHILD_FREE, .fds = {-1, -1}};
    list_prepend(&free_children, &child->link);
}
