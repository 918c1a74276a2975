/*
 * The rebuild goes through the source in slices; the answer to a slice's last command starts the
 * next, so Redis sets the pace. Then a SCAN goes over our keys and drops those that the source does
 * not know, and the marker is set. A change told in between is newer than anything a slice writes
 * later, because slices read the source when they are written.
 */
#include "control/health/status_publisher.h"

#include <ev.h>
#include <stdio.h>

#include "shared/buf.h"
#include "shared/clock.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/mem.h"
#include "shared/metrics.h"
#include "shared/redis.h"

#define SLICE          500
#define TELL_COMMANDS  5 /* of one change */
#define WATCH_EVERY_S  1.0
#define KEY_BYTES      96
#define NUMBER_BYTES   24
#define MARKER         "em:publisher"
#define KEY_PREFIX     "em:status:"
#define SCAN_PATTERN   "em:status:*:*"
#define STATUS_CHANNEL "em:status"

enum rebuild { REBUILD_NONE, REBUILD_WRITING, REBUILD_SWEEPING };

struct status_publisher {
    struct loop *loop;
    struct redis *redis;
    struct status_source source;
    bool loaded; /* the source has everything: what it does not know does not exist */
    struct ev_timer watch;
    char marker[UUID_TEXT_BYTES];
    enum rebuild rebuild;
    size_t next_place;
    bool missed;        /* a change that Redis had no room for: its snapshot is old */
    struct buf message; /* reused */
};

static struct metric published =
    METRIC_COUNTER("em_redis_published_total", "Status changes published to Redis");
static struct metric rebuilds = METRIC_COUNTER(
    "em_redis_rebuilds_total", "Times the status snapshot in Redis was written anew");

static void write_slice(struct status_publisher *publisher);

/* Writes em:status:<kind>:<id>. */
static struct str key_of(enum entity_kind kind, const struct uuid *id, char text[KEY_BYTES])
{
    char id_text[UUID_TEXT_BYTES];
    int len =
        snprintf(text, KEY_BYTES, KEY_PREFIX "%s:%s", entity_words[kind], uuid_format(id, id_text));

    return str_n(text, (size_t)len);
}

static bool send_snapshot(struct status_publisher *publisher, const struct status_line *line,
                          redis_reply_fn on_reply)
{
    char key[KEY_BYTES];
    char since[TIMESTAMP_BYTES];
    char version[NUMBER_BYTES];

    snprintf(version, sizeof version, "%lld", (long long)line->version);
    return REDIS_SEND(publisher->redis, on_reply, publisher, STR("HSET"),
                      key_of(line->kind, &line->id, key), STR("state"), line->state, STR("since"),
                      str_of(timestamp_format(line->since_ms, since)), STR("version"),
                      str_of(version), STR("reason"), line->reason);
}

/* Rebuild ------------------------------------------------------------------------------------- */

static void set_marker(struct status_publisher *publisher)
{
    publisher->rebuild = REBUILD_NONE;
    REDIS_SEND(publisher->redis, NULL, NULL, STR("SET"), STR(MARKER), str_of(publisher->marker));
}

/* The watch will see that there is still work to do. */
static void give_up_rebuild(struct status_publisher *publisher)
{
    publisher->rebuild = REBUILD_NONE;
    publisher->missed = true;
}

/* Drops the key when it names an entity that does not exist. */
static void sweep_key(struct status_publisher *publisher, struct str key)
{
    struct str rest = str_sub(key, strlen(KEY_PREFIX), key.len);
    struct uuid id;

    str_cut(&rest, ':');
    if (uuid_parse(rest, &id) && !publisher->source.knows(publisher->source.context, &id))
        REDIS_SEND(publisher->redis, NULL, NULL, STR("DEL"), key);
}

static void sweep_from(struct status_publisher *publisher, struct str cursor);

static void on_scanned(void *context, const struct redis_reply *reply)
{
    struct status_publisher *publisher = context;
    struct redis_reply cursor;
    struct redis_reply keys;

    if (!reply || reply->type != REDIS_LIST || reply->len != 2) {
        give_up_rebuild(publisher);
        return;
    }
    cursor = redis_reply_item(reply, 0);
    keys = redis_reply_item(reply, 1);
    for (size_t i = 0; i < keys.len; i++)
        sweep_key(publisher, redis_reply_item(&keys, i).text);
    if (str_equal(cursor.text, STR("0")))
        set_marker(publisher);
    else
        sweep_from(publisher, cursor.text);
}

static void sweep_from(struct status_publisher *publisher, struct str cursor)
{
    publisher->rebuild = REBUILD_SWEEPING;
    if (!REDIS_SEND(publisher->redis, on_scanned, publisher, STR("SCAN"), cursor, STR("MATCH"),
                    STR(SCAN_PATTERN), STR("COUNT"), STR("500")))
        give_up_rebuild(publisher);
}

static void on_slice_written(void *context, const struct redis_reply *reply)
{
    if (reply)
        write_slice(context);
    else
        give_up_rebuild(context);
}

static void write_slice(struct status_publisher *publisher)
{
    const struct status_source *source = &publisher->source;
    size_t places = source->places(source->context);
    size_t sent = 0;

    while (publisher->next_place < places && sent < SLICE) {
        struct status_line line;

        if (!source->line_at(source->context, publisher->next_place++, &line))
            continue;
        sent++;
        send_snapshot(publisher, &line, NULL);
    }
    if (publisher->next_place >= places)
        sweep_from(publisher, STR("0"));
    else if (!REDIS_SEND(publisher->redis, on_slice_written, publisher, STR("PING")))
        give_up_rebuild(publisher);
}

