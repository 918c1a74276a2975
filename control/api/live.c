/*
 * Rooms are a hash from (kind, id) to their clients. A change becomes one frame; its receivers get
 * references. Sending waits until the loop has nothing else to do, so that a burst of changes is
 * one write per client. The last changes lie in a ring with the rooms they were for.
 */
#include "control/api/live.h"

#include <assert.h>
#include <inttypes.h>
#include <stdlib.h>

#include "shared/clock.h"

#include "control/api/live_private.h"

#define TICK_S_MAX 0.5

struct live_metrics live_metrics = {
    .messages = METRIC_COUNTER("em_live_messages_total", "Messages queued to live clients"),
    .overflows = METRIC_COUNTER("em_live_overflows_total",
                                "Live clients that were too slow and told to fetch again"),
    .refused = METRIC_COUNTER("em_live_refused_total",
                              "Live connections turned away by a bound of user, address or all"),
    .clients = METRIC_GAUGE("em_live_clients", "Connected live clients"),
};

static const struct live_settings product = {
    .ping_interval_ms = 25000,
    .ping_timeout_ms = 20000,
    .connect_timeout_ms = 45000,
    .payload_bytes_max = 64 * 1024,
    .sessions_max = 10000,
    .sessions_per_user = 20,
    .sessions_per_address = 1000,
    .packets_per_s = 20,
    .packets_burst = 60,
};

static const char *const room_words[] = {
    [ROOM_ENTITY] = "entity", [ROOM_HEALTH] = "health", [ROOM_JOURNAL] = "journal"};

bool room_parse(struct str text, struct room *ret_room)
{
    struct str word = str_cut(&text, ':');

    for (size_t kind = 0; kind < ARRAY_LEN(room_words); kind++) {
        if (str_equal(word, str_of(room_words[kind]))) {
            ret_room->kind = (enum room_kind)kind;
            return text.ptr && uuid_parse(text, &ret_room->id);
        }
    }
    return false;
}

void room_write(const struct room *room, struct buf *out)
{
    char id[UUID_TEXT_BYTES];

    buf_printf(out, "%s:%s", room_words[room->kind], uuid_format(&room->id, id));
}

/* Messages ------------------------------------------------------------------------------------ */

static void forget_oldest(struct live *live)
{
    struct recent *oldest = &live->recent[live->recent_first];

    live->recent_bytes -= oldest->message->len;
    live_message_unref(oldest->message);
    free(oldest->rooms);
    live->recent_first = (live->recent_first + 1) % LIVE_RECENT_MAX;
    live->recent_len--;
}

static void remember(struct live *live, struct live_message *message, const struct room *rooms,
                     size_t room_count)
{
    struct recent *recent;

    while (live->recent_len > 0 && (live->recent_len == LIVE_RECENT_MAX ||
                                    live->recent_bytes + message->len > LIVE_RECENT_BYTES_MAX))
        forget_oldest(live);
    recent = &live->recent[(live->recent_first + live->recent_len++) % LIVE_RECENT_MAX];
    message->references++;
    *recent = (struct recent){.seq = live->seq,
                              .message = message,
                              .rooms = xcalloc(room_count, sizeof *rooms),
                              .room_count = room_count};
    memcpy(recent->rooms, rooms, room_count * sizeof *rooms);
    live->recent_bytes += message->len;
}

void live_send_resync(struct live_client *client, const struct room *room)
{
    CLEANUP(buf_clear_p) struct buf packet = {0};
    struct live_message *message;

    buf_append_text(&packet, "42[\"resync\",{\"room\":\"");
    room_write(room, &packet);
    buf_append_text(&packet, "\"}]");
    message = live_message_new(LIVE_MAY_BE_LOST, false, buf_str(&packet));
    live_session_send(client->socket->session, message);
    live_message_unref(message);
}

static struct live_room *find_room(const struct live *live, const struct room *room)
{
    struct live_room *found;

    HASH_FIND(hh, live->rooms, room, sizeof *room, found);
    return found;
}

