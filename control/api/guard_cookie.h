/* Taking credentials out of a request, and refusing writes that another site has caused. Used by
 * the server only. */
#pragma once

#include "control/api/guard.h"
#include "control/api/route.h"

struct http_head;
struct request;

/* "__Host-em_session" over TLS, else "em_session". */
const char *session_cookie_name(bool secure);

/* The key of `Authorization: Bearer …`, else the session cookie; CREDENTIAL_NONE without either. */
struct credential credential_of(const struct http_head *head, bool secure);

/* Whether Origin, if there is one, is this server by the name it was asked under. */
bool origin_is_own(const struct http_head *head, bool secure);

/* Refuses a write by cookie that does not come from our own pages.
 * @return ERR_DENIED "origin_refused" or "csrf_refused". */
MUST_USE enum err guard_against_forgery(const struct request *request);
