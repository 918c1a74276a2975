/*
 * One parent with its children and their dependencies, or a whole tree bottom-up. Shares are read
 * as exact decimals, so that 0.1 is a tenth.
 */
#include <stdio.h>
#include <string.h>

#include "shared/json.h"
#include "shared/mem.h"
#include "shared/vec.h"

#include "control/health/dependency_rules.h"
#include "control/health/judge_rules.h"
#include "control/health/preview_routes.h"
#include "control/health/propagation_rules.h"

#define NODES_MAX       10000
#define WEIGHT_UNIT     1000000 /* weights count in millionths */
#define DECIMALS_MAX    9
#define DENOMINATOR_MAX 1000000000
#define POINTER_BYTES   1024

/* Where we are in the body, and what was found wrong there. */
struct reading {
    char pointer[POINTER_BYTES];
    size_t nodes;
    json_t *errors;
    json_t *answer; /* of a tree: states by id */
};

/* Exact numbers ------------------------------------------------------------------------------- */

/* "0.25" as 25/100. */
static bool read_decimal(struct str text, struct fraction *ret_fraction)
{
    struct str rest = text;
    struct str whole = str_cut(&rest, '.');
    uint64_t integer;
    uint64_t decimals = 0;
    int64_t scale = 1;

    if (!str_to_u64(whole, DENOMINATOR_MAX, &integer) || rest.len > DECIMALS_MAX)
        return false;
    if (rest.ptr && !str_to_u64(rest, DENOMINATOR_MAX, &decimals))
        return false;
    for (size_t i = 0; i < rest.len; i++)
        scale *= 10;
    *ret_fraction = (struct fraction){(int64_t)integer * scale + (int64_t)decimals, scale};
    return true;
}

/* "1/3", "0.25", 0.25 or 1. A number is taken as the shortest decimal that stands for it. */
static bool read_fraction(const json_t *value, struct fraction *ret_fraction)
{
    struct fraction above;
    struct fraction below;
    char text[32];
    struct str rest;

    if (json_is_number(value)) {
        snprintf(text, sizeof text, "%.*f", DECIMALS_MAX, json_number_value(value));
        rest = str_of(text);
        while (rest.ptr[rest.len - 1] == '0')
            rest.len--;
        if (rest.ptr[rest.len - 1] == '.')
            rest.len--;
        return read_decimal(rest, ret_fraction);
    }
    rest = str_of(json_string_value(value));
    if (!rest.ptr || !read_decimal(str_cut(&rest, '/'), &above))
        return false;
    if (!rest.ptr) {
        *ret_fraction = above;
        return true;
    }
    if (!read_decimal(rest, &below) || above.denominator != 1 || below.denominator != 1 ||
        below.numerator == 0)
        return false;
    *ret_fraction = (struct fraction){above.numerator, below.numerator};
    return true;
}

static void complain(struct reading *reading, const char *field, const char *code,
                     const char *detail)
{
    char pointer[POINTER_BYTES + 64];

    snprintf(pointer, sizeof pointer, "%s/%s", reading->pointer, field);
    json_add_error(&reading->errors, pointer, code, "%s", detail);
}

static void read_share(struct reading *reading, const json_t *node, const char *field,
                       struct fraction *share)
{
    struct fraction given;

    if (!json_has(node, field))
        return;
    if (read_fraction(json_object_get(node, field), &given) && given.numerator <= given.denominator)
        *share = given;
    else
        complain(reading, field, "invalid_share", "must be from 0 to 1, as a number or a fraction");
}

static int64_t read_weight(struct reading *reading, const json_t *node)
{
    struct fraction weight = {1, 1};

    if (json_has(node, "weight") && (!read_fraction(json_object_get(node, "weight"), &weight) ||
                                     weight.numerator / weight.denominator > WEIGHT_UNIT ||
                                     WEIGHT_UNIT % weight.denominator != 0)) {
        complain(reading, "weight", "invalid_weight", "must be a number with at most 6 decimals");
        return 0;
    }
    return weight.numerator * (WEIGHT_UNIT / weight.denominator);
}

/* Nodes --------------------------------------------------------------------------------------- */

static struct propagation_policy read_policy(struct reading *reading, const json_t *node)
{
    struct propagation_policy policy = propagation_policy_default;

    policy_from_word(str_of(json_text(node, "policy", "worst")), &policy.policy);
    if (policy.policy == POLICY_QUORUM && !json_has(node, "min_up"))
        complain(reading, "min_up", "required", "is needed with the policy quorum");
    policy.min_up = (uint32_t)json_integer_or(node, "min_up", 0);
    read_share(reading, node, "operational_at", &policy.operational_at);
    read_share(reading, node, "down_below", &policy.down_below);
    read_share(reading, node, "unknown_share", &policy.unknown_share);
    return policy;
}

