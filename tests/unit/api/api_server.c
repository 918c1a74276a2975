#include "tests/unit/api/api_server.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdio.h>
#include <stdlib.h>

#include "shared/json.h"
#include "shared/loop.h"
#include "shared/mem.h"

#include "control/api/rates.h"
#include "control/api/request.h"
#include "control/api/router.h"

struct api_server {
    struct loop *loop;
    struct router *router;
    struct rates *rates;
    struct server *server;
    pthread_t thread;
};

static enum err get_echo(const struct request *request, struct reply *reply)
{
    struct str q = request_parameter(request, "q");
    json_t *json = json_object();

    if (q.ptr)
        json_object_set_new(json, "q", json_stringn(q.ptr, q.len));
    json_object_set_new(json, "who", json_string(request->principal.name));
    return reply_json_take(reply, json);
}

/* Says what a hook was sent, whichever way. */
static enum err take_hook(const struct request *request, struct reply *reply)
{
    JSON_AUTO json_t *body = NULL;
    struct str text = {0};
    struct str q = request_parameter(request, "q");
    json_t *json;

    TRY(request_hook_body(request, &body, &text));
    if (str_equal(q, STR("later"))) {
        reply->retry_after_s = 42;
        return fail(ERR_LIMITED, "too_often", "Not now.");
    }
    json = json_pack("{s:s, s:O?}", "who", request->principal.name, "json", body);
    if (q.ptr)
        json_object_set_new(json, "q", json_stringn(q.ptr, q.len));
    if (text.ptr)
        json_object_set_new(json, "text", json_stringn(text.ptr, text.len));
    return reply_json_take(reply, json);
}

static enum err get_large(const struct request *request, struct reply *reply)
{
    struct buf *body = reply_body(reply);
    int64_t limit = request_integer(request, "limit", 1000);

    buf_append_char(body, '"');
    for (int64_t i = 0; i < limit; i++)
        buf_append_text(body, "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef");
    buf_append_char(body, '"');
    return OK;
}

/* Says what it was sent, from a worker; with "change" it notes a change. */
static enum err create_thing(struct request *request, struct reply *reply)
{
    struct uuid id = uuid_new();

    if (json_boolean_or(request->body, "fail", false))
        return fail(ERR_CONFLICT, "key_taken", "There is a thing of this key.");
    if (json_boolean_or(request->body, "bug", false))
        return fail(ERR_BUG, "statement_wrong", "SELECT secret FROM inside");
    if (json_boolean_or(request->body, "change", false))
        reply_changed(reply, CHANGE_CREATED, ENTITY_SYSTEM, &id);
    reply_header(reply, "Location", "/api/v1/things/1");
    return reply_json_take(reply, json_incref(request->body));
}

static enum err delete_thing(struct request *request, struct reply *reply)
{
    (void)reply;
    return request_match_version(request, 7);
}

static const char thing_new[] =
    "{\"type\":\"object\",\"required\":[\"key\"],\"additionalProperties\":false,\"properties\":{"
    "\"key\":{\"type\":\"string\",\"format\":\"key\"},\"port\":{\"type\":\"integer\",\"minimum\":1,"
    "\"maximum\":65535},\"fail\":{\"type\":\"boolean\"},\"bug\":{\"type\":\"boolean\"},"
    "\"change\":{\"type\":\"boolean\"}}}";

static const struct embedded_file schemas[] = {
    {"thing_new.json", thing_new, sizeof thing_new - 1},
    {0},
};

/* clang-format off */
static const struct route routes[] = {
    MEMORY (GET,    "/api/v1/echo",        get_echo,     "get_echo",     INVENTORY_READ,  BROWSE,    none,      200, none, "Says what it was asked", "q", "limit"),
    MEMORY (GET,    "/api/v1/open",        get_echo,     "get_open",     PUBLIC,          BROWSE,    none,      200, none, "For everybody"),
    MEMORY (GET,    "/api/v1/large",       get_large,    "get_large",    PUBLIC,          BROWSE,    none,      200, none, "Much of it", "limit"),
    MEMORY (POST,   "/api/v1/limited",     get_echo,     "limited",      PUBLIC,          SIGN_IN,   none,      200, none, "Not often"),
    HANDLER(POST,   "/api/v1/things",      create_thing, "create_thing", INVENTORY_WRITE, CHANGE,    thing_new, 201, none, "Makes a thing"),
    HOOK   (POST,   "/hooks/in/{secret}",  take_hook,    "take_hook",                                     thing_new, 200, none, "Hears what others have to say", "q"),
    HANDLER(DELETE, "/api/v1/things/{id}", delete_thing, "delete_thing", INVENTORY_WRITE, CHANGE,    none,      204, none, "Takes it away"),
    { 0 },
};

