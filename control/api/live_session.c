/*
 * The life of a session. Nothing here ends a connection or answers a request but
 * live_session_settle(), which the loop runs before it waits: so nobody who walks over sessions or
 * rooms has the ground taken from under them.
 */
#include "control/api/live_session.h"

#include <stdio.h>

#include "shared/clock.h"
#include "shared/crypto.h"

#include "control/api/live_http.h"
#include "control/api/live_link.h"
#include "control/api/live_private.h"

#define QUEUE_GAP_MAX 1024

/* Opening ------------------------------------------------------------------------------------- */

static void write_sid(char sid[LIVE_SID_BYTES])
{
    uint8_t bytes[LIVE_SID_BYTES / 2];

    random_bytes(bytes, sizeof bytes);
    for (size_t i = 0; i < sizeof bytes; i++)
        snprintf(sid + 2 * i, 3, "%02x", bytes[i]);
}

static enum err count_in(struct live *live, const struct principal *principal,
                         const struct uuid *address)
{
    const struct live_settings *settings = &live->settings;

    if (live->session_count >= settings->sessions_max)
        return fail(ERR_LIMITED, "sessions_limited", "There are too many live connections.");
    if (!live_tally_add(&live->by_user, &principal->id, settings->sessions_per_user))
        return fail(ERR_LIMITED, "sessions_limited", "At most %u live connections of one user.",
                    settings->sessions_per_user);
    if (!uuid_is_nil(address) &&
        !live_tally_add(&live->by_address, address, settings->sessions_per_address)) {
        live_tally_remove(&live->by_user, &principal->id);
        return fail(ERR_LIMITED, "sessions_limited", "At most %u live connections of one address.",
                    settings->sessions_per_address);
    }
    return OK;
}

static void greet(struct live_session *session, bool may_upgrade)
{
    const struct live_settings *settings = &session->live->settings;
    CLEANUP(buf_clear_p) struct buf packet = {0};

    engine_open_append(&packet,
                       &(struct engine_open){.sid = session->sid,
                                             .may_upgrade = may_upgrade,
                                             .ping_interval_ms = settings->ping_interval_ms,
                                             .ping_timeout_ms = settings->ping_timeout_ms,
                                             .payload_bytes_max = settings->payload_bytes_max});
    live_session_send_packet(session, false, buf_str(&packet));
}

enum err live_session_open(struct live *live, const struct live_service *service,
                           const struct principal *principal, const struct uuid *address,
                           bool may_upgrade, struct live_session **ret_session)
{
    struct live_session *session;

    TRY(count_in(live, principal, address));
    session = NEW(struct live_session);
    session->live = live;
    session->service = service;
    session->principal = *principal;
    session->address = *address;
    session->ping_at_us = clock_monotonic_us() + live->settings.ping_interval_ms * 1000;
    write_sid(session->sid);
    list_init(&session->dirty);
    list_append(&live->sessions, &session->link_of_all);
    HASH_ADD_STR(live->sessions_by_sid, sid, session);
    live->session_count++;
    greet(session, may_upgrade);
    session->user = service->ops->opened(session, service->context);
    *ret_session = session;
    return OK;
}

struct live_session *live_session_find(struct live *live, const struct live_service *service,
                                       struct str sid)
{
    struct live_session *found;

    HASH_FIND(hh, live->sessions_by_sid, sid.ptr, sid.len, found);
    if (!found || found->service != service)
        return NULL;
    live_session_tick(found, clock_monotonic_us());
    return found->has_ended && !found->left ? NULL : found;
}

bool live_session_is_of(const struct live_session *session, const struct principal *principal)
{
    return session->principal.by == principal->by &&
           uuid_equal(&session->principal.credential_id, &principal->credential_id);
}

/* Sending ------------------------------------------------------------------------------------- */

void live_session_touch(struct live_session *session)
{
    list_remove(&session->dirty);
    list_append(&session->live->dirty, &session->dirty);
}

static void push(struct live_session *session, struct live_message *message)
{
    message->references++;
    vec_push(&session->queue, message);
    session->queued_bytes += message->len;
    metric_add(&live_metrics.messages, 1);
    live_session_touch(session);
}

/* Keeps what must arrive. */
static void drop_what_may_be_lost(struct live_session *session)
{
    size_t kept = 0;

    for (size_t i = session->first; i < session->queue.len; i++) {
        struct live_message *message = session->queue.items[i];

        if (message->worth == LIVE_MUST_ARRIVE) {
            session->queue.items[kept++] = message;
        } else {
            session->queued_bytes -= message->len;
            live_message_unref(message);
        }
    }
    session->first = 0;
    session->queue.len = kept;
}

static void overflow(struct live_session *session)
{
    const struct live_service_ops *ops = session->service->ops;

    metric_add(&live_metrics.overflows, 1);
    session->overflowing = true;
    drop_what_may_be_lost(session);
    if (ops->overflowed)
        ops->overflowed(session->user);
    session->overflowing = false;
}

static bool has_room(const struct live_session *session, const struct live_message *message)
{
    return session->queued_bytes + message->len <= LIVE_QUEUE_BYTES_MAX;
}

