/* Plain copies. */
#include "control/health/news.h"

#include "shared/mem.h"

struct news *news_new(void)
{
    return NEW(struct news);
}

void news_free(struct news *news)
{
    if (!news)
        return;
    for (size_t i = 0; i < news->nodes.len; i++) {
        free(news->nodes.items[i].key);
        free(news->nodes.items[i].name);
        free(news->nodes.items[i].facts);
        free(news->nodes.items[i].status.reason);
    }
    for (size_t i = 0; i < news->changes.len; i++) {
        free(news->changes.items[i].key);
        free(news->changes.items[i].status.reason);
    }
    for (size_t i = 0; i < news->plan.len; i++) {
        free(news->plan.items[i].kind);
        free(news->plan.items[i].spec);
        free(news->plan.items[i].token);
    }
    vec_clear(&news->nodes);
    vec_clear(&news->removed);
    vec_clear(&news->changes);
    vec_clear(&news->results);
    buf_clear(&news->records);
    vec_clear(&news->plan);
    vec_clear(&news->edits);
    vec_clear(&news->reports);
    vec_clear(&news->written);
    free(news);
}

bool news_is_empty(const struct news *news)
{
    return !news->loaded && news->nodes.len == 0 && news->removed.len == 0 &&
           news->changes.len == 0 && news->results.len == 0 && news->plan.len == 0 &&
           news->edits.len == 0 && news->reports.len == 0 && news->written.len == 0;
}

void news_add_node(struct news *news, const struct node *node, bool soft, bool flapping)
{
    struct news_node copy = {
        .id = node->id,
        .parent_id = node->parent ? node->parent->id : (struct uuid){{0}},
        .group_id = node->group ? node->group->id : (struct uuid){{0}},
        .kind = node->kind,
        .key = xstrdup(node->key),
        .name = xstrdup(node->name),
        .facts = xstrdup(node->facts),
        .version = node->version,
        .policy = node->policy.policy,
        .standing = node->standing,
        .status = node->status,
        .soft = soft,
        .flapping = flapping,
    };

    copy.status.reason = xstrdup(node->status.reason);
    vec_push(&news->nodes, copy);
}

void news_add_change(struct news *news, const struct tree_change *change)
{
    struct news_change copy = {
        .id = change->node->id,
        .kind = change->node->kind,
        .key = xstrdup(change->node->key),
        .from = change->from,
        .to = change->to,
        .at_ms = change->at_ms,
        .status = change->status,
    };

    copy.status.reason = xstrdup(change->status.reason);
    vec_push(&news->changes, copy);
}

void news_add_result(struct news *news, const struct uuid *check_id, const struct uuid *prober_id,
                     struct str record, bool newest)
{
    vec_push(&news->results,
             (struct news_result){*check_id, *prober_id, news->records.len, record.len, newest});
    buf_append_str(&news->records, record);
}

void news_add_plan(struct news *news, const struct health_plan_entry *entry)
{
    struct news_plan copy = {*entry, str_dup(entry->kind), str_dup(entry->spec),
                             str_dup(entry->token)};

    copy.entry.kind = str_of(copy.kind);
    copy.entry.spec = str_of(copy.spec);
    copy.entry.token = str_of(copy.token);
    vec_push(&news->plan, copy);
}
