/* What breaks the protocol is answered in its own words, what we forbid by a problem. */
#include "control/api/live_http.h"

#include "shared/websocket.h"

#include "control/api/answer.h"
#include "control/api/connection.h"
#include "control/api/exchange.h"
#include "control/api/guard_cookie.h"
#include "control/api/live_link.h"
#include "control/api/live_private.h"
#include "control/api/problem.h"

static struct live *live_of(const struct exchange *exchange)
{
    return server_live(exchange->request.server);
}

static const struct live_settings *settings_of(const struct exchange *exchange)
{
    return &live_of(exchange)->settings;
}

/* Answers ------------------------------------------------------------------------------------- */

static enum live_http_outcome answer_error(struct exchange *exchange, enum engine_error error)
{
    exchange->reply.status = 400;
    engine_error_append(reply_body(&exchange->reply), error);
    exchange->answered = true;
    return LIVE_HTTP_ANSWERED;
}

static enum live_http_outcome answer_failure(struct exchange *exchange, enum err err)
{
    if (err == ERR_LIMITED)
        metric_add(&live_metrics.refused, 1);
    problem_write(&exchange->reply, exchange->request.id, err, failure_last());
    failure_clear();
    exchange->answered = true;
    return LIVE_HTTP_ANSWERED;
}

static void answer_text(struct exchange *exchange)
{
    exchange->reply.status = 200;
    exchange->reply.type = "text/plain; charset=UTF-8";
    exchange->answered = true;
}

/* The head ------------------------------------------------------------------------------------ */

static struct live_session *find_session(const struct exchange *exchange, struct str sid)
{
    return live_session_find(live_of(exchange), exchange->service, sid);
}

static enum engine_error check_head(const struct exchange *exchange, struct engine_query *ret_query)
{
    enum method method = exchange->request.method;
    bool has_body = exchange->request.head->framing != HTTP_NO_BODY;
    enum engine_error error = engine_query_read(exchange->query, ret_query);

    if (error != ENGINE_FINE)
        return error;
    if (method != METHOD_GET && (method != METHOD_POST || !ret_query->sid.ptr))
        return ENGINE_METHOD_BAD;
    if (method == METHOD_GET ? has_body : ret_query->transport != ENGINE_POLLING)
        return ENGINE_REQUEST_BAD;
    return ENGINE_FINE;
}

/* Two POSTs at once would have no order. */
static void note_post(struct exchange *exchange, struct live_session *session)
{
    exchange->overlaps = session->post != NULL;
    if (exchange->overlaps)
        return;
    exchange->session = session;
    session->post = exchange;
}

void live_http_read_head(struct exchange *exchange)
{
    const struct http_head *head = exchange->request.head;
    struct live_session *session;
    struct engine_query query;
    enum engine_error error = check_head(exchange, &query);

    exchange->body_bytes_max = settings_of(exchange)->payload_bytes_max;
    if (error != ENGINE_FINE) {
        answer_error(exchange, error);
        return;
    }
    if (head->framing == HTTP_LENGTH && head->content_length > exchange->body_bytes_max) {
        problem_write_status(&exchange->reply, exchange->request.id, 413, "body_too_large",
                             "This payload is longer than maxPayload.");
        exchange->answered = true;
        return;
    }
    if (exchange->request.method == METHOD_POST && (session = find_session(exchange, query.sid)))
        note_post(exchange, session);
}

/* Opening ------------------------------------------------------------------------------------- */

/* The address of who asks as the key of its count: of IPv6 its network, as whoever has one address
 * has 2^64 of them; nil for loopback, where a proxy may speak for many. */
static struct uuid address_of(const struct exchange *exchange)
{
    struct uuid key = {0};
    struct in6_addr bytes;
    struct addr address;

    if (!addr_parse_ip(str_of(exchange->request.address), 0, &address) ||
        addr_is_loopback(&address))
        return key;
    addr_to_v6(&address, bytes.s6_addr);
    memcpy(key.bytes, bytes.s6_addr, IN6_IS_ADDR_V4MAPPED(&bytes) ? 16 : 8);
    return key;
}

