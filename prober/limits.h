/*
 * Admission: how many probes run at once in one loop, how many of them are still connecting, and
 * how many go to one host. Who finds no room waits in the order of asking; nobody waits behind a
 * host that is full.
 *
 * Thread: the loop that owns it.
 */
#pragma once

#include <stdbool.h>

#include "shared/list.h"

struct limit_host;

struct limits {
    unsigned in_flight_max;
    unsigned connecting_max;
    unsigned per_host_max;
    unsigned in_flight;
    unsigned connecting;
    unsigned waiting;  /* all who asked and were not admitted yet */
    struct list ready; /* wait for room in general, their host has some */
    struct limit_host *hosts;
};

enum limit_state { LIMIT_IDLE, LIMIT_WAITING_HOST, LIMIT_READY, LIMIT_ADMITTED };

/* One who asks: embedded in what is to be admitted. Zeroed is idle. */
struct limit_entry {
    struct list link;
    struct limit_host *host; /* NULL: no cap per host */
    enum limit_state state;
    bool is_connecting;
};

void limits_init(struct limits *limits);

/* Asks for room; the entry must be idle. `host` may be NULL. */
void limits_ask(struct limits *limits, struct limit_entry *entry, const char *host);

/* Admits the next one and returns it; NULL when nobody waits or there is no room. It counts as
 * connecting. */
struct limit_entry *limits_admit(struct limits *limits);

/* It connects no more. */
void limits_connected(struct limits *limits, struct limit_entry *entry);

/* Makes the entry idle, whatever it was, and its room free. */
void limits_leave(struct limits *limits, struct limit_entry *entry);
