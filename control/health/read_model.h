/*
 * The loop's own picture of everything that exists and how it is: what MEMORY routes answer from,
 * what Redis and live clients are told from. The engine's news change it, and nothing else does.
 *
 * Thread: the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/entity.h"
#include "contract/verdict.h"

#include "shared/attrs.h"
#include "shared/err.h"
#include "shared/list.h"
#include "shared/map.h"
#include "shared/str.h"
#include "shared/uuid.h"

#include "control/health/tree.h"

struct live;
struct live_source;
struct news;
struct principal;
struct read_model;
struct status_publisher;
struct status_source;

/* Parents above an entity, itself not counted; business units may be nested. */
#define MODEL_DEPTH_MAX 40

struct model_entity {
    struct uuid id;
    enum entity_kind kind;
    UT_hash_handle hh;
    size_t place; /* in the dense array, for enumerating */
    char *key;
    char *name;
    char *facts; /* members of a JSON object without braces, or NULL */
    int64_t version;
    struct contribution standing; /* in its parents' states */
    enum policy policy;           /* for its own */

    struct model_entity *parent;
    struct model_entity *group;
    struct list children;
    struct list child_link;
    struct list members; /* of an environment group: its instances */
    struct list member_link;

    struct status status;

    bool soft;
    bool flapping;
    struct uuid prober_id; /* of the last result */
    char *record;          /* the last result of a check as on the bus, or NULL */
    uint32_t record_len;
};

struct read_model *read_model_new(void);
void read_model_free(struct read_model *model);

DEFINE_AUTO(struct read_model *, read_model_free);

/* Who is told of changes; either may be NULL, and both are borrowed. */
void read_model_tell(struct read_model *model, struct live *live,
                     struct status_publisher *publisher);

/* Takes over what the engine has committed, and tells of it. */
void read_model_apply(struct read_model *model, const struct news *news);

/* Whether it has everything by now; before that, what it does not have may well exist. */
bool read_model_is_loaded(const struct read_model *model);

/* NULL when there is none. */
const struct model_entity *read_model_find(const struct read_model *model, const struct uuid *id);

/* Whether the principal sees the entity: it has to lie in his organisation, if he belongs to one. */
bool model_entity_is_shown(const struct model_entity *entity, const struct principal *principal);

/* All organisations, in the order of their keys. */
struct list *read_model_organisations(struct read_model *model);

/* How many entities of a kind there are. */
size_t read_model_count(const struct read_model *model, enum entity_kind kind);

/* The parents of the entity from the nearest up; an instance's group is not among them. Returns how
 * many. */
size_t read_model_path(const struct model_entity *entity,
                       const struct model_entity *ret_path[MODEL_DEPTH_MAX]);

/* For api/live and for the status publisher. */
struct live_source read_model_live_source(struct read_model *model);
struct status_source read_model_status_source(struct read_model *model);

/* "operational" … */
extern const char *const state_words[STATE_COUNT];