/* clang-format on */

static void fill_principal(struct principal *principal, enum credential_kind kind, const char *name,
                           permission_set permissions)
{
    *principal = (struct principal){.by = kind, .permissions = permissions};
    principal->id.bytes[0] = 1;
    principal->credential_id.bytes[0] = kind == CREDENTIAL_KEY ? 2 : 3;
    snprintf(principal->name, sizeof principal->name, "%s", name);
}

static enum guard_answer recall(void *context, const struct credential *credential,
                                struct principal *ret_principal)
{
    (void)context;
    if (str_equal(credential->token, STR("all")))
        fill_principal(ret_principal, CREDENTIAL_KEY, "all", PERMISSION_ALL);
    else if (str_equal(credential->token, STR("none")))
        fill_principal(ret_principal, CREDENTIAL_KEY, "none", 0);
    else if (str_equal(credential->token, STR("browser"))) {
        fill_principal(ret_principal, CREDENTIAL_SESSION, "browser", PERMISSION_ALL);
        snprintf(ret_principal->csrf_token, sizeof ret_principal->csrf_token, "csrf-of-browser");
    } else if (str_starts_with(credential->token, STR("slow-")))
        return GUARD_ASK;
    else
        return GUARD_UNKNOWN;
    return GUARD_KNOWN;
}

static enum err authenticate(void *context, struct db *db, const struct credential *credential,
                             struct principal *ret_principal)
{
    (void)context;
    (void)db;
    if (!str_equal(credential->token, STR("slow-all")))
        return fail(ERR_UNAUTHENTICATED, "credentials_invalid", "Not known.");
    fill_principal(ret_principal, CREDENTIAL_KEY, "slow", PERMISSION_ALL);
    return OK;
}

static bool may_follow(void *context, const struct principal *principal, const struct room *room)
{
    (void)context;
    (void)principal;
    return room->id.bytes[15] != 0xff;
}

static void *run(void *argument)
{
    struct api_server *server = argument;

    loop_run(server->loop);
    return NULL;
}

struct api_server *api_server_start(void (*change)(struct server_config *config))
{
    struct api_server *server = NEW(struct api_server);
    struct server_config config = {
        .database = "postgresql:///nowhere", /* connected when first used, and no route uses it */
        .build = "test-build",
        .workers = 3,
        .guard = {.recall = recall, .authenticate = authenticate},
        .live = {.may_follow = may_follow},
    };

    server->rates = rates_new();
    rates_configure(server->rates, RATE_SIGN_IN, RATE_BY_ADDRESS,
                    (struct rate_policy){.quota = 30, .window_s = 30});
    config.rates = server->rates;
    server->loop = loop_new();
    server->router = router_new();
    router_add_schemas(server->router, schemas);
    router_add(server->router, routes, NULL);
    if (router_prepare(server->router) != OK)
        abort();
    config.loop = server->loop;
    config.router = server->router;
    if (change)
        change(&config);
    if (listener_open(
            &(struct listener_options){.listen = "127.0.0.1:0", .trusted_proxies = "127.0.0.1"},
            &config.listener) != OK ||
        server_start(&config, &server->server) != OK) {
        fprintf(stderr, "%s\n", failure_last()->detail);
        abort();
    }
    pthread_create(&server->thread, NULL, run, server);
    return server;
}

void api_server_stop(struct api_server *server)
{
    loop_stop(server->loop);
    pthread_join(server->thread, NULL);
    server_free(server->server);
    router_free(server->router);
    rates_free(server->rates);
    loop_free(server->loop);
    failure_clear();
    free(server);
}

uint16_t api_server_port(const struct api_server *server)
{
    return server_port(server->server);
}

struct errand {
    void (*task)(struct server *server);
    struct server *server;
    sem_t done;
};

static void run_errand(void *argument)
{
    struct errand *errand = argument;

    errand->task(errand->server);
    sem_post(&errand->done);
}

void api_server_do(struct api_server *server, void (*task)(struct server *server))
{
    struct errand errand = {.task = task, .server = server->server};

    sem_init(&errand.done, 0, 0);
    loop_post(server->loop, run_errand, &errand);
    sem_wait(&errand.done);
    sem_destroy(&errand.done);
}
