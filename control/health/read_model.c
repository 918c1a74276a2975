/*
 * Entities in a hash by id, in a dense array for enumerating, and linked to their parents and
 * children. News come after their commit, so what is told here has happened.
 */
#include "control/health/read_model.h"

#include "shared/buf.h"
#include "shared/mem.h"
#include "shared/vec.h"

#include "control/api/live.h"
#include "control/health/model_json.h"
#include "control/health/news.h"
#include "control/health/status_publisher.h"

#define ROOMS_MAX (MODEL_DEPTH_MAX + 3)

struct read_model {
    struct model_entity *by_id;
    VEC(struct model_entity *) dense;
    size_t count[ENTITY_COUNT];
    struct list organisations;
    bool loaded;
    struct live *live;
    struct status_publisher *publisher;
    struct buf scratch;
};

#define STATE_WORD(number, name, word) [number] = (word),

const char *const state_words[STATE_COUNT] = {STATE_TABLE(STATE_WORD)};

struct read_model *read_model_new(void)
{
    struct read_model *model = NEW(struct read_model);

    list_init(&model->organisations);
    return model;
}

static void entity_free(struct model_entity *entity)
{
    free(entity->key);
    free(entity->name);
    free(entity->facts);
    free(entity->status.reason);
    free(entity->record);
    free(entity);
}

void read_model_free(struct read_model *model)
{
    if (!model)
        return;
    HASH_CLEAR(hh, model->by_id);
    for (size_t i = 0; i < model->dense.len; i++)
        entity_free(model->dense.items[i]);
    vec_clear(&model->dense);
    buf_clear(&model->scratch);
    free(model);
}

void read_model_tell(struct read_model *model, struct live *live,
                     struct status_publisher *publisher)
{
    model->live = live;
    model->publisher = publisher;
}

static struct model_entity *find(const struct read_model *model, const struct uuid *id)
{
    struct model_entity *entity;

    HASH_FIND(hh, model->by_id, id, sizeof *id, entity);
    return entity;
}

bool read_model_is_loaded(const struct read_model *model)
{
    return model->loaded;
}

const struct model_entity *read_model_find(const struct read_model *model, const struct uuid *id)
{
    return find(model, id);
}

struct list *read_model_organisations(struct read_model *model)
{
    return &model->organisations;
}

/* Whatever hangs nowhere lies in no organisation. */
bool model_entity_is_shown(const struct model_entity *entity, const struct principal *principal)
{
    while (entity->parent)
        entity = entity->parent;
    return guard_shows(principal, &entity->id);
}

size_t read_model_count(const struct read_model *model, enum entity_kind kind)
{
    return model->count[kind];
}

size_t read_model_path(const struct model_entity *entity,
                       const struct model_entity *ret_path[MODEL_DEPTH_MAX])
{
    size_t len = 0;

    for (const struct model_entity *at = entity->parent; at && len < MODEL_DEPTH_MAX;
         at = at->parent)
        ret_path[len++] = at;
    return len;
}

static struct status_line line_of(const struct model_entity *entity, const struct status *status)
{
    return (struct status_line){
        .kind = entity->kind,
        .id = entity->id,
        .state = str_of(state_words[status->state]),
        .since_ms = status->since_ms,
        .version = status->version,
        .reason = str_of(status->reason),
    };
}

/* Telling ------------------------------------------------------------------------------------- */

/* The entity's own room, and the health rooms of itself and of all above it, an instance's group
 * included. */
static size_t rooms_of(const struct model_entity *entity, struct room rooms[ROOMS_MAX])
{
    size_t len = 0;

    rooms[len++] = (struct room){ROOM_ENTITY, entity->id};
    for (const struct model_entity *at = entity; at && len < ROOMS_MAX - 1; at = at->parent) {
        rooms[len++] = (struct room){ROOM_HEALTH, at->id};
        if (at->group)
            rooms[len++] = (struct room){ROOM_HEALTH, at->group->id};
    }
    return len;
}

/* Sends model->scratch, the members of the message, to everybody who follows the entity. */
static void publish(struct read_model *model, const struct model_entity *entity, int64_t version)
{
    struct room rooms[ROOMS_MAX];
    size_t room_count = rooms_of(entity, rooms);

    live_publish(model->live,
                 &(struct live_change){
                     .kind = entity->kind,
                     .id = entity->id,
                     .version = version,
                     .fields = buf_str(&model->scratch),
                 },
                 rooms, room_count);
}