static enum err open_session(struct exchange *exchange, bool may_upgrade,
                             struct live_session **ret_session)
{
    struct uuid address = address_of(exchange);

    return live_session_open(live_of(exchange), exchange->service, &exchange->request.principal,
                             &address, may_upgrade, ret_session);
}

static bool is_handshake(const struct request *request, char accept[WEBSOCKET_ACCEPT_BYTES])
{
    return request->head->upgrade &&
           str_equal_nocase(request_header(request, "upgrade"), STR("websocket")) &&
           str_equal(request_header(request, "sec-websocket-version"), STR("13")) &&
           websocket_accept(request_header(request, "sec-websocket-key"), accept);
}

static void write_upgrade(struct connection *connection, const char *accept)
{
    struct buf *out = connection_output(connection);

    buf_append_text(out, "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n"
                         "Connection: Upgrade\r\nSec-WebSocket-Accept: ");
    buf_append_text(out, accept);
    buf_append_text(out, "\r\n\r\n");
    answer_count(101);
}

/* @param session the one that polls; NULL: it gets one. */
static enum live_http_outcome become_websocket(struct exchange *exchange,
                                               struct live_session *session,
                                               struct live_link **ret_link)
{
    bool is_upgrade = session != NULL;
    char accept[WEBSOCKET_ACCEPT_BYTES];
    enum err err;

    if (!is_handshake(&exchange->request, accept))
        return answer_error(exchange, ENGINE_REQUEST_BAD);
    if (!is_upgrade && (err = open_session(exchange, false, &session)) != OK)
        return answer_failure(exchange, err);
    write_upgrade(exchange->carrier->connection, accept);
    if (!is_upgrade) {
        *ret_link = session->socket = live_link_new(exchange->carrier->connection, session);
    } else if (session->socket || session->upgrade) {
        *ret_link = live_link_new(exchange->carrier->connection, NULL);
    } else {
        *ret_link = session->upgrade = live_link_new(exchange->carrier->connection, session);
    }
    return LIVE_HTTP_UPGRADED;
}

/* Polling ------------------------------------------------------------------------------------- */

/* The session gives the exchange up. */
static struct exchange *take_poll(struct live_session *session)
{
    struct exchange *exchange = TAKE(session->poll);

    exchange->session = NULL;
    return exchange;
}

static void send_poll(struct live_session *session)
{
    struct exchange *exchange = take_poll(session);

    answer_text(exchange);
    exchange_send(exchange);
}

/* What arrives together is not seen in the order of sending: a poll may be seen before the word that
 * ended polling, and is refused then, as if it had come after it. */
static void refuse_poll(struct live_session *session)
{
    struct exchange *exchange = take_poll(session);

    answer_error(exchange, ENGINE_REQUEST_BAD);
    exchange_send(exchange);
}

static enum live_http_outcome wait_for_messages(struct exchange *exchange,
                                                struct live_session *session)
{
    if (session->poll || session->socket ||
        (session->upgrade && !live_session_may_speak(session))) {
        if (!session->socket)
            live_session_end(session);
        return answer_error(exchange, ENGINE_REQUEST_BAD);
    }
    session->poll = exchange;
    session->poll_meets_upgrade = session->upgrade != NULL;
    exchange->session = session;
    live_session_touch(session);
    return LIVE_HTTP_WAITS;
}

void live_http_answer_poll(struct live_session *session)
{
    bool must_go = session->socket || (session->upgrade && live_link_is_probed(session->upgrade));
    struct live_message *message;
    struct buf *body;

    if (!session->poll || (!must_go && session->queue.len == 0))
        return;
    if (session->socket && session->poll_meets_upgrade) {
        refuse_poll(session);
        return;
    }
    body = reply_body(&session->poll->reply);
    while (!session->socket && body->len < session->live->settings.payload_bytes_max &&
           (message = live_session_next(session))) {
        engine_payload_append(body, message->is_binary, live_message_packet(message));
        live_message_unref(message);
    }
    if (body->len == 0)
        engine_payload_append(body, false, STR("6"));
    send_poll(session);
}