void live_session_send(struct live_session *session, struct live_message *message)
{
    if (session->has_ended)
        return;
    if (has_room(session, message)) {
        push(session, message);
        return;
    }
    if (!session->overflowing)
        overflow(session);
    if (session->has_ended)
        return;
    if (message->worth == LIVE_MUST_ARRIVE && has_room(session, message))
        push(session, message);
    else if (session->overflowing || message->worth == LIVE_MUST_ARRIVE)
        live_session_end(session);
}

void live_session_send_packet(struct live_session *session, bool is_binary, struct str packet)
{
    struct live_message *message = live_message_new(LIVE_MUST_ARRIVE, is_binary, packet);

    live_session_send(session, message);
    live_message_unref(message);
}

struct live_message *live_session_next(struct live_session *session)
{
    struct live_message *message;

    if (session->first == session->queue.len)
        return NULL;
    message = session->queue.items[session->first++];
    session->queued_bytes -= message->len;
    if (session->first == session->queue.len) {
        session->first = 0;
        vec_clear(&session->queue); /* an idle client costs little */
    } else if (session->first >= QUEUE_GAP_MAX) {
        /* Of one that is never idle, what has left must not keep its place. */
        session->queue.len -= session->first;
        memmove(session->queue.items, session->queue.items + session->first,
                session->queue.len * sizeof *session->queue.items);
        session->first = 0;
    }
    return message;
}

/* Hearing ------------------------------------------------------------------------------------- */

bool live_session_may_speak(struct live_session *session)
{
    const struct live_settings *settings = &session->live->settings;
    const int64_t price_us = 1000000 / settings->packets_per_s;
    int64_t now_us = clock_monotonic_us();

    if (session->full_at_us < now_us)
        session->full_at_us = now_us;
    session->full_at_us += price_us;
    return session->full_at_us <= now_us + price_us * settings->packets_burst;
}

bool live_session_take(struct live_session *session, const struct engine_packet *packet)
{
    switch (packet->type) {
    case ENGINE_CLOSE:
        session->left = true;
        live_session_end(session);
        return true;
    case ENGINE_PONG:
        session->pong_by_us = 0;
        return true;
    case ENGINE_MESSAGE:
        return session->service->ops->message(session->user, packet->is_binary, packet->data);
    case ENGINE_NOOP:
        return true;
    case ENGINE_OPEN: /* a server's */
    case ENGINE_PING:
    case ENGINE_UPGRADE: /* belongs to live_link.c, and only there */
    case ENGINE_TYPE_COUNT:
        break;
    }
    return false;
}

/* Time ---------------------------------------------------------------------------------------- */

/* The deadline of the pong runs from when the ping was due, unless we were late with it. */
static void ping(struct live_session *session, int64_t now_us)
{
    const struct live_settings *settings = &session->live->settings;
    int64_t timeout_us = settings->ping_timeout_ms * 1000;
    int64_t due_us = now_us - session->ping_at_us < timeout_us / 2 ? session->ping_at_us : now_us;

    session->ping_at_us = due_us + settings->ping_interval_ms * 1000;
    session->pong_by_us = due_us + timeout_us;
    live_session_send_packet(session, false, STR("2"));
}

static bool is_over(struct live_session *session, int64_t now_us)
{
    const struct principal *principal = &session->principal;
    const struct live_service_ops *ops = session->service->ops;

    if (principal->expires_at_ms != 0 && clock_wall_ms() > principal->expires_at_ms)
        return true;
    if (session->pong_by_us != 0 && now_us >= session->pong_by_us)
        return true;
    return ops->tick && !ops->tick(session->user, now_us);
}

void live_session_tick(struct live_session *session, int64_t now_us)
{
    if (session->has_ended)
        return;
    if (is_over(session, now_us)) {
        live_session_end(session);
        return;
    }
    if (now_us >= session->ping_at_us)
        ping(session, now_us);
    if (session->upgrade && live_link_is_late(session->upgrade, now_us))
        live_link_end(TAKE(session->upgrade));
}

/* Ending -------------------------------------------------------------------------------------- */

void live_session_end(struct live_session *session)
{
    struct live *live = session->live;

    if (session->has_ended)
        return;
    session->has_ended = true;
    live_tally_remove(&live->by_user, &session->principal.id);
    live_tally_remove(&live->by_address, &session->address);
    live->session_count--;
    for (size_t i = session->first; i < session->queue.len; i++)
        live_message_unref(session->queue.items[i]);
    vec_clear(&session->queue);
    session->first = 0;
    session->queued_bytes = 0;
    live_session_touch(session);
}

static void bury(struct live_session *session)
{
    list_remove(&session->dirty);
    list_remove(&session->link_of_all);
    HASH_DEL(session->live->sessions_by_sid, session);
    if (session->service->ops->closed)
        session->service->ops->closed(session->user);
    live_http_part(session);
    if (session->socket)
        live_link_end(TAKE(session->socket));
    if (session->upgrade)
        live_link_end(TAKE(session->upgrade));
    free(session);
}

void live_session_settle(struct live_session *session)
{
    list_remove(&session->dirty);
    if (session->has_ended) {
        bury(session);
        return;
    }
    live_http_answer_poll(session);
    if (session->socket)
        live_link_flush(session->socket);
}
