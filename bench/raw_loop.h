/*
 * The least that a non-blocking client can do: a fixed number of connections in flight on one epoll
 * set, each started again as soon as it ends. What the kernel charges for that is the limit which
 * bench/run compares em-prober with.
 *
 * A probe is socket, connect, epoll_ctl, what the protocol needs, close; the wait is shared by all
 * that are ready.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/* What came of a step of one probe. */
enum raw { RAW_WAIT, RAW_DONE, RAW_FAILED };

/* One connection in flight. */
struct raw_slot {
    int fd;
    bool sent;      /* the request is on its way */
    uint32_t got;   /* bytes of the answer so far */
    void *protocol; /* the protocol's own, kept from connect to close */
};

struct raw_protocol {
    bool is_datagram;                    /* UDP in place of TCP */
    void (*start)(const char *argument); /* once, before the first probe; may be NULL */
    enum raw (*on_ready)(struct raw_slot *slot, uint32_t events);
    void (*on_close)(struct raw_slot *slot); /* before the descriptor is closed; may be NULL */
};

/*
 * Runs the loop as the command line says: PORT IN_FLIGHT SECONDS [fin|reset|half-open] [ARGUMENT];
 * prints one JSON object with probes, failed, seconds and cpu_us (user and system time of this
 * process). Returns the exit status. `half-open` holds back the last packet of the handshake, so
 * that the reset goes out in its place.
 */
int raw_main(int argc, char **argv, const struct raw_protocol *protocol);
