/*
 * hiredis 0.14: its asynchronous connection with libev's watchers. A login and SELECT go first on
 * each new connection; the owner hears of it when both are answered, so a wrong password is one
 * clear log line and no storm of errors.
 */
#include "shared/redis.h"

#include <assert.h>
#include <hiredis/adapters/libev.h>
#include <hiredis/async.h>
#include <hiredis/hiredis.h>

#include "shared/addr.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"

#define RETRY_S_FIRST 0.1
#define RETRY_S_MOST  5.0

struct redis {
    struct loop *loop;
    redisAsyncContext *connection; /* NULL: waits for its next try */
    ev_timer retry;                /* the next try, or the end of patience with this one */
    double retry_s;
    double patience_s;
    bool doubted; /* patience has run out once since the last answer */
    bool connected;
    bool refused; /* one of the first commands of this connection failed */
    bool refusal_told;
    char *path; /* of a Unix socket; else NULL */
    char *host;
    int port;
    char *user;
    char *password;
    char *database;
    void (*on_connected)(void *context);
    void (*on_lost)(void *context, const char *why);
    void *context;
    size_t in_flight;
    uint64_t failed;
    uint64_t lost;
};

/* One command that waits for its answer. */
struct waiting {
    struct redis *redis;
    redis_reply_fn on_reply;
    void *context;
};

/* URL ----------------------------------------------------------------------------------------- */

static enum err refuse_url(const char *why)
{
    return fail(ERR_INVALID, "redis_url",
                "The Redis URL %s; use unix:///path or redis://[user:password@]address:port[/db].",
                why);
}

static enum err read_database(struct redis *redis, struct str text)
{
    uint64_t number;

    if (!text.ptr || text.len == 0)
        return OK;
    if (!str_to_u64(text, 65535, &number))
        return refuse_url("has a database that is no number");
    redis->database = str_dup(text);
    return OK;
}

static enum err read_unix_url(struct redis *redis, struct str rest)
{
    struct str path = str_cut(&rest, '?');

    if (path.len < 2 || path.ptr[0] != '/')
        return refuse_url("has no absolute path");
    redis->path = str_dup(path);
    if (rest.ptr && !str_starts_with(rest, STR("db=")))
        return refuse_url("has an unknown parameter");
    return read_database(redis, str_sub(rest, 3, rest.len));
}

static void read_login(struct redis *redis, struct str login)
{
    struct str user = str_cut(&login, ':');

    free(redis->user);
    free(redis->password);
    redis->user = user.len > 0 ? str_dup(user) : NULL;
    redis->password = login.ptr ? str_dup(login) : NULL;
}

static enum err read_tcp_url(struct redis *redis, struct str rest)
{
    const char *at = rest.len ? memrchr(rest.ptr, '@', rest.len) : NULL;
    struct str place;
    struct addr addr;
    char text[ADDR_TEXT_BYTES];
    char *colon;

    if (at) {
        size_t len = (size_t)(at - rest.ptr);

        read_login(redis, str_sub(rest, 0, len));
        rest = str_sub(rest, len + 1, rest.len);
    }
    place = str_cut(&rest, '/');
    if (!addr_parse(place, &addr))
        return refuse_url("has no IP address with a port");
    redis->port = addr_port(&addr);
    addr_format(&addr, text);
    colon = strrchr(text, ':');
    redis->host = text[0] == '[' ? xstrndup(text + 1, (size_t)(colon - text) - 2)
                                 : xstrndup(text, (size_t)(colon - text));
    return read_database(redis, rest);
}

static enum err read_url(struct redis *redis, const char *url)
{
    struct str rest = str_of(url);

    if (str_starts_with(rest, STR("unix://")))
        return read_unix_url(redis, str_sub(rest, strlen("unix://"), rest.len));
    if (str_starts_with(rest, STR("redis://")))
        return read_tcp_url(redis, str_sub(rest, strlen("redis://"), rest.len));
    return refuse_url("has an unknown scheme");
}

/* Frees what read_url() has set. */
static void clear_url(struct redis *redis)
{
    free(redis->path);
    free(redis->host);
    free(redis->user);
    if (redis->password)
        wipe(redis->password, strlen(redis->password));
    free(redis->password);
    free(redis->database);
}

enum err redis_check_url(const char *url)
{
    struct redis redis = {0};
    enum err err = read_url(&redis, url);

    clear_url(&redis);
    return err;
}

/* Connection ---------------------------------------------------------------------------------- */

static void set_timer(struct redis *redis, double delay_s)
{
    ev_timer_stop(loop_ev(redis->loop), &redis->retry);
    ev_timer_set(&redis->retry, delay_s, 0.);
    ev_timer_start(loop_ev(redis->loop), &redis->retry);
}

