/* A host is known only while somebody runs or waits for it. */
#include "prober/limits.h"

#include <assert.h>

#include "shared/attrs.h"
#include "shared/map.h"

struct limit_host {
    char *name;
    unsigned in_flight; /* admitted or ready */
    struct list waiting;
    UT_hash_handle hh;
};

void limits_init(struct limits *limits)
{
    list_init(&limits->ready);
}

static struct limit_host *host_of(struct limits *limits, const char *name)
{
    struct limit_host *host;

    HASH_FIND_STR(limits->hosts, name, host);
    if (host)
        return host;
    host = NEW(struct limit_host);
    host->name = xstrdup(name);
    list_init(&host->waiting);
    HASH_ADD_KEYPTR(hh, limits->hosts, host->name, strlen(host->name), host);
    return host;
}

static void forget_when_idle(struct limits *limits, struct limit_host *host)
{
    if (host->in_flight > 0 || !list_is_empty(&host->waiting))
        return;
    HASH_DEL(limits->hosts, host);
    free(host->name);
    free(host);
}

static void make_ready(struct limits *limits, struct limit_entry *entry)
{
    if (entry->host)
        entry->host->in_flight++;
    entry->state = LIMIT_READY;
    list_append(&limits->ready, &entry->link);
}

void limits_ask(struct limits *limits, struct limit_entry *entry, const char *host)
{
    assert(entry->state == LIMIT_IDLE);
    limits->waiting++;
    list_init(&entry->link);
    entry->host = host ? host_of(limits, host) : NULL;
    if (!entry->host || entry->host->in_flight < limits->per_host_max) {
        make_ready(limits, entry);
        return;
    }
    entry->state = LIMIT_WAITING_HOST;
    list_append(&entry->host->waiting, &entry->link);
}

struct limit_entry *limits_admit(struct limits *limits)
{
    struct limit_entry *entry;

    if (list_is_empty(&limits->ready) || limits->in_flight >= limits->in_flight_max ||
        limits->connecting >= limits->connecting_max)
        return NULL;

    entry = container_of(list_first(&limits->ready), struct limit_entry, link);
    list_remove(&entry->link);
    entry->state = LIMIT_ADMITTED;
    entry->is_connecting = true;
    limits->waiting--;
    limits->in_flight++;
    limits->connecting++;
    return entry;
}

void limits_connected(struct limits *limits, struct limit_entry *entry)
{
    if (entry->is_connecting)
        limits->connecting--;
    entry->is_connecting = false;
}

/* The room of one to that host is free again. */
static void host_leave(struct limits *limits, struct limit_host *host)
{
    struct list *next = list_first(&host->waiting);

    host->in_flight--;
    if (next) {
        list_remove(next);
        make_ready(limits, container_of(next, struct limit_entry, link));
    }
    forget_when_idle(limits, host);
}

void limits_leave(struct limits *limits, struct limit_entry *entry)
{
    struct limit_host *host = entry->host;
    enum limit_state state = entry->state;

    if (state == LIMIT_IDLE)
        return;
    list_remove(&entry->link);
    entry->state = LIMIT_IDLE;
    entry->host = NULL;
    if (state == LIMIT_ADMITTED) {
        limits_connected(limits, entry);
        limits->in_flight--;
    } else {
        limits->waiting--;
    }
    if (host && state == LIMIT_WAITING_HOST)
        forget_when_idle(limits, host);
    else if (host)
        host_leave(limits, host);
}