static void tell_edit(struct read_model *model, const struct change *edit)
{
    static const char *const words[] = {
        [CHANGE_CREATED] = "created",
        [CHANGE_UPDATED] = "updated",
        [CHANGE_DELETED] = "deleted",
    };
    const struct model_entity *entity = find(model, &edit->id);

    if (!model->live || !entity)
        return;
    buf_reset(&model->scratch);
    buf_printf(&model->scratch, "\"changed\":{\"entity\":\"%s\"}", words[edit->word]);
    publish(model, entity, entity->version);
}

static void tell_live_of_change(struct read_model *model, const struct model_entity *entity,
                                const struct status *status)
{
    buf_reset(&model->scratch);
    buf_append_text(&model->scratch, "\"changed\":{\"health\":");
    model_write_status(&model->scratch, status);
    buf_append_char(&model->scratch, '}');
    publish(model, entity, status->version);
}

static void tell_change(struct read_model *model, const struct news_change *change)
{
    const struct model_entity *entity = find(model, &change->id);

    if (!entity)
        return;
    if (model->live)
        tell_live_of_change(model, entity, &change->status);
    if (model->publisher)
        status_publisher_tell(model->publisher, &(struct status_change){
                                                    .line = line_of(entity, &change->status),
                                                    .key = str_of(change->key),
                                                    .from = str_of(state_words[change->from]),
                                                    .at_ms = change->at_ms,
                                                });
}

/* Results go to those who look at the check or at its component, not to whole scopes. */
static void tell_result(struct read_model *model, const struct model_entity *check)
{
    struct room rooms[2] = {{ROOM_ENTITY, check->id}};
    char id[UUID_TEXT_BYTES];

    if (!model->live || !check->parent)
        return;
    rooms[1] = (struct room){ROOM_ENTITY, check->parent->id};
    buf_reset(&model->scratch);
    buf_printf(&model->scratch, "\"component\":\"%s\",\"changed\":{\"result\":",
               uuid_format(&check->parent->id, id));
    model_write_result(&model->scratch, check);
    buf_append_char(&model->scratch, '}');
    live_publish(model->live,
                 &(struct live_change){
                     .kind = ENTITY_CHECK, .id = check->id, .fields = buf_str(&model->scratch)},
                 rooms, ARRAY_LEN(rooms));
}

/* Applying ------------------------------------------------------------------------------------ */

static struct model_entity *add(struct read_model *model, const struct news_node *node)
{
    struct model_entity *entity = NEW(struct model_entity);

    entity->id = node->id;
    entity->kind = node->kind;
    list_init(&entity->children);
    list_init(&entity->child_link);
    list_init(&entity->members);
    list_init(&entity->member_link);
    entity->place = model->dense.len;
    vec_push(&model->dense, entity);
    model->count[entity->kind]++;
    HASH_ADD(hh, model->by_id, id, sizeof entity->id, entity);
    return entity;
}

static void replace_text(char **owned, const char *text)
{
    if (*owned && strcmp(*owned, text) == 0)
        return;
    free(*owned);
    *owned = xstrdup(text);
}

/* The members of a JSON object without its braces. */
static void replace_facts(char **owned, const char *object)
{
    size_t len = strlen(object);

    free(*owned);
    *owned = len > 2 ? xstrndup(object + 1, len - 2) : NULL;
}

static void define(struct read_model *model, const struct news_node *node)
{
    struct model_entity *entity = find(model, &node->id);
    bool is_new = !entity;
    bool is_shown; /* by no change of its own */
    char *reason;

    if (is_new)
        entity = add(model, node);
    replace_text(&entity->key, node->key);
    replace_text(&entity->name, node->name);
    replace_facts(&entity->facts, node->facts);
    entity->version = node->version;
    entity->standing = node->standing;
    entity->policy = node->policy;
    entity->soft = node->soft;
    entity->flapping = node->flapping;
    reason = entity->status.reason;
    is_shown = is_new || (entity->status.version == node->status.version &&
                          strcmp(reason, node->status.reason) != 0);
    replace_text(&reason, node->status.reason);
    entity->status = node->status;
    entity->status.reason = reason;
    if (is_shown && model->loaded && model->publisher) {
        struct status_line line = line_of(entity, &entity->status);

        status_publisher_show(model->publisher, &line);
    }
}

/* Puts the link before the first sibling with a greater key: lists are short, and mostly filled in
 * order. */
static void insert_child(struct list *head, struct model_entity *entity)
{
    struct list *at = head;

    while (at->previous != head &&
           strcmp(container_of(at->previous, struct model_entity, child_link)->key, entity->key) >
               0)
        at = at->previous;
    list_insert_before(at, &entity->child_link);
}