static void retry_later(struct redis *redis)
{
    redis->connected = false;
    redis->connection = NULL;
    set_timer(redis, redis->retry_s);
    redis->retry_s = MIN(redis->retry_s * 2, RETRY_S_MOST);
}

/* Once until it works again. */
static void tell_refusal(struct redis *redis, const char *why)
{
    if (redis->refusal_told)
        return;
    redis->refusal_told = true;
    if (redis->on_lost)
        redis->on_lost(redis->context, why);
    else
        log_warning("redis.unavailable", "reason=\"%s\"", why);
}

static void on_disconnect(const redisAsyncContext *connection, int status)
{
    struct redis *redis = connection->data;

    if (!redis)
        return; /* we let it go ourselves */
    tell_refusal(redis, status == REDIS_OK ? "closed" : connection->errstr);
    retry_later(redis);
}

static void on_connect(const redisAsyncContext *connection, int status)
{
    struct redis *redis = connection->data;

    if (!redis || status == REDIS_OK)
        return;
    tell_refusal(redis, connection->errstr);
    retry_later(redis); /* hiredis frees the connection itself */
}

/* One of the first commands is answered. The first that fails says why; those after it only fail
 * because of it. */
static void on_greeted(void *context, const struct redis_reply *reply)
{
    struct redis *redis = context;

    if (!reply || reply->type != REDIS_FAILED)
        return;
    tell_refusal(redis, reply->text.ptr);
    redis->refused = true;
}

/* The last of the first commands is answered: the connection can be used. */
static void on_ready(void *context, const struct redis_reply *reply)
{
    struct redis *redis = context;

    on_greeted(context, reply);
    if (!reply)
        return;
    if (redis->refused) {
        redisAsyncDisconnect(redis->connection);
        return;
    }
    redis->connected = true;
    redis->retry_s = RETRY_S_FIRST;
    redis->refusal_told = false;
    if (!redis->on_lost)
        log_info("redis.connected", "at=%s", redis->path ? redis->path : redis->host);
    if (redis->on_connected)
        redis->on_connected(redis->context);
}

static struct redis_reply reply_of(const redisReply *raw)
{
    struct redis_reply reply = {.raw = raw};

    switch (raw->type) {
    case REDIS_REPLY_STRING:
    case REDIS_REPLY_STATUS:
        reply.type = REDIS_TEXT;
        reply.text = str_n(raw->str, raw->len);
        break;
    case REDIS_REPLY_ERROR:
        reply.type = REDIS_FAILED;
        reply.text = str_n(raw->str, raw->len);
        break;
    case REDIS_REPLY_INTEGER:
        reply.type = REDIS_INTEGER;
        reply.integer = raw->integer;
        break;
    case REDIS_REPLY_ARRAY:
        reply.type = REDIS_LIST;
        reply.len = raw->elements;
        break;
    default:
        reply.type = REDIS_NIL;
    }
    return reply;
}

struct redis_reply redis_reply_item(const struct redis_reply *list, size_t at)
{
    const redisReply *raw = list->raw;

    assert(list->type == REDIS_LIST && at < list->len);
    return reply_of(raw->element[at]);
}

/* After an answer: patience begins anew with what is still under way. */
static void wait_on(struct redis *redis)
{
    redis->doubted = false;
    if (redis->in_flight > 0)
        set_timer(redis, redis->patience_s);
    else
        ev_timer_stop(loop_ev(redis->loop), &redis->retry);
}

static void on_answer(redisAsyncContext *connection, void *raw, void *argument)
{
    struct waiting *waiting = argument;
    struct redis *redis = waiting->redis;
    struct redis_reply reply = {0};

    redis->in_flight--;
    if (raw)
        reply = reply_of(raw);
    else
        redis->lost++;
    if (raw && connection == redis->connection)
        wait_on(redis);
    if (raw && reply.type == REDIS_FAILED) {
        redis->failed++;
        if (redis->connected && !redis->on_lost)
            log_warning("redis.command_failed", "error=\"" STR_FMT "\"", STR_ARG(reply.text));
    }
    if (waiting->on_reply)
        waiting->on_reply(waiting->context, raw ? &reply : NULL);
    free(waiting);
}

