/*
 * Each node stands in the tallies of its receivers with one contribution. Refreshing a node works
 * out its status from its own tally; when that changes what it contributes, the receivers are
 * refreshed too: at most as many as there are levels. Systems count in every business unit above
 * them and in the organisation, so units do not count in one another.
 */
#include "control/health/tree.h"

#include <assert.h>
#include <stdio.h>

#include "shared/buf.h"
#include "shared/log.h"

#include "control/health/reasons.h"

#define RECEIVERS_MAX TREE_SCOPE_MAX

void tree_init(struct tree *tree)
{
    *tree = (struct tree){0};
}

static void node_free(struct node *node)
{
    free(node->key);
    free(node->name);
    free(node->facts);
    free(node->status.reason);
    free(node);
}

static void forget_changes(struct tree *tree)
{
    for (size_t i = 0; i < tree->changes.len; i++)
        free(tree->changes.items[i].status.reason);
    tree->changes.len = 0;
    for (size_t i = 0; i < tree->dirty.len; i++)
        tree->dirty.items[i]->dirty = false;
    tree->dirty.len = 0;
}

void tree_settled(struct tree *tree)
{
    forget_changes(tree);
    for (size_t i = 0; i < tree->removed.len; i++)
        node_free(tree->removed.items[i]);
    tree->removed.len = 0;
}

void tree_clear(struct tree *tree)
{
    struct node *node;
    struct node *next;

    tree_settled(tree);
    HASH_ITER (hh, tree->nodes, node, next) {
        HASH_DEL(tree->nodes, node);
        node_free(node);
    }
    vec_clear(&tree->changes);
    vec_clear(&tree->dirty);
    vec_clear(&tree->removed);
}

struct node *tree_find(const struct tree *tree, const struct uuid *id)
{
    struct node *node;

    HASH_FIND(hh, tree->nodes, id->bytes, sizeof id->bytes, node);
    return node;
}

void tree_touch(struct tree *tree, struct node *node)
{
    if (node->dirty || node->removed)
        return;
    node->dirty = true;
    vec_push(&tree->dirty, node);
}

static void set_text(char **text, struct str value)
{
    if (*text && str_equal(str_of(*text), value))
        return;
    free(*text);
    *text = str_dup(value);
}

struct node *tree_put(struct tree *tree, const struct node_definition *definition,
                      bool *ret_created)
{
    struct node *node = tree_find(tree, &definition->id);
    bool created = !node;

    if (created) {
        node = NEW(struct node);
        node->id = definition->id;
        node->kind = definition->kind;
        list_init(&node->children);
        list_init(&node->child_link);
        list_init(&node->members);
        list_init(&node->member_link);
        node->status.reason = xstrdup(reason_for_nothing_yet(node->kind));
        node->status.since_ms = definition->created_at_ms;
        HASH_ADD(hh, tree->nodes, id.bytes, sizeof node->id.bytes, node);
        tree->count[node->kind]++;
    }
    set_text(&node->key, definition->key);
    set_text(&node->name, definition->name);
    set_text(&node->facts, definition->facts);
    node->version = definition->version;
    node->criticality = definition->criticality;
    node->weight = definition->weight;
    node->policy = definition->policy;
    tree_touch(tree, node);
    if (ret_created)
        *ret_created = created;
    return node;
}

/* Whose tallies the node counts in: nearest first. */
static size_t receivers(const struct node *node, struct node *ret_nodes[RECEIVERS_MAX])
{
    bool has_one = node->kind == ENTITY_CHECK || node->kind == ENTITY_COMPONENT ||
                   node->kind == ENTITY_INSTANCE;
    size_t count = 0;

    if (has_one && node->parent)
        ret_nodes[count++] = node->parent;
    if (node->group)
        ret_nodes[count++] = node->group;
    if (node->kind == ENTITY_SYSTEM) {
        for (struct node *above = node->parent; above && count < RECEIVERS_MAX;
             above = above->parent)
            ret_nodes[count++] = above;
    }
    return count;
}

static void refresh(struct tree *tree, struct node *node, int64_t at_ms);

/* Puts `next` into the receivers' tallies in the place of what stands there. */
static void contribute(struct tree *tree, struct node *node, const struct contribution *next,
                       int64_t at_ms)
{
    struct contribution last = node->standing;
    struct node *all[RECEIVERS_MAX];
    size_t count = receivers(node, all);

    if (last.counts == next->counts && last.state == next->state &&
        last.measured == next->measured && last.criticality == next->criticality &&
        last.weight == next->weight)
        return;
    node->standing = *next;
    for (size_t i = 0; i < count; i++) {
        if (last.counts) {
            tally_remove(&all[i]->tally, last.state, last.criticality, last.weight);
            tally_remove(&all[i]->measured_tally, last.measured, last.criticality, last.weight);
        }
        if (next->counts) {
            tally_add(&all[i]->tally, next->state, next->criticality, next->weight);
            tally_add(&all[i]->measured_tally, next->measured, next->criticality, next->weight);
        }
    }
    for (size_t i = 0; i < count; i++)
        refresh(tree, all[i], at_ms);
}

