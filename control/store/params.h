/*
 * Typed parameters as libpq wants them: three arrays of equal length.
 *
 * Thread: that of the connection.
 */
#pragma once

#include "shared/buf.h"

#include "control/store/query.h"

#define PARAMS_MAX 64

struct encoded_params {
    int count;
    const char *values[PARAMS_MAX]; /* into the scratch buffer or the caller's memory */
    int lengths[PARAMS_MAX];
    int formats[PARAMS_MAX]; /* 1: binary */
};

/* @param scratch emptied first; the encoded values live as long as it does not change.
 * @return ERR_INVALID "value_invalid" for a text with a zero byte, which PostgreSQL cannot hold. */
MUST_USE enum err params_encode(struct params params, struct buf *scratch,
                                struct encoded_params *ret_encoded);