static enum state read_state(const json_t *node)
{
    struct str word = str_of(json_text(node, "state", "unknown"));

    for (int state = 0; state < STATE_COUNT; state++) {
        if (str_equal(word, str_of(state_word((enum state)state))))
            return (enum state)state;
    }
    return STATE_UNKNOWN;
}

/* The children of one parent as the rules want them. */
struct family {
    size_t count;
    json_t *const *nodes; /* borrowed */
    struct dependency_child *children;
    size_t *needs; /* what depends_on points into */
    struct dependencies *dependencies;
};

static void family_clear(struct family *family)
{
    dependencies_free(family->dependencies);
    free(family->children);
    free(family->needs);
    *family = (struct family){0};
}

/* The place of each id among the children; of equal ids the first. Yours. */
static json_t *index_ids(const json_t *children)
{
    json_t *places = json_object();
    json_t *child;
    size_t i;

    json_array_foreach(children, i, child)
    {
        const char *id = json_text(child, "id", "");

        if (!json_object_get(places, id))
            json_object_set_new(places, id, json_integer((json_int_t)i));
    }
    return places;
}

/* Dependencies on what is not among the children count for nothing. */
static size_t read_needs(const json_t *places, const json_t *child, size_t *needs)
{
    size_t count = 0;
    json_t *id;
    size_t i;

    json_array_foreach(json_object_get(child, "depends_on"), i, id)
    {
        const json_t *place = json_object_get(places, json_string_value(id));

        if (place)
            needs[count++] = (size_t)json_integer_value(place);
    }
    return count;
}

/* `states` are those of the children, in their order. */
static void family_init(struct family *family, const json_t *children, const enum state *states)
{
    JSON_AUTO json_t *places = index_ids(children);
    size_t needed = 0;
    json_t *child;
    size_t i;

    *family = (struct family){.count = json_array_size(children)};
    json_array_foreach(children, i, child) needed +=
        json_array_size(json_object_get(child, "depends_on"));
    family->children = xcalloc(family->count + 1, sizeof *family->children);
    family->needs = xcalloc(needed + 1, sizeof *family->needs);

    needed = 0;
    json_array_foreach(children, i, child)
    {
        size_t *needs = family->needs + needed;
        size_t count = read_needs(places, child, needs);

        family->children[i] = (struct dependency_child){
            .state = states[i],
            .enabled = json_boolean_or(child, "enabled", true),
            .maintenance = json_boolean_or(child, "maintenance", false),
            .depends_on = needs,
            .depends_on_count = count,
        };
        needed += count;
    }
    family->dependencies = dependencies_new(family->children, family->count);
}

static void enter_child(struct reading *reading, size_t parent_len, size_t index)
{
    snprintf(reading->pointer + parent_len, sizeof reading->pointer - parent_len, "/children/%zu",
             index);
}

/* What the family makes of the parent. */
static struct propagated decide(struct reading *reading, const json_t *parent,
                                const struct family *family)
{
    struct propagation_policy policy = read_policy(reading, parent);
    const json_t *children = json_object_get(parent, "children");
    size_t pointer_len = strlen(reading->pointer);
    struct tally tally = {0};

    for (size_t i = 0; i < family->count; i++) {
        const json_t *child = json_array_get(children, i);
        enum criticality criticality = CRITICALITY_CRITICAL;
        int64_t weight;

        enter_child(reading, pointer_len, i);
        criticality_from_word(str_of(json_text(child, "criticality", "critical")), &criticality);
        weight = read_weight(reading, child);
        if (family->children[i].enabled)
            tally_add(&tally, family->children[i].effective, criticality, weight);
    }
    reading->pointer[pointer_len] = '\0';
    return propagate(&policy, &tally, json_boolean_or(parent, "maintenance", false));
}

static bool is_too_large(struct reading *reading, const json_t *children)
{
    reading->nodes += json_array_size(children);
    if (json_array_size(children) <= DEPENDENCY_CHILDREN_MAX && reading->nodes <= NODES_MAX)
        return false;
    complain(reading, "children", "too_many", "are too many");
    return true;
}

/* One parent ---------------------------------------------------------------------------------- */