static struct live_message *encode(const struct live *live, const struct live_change *change)
{
    CLEANUP(buf_clear_p) struct buf packet = {0};
    char id[UUID_TEXT_BYTES];

    buf_printf(
        &packet,
        "42[\"change\",{\"seq\":%" PRId64 ",\"kind\":\"%s\",\"id\":\"%s\",\"version\":%" PRId64 ",",
        live->seq, entity_words[change->kind], uuid_format(&change->id, id), change->version);
    buf_append_str(&packet, change->fields);
    buf_append_text(&packet, "}]");
    return live_message_new(LIVE_MAY_BE_LOST, false, buf_str(&packet));
}

int64_t live_publish(struct live *live, const struct live_change *change, const struct room *rooms,
                     size_t room_count)
{
    struct live_message *message;

    live->seq++;
    message = encode(live, change);
    remember(live, message, rooms, room_count);
    for (size_t i = 0; i < room_count; i++) {
        const struct live_room *room = find_room(live, &rooms[i]);

        for (size_t j = 0; room && j < room->clients.len; j++) {
            struct live_client *client = room->clients.items[j];

            if (client->last_seq == live->seq)
                continue;
            client->last_seq = live->seq;
            live_session_send(client->socket->session, message);
        }
    }
    live_message_unref(message);
    return live->seq;
}

void live_resync(struct live *live, const struct room *rooms, size_t room_count)
{
    for (size_t i = 0; i < room_count; i++) {
        const struct live_room *room = find_room(live, &rooms[i]);

        for (size_t j = 0; room && j < room->clients.len; j++)
            live_send_resync(room->clients.items[j], &rooms[i]);
    }
}

static int compare_rooms(const void *left, const void *right)
{
    return memcmp(left, right, sizeof(struct room));
}

/* Whether the change was for one of the rooms, which are sorted. */
static bool concerns(const struct recent *recent, const struct room *sorted, size_t count)
{
    for (size_t i = 0; i < recent->room_count; i++) {
        if (bsearch(&recent->rooms[i], sorted, count, sizeof *sorted, compare_rooms))
            return true;
    }
    return false;
}

bool live_replay(struct live_client *client, const struct room *rooms, size_t room_count,
                 int64_t seq)
{
    const struct live *live = client->live;
    int64_t oldest = live->seq - (int64_t)live->recent_len; /* the ring has all after it */
    CLEANUP(xfree_p) struct room *sorted = NULL;

    if (seq < oldest || seq > live->seq)
        return false;
    if (room_count == 0)
        return true;
    sorted = xcalloc(room_count, sizeof *sorted);
    memcpy(sorted, rooms, room_count * sizeof *sorted);
    qsort(sorted, room_count, sizeof *sorted, compare_rooms);
    for (size_t i = (size_t)(seq - oldest); i < live->recent_len; i++) {
        const struct recent *recent = &live->recent[(live->recent_first + i) % LIVE_RECENT_MAX];

        if (concerns(recent, sorted, room_count))
            live_session_send(client->socket->session, recent->message);
    }
    return true;
}

/* Rooms --------------------------------------------------------------------------------------- */

static bool is_in(const struct live_client *client, const struct live_room *room)
{
    for (size_t i = 0; i < client->rooms.len; i++) {
        if (client->rooms.items[i] == room)
            return true;
    }
    return false;
}

bool live_join(struct live_client *client, const struct room *room)
{
    struct live *live = client->live;
    struct live_room *found = find_room(live, room);

    if (!live->source.may_follow || client->rooms.len == LIVE_ROOMS_MAX ||
        !live->source.may_follow(live->source.context, &client->socket->session->principal, room))
        return false;
    if (found && is_in(client, found))
        return true;
    if (!found) {
        found = NEW(struct live_room);
        found->room = *room;
        HASH_ADD(hh, live->rooms, room, sizeof found->room, found);
    }
    vec_push(&found->clients, client);
    vec_push(&client->rooms, found);
    return true;
}

