/* Writers without a document in between: a tree of 10,000 components is a few milliseconds of
 * text. */
#include "control/health/model_json.h"

#include <stdlib.h>

#include "shared/clock.h"
#include "shared/frame.h"
#include "shared/result_json.h"

#include "control/health/propagation_rules.h"
#include "control/health/read_model.h"

#define BECAUSE_MAX 50 /* children named as the cause; the rest says no more */

static const char *word_of(bool flag)
{
    return flag ? "true" : "false";
}

/* "name":"word"; neither has anything to escape. */
static void write_word(struct buf *out, const char *name, const char *word)
{
    buf_append_char(out, '"');
    buf_append_text(out, name);
    buf_append_text(out, "\":\"");
    buf_append_text(out, word);
    buf_append_char(out, '"');
}

static void write_time(struct buf *out, const char *name, int64_t wall_ms)
{
    char text[TIMESTAMP_BYTES];

    write_word(out, name, timestamp_format(wall_ms, text));
}

/* "kind":…,"id":…,"key":…,"name":… */
static void write_names(struct buf *out, const struct model_entity *entity)
{
    char id[UUID_TEXT_BYTES];

    write_word(out, "kind", entity_words[entity->kind]);
    buf_append_char(out, ',');
    write_word(out, "id", uuid_format(&entity->id, id));
    buf_append_text(out, ",\"key\":");
    buf_append_json_string(out, str_of(entity->key));
    buf_append_text(out, ",\"name\":");
    buf_append_json_string(out, str_of(entity->name));
}

/* "state":…,"since":…,"reason":… */
static void write_state(struct buf *out, const struct status *status)
{
    write_word(out, "state", state_words[status->state]);
    buf_append_char(out, ',');
    write_time(out, "since", status->since_ms);
    buf_append_text(out, ",\"reason\":");
    buf_append_json_string(out, str_of(status->reason));
}

static void write_flags(struct buf *out, const struct status *status)
{
    buf_append_text(out, ",\"version\":");
    buf_append_integer(out, status->version);
    buf_append_text(out, ",\"partial_maintenance\":");
    buf_append_text(out, word_of(status->partial_maintenance));
    buf_append_text(out, ",\"under_maintenance\":");
    buf_append_text(out, word_of(status->under_maintenance));
}

void model_write_status(struct buf *out, const struct status *status)
{
    buf_append_char(out, '{');
    write_state(out, status);
    write_flags(out, status);
    buf_append_char(out, '}');
}

void model_write_full_result(struct buf *out, const struct result *result, struct str check,
                             const struct uuid *prober_id)
{
    char prober[UUID_TEXT_BYTES];
    bool own = uuid_is_nil(prober_id);

    result_json_write(out, result, check, STR("default"),
                      own ? STR("") : str_of(uuid_format(prober_id, prober)));
}

void model_write_result(struct buf *out, const struct model_entity *check)
{
    struct str rest = str_n(check->record, check->record_len);
    struct result result;
    char id[UUID_TEXT_BYTES];

    if (!check->record || !frame_result_read(&rest, &result)) {
        buf_append_text(out, "null");
        return;
    }
    model_write_full_result(out, &result, str_of(uuid_format(&check->id, id)), &check->prober_id);
}

/* Tree ---------------------------------------------------------------------------------------- */

void model_write_tree(struct buf *out, const struct model_entity *entity, unsigned depth,
                      bool with_health)
{
    bool first = true;

    buf_append_char(out, '{');
    write_names(out, entity);
    buf_append_text(out, ",\"version\":");
    buf_append_integer(out, entity->version);
    if (entity->facts) {
        buf_append_char(out, ',');
        buf_append_text(out, entity->facts);
    }
    if (with_health) {
        buf_append_text(out, ",\"health\":");
        model_write_status(out, &entity->status);
    }
    buf_append_text(out, ",\"children\":[");
    if (depth > 0) {
        LIST_FOREACH (link, &entity->children) {
            if (!first)
                buf_append_char(out, ',');
            first = false;
            model_write_tree(out, container_of(link, struct model_entity, child_link), depth - 1,
                             with_health);
        }
    }
    buf_append_text(out, "]}");
}

/* Health -------------------------------------------------------------------------------------- */