static void insert_member(struct list *head, struct model_entity *entity)
{
    struct list *at = head;

    while (at->previous != head &&
           strcmp(container_of(at->previous, struct model_entity, member_link)->key, entity->key) >
               0)
        at = at->previous;
    list_insert_before(at, &entity->member_link);
}

/* After all nodes of the news are defined, because they come in any order. */
static void link_node(struct read_model *model, const struct news_node *node)
{
    struct model_entity *entity = find(model, &node->id);

    list_remove(&entity->child_link);
    list_remove(&entity->member_link);
    entity->parent = find(model, &node->parent_id);
    entity->group = find(model, &node->group_id);
    if (entity->parent)
        insert_child(&entity->parent->children, entity);
    else if (entity->kind == ENTITY_ORGANISATION)
        insert_child(&model->organisations, entity);
    if (entity->group)
        insert_member(&entity->group->members, entity);
}

static void take_result(struct read_model *model, const struct news *news,
                        const struct news_result *result)
{
    struct model_entity *check = find(model, &result->check_id);

    if (!check || !result->newest)
        return;
    free(check->record);
    check->record = xstrndup(news->records.data + result->record_at, result->record_len);
    check->record_len = (uint32_t)result->record_len;
    check->prober_id = result->prober_id;
    tell_result(model, check);
}

static void unlink_all(struct model_entity *entity)
{
    LIST_FOREACH_SAFE (link, &entity->children) {
        container_of(link, struct model_entity, child_link)->parent = NULL;
        list_remove(link);
    }
    LIST_FOREACH_SAFE (link, &entity->members) {
        container_of(link, struct model_entity, member_link)->group = NULL;
        list_remove(link);
    }
    list_remove(&entity->child_link);
    list_remove(&entity->member_link);
}

static void drop(struct read_model *model, const struct uuid *id)
{
    struct model_entity *entity = find(model, id);

    if (!entity)
        return;
    if (model->publisher)
        status_publisher_forget(model->publisher, entity->kind, &entity->id);
    unlink_all(entity);
    HASH_DEL(model->by_id, entity); /* NOLINT: the analyzer does not follow uthash */
    model->dense.items[model->dense.len - 1]->place = entity->place;
    vec_remove_swap(&model->dense, entity->place);
    model->count[entity->kind]--;
    entity_free(entity);
}

void read_model_apply(struct read_model *model, const struct news *news)
{
    for (size_t i = 0; i < news->nodes.len; i++)
        define(model, &news->nodes.items[i]);
    for (size_t i = 0; i < news->nodes.len; i++)
        link_node(model, &news->nodes.items[i]);
    if (news->loaded) {
        model->loaded = true;
        if (model->publisher)
            status_publisher_loaded(model->publisher);
    }
    for (size_t i = 0; i < news->edits.len; i++)
        tell_edit(model, &news->edits.items[i]);
    for (size_t i = 0; i < news->changes.len; i++)
        tell_change(model, &news->changes.items[i]);
    for (size_t i = 0; i < news->results.len; i++)
        take_result(model, news, &news->results.items[i]);
    for (size_t i = 0; i < news->removed.len; i++)
        drop(model, &news->removed.items[i]);
}

/* Sources ------------------------------------------------------------------------------------- */

static bool may_follow(void *context, const struct principal *principal, const struct room *room)
{
    const struct read_model *model = context;
    const struct model_entity *entity = find(model, &room->id);
    bool is_installation = room->kind == ROOM_JOURNAL && uuid_is_nil(&room->id);

    if (is_installation ? !guard_shows(principal, &room->id)
                        : !entity || !model_entity_is_shown(entity, principal))
        return false;
    if (room->kind == ROOM_JOURNAL)
        return guard_allows(principal, PERMISSION_JOURNAL_READ);
    return guard_allows(principal, PERMISSION_HEALTH_READ);
}

struct live_source read_model_live_source(struct read_model *model)
{
    return (struct live_source){.context = model, .may_follow = may_follow};
}

static size_t places(void *context)
{
    const struct read_model *model = context;

    return model->dense.len;
}

static bool line_at(void *context, size_t place, struct status_line *ret_line)
{
    const struct read_model *model = context;
    const struct model_entity *entity = model->dense.items[place];

    *ret_line = line_of(entity, &entity->status);
    return true;
}

static bool knows(void *context, const struct uuid *id)
{
    return find(context, id) != NULL;
}

struct status_source read_model_status_source(struct read_model *model)
{
    return (struct status_source){
        .context = model, .places = places, .line_at = line_at, .knows = knows};
}
