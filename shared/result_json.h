/*
 * A result as JSON, the same object everywhere: API, prober output, publications.
 *
 * Thread: any.
 */
#pragma once

#include "shared/buf.h"
#include "shared/result.h"

/* Words of the contract's tables; any number outside of the table gives "?". */
const char *verdict_word(enum verdict verdict);
const char *outcome_word(enum outcome outcome);
const char *phase_word(enum phase phase);

/* The verdict that the table gives the outcome. */
enum verdict outcome_verdict(enum outcome outcome);

/* Appends the result as one JSON object. `check` is its id as text; `location` and `prober` may be
 * empty: null. */
void result_json_write(struct buf *buf, const struct result *result, struct str check,
                       struct str location, struct str prober);

/* A copy in one block, texts included; yours to free with free(). */
struct result *result_copy(const struct result *result);

/* Writes "127.0.0.1:81" or "[::1]:81", and the address alone where there is no port; returns
 * `text`. */
#define RESULT_ADDRESS_TEXT_BYTES 56
const char *result_address_format(const struct result_address *address,
                                  char text[RESULT_ADDRESS_TEXT_BYTES]);
