/* What the files of an exchange share: exchange.c (its life), exchange_head.c (looking at the
 * head), exchange_rate.c, exchange_run.c. */
#pragma once

#include "control/api/exchange.h"

/* Makes the failure of this thread the answer. Thread: that which has the exchange. */
void exchange_fail(struct exchange *exchange, enum err err);

/* Makes a problem of this status the answer; `code` is constant. */
void exchange_refuse(struct exchange *exchange, uint16_t status, const char *code,
                     const char *detail);

/* Gives the exchange back to the pool; its carrier has forgotten it. */
void exchange_release(struct exchange *exchange);

/* Finds the route and refuses what can be refused by the head. */
void exchange_read_head(struct exchange *exchange);

/* Parses the body and checks it by the row's schema and rules. @param db NULL: not by those that
 * need it */
MUST_USE enum err exchange_read_body(struct exchange *exchange, struct db *db);

/* Takes the request out of its limits. Afterwards it may wait for a verdict, which leads to
 * exchange_proceed(), or be answered already. @return ERR_LIMITED "rate_limited"; ERR_TIMEOUT
 * "rate_undecided". */
MUST_USE enum err exchange_check_rate(struct exchange *exchange);

/* The class whose limits hold for it. */
enum rate exchange_rate_class(const struct exchange *exchange);

/* Whether anybody may call the route: then who asks is of no account, also when it cannot be found
 * out. */
bool exchange_is_public(const struct exchange *exchange);

/* A credential that is worth nothing is as good as none where none is needed; else it is the
 * answer. */
void exchange_forget_credential(struct exchange *exchange);

/* Who asks is known, or an answer stands already: goes on with the checks and runs the route. */
void exchange_proceed(struct exchange *exchange);
