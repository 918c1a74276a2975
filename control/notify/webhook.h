/*
 * Webhooks as the sender knows them, and the finding of events for one.
 *
 * Thread: that of the connection.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"
#include "shared/vec.h"

#include "control/api/listing_query.h"
#include "control/notify/webhook_signature.h"

#define WEBHOOKS_MOST 1000 /* of an installation */
#define WEBHOOK_WAITING_MOST                                                                       \
    100000 /* deliveries of one; more are not made but counted as dropped */

struct db;
struct tx;

struct webhook {
    struct uuid id;
    struct uuid organisation_id; /* nil: it hears of everything */
    char *url;
    VEC(char *) patterns; /* of LIKE */
    struct listing_query filter;
    struct webhook_secret secret;
    struct webhook_secret earlier_secret;
    int64_t earlier_secret_until_ms; /* MS_NULL: there is none */
    int concurrency;
    int64_t listens_since_ms;
};

void webhook_clear(struct webhook *webhook);

typedef VEC(struct webhook) webhook_list;

void webhook_list_clear(webhook_list *webhooks);

/* All that are on, by id. */
MUST_USE enum err webhooks_load(struct db *db, webhook_list *ret_webhooks);

/* One. @return ERR_NOT_FOUND when there is none that is on. */
MUST_USE enum err webhook_load(struct tx *tx, const struct uuid *id, struct webhook *ret_webhook);

/* Appends the signatures of one message that is sent now. */
void webhook_append_signatures(const struct webhook *webhook, struct str id, int64_t now_ms,
                               struct str body, struct buf *out);

enum event_stream { STREAM_CHANGE, STREAM_STATUS, STREAM_HEAD, STREAM_COUNT };

extern const char *const event_stream_words[STREAM_COUNT];

/* Which events are looked at: positions above `after` up to `last`, and times. */
struct event_range {
    enum event_stream stream;
    int64_t after;
    int64_t last;
    int64_t from_ms;
    int64_t until_ms; /* MS_NULL: open */
    int64_t most;     /* the oldest so many */
};

/*
 * Makes a delivery of each event of the range that the webhook wants and has none for.
 * @param ret_found events that it wants, or NULL
 * @param ret_made deliveries; fewer than found when there were some already, or too many wait.
 */
MUST_USE enum err webhook_deliver_events(struct tx *tx, const struct webhook *webhook,
                                         const struct event_range *range, int64_t *ret_found,
                                         int64_t *ret_made);