static void withdraw(struct tree *tree, struct node *node, int64_t at_ms)
{
    contribute(tree, node, &(struct contribution){0}, at_ms);
}

/* Gives the node a status and notes what is new about it. */
static void set_status(struct tree *tree, struct node *node, const struct propagated *next,
                       enum state measured, const char *reason, int64_t at_ms)
{
    struct status *status = &node->status;
    enum state from = status->state;
    bool under = node->in_maintenance || (node->parent && node->parent->status.under_maintenance) ||
                 (node->group && node->group->status.under_maintenance);
    bool visible = from != next->state || under != status->under_maintenance ||
                   next->partial_maintenance != status->partial_maintenance;
    struct tree_change change;

    if (!visible && measured == status->measured)
        return;
    status->measured = measured;
    node->unsaved = true;
    tree_touch(tree, node);
    if (!visible)
        return;

    status->state = next->state;
    status->under_maintenance = under;
    status->partial_maintenance = next->partial_maintenance;
    status->version++;
    if (from != next->state) {
        status->since_ms = MAX(status->since_ms, at_ms);
        set_text(&status->reason, str_of(reason));
    }
    change = (struct tree_change){
        .node = node,
        .from = from,
        .to = next->state,
        .at_ms = from != next->state ? status->since_ms : at_ms,
        .status = *status,
    };
    change.status.reason = xstrdup(status->reason);
    vec_push(&tree->changes, change);
}

/* Works out the status of a node that has children from its tally, and carries it on. */
static void work_out(struct tree *tree, struct node *node, int64_t at_ms)
{
    struct propagated next = propagate(&node->policy, &node->tally, node->in_maintenance);
    struct propagated measured = propagate(&node->policy, &node->measured_tally, false);
    char reason[REASON_BYTES] = "";

    if (next.state != node->status.state)
        reason_for_parent(node, next.state, reason);
    set_status(tree, node, &next, measured.state, reason, at_ms);
    contribute(
        tree, node,
        &(struct contribution){true, next.state, measured.state, node->criticality, node->weight},
        at_ms);
}

static void refresh(struct tree *tree, struct node *node, int64_t at_ms)
{
    if (!tree->quiet && !node->removed && node->kind != ENTITY_CHECK)
        work_out(tree, node, at_ms);
}

void tree_set_check(struct tree *tree, struct node *node, enum state state, enum state contributed,
                    bool counts, int64_t at_ms, const char *reason)
{
    struct propagated next = {.state = state};

    assert(node->kind == ENTITY_CHECK);
    set_status(tree, node, &next, state, reason, at_ms);
    if (!str_equal(str_of(node->status.reason), str_of(reason))) {
        /* The same state for another reason is no change, but has to be told when somebody asks. */
        set_text(&node->status.reason, str_of(reason));
        node->unsaved = true;
        tree_touch(tree, node);
    }
    contribute(
        tree, node,
        &(struct contribution){counts, contributed, contributed, node->criticality, node->weight},
        at_ms);
}

/* Brings `under_maintenance` of the node and all below it up to date, parents first. */
static void refresh_below(struct tree *tree, struct node *node, int64_t at_ms)
{
    if (node->kind == ENTITY_CHECK) {
        struct propagated next = {.state = node->status.state};

        set_status(tree, node, &next, node->status.measured, node->status.reason, at_ms);
        return;
    }
    refresh(tree, node, at_ms);
    LIST_FOREACH (link, &node->children)
        refresh_below(tree, container_of(link, struct node, child_link), at_ms);
    LIST_FOREACH (link, &node->members)
        refresh_below(tree, container_of(link, struct node, member_link), at_ms);
}

static void unlink_node(struct tree *tree, struct node *node, int64_t at_ms)
{
    withdraw(tree, node, at_ms);
    list_remove(&node->child_link);
    list_remove(&node->member_link);
    node->parent = NULL;
    node->group = NULL;
}

/* Systems below a unit stand in the tallies of the units above, so they leave and enter with it. */
static void move_systems(struct tree *tree, struct node *unit, bool enter, int64_t at_ms)
{
    LIST_FOREACH (link, &unit->children) {
        struct node *child = container_of(link, struct node, child_link);

        if (child->kind == ENTITY_BUSINESS_UNIT)
            move_systems(tree, child, enter, at_ms);
        else if (child->kind == ENTITY_SYSTEM && enter)
            work_out(tree, child, at_ms);
        else if (child->kind == ENTITY_SYSTEM)
            withdraw(tree, child, at_ms);
    }
}

static void refresh_above(struct tree *tree, struct node *node, int64_t at_ms)
{
    for (; node; node = node->parent)
        refresh(tree, node, at_ms);
}

static bool is_below(const struct node *node, const struct node *above)
{
    for (size_t steps = 0; node && steps < TREE_SCOPE_MAX; steps++, node = node->parent) {
        if (node == above)
            return true;
    }
    return false;
}

