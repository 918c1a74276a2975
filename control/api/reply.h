/*
 * What goes back: status, headers, body, and the list of entities that were changed. A handler
 * fills it in and returns OK; on an error the server throws its content away and writes a problem
 * document instead. Only the body of a 409 or 412 is kept: the object as it stands now becomes the
 * problem's member `current`.
 *
 * Thread: that of the handler, then the loop.
 */
#pragma once

#include <jansson.h>
#include <stdint.h>

#include "contract/entity.h"

#include "shared/buf.h"
#include "shared/err.h"
#include "shared/uuid.h"
#include "shared/vec.h"

struct request;

enum change_word { CHANGE_CREATED, CHANGE_UPDATED, CHANGE_DELETED };

/* One entity that a committed write has changed. */
struct change {
    enum change_word word;
    enum entity_kind kind;
    struct uuid id;
    struct uuid entry_id; /* of the journal; nil: not known */
};

/* The type of a reply in lines of JSON. */
#define REPLY_LINES_TYPE "application/x-ndjson"

struct reply {
    uint16_t status;  /* 0: the success status of the row */
    const char *type; /* constant; NULL: application/json */
    /* when to come again, said with a failure that passes; 0: that of its status */
    int64_t retry_after_s;
    struct buf body;
    struct buf headers; /* complete lines, each ended by CR LF */
    VEC(struct change) changes;
};

void reply_clear(struct reply *reply);

/* Empties it for the next use and keeps the memory. */
void reply_reset(struct reply *reply);

/* The JSON document as body; takes `json`. Returns OK. */
enum err reply_json_take(struct reply *reply, json_t *json);

/* JSON text as body, copied. Returns OK. */
enum err reply_json_text(struct reply *reply, struct str text);

/* A body that is written piece by piece: append to what this returns. */
struct buf *reply_body(struct reply *reply);

/* Adds a header line. Both texts are ours: no line breaks in them (asserted). */
void reply_header(struct reply *reply, const char *name, const char *format, ...) PRINTF(3, 4);

/* ETag: "<version>". */
void reply_etag(struct reply *reply, int64_t version);

/* Sets the session cookie under the name that fits the connection: HttpOnly, SameSite=Lax, Path=/;
 * `max_age_s` 0 removes it. */
void reply_session_cookie(struct reply *reply, const struct request *request, const char *token,
                          int64_t max_age_s);

/* Notes an entity that the committed transaction has changed: the engine learns of it before the
 * reply leaves, so that the next read finds it.
 * @return the id that the entry of the journal is to have, by which the engine knows it again. */
struct uuid reply_changed(struct reply *reply, enum change_word word, enum entity_kind kind,
                          const struct uuid *id);
