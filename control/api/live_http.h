/*
 * Requests on the path of a live service: opening a session, long-polling (GET waits for what is to
 * be heard, POST says something), and becoming a WebSocket. A session is known by an id that nobody
 * can guess, and each of its requests has to come from the credential that opened it, with an
 * Origin of our own: that is the proof against forgery, so no CSRF token is asked for.
 *
 * Thread: the loop.
 */
#pragma once

#include <stddef.h>

struct exchange;
struct live_link;
struct live_session;

/* Refuses what the head shows to be wrong, and notes whose POST it is. */
void live_http_read_head(struct exchange *exchange);

enum live_http_outcome {
    LIVE_HTTP_ANSWERED,
    LIVE_HTTP_WAITS,    /* the answer follows when there is something to say */
    LIVE_HTTP_UPGRADED, /* 101 is in the output */
};

/* The request is complete and its caller known. */
enum live_http_outcome live_http_take(struct exchange *exchange, struct live_link **ret_link);

/* An exchange of a session is over, answered or not. */
void live_http_gone(struct exchange *exchange);

/* For the session: answers the poll that waits, when there is something to say. */
void live_http_answer_poll(struct live_session *session);

/* For the session, which has ended: answers the poll that waits. */
void live_http_part(struct live_session *session);