void live_http_part(struct live_session *session)
{
    if (session->post)
        TAKE(session->post)->session = NULL;
    if (!session->poll)
        return;
    engine_payload_append(reply_body(&session->poll->reply), false,
                          session->left ? STR("6") : STR("1"));
    send_poll(session);
}

/* The packets of a payload, up to one that ends the session; false when they break the protocol. */
static bool take_payload(struct live_session *session, struct str payload)
{
    CLEANUP(buf_clear_p) struct buf scratch = {0};
    struct engine_packet packet;
    enum engine_step step;

    if (payload.len == 0 || !str_is_utf8(payload))
        return false;
    while ((step = engine_payload_next(&payload, &scratch, &packet)) == ENGINE_STEP_PACKET) {
        if (!live_session_may_speak(session) || !live_session_take(session, &packet))
            return false;
        if (session->has_ended)
            return true;
    }
    return step == ENGINE_STEP_END;
}

static enum live_http_outcome take_post(struct exchange *exchange, struct live_session *session)
{
    if (session->socket)
        return answer_error(exchange, ENGINE_REQUEST_BAD);
    if (exchange->overlaps || !take_payload(session, buf_str(&exchange->body))) {
        live_session_end(session);
        return answer_error(exchange, ENGINE_REQUEST_BAD);
    }
    buf_append_text(reply_body(&exchange->reply), "ok");
    answer_text(exchange);
    return LIVE_HTTP_ANSWERED;
}

void live_http_gone(struct exchange *exchange)
{
    struct live_session *session = TAKE(exchange->session);

    if (session->post == exchange)
        session->post = NULL;
    if (session->poll == exchange) { /* what it would have heard is lost to nobody's knowledge */
        session->poll = NULL;
        live_session_end(session);
    }
}

/* All ----------------------------------------------------------------------------------------- */

/* A browser says where a request comes from. Opening a session is a GET, which a page of another
 * site may cause, with our cookie, by going there. */
static bool is_from_elsewhere(const struct request *request)
{
    struct str site = request_header(request, "sec-fetch-site");

    return !origin_is_own(request->head, request->secure) ||
           (site.ptr && !str_equal(site, STR("same-origin")) && !str_equal(site, STR("none")));
}

static enum err check_caller(const struct exchange *exchange)
{
    const struct request *request = &exchange->request;

    if (request->principal.by == CREDENTIAL_NONE && !settings_of(exchange)->is_open)
        return fail(ERR_UNAUTHENTICATED, "credentials_missing", "This needs a session or a key.");
    if (is_from_elsewhere(request))
        return fail(ERR_DENIED, "origin_refused", "This request comes from another site.");
    return OK;
}

static enum live_http_outcome open_polling(struct exchange *exchange)
{
    struct live_session *session;
    enum err err = open_session(exchange, true, &session);

    return err == OK ? wait_for_messages(exchange, session) : answer_failure(exchange, err);
}

/* The one thing that is still answered when the client has left: it may have come before it. */
static bool is_poll(const struct exchange *exchange, const struct engine_query *query)
{
    return query->transport == ENGINE_POLLING && exchange->request.method == METHOD_GET;
}

enum live_http_outcome live_http_take(struct exchange *exchange, struct live_link **ret_link)
{
    struct live_session *session = NULL;
    struct engine_query query;
    enum err err = check_caller(exchange);

    if (err != OK)
        return answer_failure(exchange, err);
    (void)engine_query_read(exchange->query, &query); /* as the head was fine */
    if (query.sid.ptr) {
        session = find_session(exchange, query.sid);
        if (!session || !live_session_is_of(session, &exchange->request.principal) ||
            (session->has_ended && !is_poll(exchange, &query)))
            return answer_error(exchange, ENGINE_SID_UNKNOWN);
    }
    if (query.transport == ENGINE_WEBSOCKET)
        return become_websocket(exchange, session, ret_link);
    if (!session)
        return open_polling(exchange);
    return exchange->request.method == METHOD_POST ? take_post(exchange, session)
                                                   : wait_for_messages(exchange, session);
}