/* Takes the client out of a room, and the room away when it was the last. */
static void leave(struct live_client *client, struct live_room *room)
{
    for (size_t i = 0; i < room->clients.len; i++) {
        if (room->clients.items[i] == client) {
            vec_remove_swap(&room->clients, i);
            break;
        }
    }
    if (room->clients.len > 0)
        return;
    HASH_DEL(client->live->rooms, room);
    vec_clear(&room->clients);
    free(room);
}

void live_leave(struct live_client *client, const struct room *room)
{
    struct live_room *found = find_room(client->live, room);

    for (size_t i = 0; found && i < client->rooms.len; i++) {
        if (client->rooms.items[i] == found) {
            vec_remove_swap(&client->rooms, i);
            leave(client, found);
            return;
        }
    }
}

void live_leave_all(struct live_client *client)
{
    for (size_t i = 0; i < client->rooms.len; i++)
        leave(client, client->rooms.items[i]);
    vec_clear(&client->rooms);
}

/* Life ---------------------------------------------------------------------------------------- */

static void settle(struct live *live)
{
    while (!list_is_empty(&live->dirty))
        live_session_settle(container_of(live->dirty.next, struct live_session, dirty));
    metric_set(&live_metrics.clients, (int64_t)live->session_count);
}

static void on_before_wait(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    (void)ev;
    (void)events;
    settle(container_of(watcher, struct live, before_wait));
}

static void on_tick(struct ev_loop *ev, ev_timer *watcher, int events)
{
    struct live *live = container_of(watcher, struct live, tick);
    int64_t now_us = clock_monotonic_us();

    (void)ev;
    (void)events;
    LIST_FOREACH_SAFE (link, &live->sessions)
        live_session_tick(container_of(link, struct live_session, link_of_all), now_us);
}

static void begin(struct live *live)
{
    /* Fine enough for the deadline of a pong. */
    double tick_s = MIN((double)live->settings.ping_timeout_ms / 10000, TICK_S_MAX);

    ev_prepare_init(&live->before_wait, on_before_wait);
    ev_prepare_start(live->ev, &live->before_wait);
    ev_timer_init(&live->tick, on_tick, tick_s, tick_s);
    ev_timer_start(live->ev, &live->tick);
    metric_register(&live_metrics.messages);
    metric_register(&live_metrics.overflows);
    metric_register(&live_metrics.refused);
    metric_register(&live_metrics.clients);
}

struct live *live_new(struct loop *loop, const struct live_source *source,
                      const struct live_settings *settings, const struct live_service *services)
{
    struct live *live = NEW(struct live);

    live->settings = settings->ping_interval_ms == 0 ? product : *settings;
    live->services = services ? services : live_services;
    live->source = *source;
    live->ev = loop_ev(loop);
    live->seq = clock_wall_ms() * 1000; /* above what any earlier run has reached */
    list_init(&live->sessions);
    list_init(&live->dirty);
    assert(live->settings.ping_timeout_ms < live->settings.ping_interval_ms);
    begin(live);
    return live;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    ev_prepare_stop(live->ev, &live->before_wait);
    ev_timer_stop(live->ev, &live->tick);
    LIST_FOREACH (link, &live->sessions)
        live_session_end(container_of(link, struct live_session, link_of_all));
    settle(live);
    while (live->recent_len > 0)
        forget_oldest(live);
    free(live);
}

const struct live_service *live_service_at(const struct live *live, struct str path)
{
    for (const struct live_service *service = live->services; service->path; service++) {
        if (str_equal(path, str_of(service->path)))
            return service;
    }
    return NULL;
}

void live_drop_credential(struct live *live, const struct uuid *credential_id)
{
    LIST_FOREACH (link, &live->sessions) {
        struct live_session *session = container_of(link, struct live_session, link_of_all);

        if (uuid_equal(&session->principal.credential_id, credential_id))
            live_session_end(session);
    }
}

void live_each_principal(const struct live *live,
                         void (*tell)(void *context, const struct principal *principal),
                         void *context)
{
    LIST_FOREACH (link, &live->sessions) {
        const struct live_session *session = container_of(link, struct live_session, link_of_all);

        if (!session->has_ended)
            tell(context, &session->principal);
    }
}

int64_t live_seq(const struct live *live)
{
    return live->seq;
}
