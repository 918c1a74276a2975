/*
 * Dependencies among the children of one parent: who counts as being in Maintenance because of what
 * it needs, whose trouble is only the consequence of another's, and of whose
 * (RULES.md, section 3). Pure.
 *
 * Thread: any.
 */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "contract/verdict.h"

#include "shared/attrs.h"

#define DEPENDENCY_CHILDREN_MAX 1000

struct dependency_child {
    enum state state;
    bool enabled;
    bool maintenance;         /* its own */
    const size_t *depends_on; /* indexes of other children; borrowed for the call */
    size_t depends_on_count;
    /* filled in by dependencies_new() */
    enum state effective; /* of an enabled child */
    bool suppressed;      /* its trouble is the consequence of a Down dependency's */
};

struct dependencies;

/* Works out `effective` and `suppressed` of each of at most DEPENDENCY_CHILDREN_MAX children. Yours
 * to free. */
struct dependencies *dependencies_new(struct dependency_child *children, size_t count);
void dependencies_free(struct dependencies *dependencies);

DEFINE_AUTO(struct dependencies *, dependencies_free);

/* Whether `cause` is a root cause of the suppressed `child`. */
bool dependencies_is_root_cause(const struct dependencies *dependencies, size_t child,
                                size_t cause);
