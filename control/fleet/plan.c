/* Entries lie in a hash by id and in a list by version; a changed entry moves to the end of the
 * list. */
#include "control/fleet/plan.h"

#include "shared/list.h"
#include "shared/map.h"
#include "shared/mem.h"

#include "control/health/health.h"

struct entry {
    struct uuid id;
    UT_hash_handle hh;
    struct list link;
    uint64_t version;
    bool probed; /* false: gone or paused; kept so that probers can be told */
    bool at_once;
    uint32_t interval_ms;
    uint32_t timeout_ms;
    char *kind;
    char *spec;
};

struct plan {
    struct entry *by_id;
    struct list by_version;
    uint64_t first_version; /* who has an older one gets everything */
    uint64_t version;
    size_t gone;
};

struct plan *plan_new(uint64_t first_version)
{
    struct plan *plan = NEW(struct plan);

    list_init(&plan->by_version);
    plan->first_version = first_version;
    plan->version = first_version;
    return plan;
}

static void drop(struct plan *plan, struct entry *entry)
{
    HASH_DEL(plan->by_id, entry);
    list_remove(&entry->link);
    free(entry->kind);
    free(entry->spec);
    free(entry);
}

void plan_free(struct plan *plan)
{
    if (!plan)
        return;
    LIST_FOREACH_SAFE (link, &plan->by_version)
        drop(plan, container_of(link, struct entry, link));
    free(plan);
}

static struct entry *find(const struct plan *plan, const struct uuid *id)
{
    struct entry *entry;

    HASH_FIND(hh, plan->by_id, id->bytes, sizeof id->bytes, entry);
    return entry;
}

static bool is_same(const struct entry *entry, const struct health_plan_entry *next)
{
    if (entry->probed != next->probed)
        return false;
    return !next->probed ||
           (entry->interval_ms == next->interval_ms && entry->timeout_ms == next->timeout_ms &&
            str_equal(str_of(entry->kind), next->kind) &&
            str_equal(str_of(entry->spec), next->spec));
}

/* Forgets the check that went first; probers that have not heard of it get everything. */
static void forget_oldest_gone(struct plan *plan)
{
    LIST_FOREACH_SAFE (link, &plan->by_version) {
        struct entry *entry = container_of(link, struct entry, link);

        if (entry->probed)
            continue;
        plan->first_version = entry->version;
        plan->gone--;
        drop(plan, entry);
        return;
    }
}

void plan_set(struct plan *plan, const struct health_plan_entry *next)
{
    struct entry *entry = find(plan, &next->check_id);

    if (!entry && !next->probed)
        return;
    if (entry && is_same(entry, next))
        return;
    if (!entry) {
        entry = NEW(struct entry);
        entry->id = next->check_id;
        entry->probed = true;
        list_init(&entry->link);
        HASH_ADD(hh, plan->by_id, id.bytes, sizeof entry->id.bytes, entry);
    }

    plan->gone += (size_t)(entry->probed && !next->probed);
    plan->gone -= (size_t)(!entry->probed && next->probed);
    free(entry->kind);
    free(entry->spec);
    entry->kind = next->probed ? str_dup(next->kind) : NULL;
    entry->spec = next->probed ? str_dup(next->spec) : NULL;
    entry->probed = next->probed;
    entry->at_once = next->at_once;
    entry->interval_ms = next->interval_ms;
    entry->timeout_ms = next->timeout_ms;
    entry->version = ++plan->version;
    list_remove(&entry->link);
    list_append(&plan->by_version, &entry->link);
    if (plan->gone > PLAN_GONE_MAX)
        forget_oldest_gone(plan);
}

void plan_has_result(struct plan *plan, const struct uuid *check_id)
{
    struct entry *entry = find(plan, check_id);

    if (entry)
        entry->at_once = false;
}

bool plan_has(const struct plan *plan, const struct uuid *check_id)
{
    const struct entry *entry = find(plan, check_id);

    return entry && entry->probed;
}

size_t plan_count(const struct plan *plan)
{
    return HASH_COUNT(plan->by_id) - plan->gone;
}

static bool add_entry(const struct entry *entry, struct buf *frame, struct frame_reply *reply)
{
    struct frame_item item = {
        .type = entry->probed ? BUS_CHECK_SET : BUS_CHECK_DROP,
        .check_id = entry->id,
        .flags = entry->at_once ? BUS_CHECK_AT_ONCE : 0,
        .interval_ms = entry->interval_ms,
        .timeout_ms = entry->timeout_ms,
        .kind = str_of(entry->kind),
        .document = str_of(entry->spec),
    };

    return frame_reply_add_item(frame, reply, &item);
}

/* The first link after that version. Who is up to date is found at once, because the newest are
 * looked at first. */
static const struct list *first_after(const struct plan *plan, uint64_t since)
{
    const struct list *at = &plan->by_version;

    while (at->previous != &plan->by_version &&
           container_of(at->previous, struct entry, link)->version > since)
        at = at->previous;
    return at;
}

void plan_fill(const struct plan *plan, uint64_t since, struct buf *frame,
               struct frame_reply *reply)
{
    bool everything = since < plan->first_version || since > plan->version;
    const struct list *at;

    if (everything) {
        struct frame_item reset = {.type = BUS_PLAN_RESET};

        if (!frame_reply_add_item(frame, reply, &reset))
            return;
        since = plan->first_version;
    }
    reply->plan_version = since;
    at = everything ? plan->by_version.next : first_after(plan, since);
    for (; at != &plan->by_version; at = at->next) {
        const struct entry *entry = container_of(at, struct entry, link);

        if (everything && !entry->probed)
            continue;
        if (!add_entry(entry, frame, reply)) {
            reply->flags |= BUS_REPLY_MORE;
            return;
        }
        reply->plan_version = MAX(reply->plan_version, entry->version);
    }
    reply->plan_version = plan->version;
}
