/* Posted tasks are a locked vector swapped out by the loop; one ev_async wakes it, whatever the
 * number of posts. */
#include "shared/loop.h"

#include <pthread.h>

#include "shared/vec.h"

struct task {
    loop_task_fn run;
    void *argument;
};

typedef VEC(struct task) task_vec;

struct loop {
    struct ev_loop *ev;
    ev_async wake;
    ev_prepare before_wait;
    pthread_mutex_t mutex; /* guards posted */
    task_vec posted;
    task_vec running; /* the loop's own, keeps its memory between passes */
    task_vec dead;
};

static void run_all(task_vec *tasks)
{
    for (size_t i = 0; i < tasks->len; i++)
        tasks->items[i].run(tasks->items[i].argument);
    tasks->len = 0;
}

static void on_wake(struct ev_loop *ev, ev_async *watcher, int events)
{
    struct loop *loop = container_of(watcher, struct loop, wake);
    task_vec swapped;

    (void)ev;
    (void)events;
    pthread_mutex_lock(&loop->mutex);
    swapped = loop->posted;
    loop->posted = loop->running;
    pthread_mutex_unlock(&loop->mutex);

    run_all(&swapped);
    loop->running = swapped;
}

static void on_before_wait(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    struct loop *loop = container_of(watcher, struct loop, before_wait);

    (void)ev;
    (void)events;
    run_all(&loop->dead);
}

struct loop *loop_new(void)
{
    struct loop *loop = NEW(struct loop);

    loop->ev = ev_loop_new(EVFLAG_AUTO | EVFLAG_NOENV);
    if (!loop->ev)
        out_of_memory(0);
    pthread_mutex_init(&loop->mutex, NULL);
    ev_async_init(&loop->wake, on_wake);
    ev_async_start(loop->ev, &loop->wake);
    ev_prepare_init(&loop->before_wait, on_before_wait);
    ev_set_priority(&loop->before_wait, EV_MINPRI);
    ev_prepare_start(loop->ev, &loop->before_wait);
    return loop;
}

void loop_settle(struct loop *loop)
{
    on_wake(loop->ev, &loop->wake, 0);
    run_all(&loop->dead);
}

void loop_free(struct loop *loop)
{
    if (!loop)
        return;
    loop_settle(loop);
    ev_async_stop(loop->ev, &loop->wake);
    ev_prepare_stop(loop->ev, &loop->before_wait);
    ev_loop_destroy(loop->ev);
    pthread_mutex_destroy(&loop->mutex);
    vec_clear(&loop->posted);
    vec_clear(&loop->running);
    vec_clear(&loop->dead);
    free(loop);
}

struct ev_loop *loop_ev(struct loop *loop)
{
    return loop->ev;
}

void loop_run(struct loop *loop)
{
    ev_run(loop->ev, 0);
}

static void stop_now(void *argument)
{
    struct loop *loop = argument;

    ev_break(loop->ev, EVBREAK_ALL);
}

void loop_stop(struct loop *loop)
{
    loop_post(loop, stop_now, loop);
}

void loop_post(struct loop *loop, loop_task_fn task, void *argument)
{
    pthread_mutex_lock(&loop->mutex);
    vec_push(&loop->posted, (struct task){task, argument});
    pthread_mutex_unlock(&loop->mutex);
    ev_async_send(loop->ev, &loop->wake);
}

void loop_reap(struct loop *loop, loop_task_fn task, void *argument)
{
    vec_push(&loop->dead, (struct task){task, argument});
}
