/*
 * The engine's tree of everything that has a state: organisation → business units → {systems →
 * instances → components → checks, environment groups}; an instance has its system and its
 * environment group as parents. A change of one node is carried to those that depend on it and to
 * nobody else. Nothing here does I/O or asks a clock.
 *
 * What changed is collected in the tree (`changes`, `dirty`, `removed`) until tree_settled() says
 * that it has been dealt with.
 *
 * Thread: the engine's.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "contract/entity.h"
#include "contract/verdict.h"

#include "shared/attrs.h"
#include "shared/list.h"
#include "shared/map.h"
#include "shared/str.h"
#include "shared/uuid.h"
#include "shared/vec.h"

#include "control/health/propagation_rules.h"

/* A node and all above it: units may be nested, so there is a limit. */
#define TREE_SCOPE_MAX 40

/* What the world knows of a node. */
struct status {
    enum state state;
    enum state measured; /* as if there were no maintenance */
    bool partial_maintenance;
    bool under_maintenance;
    int64_t since_ms;
    int64_t version; /* rises by one with each change of state or of one of the two flags */
    char *reason;    /* never NULL */
};

/* What a node puts into the tallies of those who depend on it. */
struct contribution {
    bool counts;
    enum state state;
    enum state measured;
    enum criticality criticality;
    int64_t weight;
};

struct node {
    struct uuid id;
    enum entity_kind kind;
    UT_hash_handle hh;
    char *key;
    char *name;
    char *facts;     /* JSON object; for the read model */
    int64_t version; /* of the entity */

    struct node *parent; /* NULL: an organisation, or not linked yet */
    struct node *group;  /* of an instance */
    struct list children;
    struct list child_link; /* in parent->children */
    struct list members;    /* of an environment group: its instances */
    struct list member_link;

    enum criticality criticality;
    int64_t weight;
    struct propagation_policy policy;
    bool in_maintenance; /* a window of its own is open */
    struct tally tally;
    struct tally measured_tally;
    struct contribution standing;

    struct status status;
    bool unsaved;  /* the status differs from what is stored; cleared by who stores it */
    bool dirty;    /* is in tree->dirty */
    void *check;   /* of the engine, for ENTITY_CHECK */
    unsigned seen; /* the engine's mark while it reads rows */
    bool removed;  /* is in tree->removed */
};

/* The definition of a node as the database has it; texts are borrowed. */
struct node_definition {
    struct uuid id;
    enum entity_kind kind;
    struct str key;
    struct str name;
    struct str facts;
    int64_t version;
    int64_t created_at_ms;
    struct uuid parent_id; /* nil: none */
    struct uuid group_id;  /* nil: none */
    enum criticality criticality;
    int64_t weight;
    struct propagation_policy policy;
};

/* A visible change: of the state, or (`from` = `to`) of a flag only. */
struct tree_change {
    struct node *node;
    enum state from;
    enum state to;
    int64_t at_ms;
    struct status status; /* right after the change; its reason is owned by the tree */
};

struct tree {
    struct node *nodes; /* by id */
    size_t count[ENTITY_COUNT];
    VEC(struct tree_change) changes; /* in the order they happened */
    VEC(struct node *) dirty;        /* status or definition is new, each once */
    VEC(struct node *) removed;      /* out of the tree, freed by tree_settled() */
    bool quiet;                      /* while loading: see tree_load_end() */
};

void tree_init(struct tree *tree);
void tree_clear(struct tree *tree);

struct node *tree_find(const struct tree *tree, const struct uuid *id);

/* Creates the node or gives it a new definition, without linking it: parents may come later.
 * `ret_created` (or NULL). */
struct node *tree_put(struct tree *tree, const struct node_definition *definition,
                      bool *ret_created);

/* Links the node to its parents as the definition says, or moves it there. False when one of them
 * is not in the tree or the link would close a circle: then the node is left unlinked. */
bool tree_link(struct tree *tree, struct node *node, const struct node_definition *definition,
               int64_t now_ms);

/* Takes the node and everything below it out of the tree. */
void tree_remove(struct tree *tree, struct node *node, int64_t now_ms);

/* Loading: between begin and end nothing is propagated; end works out every state bottom-up, and
 * what then differs from the statuses that were given with tree_restore() has changed at `now_ms`.
 * In between: put and restore all, then link all, then set checks and maintenance. */
void tree_load_begin(struct tree *tree);
void tree_load_end(struct tree *tree, int64_t now_ms);

/* The status of a node as it was when the program ended; takes over nothing of `status`. */
void tree_restore(struct node *node, const struct status *status);

/* The state of a check has been judged, or the check was linked; `counts` is false for a disabled
 * one. `contributed` is what the component sees. `at_ms` dates the change. */
void tree_set_check(struct tree *tree, struct node *node, enum state state, enum state contributed,
                    bool counts, int64_t at_ms, const char *reason);

/* A maintenance window of this very node has opened or closed. */
void tree_set_maintenance(struct tree *tree, struct node *node, bool in_maintenance,
                          int64_t now_ms);

/* Notes that something else about the node is new. */
void tree_touch(struct tree *tree, struct node *node);

/* Calls for the node and everything below it, parents first; members of a group are below it. */
void tree_each(struct node *node, void (*visit)(void *context, struct node *node), void *context);

/* The ids of the node and of everything above it, itself first; returns how many. */
size_t tree_scope(const struct node *node, struct uuid ret_ids[TREE_SCOPE_MAX]);

/* Forgets the collected changes and frees the removed nodes. */
void tree_settled(struct tree *tree);
