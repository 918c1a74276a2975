/*
 * Rooms are a hash from (kind, id) to their clients. A change becomes one frame; its receivers get
 * references. Sending waits until the loop has nothing else to do, so that a burst of changes is
 * one write per client. The last changes lie in a ring with the rooms they were for.
 */
#include "control/api/live.h"

#include <inttypes.h>
#include <stdlib.h>

#include "shared/clock.h"
#include "shared/mem.h"
#include "shared/metrics.h"

#include "control/api/connection.h"
#include "control/api/live_private.h"

static struct metric messages =
    METRIC_COUNTER("em_live_messages_total", "Messages queued to live clients");
static struct metric overflows = METRIC_COUNTER(
    "em_live_overflows_total", "Live clients that were too slow and told to fetch again");
static struct metric clients = METRIC_GAUGE("em_live_clients", "Connected live clients");

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

static void mark_dirty(struct live_client *client)
{
    list_remove(&client->dirty);
    list_append(&client->live->dirty, &client->dirty);
}

static void queue_message(struct live_client *client, struct live_message *message)
{
    message->references++;
    vec_push(&client->queue, message);
    client->queued_bytes += message->len;
    metric_add(&messages, 1);
    mark_dirty(client);
}

static void drop_queue(struct live_client *client)
{
    for (size_t i = client->first; i < client->queue.len; i++)
        live_message_unref(client->queue.items[i]);
    client->queue.len = 0;
    client->first = 0;
    client->queued_bytes = 0;
}

void live_send_resync(struct live_client *client, const struct room *room)
{
    CLEANUP(buf_clear_p) struct buf packet = {0};
    struct live_message *message;

    buf_append_text(&packet, "42[\"resync\",{\"room\":\"");
    room_write(room, &packet);
    buf_append_text(&packet, "\"}]");
    message = live_message_new(buf_str(&packet));
    queue_message(client, message);
    live_message_unref(message);
}

void live_client_send(struct live_client *client, struct live_message *message)
{
    if (client->queued_bytes + message->len <= LIVE_QUEUE_BYTES_MAX) {
        queue_message(client, message);
        return;
    }
    metric_add(&overflows, 1);
    drop_queue(client);
    for (size_t i = 0; i < client->rooms.len; i++)
        live_send_resync(client, &client->rooms.items[i]->room);
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
    return live_message_new(buf_str(&packet));
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
            live_client_send(client, message);
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
            live_client_send(client, recent->message);
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
        !live->source.may_follow(live->source.context, &client->principal, room))
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
    drop_queue(client);
    vec_clear(&client->queue);
}

/* Life ---------------------------------------------------------------------------------------- */

static void on_before_wait(struct ev_loop *ev, ev_prepare *watcher, int events)
{
    struct live *live = container_of(watcher, struct live, before_wait);

    (void)ev;
    (void)events;
    while (!list_is_empty(&live->dirty)) {
        struct live_client *client = container_of(live->dirty.next, struct live_client, dirty);

        list_remove(&client->dirty);
        connection_flush(client->connection);
    }
    metric_set(&clients, (int64_t)live->client_count);
}

struct live *live_new(struct loop *loop, const struct live_source *source)
{
    struct live *live = NEW(struct live);

    live->source = *source;
    live->ev = loop_ev(loop);
    live->seq = clock_wall_ms() * 1000; /* above what any earlier run has reached */
    list_init(&live->clients);
    list_init(&live->dirty);
    ev_prepare_init(&live->before_wait, on_before_wait);
    ev_prepare_start(live->ev, &live->before_wait);
    metric_register(&messages);
    metric_register(&overflows);
    metric_register(&clients);
    return live;
}

void live_free(struct live *live)
{
    if (!live)
        return;
    ev_prepare_stop(live->ev, &live->before_wait);
    while (live->recent_len > 0)
        forget_oldest(live);
    free(live);
}

void live_drop_credential(struct live *live, const struct uuid *credential_id)
{
    LIST_FOREACH_SAFE (link, &live->clients) {
        struct live_client *client = container_of(link, struct live_client, link);

        if (uuid_equal(&client->principal.credential_id, credential_id))
            connection_close(client->connection, false);
    }
}

int64_t live_seq(const struct live *live)
{
    return live->seq;
}
