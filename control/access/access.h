/*
 * Who may come in and what they may do: API keys, sessions, one-time sign-in links, and the guard
 * that every request passes. There are no passwords yet and no default account: the first start
 * makes the administrator, with an API key in DATA/admin.key and sign-in links from the command
 * line.
 *
 * Thread: any, but where a function says otherwise.
 */
#pragma once

#include <stdint.h>

#include "shared/attrs.h"
#include "shared/embedded_file.h"
#include "shared/err.h"
#include "shared/uuid.h"

#include "control/api/guard.h"
#include "control/api/route.h"

struct access;
struct db;
struct live;
struct loop;
struct pipeline;
struct rights_watch;

#define SESSION_IDLE_S_DEFAULT 28800 /* 8 h */
#define SESSION_MAX_S_DEFAULT  43200 /* 12 h */
#define SIGN_IN_LINK_MAX_AGE_S 3600

struct access_options {
    int64_t session_idle_s; /* 0: SESSION_IDLE_S_DEFAULT */
    int64_t session_max_s;  /* 0: SESSION_MAX_S_DEFAULT */
    const char *build;      /* shown in the session; borrowed */

    /* Called when a session or key has ended, so that live connections of it end too; NULL: nobody
     * is told. Thread: a worker, or the loop. */
    void *ended_context;
    void (*ended)(void *context, const struct uuid *credential_id);
};

/* The options are copied. */
struct access *access_new(const struct access_options *options);
void access_free(struct access *access);

DEFINE_AUTO(struct access *, access_free);

/* What the server asks for each request. */
struct guard_ops access_guard(struct access *access);

/* Routes of sessions and API keys; their context is the struct access. */
extern const struct route access_routes[];
extern const struct embedded_file access_schemas[];

/*
 * At the first start: makes the administrator and an API key, and writes the key to
 * `data_dir`/admin.key (mode 0600, the owner of the folder). Later: does nothing. Thread: the one
 * that starts the program.
 */
MUST_USE enum err access_bootstrap(struct db *db, const char *data_dir);

/*
 * Makes a link that signs in the administrator once, within an hour. `base_url` is
 * "http://host:port".
 * @return ERR_NOT_FOUND "no_administrator" before the first start has made one.
 */
MUST_USE enum err access_sign_in_link(struct db *db, const char *base_url, char **ret_link);

/*
 * Looks over and over, less than a second apart, whether the sessions and keys behind live
 * connections are still worth something and have the rights that they had. What has ended or
 * changed is forgotten and told as `ended`, whoever changed it; a client that comes back gets the
 * rights that it has now. Thread: the loop.
 */
struct rights_watch *rights_watch_new(struct access *access, struct loop *loop,
                                      struct pipeline *pipeline, struct live *live);
void rights_watch_free(struct rights_watch *watch);