static bool send_words(struct redis *redis, const struct str *words, size_t count,
                       redis_reply_fn on_reply, void *context)
{
    const char *texts[REDIS_WORDS_MAX];
    size_t lens[REDIS_WORDS_MAX];
    struct waiting *waiting = NEW(struct waiting);

    assert(count <= REDIS_WORDS_MAX);
    for (size_t i = 0; i < count; i++) {
        texts[i] = words[i].ptr ? words[i].ptr : "";
        lens[i] = words[i].len;
    }
    *waiting = (struct waiting){redis, on_reply, context};
    if (redisAsyncCommandArgv(redis->connection, on_answer, waiting, (int)count, texts, lens) !=
        REDIS_OK) {
        free(waiting);
        return false;
    }
    if (redis->in_flight++ == 0) {
        redis->doubted = false;
        set_timer(redis, redis->patience_s);
    }
    return true;
}

/* The first commands of a connection, in one go. */
static void greet(struct redis *redis)
{
    struct str user = str_of(redis->user ? redis->user : "default");

    redis->refused = false;
    if (redis->password)
        send_words(redis, (struct str[]){STR("AUTH"), user, str_of(redis->password)}, 3, on_greeted,
                   redis);
    if (redis->database)
        send_words(redis, (struct str[]){STR("SELECT"), str_of(redis->database)}, 2, on_greeted,
                   redis);
    send_words(redis, (struct str[]){STR("PING")}, 1, on_ready, redis);
}

static redisAsyncContext *open_connection(struct redis *redis)
{
    return redis->path ? redisAsyncConnectUnix(redis->path)
                       : redisAsyncConnect(redis->host, redis->port);
}

static void connect_now(struct redis *redis)
{
    redisAsyncContext *connection = open_connection(redis);

    if (!connection)
        out_of_memory(0);
    if (connection->err) {
        tell_refusal(redis, connection->errstr);
        redisAsyncFree(connection);
        retry_later(redis);
        return;
    }
    connection->data = redis;
    redis->connection = connection;
    redisLibevAttach(loop_ev(redis->loop), connection);
    redisAsyncSetConnectCallback(connection, on_connect);
    redisAsyncSetDisconnectCallback(connection, on_disconnect);
    greet(redis);
}

/* Drops the connection without its callbacks for the owner. */
static void let_go(struct redis *redis)
{
    redisAsyncContext *connection = redis->connection;

    redis->connection = NULL;
    redis->connected = false;
    if (!connection)
        return;
    connection->data = NULL;
    redisAsyncFree(connection);
}

/* Time to connect, or no answer came for long. The first time that is only a doubt, because it may
 * be this loop that stood still: then there has been no turn yet in which to send or to read. */
static void on_retry(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct redis *redis = container_of(timer, struct redis, retry);

    (void)ev;
    (void)events;
    if (redis->connection && !redis->doubted) {
        redis->doubted = true;
        set_timer(redis, redis->patience_s);
        return;
    }
    if (redis->connection) {
        tell_refusal(redis, "no answer in time");
        let_go(redis);
    }
    connect_now(redis);
}

/* Life ---------------------------------------------------------------------------------------- */

enum err redis_new(const struct redis_options *options, struct redis **ret_redis)
{
    AUTO(redis_free) struct redis *redis = NEW(struct redis);

    redis->loop = options->loop;
    redis->on_connected = options->on_connected;
    redis->on_lost = options->on_lost;
    redis->context = options->context;
    redis->retry_s = RETRY_S_FIRST;
    redis->patience_s = options->patience_s > 0 ? options->patience_s : REDIS_PATIENCE_S;
    redis->user = options->user ? xstrdup(options->user) : NULL;
    redis->password = options->password ? xstrdup(options->password) : NULL;
    ev_timer_init(&redis->retry, on_retry, 0., 0.);
    TRY(read_url(redis, options->url));
    connect_now(redis);
    *ret_redis = TAKE(redis);
    return OK;
}

void redis_free(struct redis *redis)
{
    if (!redis)
        return;
    let_go(redis);
    ev_timer_stop(loop_ev(redis->loop), &redis->retry);
    clear_url(redis);
    free(redis);
}

bool redis_is_connected(const struct redis *redis)
{
    return redis->connected;
}

bool redis_has_room(const struct redis *redis, size_t commands)
{
    return redis->connected && redis->in_flight + commands <= REDIS_IN_FLIGHT_MAX;
}

bool redis_send(struct redis *redis, const struct str *words, size_t count, redis_reply_fn on_reply,
                void *context)
{
    if (!redis_has_room(redis, 1) || !send_words(redis, words, count, on_reply, context)) {
        redis->lost++;
        return false;
    }
    return true;
}

uint64_t redis_failed(const struct redis *redis)
{
    return redis->failed;
}

uint64_t redis_lost(const struct redis *redis)
{
    return redis->lost;
}
