/* Turning a request's target into path and parameters; used by exchanges. */
#pragma once

#include "shared/buf.h"

#include "control/api/request.h"
#include "control/api/router.h"

/* The method of that name; METHOD_COUNT for any other. */
enum method method_of(struct str word);

/* Splits a target in origin-form or absolute-form into path and query; false when it is neither. */
bool target_split(struct str target, struct str *ret_path, struct str *ret_query);

/* Takes X-Request-Id when it is 1 to 64 letters, digits, dots, dashes or underscores; false
 * otherwise. */
bool request_take_id(struct request *request, struct str id);

/*
 * Fills in the path's parameters and those of the query and of a form, decoded into `texts`.
 * @return ERR_NOT_FOUND when an {id} of the path is no UUID; ERR_INVALID "parameters_invalid" with
 * every query parameter that is unknown, repeated or not of its type.
 */
MUST_USE enum err request_read_parameters(struct request *request, const struct routed *routed,
                                          const struct route_match *match, struct str query,
                                          struct str form, struct buf *texts);

#define REASON_CHARACTERS_MAX 500

/* What X-EM-Reason says: percent-encoded UTF-8, one line that is not blank, of at most
 * REASON_CHARACTERS_MAX characters. Yours; NULL for anything else. */
char *reason_decode(struct str field);

/* Decodes %XX (and "+" as a blank when `form` is set) into `texts`, which must have room; false for
 * bad escapes. */
bool percent_decode(struct str text, bool form, struct buf *texts, struct str *ret_decoded);