static json_t *describe_child(const struct family *family, const json_t *children, size_t at)
{
    const struct dependency_child *child = &family->children[at];
    json_t *out = json_pack("{s:s, s:b}", "effective", state_word(child->effective), "suppressed",
                            child->suppressed);
    const char *causes[DEPENDENCY_CHILDREN_MAX];
    size_t count = 0;
    json_t *list;

    if (!child->suppressed)
        return out;
    for (size_t i = 0; i < family->count; i++) {
        const char *id = json_text(json_array_get(children, i), "id", "");
        size_t place = count;

        if (!dependencies_is_root_cause(family->dependencies, at, i))
            continue;
        for (; place > 0 && strcmp(causes[place - 1], id) > 0; place--)
            causes[place] = causes[place - 1];
        causes[place] = id;
        count++;
    }
    list = json_array();
    for (size_t i = 0; i < count; i++)
        json_array_append_new(list, json_string(causes[i]));
    json_object_set_new(out, "root_cause", list);
    return out;
}

static json_t *describe_parent(const struct family *family, const json_t *children,
                               const struct propagated *made)
{
    json_t *described = json_object();
    json_t *out;

    for (size_t i = 0; i < family->count; i++) {
        if (family->children[i].enabled)
            json_object_set_new(described, json_text(json_array_get(children, i), "id", ""),
                                describe_child(family, children, i));
    }
    out = json_pack("{s:s, s:b, s:o}", "state", state_word(made->state), "partial_maintenance",
                    made->partial_maintenance, "children", described);
    if (made->scored)
        json_object_set_new(out, "score",
                            json_sprintf("%lld/%lld", (long long)made->score.numerator,
                                         (long long)made->score.denominator));
    return out;
}

static void check_ids(struct reading *reading, const json_t *children)
{
    JSON_AUTO json_t *seen = json_object();
    size_t pointer_len = strlen(reading->pointer);
    json_t *child;
    size_t i;

    json_array_foreach(children, i, child)
    {
        const char *id = json_text(child, "id", "");

        enter_child(reading, pointer_len, i);
        if (json_object_get(seen, id))
            complain(reading, "id", "duplicate", "is the id of two children");
        json_object_set_new(seen, id, json_true());
    }
    reading->pointer[pointer_len] = '\0';
}

static void read_parent(struct reading *reading, const json_t *parent)
{
    const json_t *children = json_object_get(parent, "children");
    enum state states[DEPENDENCY_CHILDREN_MAX];
    struct propagated made;
    struct family family;
    json_t *child;
    size_t i;

    if (is_too_large(reading, children))
        return;
    check_ids(reading, children);
    json_array_foreach(children, i, child) states[i] = read_state(child);
    family_init(&family, children, states);
    made = decide(reading, parent, &family);
    reading->answer = describe_parent(&family, children, &made);
    family_clear(&family);
}

/* A tree -------------------------------------------------------------------------------------- */

/* The state of the node after all below it; `under` says that something above it is in
 * maintenance. */
static enum state read_tree(struct reading *reading, const json_t *node, bool under)
{
    const json_t *children = json_object_get(node, "children");
    const char *id = json_text(node, "id", "");
    size_t pointer_len = strlen(reading->pointer);
    CLEANUP(xfree_p) enum state *states = NULL;
    struct propagated made;
    struct family family;
    json_t *child;
    size_t i;

    if (!json_is_array(children)) {
        if (!json_has(node, "state"))
            complain(reading, "state", "required", "is needed where there are no children");
        return read_state(node);
    }
    if (json_object_get(reading->answer, id))
        complain(reading, "id", "duplicate", "is the id of two nodes with children");
    json_object_set_new(reading->answer, id, json_null());
    if (is_too_large(reading, children))
        return STATE_UNKNOWN;
    under = under || json_boolean_or(node, "maintenance", false);
    states = xcalloc(json_array_size(children) + 1, sizeof *states);
    json_array_foreach(children, i, child)
    {
        enter_child(reading, pointer_len, i);
        states[i] = read_tree(reading, child, under);
    }
    reading->pointer[pointer_len] = '\0';

    family_init(&family, children, states);
    made = decide(reading, node, &family);
    family_clear(&family);
    json_object_set_new(reading->answer, id,
                        json_pack("{s:s, s:b, s:b}", "state", state_word(made.state),
                                  "partial_maintenance", made.partial_maintenance,
                                  "under_maintenance", under));
    return made.state;
}

enum err preview_propagation(const json_t *body, json_t **ret_answer)
{
    const json_t *parent = json_object_get(body, "parent");
    struct reading reading = {0};

    if (parent) {
        snprintf(reading.pointer, sizeof reading.pointer, "/parent");
        read_parent(&reading, parent);
    } else {
        snprintf(reading.pointer, sizeof reading.pointer, "/root");
        reading.answer = json_object();
        read_tree(&reading, json_object_get(body, "root"), false);
    }
    if (reading.errors) {
        json_decref(reading.answer);
        return fail_fields(ERR_INVALID, "body_invalid", "Some fields are not right.",
                           reading.errors);
    }
    *ret_answer = reading.answer;
    return OK;
}
