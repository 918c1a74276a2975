/*
 * Token buckets: how much one caller may ask of each class of routes. A caller is known by the
 * credential, the person and the address; each may have a limit of its own, and a request takes one
 * token from each bucket, or none when one of them is empty.
 *
 * A process has its buckets for itself, or shares them with others by way of somebody who holds the
 * true ones (rates_share()): then it uses up small leases of them, and asks for the next while
 * there is something left of the last.
 *
 * Thread: the loop, but for rates_configure().
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/list.h"
#include "shared/str.h"

#include "control/api/route.h"

struct buf;

enum rate_subject { RATE_BY_KEY, RATE_BY_USER, RATE_BY_ADDRESS, RATE_SUBJECT_COUNT };

/* "free", "browse", "change", "expensive", "sign_in"; "key", "user", "address". */
extern const char *const rate_words[RATE_COUNT];
extern const char *const rate_subject_words[RATE_SUBJECT_COUNT];

/* The one of this word; false when there is none. */
bool rate_find(struct str word, enum rate *ret_rate);
bool rate_subject_find(struct str word, enum rate_subject *ret_subject);

#define RATE_QUOTA_MAX    1000000000
#define RATE_WINDOW_S_MAX 86400

/* A bucket holds `quota` tokens and is filled again evenly in `window_s`. */
struct rate_policy {
    int64_t quota; /* 0: no limit */
    int64_t window_s;
    int64_t version; /* of two that come in any order, the higher holds */
};

struct rate_caller {
    uint64_t ids[RATE_SUBJECT_COUNT]; /* hashes of who asks; 0: not known by that */
    uint32_t cost;                    /* tokens that the request takes; 0: one */
};

/* What becomes of a request; what is worse comes later. */
enum rate_verdict {
    RATE_TAKEN,
    RATE_UNDECIDED, /* what is left is being asked: rates_wait(), then again */
    RATE_UNCOUNTED, /* it must not be let through uncounted, and cannot be counted at the moment */
    RATE_EMPTY,
};

/* The bucket that has the least left. */
struct rate_answer {
    enum rate_verdict verdict;
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

/* Sets a limit from now on, unless one of a higher version is set. Thread: any. */
void rates_configure(struct rates *rates, enum rate rate, enum rate_subject subject,
                     struct rate_policy policy);

/* Takes one request out of the caller's buckets; false, and takes nothing, when the verdict is
 * another than RATE_TAKEN. One that costs several tokens is let through by a single one, and the
 * bucket owes the others. */
bool rates_take(struct rates *rates, enum rate rate, const struct rate_caller *caller,
                int64_t now_us, struct rate_answer *ret_answer);

/* Writes the header lines that tell the caller (draft-ietf-httpapi-ratelimit-headers-10), nothing
 * when no limit holds. */
void rates_describe(const struct rates *rates, enum rate rate, const struct rate_answer *answer,
                    struct buf *out);

/* Sharing ------------------------------------------------------------------------------------- */

#define RATES_TICK_S 0.125

/* A question to who holds the true bucket. */
struct rate_ask {
    enum rate rate;
    enum rate_subject subject;
    uint64_t id;
    struct rate_policy policy;
    int64_t used;       /* tokens to take from the bucket, whether it has them or not */
    int64_t back;       /* tokens granted earlier that nobody has used */
    int64_t wanted;     /* tokens to grant as far as there are any; may be 0 */
    int64_t full_in_ns; /* it is not full sooner, as far as is known here from before */
};

struct rate_grant {
    int64_t tokens;
    int64_t full_in_ns; /* from now, what is granted counted as used */
};

/* Who holds the true buckets, for the rates of one process. */
struct rates_holder {
    void *context;
    /* Asks; rates_granted() follows later, or rates_cut_off(). False: it cannot be asked now. */
    bool (*ask)(void *context, const struct rate_ask *ask);
};

/* Buckets are shared from now on, as soon as rates_joined() says so: until then sign-in waits, and
 * all else is counted here alone. */
void rates_share(struct rates *rates, const struct rates_holder *holder);

/* The holder can be asked. What was counted meanwhile is told at once. */
void rates_joined(struct rates *rates, int64_t now_us);

/* The holder cannot be asked any more, and what it was asked will not be answered: sign-in is
 * refused, and all else is counted here alone. */
void rates_cut_off(struct rates *rates);

void rates_granted(struct rates *rates, const struct rate_ask *ask, struct rate_grant grant,
                   int64_t now_us);

/* Gives back what is not used in time; to be called every RATES_TICK_S. */
void rates_tick(struct rates *rates, int64_t now_us);

/* A request that waits for a verdict. */
struct rate_waiter {
    struct list link;
    uint64_t id;
    void (*again)(struct rate_waiter *waiter); /* it may be tried again; it is out of the list */
};

/* Waits for what rates_take() left undecided: each time something is decided for that bucket, or
 * for all. */
void rates_wait(struct rates *rates, const struct rate_caller *caller,
                const struct rate_answer *answer, struct rate_waiter *waiter);
