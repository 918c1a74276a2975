/*
 * The one list of what the API offers. A new domain adds its line to routes.c.
 *
 * Thread: the one that starts the program.
 */
#pragma once

struct access;
struct fleet;
struct health;
struct rates;
struct router;

/* What handlers of the domains get as request->context; borrowed until the server has stopped. All
 * NULL when only the descriptions of the routes are wanted. */
struct route_contexts {
    struct access *access;
    struct health *health;
    struct fleet *fleet;
    struct rates *rates;
    struct notify *notify;
};

/* Adds the routes and schemas of all domains, before router_prepare(). */
void routes_add(struct router *router, const struct route_contexts *contexts);
