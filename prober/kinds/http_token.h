/*
 * Access tokens: fetched within the deadline of the run that needs one, kept until shortly before
 * they expire, forgotten when the target refuses one. A token that cannot be had is this prober's
 * trouble, not a failure of the target.
 *
 * Thread: the loop of its check.
 */
#pragma once

#include <stdbool.h>

#include "prober/kinds/http_oauth.h"

struct probe;
enum wait;

/* Whether a run needs a token before it can ask the target; not without `oauth`. */
bool http_token_is_wanted(const struct http_oauth *oauth);

/* Fetches one; then the run goes on to http_ask(). */
enum wait http_token_fetch(struct probe *probe);

/* The target did not take it. */
void http_token_refused(struct http_oauth *oauth);

/* The result of a run that ended before it had its token. */
void http_token_conclude(struct probe *probe);
