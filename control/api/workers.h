/*
 * The threads that run handlers: a bounded queue of exchanges in, a list of finished ones back to
 * the loop. Each thread has its own database connection.
 */
#pragma once

#include <stdbool.h>

struct exchange;
struct loop;
struct workers;

#define WORKERS_DEFAULT   4
#define WORKERS_QUEUE_MAX 512

/* Starts the threads. `database` is borrowed; NULL: handlers get no connection. */
struct workers *workers_new(struct loop *loop, unsigned threads, const char *database);

/* Lets what runs come to its end, joins the threads and gives all exchanges back. Thread: the
 * loop. */
void workers_free(struct workers *workers);

/* False when the queue is full. Thread: the loop. */
bool workers_take(struct workers *workers, struct exchange *exchange);

/* As above; false also when no worker is idle. Thread: the loop. */
bool workers_take_idle(struct workers *workers, struct exchange *exchange);
