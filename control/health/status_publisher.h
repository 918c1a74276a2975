/*
 * Tells Redis of states: a hash per entity as snapshot and a message per change, in one MULTI (for
 * subscribers: README of this folder). Redis holds nothing that cannot be made again: the whole
 * snapshot is written after the source has loaded, after each connect and whenever our marker is gone (FLUSHALL, another
 * server), and keys of what no longer exists are swept away.
 *
 * Keys: em:status:<kind>:<id>, fields state since version reason. Channels: em:status and
 * em:status:<kind>:<id>.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "contract/entity.h"

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/str.h"
#include "shared/uuid.h"

struct loop;
struct status_publisher;

/* The present state of one entity; texts are borrowed. */
struct status_line {
    enum entity_kind kind;
    struct uuid id;
    struct str state; /* "operational" … */
    int64_t since_ms;
    int64_t version;
    struct str reason;
};

/* One change; `line` is what it became. */
struct status_change {
    struct status_line line;
    struct str key;
    struct str from;
    int64_t at_ms;
};

/* Where the snapshot comes from: the read model. Places may be empty, and may change between two
 * calls. */
struct status_source {
    void *context;
    size_t (*places)(void *context);
    bool (*line_at)(void *context, size_t place, struct status_line *ret_line);
    bool (*knows)(void *context, const struct uuid *id);
};

struct status_publisher_options {
    struct loop *loop;
    const char *redis_url;
    const char *redis_user; /* NULL: as the URL says */
    const char *redis_password;
    struct status_source source;
};

/* @return ERR_INVALID "redis_url" */
MUST_USE enum err status_publisher_new(const struct status_publisher_options *options,
                                       struct status_publisher **ret_publisher);
void status_publisher_free(struct status_publisher *publisher);

DEFINE_AUTO(struct status_publisher *, status_publisher_free);

/* The source has everything that exists: the snapshot is written now, and not before, because what
 * the source does not know is swept away. */
void status_publisher_loaded(struct status_publisher *publisher);

/* Writes the snapshot of an entity that is new. */
void status_publisher_show(struct status_publisher *publisher, const struct status_line *line);

/* Writes the snapshot and the message. Without a connection, or room in it, nothing happens: a
 * rebuild brings the snapshot, and subscribers see the gap in the versions. */
void status_publisher_tell(struct status_publisher *publisher, const struct status_change *change);

/* Removes the snapshot of an entity that is gone. */
void status_publisher_forget(struct status_publisher *publisher, enum entity_kind kind,
                             const struct uuid *id);

/* Whether the connection stands and the snapshot is whole. */
bool status_publisher_is_current(const struct status_publisher *publisher);
