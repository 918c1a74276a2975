/*
 * reach[i] is the set of children that i needs, directly or through others; a disabled child is
 * neither in it nor passed through. A dependency that reaches the child again is left out of
 * everything, so what is left is without cycles.
 */
#include "control/health/dependency_rules.h"

#include <assert.h>
#include <stdint.h>

#include "shared/mem.h"

struct dependencies {
    const struct dependency_child *children; /* while new() runs */
    size_t count;
    size_t words;    /* of 64 bits, per row */
    uint64_t *reach; /* count rows */
    uint64_t *down;  /* count rows: the Down dependencies of each */
};

static bool has_bit(const uint64_t *row, size_t bit)
{
    return row[bit / 64] >> bit % 64 & 1;
}

static void set_bit(uint64_t *row, size_t bit)
{
    row[bit / 64] |= UINT64_C(1) << bit % 64;
}

/* Fills the row of `start` by walking from it; `waiting` has room for every child. */
static void walk(struct dependencies *dependencies, size_t start, size_t *waiting)
{
    const struct dependency_child *children = dependencies->children;
    uint64_t *row = dependencies->reach + start * dependencies->words;
    size_t waiting_count = 0;

    waiting[waiting_count++] = start;
    while (waiting_count > 0) {
        const struct dependency_child *at = &children[waiting[--waiting_count]];

        for (size_t i = 0; i < at->depends_on_count; i++) {
            size_t next = at->depends_on[i];

            assert(next < dependencies->count);
            if (!children[next].enabled || has_bit(row, next))
                continue;
            set_bit(row, next);
            if (next != start)
                waiting[waiting_count++] = next;
        }
    }
}

static bool depends_on(const struct dependencies *dependencies, size_t child, size_t on)
{
    return has_bit(dependencies->reach + child * dependencies->words, on) &&
           !has_bit(dependencies->reach + on * dependencies->words, child);
}

/* Whether the child is in Maintenance by itself, not through a dependency. */
static bool is_maintenance(const struct dependency_child *child)
{
    return child->maintenance || child->state == STATE_MAINTENANCE;
}

/* A dependency that is in Maintenance only through one of its own needs no look of its own: that
 * one is a dependency of the child as well, and cannot be in a cycle with it without being in one
 * with the first. */
static enum state effective_of(const struct dependencies *dependencies, size_t child)
{
    const struct dependency_child *children = dependencies->children;

    if (is_maintenance(&children[child]))
        return STATE_MAINTENANCE;
    for (size_t on = 0; on < dependencies->count && children[child].state != STATE_OPERATIONAL;
         on++) {
        if (depends_on(dependencies, child, on) && is_maintenance(&children[on]))
            return STATE_MAINTENANCE;
    }
    return children[child].state;
}

/* Notes the Down dependencies of the child; true when there is one. */
static bool find_down(struct dependencies *dependencies, size_t child)
{
    uint64_t *row = dependencies->down + child * dependencies->words;
    bool found = false;

    for (size_t on = 0; on < dependencies->count; on++) {
        if (depends_on(dependencies, child, on) &&
            dependencies->children[on].effective == STATE_DOWN) {
            set_bit(row, on);
            found = true;
        }
    }
    return found;
}

struct dependencies *dependencies_new(struct dependency_child *children, size_t count)
{
    struct dependencies *dependencies = NEW(struct dependencies);
    size_t words = (count + 63) / 64;
    size_t *waiting = xcalloc(count + 1, sizeof *waiting);

    assert(count <= DEPENDENCY_CHILDREN_MAX);
    dependencies->children = children;
    dependencies->count = count;
    dependencies->words = words;
    dependencies->reach = xcalloc(count * words + 1, sizeof(uint64_t));
    dependencies->down = xcalloc(count * words + 1, sizeof(uint64_t));

    for (size_t i = 0; i < count; i++) {
        if (children[i].enabled)
            walk(dependencies, i, waiting);
    }
    for (size_t i = 0; i < count; i++)
        children[i].effective = effective_of(dependencies, i);
    for (size_t i = 0; i < count; i++) {
        bool troubled =
            children[i].effective == STATE_DOWN || children[i].effective == STATE_UNKNOWN;

        children[i].suppressed = find_down(dependencies, i) && troubled;
    }
    free(waiting);
    dependencies->children = NULL;
    return dependencies;
}

void dependencies_free(struct dependencies *dependencies)
{
    if (!dependencies)
        return;
    free(dependencies->reach);
    free(dependencies->down);
    free(dependencies);
}

bool dependencies_is_root_cause(const struct dependencies *dependencies, size_t child, size_t cause)
{
    const uint64_t *below = dependencies->down + cause * dependencies->words;

    if (!has_bit(dependencies->down + child * dependencies->words, cause))
        return false;
    for (size_t i = 0; i < dependencies->words; i++) {
        if (below[i])
            return false;
    }
    return true;
}
