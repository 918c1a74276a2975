/*
 * A live connection is let in once and stays for hours, so somebody has to look whether it still
 * may: one statement at a time, over all credentials that are in use by live connections, soon
 * after the one before. The bound on live sessions (control/api/live.h) is the bound here.
 */
#include "shared/clock.h"
#include "shared/json.h"
#include "shared/log.h"
#include "shared/loop.h"
#include "shared/map.h"

#include "control/access/access.sql.h"
#include "control/access/access_private.h"
#include "control/access/session.h"
#include "control/api/live.h"
#include "control/store/pipeline.h"

#define LOOK_S      0.4
#define DEADLINE_US 5000000

/* A credential that was in use when the question was asked. */
struct held {
    struct uuid credential_id;
    struct uuid organisation_id;
    permission_set permissions;
    bool is_mixed; /* two of it act in different organisations */
    UT_hash_handle hh;
};

struct rights_watch {
    struct access *access;
    struct pipeline *pipeline;
    struct live *live;
    struct ev_loop *ev;
    ev_timer timer; /* runs while no question is under way */
    struct held *held;
    uint64_t question; /* of the pipeline; 0: none is under way */
};

static void forget(struct rights_watch *watch)
{
    struct held *held;
    struct held *next;

    HASH_ITER (hh, watch->held, held, next) {
        HASH_DEL(watch->held, held);
        free(held);
    }
}

static void hold(void *context, const struct principal *principal)
{
    struct rights_watch *watch = context;
    struct held *held;

    HASH_FIND(hh, watch->held, &principal->credential_id, sizeof principal->credential_id, held);
    if (held) {
        /* Two of one credential may have come at different times, and then with other rights. */
        held->permissions |= principal->permissions;
        held->is_mixed |= !uuid_equal(&held->organisation_id, &principal->organisation_id);
        return;
    }
    held = NEW(struct held);
    held->credential_id = principal->credential_id;
    held->organisation_id = principal->organisation_id;
    held->permissions = principal->permissions;
    HASH_ADD(hh, watch->held, credential_id, sizeof held->credential_id, held);
}

/* Whether the credential may do what it could, where it could: `rights` are ["<of the principal>",
 * "<of the key>", "<organisation>" or null], or NULL when it is worth nothing. */
static bool is_as_before(const struct held *held, const json_t *rights)
{
    const char *organisation = json_string_value(json_array_get(rights, 2));
    struct uuid id = {{0}};

    if (!rights || held->is_mixed || (organisation && !uuid_parse(str_of(organisation), &id)))
        return false;
    return uuid_equal(&id, &held->organisation_id) &&
           permissions_of(str_of(json_string_value(json_array_get(rights, 0))),
                          str_of(json_string_value(json_array_get(rights, 1))),
                          &id) == held->permissions;
}

static void compare(struct rights_watch *watch, const json_t *answer)
{
    struct held *held;
    struct held *next;
    char id[UUID_TEXT_BYTES];

    HASH_ITER (hh, watch->held, held, next) {
        const json_t *rights = json_object_get(answer, uuid_format(&held->credential_id, id));

        if (is_as_before(held, rights))
            continue;
        log_info("access.rights_changed", "credential=%s now=%s", id, rights ? "others" : "none");
        credential_ended(watch->access, &held->credential_id);
    }
}

static void on_answer(void *argument, const struct pipeline_answer *answer)
{
    struct rights_watch *watch = argument;
    JSON_AUTO json_t *rights = NULL;

    watch->question = 0;
    if (answer->err == OK && json_parse(answer->text, &rights) == OK)
        compare(watch, rights);
    failure_clear();
    forget(watch);
    ev_timer_again(watch->ev, &watch->timer);
}

static void ask(struct rights_watch *watch)
{
    CLEANUP(buf_clear_p) struct buf ids = {0};
    CLEANUP(buf_clear_p) struct buf idle_s = {0};
    struct str values[2];
    struct held *held;
    struct held *next;
    char id[UUID_TEXT_BYTES];

    HASH_ITER (hh, watch->held, held, next)
        buf_printf(&ids, "%c%s", ids.len == 0 ? '{' : ',', uuid_format(&held->credential_id, id));
    buf_append_char(&ids, '}');
    buf_printf(&idle_s, "%lld", (long long)watch->access->options.session_idle_s);
    values[0] = buf_str(&ids);
    values[1] = buf_str(&idle_s);
    if (pipeline_query(watch->pipeline, &sql_rights_find,
                       &(struct pipeline_request){.values = values,
                                                  .rows = ALL_ROWS,
                                                  .deadline_us = clock_monotonic_us() + DEADLINE_US,
                                                  .done = on_answer,
                                                  .argument = watch,
                                                  .ret_id = &watch->question}) == OK) {
        ev_timer_stop(watch->ev, &watch->timer);
        return;
    }
    failure_clear();
    forget(watch);
}

static void on_time(struct ev_loop *ev, ev_timer *timer, int events)
{
    struct rights_watch *watch = container_of(timer, struct rights_watch, timer);

    (void)ev;
    (void)events;
    live_each_principal(watch->live, hold, watch);
    if (watch->held)
        ask(watch);
}

struct rights_watch *rights_watch_new(struct access *access, struct loop *loop,
                                      struct pipeline *pipeline, struct live *live)
{
    struct rights_watch *watch = NEW(struct rights_watch);

    watch->access = access;
    watch->pipeline = pipeline;
    watch->live = live;
    watch->ev = loop_ev(loop);
    ev_timer_init(&watch->timer, on_time, LOOK_S, LOOK_S);
    ev_timer_start(watch->ev, &watch->timer);
    return watch;
}

void rights_watch_free(struct rights_watch *watch)
{
    if (!watch)
        return;
    ev_timer_stop(watch->ev, &watch->timer);
    if (watch->question != 0)
        pipeline_cancel(watch->pipeline, watch->question);
    forget(watch);
    free(watch);
}
