/*
 * What the engine tells the loop after a commit: copies of everything, so that the threads share
 * nothing.
 *
 * Thread: made by the engine, then the loop's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/entity.h"
#include "contract/verdict.h"

#include "shared/buf.h"
#include "shared/uuid.h"
#include "shared/vec.h"

#include "control/api/reply.h"
#include "control/health/health.h"
#include "control/health/tree.h"

struct written;

/* A node as it is now. Texts are owned. */
struct news_node {
    struct uuid id;
    struct uuid parent_id; /* nil: none */
    struct uuid group_id;  /* nil: none */
    enum entity_kind kind;
    char *key;
    char *name;
    char *facts;
    int64_t version;
    enum policy policy;
    struct contribution standing;
    struct status status;
    bool soft; /* of a check */
    bool flapping;
};

/* A visible change of a status. */
struct news_change {
    struct uuid id;
    enum entity_kind kind;
    char *key;
    enum state from;
    enum state to;
    int64_t at_ms;
    struct status status; /* as it was right after; its reason is owned */
};

/* A result that was stored; its record lies in news->records. */
struct news_result {
    struct uuid check_id;
    struct uuid prober_id;
    size_t record_at;
    size_t record_len;
    bool newest; /* not one that came late */
};

/* A check as probers have to know it; texts are owned. */
struct news_plan {
    struct health_plan_entry entry;
    char *kind;
    char *spec;
    char *token;
};

struct news {
    bool loaded; /* the first: everything is in it */
    VEC(struct news_node) nodes;
    VEC(struct uuid) removed;
    VEC(struct news_change) changes;
    VEC(struct news_result) results;
    struct buf records;
    VEC(struct news_plan) plan;
    VEC(struct change) edits; /* what people changed, for live clients */
    VEC(struct health_report *) reports;
    VEC(struct written *) written; /* replies that may leave */
};

struct news *news_new(void);

/* Reports and written are given away before. */
void news_free(struct news *news);

bool news_is_empty(const struct news *news);

/* Copies a node. */
void news_add_node(struct news *news, const struct node *node, bool soft, bool flapping);
void news_add_change(struct news *news, const struct tree_change *change);
void news_add_result(struct news *news, const struct uuid *check_id, const struct uuid *prober_id,
                     struct str record, bool newest);

/* Copies the entry with its texts. */
void news_add_plan(struct news *news, const struct health_plan_entry *entry);