static size_t depth_of(const struct node *node)
{
    size_t depth = 0;

    for (; node && depth < TREE_SCOPE_MAX; node = node->parent)
        depth++;
    return depth;
}

/* Gives the node new parents. Those that it leaves and enters only see the end of it, not the
 * moment between. */
static void move(struct tree *tree, struct node *node, struct node *parent, struct node *group,
                 int64_t now_ms)
{
    struct node *left[] = {node->parent, node->group};
    bool loading = tree->quiet;

    tree->quiet = true;
    if (node->kind == ENTITY_BUSINESS_UNIT)
        move_systems(tree, node, false, now_ms);
    unlink_node(tree, node, now_ms);
    node->parent = parent;
    node->group = group;
    if (parent)
        list_append(&parent->children, &node->child_link);
    if (group)
        list_append(&group->members, &node->member_link);
    if (node->kind == ENTITY_BUSINESS_UNIT && !loading)
        move_systems(tree, node, true, now_ms);
    else if (node->kind != ENTITY_CHECK && !loading)
        work_out(tree, node, now_ms);
    tree->quiet = loading;

    for (size_t i = 0; i < ARRAY_LEN(left); i++)
        refresh_above(tree, left[i], now_ms);
    refresh_above(tree, node->parent, now_ms);
    refresh_above(tree, node->group, now_ms);
}

bool tree_link(struct tree *tree, struct node *node, const struct node_definition *definition,
               int64_t now_ms)
{
    struct node *parent = NULL;
    struct node *group = NULL;

    if (!uuid_is_nil(&definition->parent_id)) {
        parent = tree_find(tree, &definition->parent_id);
        /* A group, its instance, the component and the check still have to fit below. */
        if (!parent || is_below(parent, node) || depth_of(parent) > TREE_SCOPE_MAX - 6)
            return false;
    }
    if (!uuid_is_nil(&definition->group_id)) {
        group = tree_find(tree, &definition->group_id);
        if (!group)
            return false;
    }

    if (parent != node->parent || group != node->group)
        move(tree, node, parent, group, now_ms);
    if (!tree->quiet)
        refresh_below(tree, node, now_ms);
    return true;
}

static void mark_removed(void *context, struct node *node)
{
    struct tree *tree = context;

    if (node->removed)
        return;
    node->removed = true;
    HASH_DEL(tree->nodes, node);
    tree->count[node->kind]--;
    vec_push(&tree->removed, node);
}

void tree_remove(struct tree *tree, struct node *node, int64_t now_ms)
{
    size_t first = tree->removed.len;

    /* All are marked before any is taken out, so that none of them changes its state on the way. */
    tree_each(node, mark_removed, tree);
    for (size_t i = first; i < tree->removed.len; i++)
        unlink_node(tree, tree->removed.items[i], now_ms);
}

void tree_load_begin(struct tree *tree)
{
    tree->quiet = true;
}

void tree_load_end(struct tree *tree, int64_t now_ms)
{
    /* Bottom-up by kind: what has children comes after all that can be below it. */
    static const enum entity_kind order[] = {
        ENTITY_COMPONENT, ENTITY_INSTANCE,      ENTITY_ENVIRONMENT_GROUP,
        ENTITY_SYSTEM,    ENTITY_BUSINESS_UNIT, ENTITY_ORGANISATION,
    };
    struct node *node;
    struct node *next;

    for (size_t i = 0; i < ARRAY_LEN(order); i++) {
        HASH_ITER (hh, tree->nodes, node, next) {
            if (node->kind == order[i])
                work_out(tree, node, now_ms);
        }
    }
    tree->quiet = false;

    /* Flags go the other way: top-down. */
    HASH_ITER (hh, tree->nodes, node, next) {
        if (node->kind == ENTITY_ORGANISATION)
            refresh_below(tree, node, now_ms);
    }
}

void tree_restore(struct node *node, const struct status *status)
{
    char *reason = node->status.reason;

    node->status = *status;
    node->status.reason = reason;
    set_text(&node->status.reason, str_of(status->reason));
}

void tree_set_maintenance(struct tree *tree, struct node *node, bool in_maintenance, int64_t now_ms)
{
    if (node->in_maintenance == in_maintenance)
        return;
    node->in_maintenance = in_maintenance;
    if (!tree->quiet)
        refresh_below(tree, node, now_ms);
}

void tree_each(struct node *node, void (*visit)(void *context, struct node *node), void *context)
{
    visit(context, node);
    LIST_FOREACH (link, &node->children)
        tree_each(container_of(link, struct node, child_link), visit, context);
    LIST_FOREACH (link, &node->members)
        tree_each(container_of(link, struct node, member_link), visit, context);
}

size_t tree_scope(const struct node *node, struct uuid ret_ids[TREE_SCOPE_MAX])
{
    size_t count = 0;

    for (; node && count < TREE_SCOPE_MAX - 1; node = node->parent) {
        ret_ids[count++] = node->id;
        if (node->group)
            ret_ids[count++] = node->group->id;
    }
    return count;
}
