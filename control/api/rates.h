/*
 * Token buckets: how much one caller may ask of each class of routes. A caller is known by the
 * credential, the person and the address; each may have a limit of its own, and a request takes one
 * token from each bucket, or none when one of them is empty.
 *
 * Thread: the loop, but for rates_configure().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "control/api/route.h"

struct buf;

enum rate_subject { RATE_BY_KEY, RATE_BY_USER, RATE_BY_ADDRESS, RATE_SUBJECT_COUNT };

/* "free", "browse", "change", "expensive", "sign_in"; "key", "user", "address". */
extern const char *const rate_words[RATE_COUNT];
extern const char *const rate_subject_words[RATE_SUBJECT_COUNT];

#define RATE_QUOTA_MAX    1000000000
#define RATE_WINDOW_S_MAX 86400

/* A bucket holds `quota` tokens and is filled again evenly in `window_s`. */
struct rate_policy {
    int64_t quota; /* 0: no limit */
    int64_t window_s;
};

/* Hashes of who asks; 0: not known by that. */
struct rate_caller {
    uint64_t ids[RATE_SUBJECT_COUNT];
};

/* The bucket that has the least left. */
struct rate_answer {
    bool is_limited; /* false: no limit holds, and the rest is nothing */
    enum rate_subject subject;
    int64_t remaining;
    int64_t reset_s; /* until it is full */
    int64_t retry_s; /* until it has a token again, when it is empty */
};

struct rates;

/* Without any limit. */
struct rates *rates_new(void);
void rates_free(struct rates *rates);

/* Sets a limit from now on. Thread: any. */
void rates_configure(struct rates *rates, enum rate rate, enum rate_subject subject,
                     struct rate_policy policy);

/* Takes one request out of the caller's buckets; false, and takes nothing, when one of them is
 * empty. */
bool rates_take(struct rates *rates, enum rate rate, const struct rate_caller *caller,
                int64_t now_us, struct rate_answer *ret_answer);

/* Writes the header lines that tell the caller (draft-ietf-httpapi-ratelimit-headers-10), nothing
 * when no limit holds. */
void rates_describe(const struct rates *rates, enum rate rate, const struct rate_answer *answer,
                    struct buf *out);
