/* What was told is remembered in sets of a few places each: a read has its place in one of them. */
#include "control/api/access_log.h"

#include <stdlib.h>

#include "shared/log.h"
#include "shared/mem.h"

#include "control/api/request.h"
#include "control/api/server_private.h"

#define SETS       512
#define SET_PLACES 4

struct place {
    uint64_t key; /* of credential and operation */
    int64_t until_us;
};

struct access_log {
    struct place sets[SETS][SET_PLACES];
};

struct access_log *access_log_new(void)
{
    return NEW(struct access_log);
}

void access_log_free(struct access_log *log)
{
    free(log);
}

bool access_log_take(struct access_log *log, const struct uuid *credential_id,
                     const char *operation, int64_t now_us)
{
    uint64_t key = uuid_hash(credential_id) ^ text_hash(str_of(operation));
    struct place *set = log->sets[key % SETS];
    struct place *oldest = set;

    for (int i = 0; i < SET_PLACES; i++) {
        if (set[i].key == key && now_us < set[i].until_us)
            return false;
        if (set[i].until_us < oldest->until_us)
            oldest = &set[i];
    }
    *oldest = (struct place){.key = key, .until_us = now_us + ACCESS_READ_AGAIN_US};
    return true;
}

struct str path_to_log(struct str path)
{
    return str_starts_with(path, STR("/hooks/")) ? STR("/hooks/...") : path;
}

/* Who asks for what, and from where. */
#define ASKED "request=%s status=%u method=%s path=" STR_FMT " address=%s principal=\"%s\" needs=%s"
#define ASKED_ARGS(request, status)                                                                \
    (request)->id, (unsigned)(status),                                                             \
        (request)->method < METHOD_COUNT ? method_words[(request)->method] : "?",                  \
        STR_ARG(path_to_log((request)->path)), (request)->address ? (request)->address : "",       \
        (request)->principal.by == CREDENTIAL_NONE ? "" : (request)->principal.name,               \
        (request)->route ? permission_words[(request)->route->permission] : ""

/* Whether it showed who may do what, or what others did. */
static bool is_watched_read(const struct request *request, uint16_t status)
{
    return status < 400 && request->route && request->route->method == METHOD_GET &&
           PERMISSIONS_WATCHED & PERMISSION_BIT(request->route->permission);
}

void access_log_note(struct access_log *log, const struct request *request, uint16_t status,
                     int64_t now_us)
{
    if (status == 401 || status == 403) {
        metric_add(&server_metrics.denied, 1);
        log_info("access.denied", ASKED, ASKED_ARGS(request, status));
    } else if (is_watched_read(request, status)) {
        metric_add(&server_metrics.watched_reads, 1);
        if (!access_log_take(log, &request->principal.credential_id, request->route->operation,
                             now_us))
            return;
        log_info("access.read", ASKED, ASKED_ARGS(request, status));
    }
}
