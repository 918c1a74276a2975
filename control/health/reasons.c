/* Short and without figures that change with every probe, so that a reason stays true as long as
 * the state. */
#include "control/health/reasons.h"

#include <stdio.h>

#include "shared/attrs.h"
#include "shared/result_json.h"

#include "control/health/judge_rules.h"
#include "control/health/tree.h"

#define NAMES_MAX 3

const char *reason_for_nothing_yet(enum entity_kind kind)
{
    return kind == ENTITY_CHECK ? "no result yet" : "nothing below it is checked";
}

struct deciders {
    const char *names[NAMES_MAX];
    size_t count;
};

static void note_decider(struct deciders *deciders, const struct node *parent, enum state state,
                         const struct node *child)
{
    const struct contribution *standing = &child->standing;

    if (!standing->counts ||
        !propagation_decides(parent->policy.policy, state, standing->state, standing->criticality))
        return;
    if (deciders->count < NAMES_MAX)
        deciders->names[deciders->count] = child->name;
    deciders->count++;
}

/* Systems below a unit are its children for health, however deep they lie. */
static void find_deciders(struct deciders *deciders, const struct node *parent, enum state state,
                          const struct node *below)
{
    LIST_FOREACH (link, &below->children) {
        const struct node *child = container_of(link, struct node, child_link);

        if (child->kind == ENTITY_BUSINESS_UNIT)
            find_deciders(deciders, parent, state, child);
        else if (child->kind != ENTITY_ENVIRONMENT_GROUP)
            note_decider(deciders, parent, state, child);
    }
    LIST_FOREACH (link, &below->members)
        note_decider(deciders, parent, state, container_of(link, struct node, member_link));
}

void reason_for_parent(const struct node *node, enum state state, char reason[REASON_BYTES])
{
    struct deciders deciders = {0};
    size_t len = 0;

    if (state == STATE_MAINTENANCE && node->in_maintenance) {
        snprintf(reason, REASON_BYTES, "a maintenance window is open");
        return;
    }
    if (state == STATE_OPERATIONAL) {
        snprintf(reason, REASON_BYTES, "everything that counts is operational");
        return;
    }
    find_deciders(&deciders, node, state, node);
    if (deciders.count == 0) {
        snprintf(reason, REASON_BYTES, "%s",
                 state == STATE_UNKNOWN ? reason_for_nothing_yet(node->kind) : "");
        return;
    }

    for (size_t i = 0; i < MIN(deciders.count, (size_t)NAMES_MAX) && len < REASON_BYTES; i++)
        len += (size_t)snprintf(reason + len, REASON_BYTES - len, "%s%s", i ? ", " : "",
                                deciders.names[i]);
    if (deciders.count > NAMES_MAX && len < REASON_BYTES)
        len += (size_t)snprintf(reason + len, REASON_BYTES - len, " and %zu more",
                                deciders.count - NAMES_MAX);
    if (len < REASON_BYTES)
        snprintf(reason + len, REASON_BYTES - len, ": %s", state_word(state));
}

void reason_for_result(const struct result *result, char reason[REASON_BYTES])
{
    int len = snprintf(reason, REASON_BYTES, "%s%s", outcome_word(result->outcome),
                       result->message.len ? ": " : "");

    for (size_t i = 0; i < result->message.len && len < REASON_BYTES - 1; i++) {
        char c = result->message.ptr[i];

        reason[len++] = c ? c : ' ';
    }
    reason[len] = '\0';
}