/* Worst first, as people want to read it. */
static int severity(enum state state)
{
    switch (state) {
    case STATE_DOWN:
        return 4;
    case STATE_DEGRADED:
        return 3;
    case STATE_UNKNOWN:
        return 2;
    case STATE_MAINTENANCE:
        return 1;
    case STATE_OPERATIONAL:
    case STATE_COUNT:
        break;
    }
    return 0;
}

static int compare_causes(const void *left, const void *right)
{
    const struct model_entity *a = *(const struct model_entity *const *)left;
    const struct model_entity *b = *(const struct model_entity *const *)right;
    int by_state = severity(b->status.state) - severity(a->status.state);

    if (by_state != 0)
        return by_state;
    if (a->standing.criticality != b->standing.criticality)
        return (int)a->standing.criticality - (int)b->standing.criticality;
    return strcmp(a->key, b->key);
}

typedef VEC(const struct model_entity *) cause_vec;

static void add_cause(cause_vec *causes, const struct model_entity *parent,
                      const struct model_entity *child)
{
    if (child->standing.counts &&
        propagation_decides(parent->policy, parent->status.state, child->standing.state,
                            child->standing.criticality))
        vec_push(causes, child);
}

/* Systems count in every unit above them; nothing else below a unit counts in it. */
static void add_causes(cause_vec *causes, const struct model_entity *parent,
                       const struct model_entity *below)
{
    LIST_FOREACH (link, &below->children) {
        const struct model_entity *child = container_of(link, struct model_entity, child_link);

        if (child->kind == ENTITY_BUSINESS_UNIT)
            add_causes(causes, parent, child);
        else if (child->kind != ENTITY_ENVIRONMENT_GROUP)
            add_cause(causes, parent, child);
    }
    LIST_FOREACH (link, &below->members)
        add_cause(causes, parent, container_of(link, struct model_entity, member_link));
}

static void write_because(struct buf *out, const struct model_entity *entity)
{
    cause_vec causes = {0};

    add_causes(&causes, entity, entity);
    if (causes.len > 1)
        qsort(causes.items, causes.len, sizeof *causes.items, compare_causes);

    buf_append_text(out, ",\"because\":[");
    for (size_t i = 0; i < causes.len && i < BECAUSE_MAX; i++) {
        buf_append_text(out, i ? ",{" : "{");
        write_names(out, causes.items[i]);
        buf_append_char(out, ',');
        write_state(out, &causes.items[i]->status);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
    vec_clear(&causes);
}

static void write_path(struct buf *out, const struct model_entity *entity)
{
    const struct model_entity *path[MODEL_DEPTH_MAX];
    size_t len = read_model_path(entity, path);

    buf_append_text(out, ",\"path\":[");
    for (size_t i = len; i > 0; i--) {
        buf_append_text(out, i == len ? "{" : ",{");
        write_names(out, path[i - 1]);
        buf_append_char(out, '}');
    }
    buf_append_char(out, ']');
}

static void write_check(struct buf *out, const struct model_entity *check)
{
    buf_append_char(out, '{');
    write_names(out, check);
    if (check->facts) {
        buf_append_char(out, ',');
        buf_append_text(out, check->facts);
    }
    buf_append_char(out, ',');
    write_state(out, &check->status);
    buf_printf(out, ",\"soft\":%s,\"flapping\":%s,\"last\":", word_of(check->soft),
               word_of(check->flapping));
    model_write_result(out, check);
    buf_append_char(out, '}');
}

static void write_checks(struct buf *out, const struct model_entity *entity)
{
    bool first = true;

    buf_append_text(out, ",\"checks\":[");
    if (entity->kind == ENTITY_CHECK)
        write_check(out, entity);
    if (entity->kind == ENTITY_COMPONENT) {
        LIST_FOREACH (link, &entity->children) {
            if (!first)
                buf_append_char(out, ',');
            first = false;
            write_check(out, container_of(link, struct model_entity, child_link));
        }
    }
    buf_append_char(out, ']');
}

void model_write_health(struct buf *out, const struct model_entity *entity)
{
    buf_append_char(out, '{');
    write_names(out, entity);
    write_path(out, entity);
    buf_append_char(out, ',');
    write_state(out, &entity->status);
    buf_append_char(out, ',');
    write_word(out, "measured", state_words[entity->status.measured]);
    buf_append_text(out, ",\"override\":null");
    write_flags(out, &entity->status);
    write_because(out, entity);
    if (entity->kind == ENTITY_COMPONENT || entity->kind == ENTITY_CHECK)
        write_checks(out, entity);
    buf_append_char(out, '}');
}
