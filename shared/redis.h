/*
 * A connection to Redis on an event loop: the only door to hiredis. It connects by itself and again
 * after a loss, with back-off; what is sent while there is no connection, or while too much is
 * unanswered, is refused and counted, because everything in Redis can be made again from
 * PostgreSQL.
 *
 * URLs: unix:///path[?db=N], redis://[user:password@]address:port[/db]. The address is an IP
 * address: hiredis would block on a name.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"

struct loop;
struct redis;

/* Commands that may wait for their answers; a connection on which none comes for twice so long is
 * given up. */
#define REDIS_IN_FLIGHT_MAX 200000
#define REDIS_PATIENCE_S    5.0
#define REDIS_WORDS_MAX     32 /* of one command; asserted */

enum redis_type { REDIS_NIL, REDIS_TEXT, REDIS_INTEGER, REDIS_LIST, REDIS_FAILED };

/* An answer; borrowed for the call. */
struct redis_reply {
    enum redis_type type;
    struct str text; /* TEXT, and what FAILED says */
    int64_t integer;
    size_t len;      /* LIST */
    const void *raw; /* for redis_reply_item() */
};

/* `reply` is NULL when the connection was lost before the answer came. */
typedef void (*redis_reply_fn)(void *context, const struct redis_reply *reply);

struct redis_options {
    struct loop *loop;
    const char *url;
    /* for ACLs; NULL: the default user. The URL's own user and password come first */
    const char *user;
    const char *password;
    /* after each connect and login, when commands may be sent; or NULL */
    void (*on_connected)(void *context);
    /* when the connection is lost, or the first attempt has failed: once until the next
     * on_connected. Who takes this says what happens, and nothing is logged here; or NULL */
    void (*on_lost)(void *context, const char *why);
    void *context;
    double patience_s; /* in place of REDIS_PATIENCE_S; 0: that */
};

/* @return ERR_INVALID "redis_url" with what is wrong with it. */
MUST_USE enum err redis_check_url(const char *url);

/* @return as redis_check_url(). Connects in the background. */
MUST_USE enum err redis_new(const struct redis_options *options, struct redis **ret_redis);
void redis_free(struct redis *redis);

DEFINE_AUTO(struct redis *, redis_free);

bool redis_is_connected(const struct redis *redis);

/* Whether so many commands may be sent now: asked before those that only make sense together. */
bool redis_has_room(const struct redis *redis, size_t commands);

/* Sends one command. False, and nothing sent, when that is not possible now. @param on_reply or
 * NULL. */
bool redis_send(struct redis *redis, const struct str *words, size_t count, redis_reply_fn on_reply,
                void *context);

#define REDIS_SEND(redis, on_reply, context, ...)                                                  \
    redis_send(redis, (const struct str[]){__VA_ARGS__},                                           \
               sizeof((const struct str[]){__VA_ARGS__}) / sizeof(struct str), on_reply, context)

/* The item at `at` of a LIST; asserts that there is one. */
struct redis_reply redis_reply_item(const struct redis_reply *list, size_t at);

/* Commands answered with an error, and commands refused or lost with the connection. */
uint64_t redis_failed(const struct redis *redis);
uint64_t redis_lost(const struct redis *redis);