static void start_rebuild(struct status_publisher *publisher)
{
    metric_add(&rebuilds, 1);
    log_info("redis.rebuild", "entities=%zu", publisher->source.places(publisher->source.context));
    publisher->rebuild = REBUILD_WRITING;
    publisher->next_place = 0;
    publisher->missed = false;
    write_slice(publisher);
}

static void on_connected(void *context)
{
    struct status_publisher *publisher = context;

    if (publisher->loaded)
        start_rebuild(publisher);
}

void status_publisher_loaded(struct status_publisher *publisher)
{
    publisher->loaded = true;
    if (redis_is_connected(publisher->redis))
        start_rebuild(publisher);
}

static void on_marker(void *context, const struct redis_reply *reply)
{
    struct status_publisher *publisher = context;

    if (!reply || reply->type == REDIS_FAILED)
        return;
    if (reply->type != REDIS_TEXT || !str_equal(reply->text, str_of(publisher->marker)))
        start_rebuild(publisher);
}

static void on_watch(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct status_publisher *publisher = container_of(timer, struct status_publisher, watch);

    (void)ev;
    (void)events;
    if (publisher->rebuild != REBUILD_NONE || !redis_has_room(publisher->redis, 2 * SLICE))
        return;
    if (publisher->missed)
        start_rebuild(publisher);
    else
        REDIS_SEND(publisher->redis, on_marker, publisher, STR("GET"), STR(MARKER));
}

/* Changes ------------------------------------------------------------------------------------- */

static void append_field(struct buf *buf, const char *name, struct str value)
{
    buf_printf(buf, ",\"%s\":", name);
    buf_append_json_string(buf, value);
}

static void write_message(struct buf *buf, const struct status_change *change)
{
    char id[UUID_TEXT_BYTES];
    char at[TIMESTAMP_BYTES];

    buf_reset(buf);
    buf_printf(buf, "{\"kind\":\"%s\",\"id\":\"%s\"", entity_words[change->line.kind],
               uuid_format(&change->line.id, id));
    append_field(buf, "key", change->key);
    append_field(buf, "from", change->from);
    append_field(buf, "to", change->line.state);
    append_field(buf, "at", str_of(timestamp_format(change->at_ms, at)));
    buf_printf(buf, ",\"version\":%lld", (long long)change->line.version);
    append_field(buf, "reason", change->line.reason);
    buf_append_char(buf, '}');
}

void status_publisher_tell(struct status_publisher *publisher, const struct status_change *change)
{
    struct redis *redis = publisher->redis;
    char key[KEY_BYTES];

    if (!redis_has_room(redis, TELL_COMMANDS)) {
        publisher->missed = true;
        return;
    }
    write_message(&publisher->message, change);
    REDIS_SEND(redis, NULL, NULL, STR("MULTI"));
    send_snapshot(publisher, &change->line, NULL);
    REDIS_SEND(redis, NULL, NULL, STR("PUBLISH"), STR(STATUS_CHANNEL),
               buf_str(&publisher->message));
    REDIS_SEND(redis, NULL, NULL, STR("PUBLISH"), key_of(change->line.kind, &change->line.id, key),
               buf_str(&publisher->message));
    REDIS_SEND(redis, NULL, NULL, STR("EXEC"));
    metric_add(&published, 1);
}

void status_publisher_show(struct status_publisher *publisher, const struct status_line *line)
{
    if (!send_snapshot(publisher, line, NULL))
        publisher->missed = true;
}

void status_publisher_forget(struct status_publisher *publisher, enum entity_kind kind,
                             const struct uuid *id)
{
    char key[KEY_BYTES];

    /* Another one takes its place, maybe one that was not written yet. */
    publisher->next_place = 0;
    if (!REDIS_SEND(publisher->redis, NULL, NULL, STR("DEL"), key_of(kind, id, key)))
        publisher->missed = true;
}

bool status_publisher_is_current(const struct status_publisher *publisher)
{
    return redis_is_connected(publisher->redis) && publisher->rebuild == REBUILD_NONE &&
           !publisher->missed;
}

/* Life ---------------------------------------------------------------------------------------- */

enum err status_publisher_new(const struct status_publisher_options *options,
                              struct status_publisher **ret_publisher)
{
    AUTO(status_publisher_free) struct status_publisher *publisher = NEW(struct status_publisher);
    struct uuid marker = uuid_new();

    metric_register(&published);
    metric_register(&rebuilds);
    publisher->loop = options->loop;
    publisher->source = options->source;
    publisher->rebuild = REBUILD_WRITING; /* until it is loaded and connected */
    uuid_format(&marker, publisher->marker);
    ev_timer_init(&publisher->watch, on_watch, WATCH_EVERY_S, WATCH_EVERY_S);
    TRY(redis_new(
        &(struct redis_options){
            .loop = options->loop,
            .url = options->redis_url,
            .user = options->redis_user,
            .password = options->redis_password,
            .on_connected = on_connected,
            .context = publisher,
        },
        &publisher->redis));
    ev_timer_start(loop_ev(publisher->loop), &publisher->watch);
    *ret_publisher = TAKE(publisher);
    return OK;
}

void status_publisher_free(struct status_publisher *publisher)
{
    if (!publisher)
        return;
    ev_timer_stop(loop_ev(publisher->loop), &publisher->watch);
    redis_free(publisher->redis);
    buf_clear(&publisher->message);
    free(publisher);
}
