/*
 * Getting to the target: name to addresses, the policy on each, connecting to one after the other
 * (RFC 8305 in its simple form: the next address is tried when one fails or has not answered for
 * 250 ms) and the TLS handshake. The steps here are shared by all kinds that talk over a network.
 * A check of the family `all` runs once for each address: prober/tour.h.
 *
 * Thread: the loop of the probe's shard.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

#include "shared/addr.h"
#include "shared/loop.h"
#include "shared/resolver.h"
#include "shared/stream.h"
#include "shared/tls.h"

struct probe;
struct probe_step;
enum wait;

#define DIAL_RACING_MAX  3
#define DIAL_FALLBACK_MS 250

enum address_family { FAMILY_HAPPY, FAMILY_V4, FAMILY_V6, FAMILY_PREFER_V6, FAMILY_ALL };

/* Reads the schema's word; NULL is "happy". */
enum address_family address_family_of(const char *word);

enum dial_transport {
    DIAL_TCP,
    DIAL_TCP_HALF_OPEN, /* as STREAM_TCP_HALF_OPEN */
    DIAL_UDP,
    DIAL_ADDRESS, /* only probe->dial.addr is wanted: the kind opens what it needs */
};

/* Where to; all of it borrowed for as long as the probe runs. */
struct dial_target {
    const char *host; /* name, or IP literal without brackets */
    uint16_t port;
    const struct addr *address; /* where it is known; NULL: by the host */
    enum dial_transport transport;
    enum address_family family;
    const struct addr *source; /* to be bound; NULL: what the system takes */
    struct tls_client *tls;    /* NULL: plain */
    struct tls_names names;    /* without a server: the host */

    /* The handshake has failed in that way; NULL: the probe ends by probe_end_io(). */
    enum wait (*handshake_failed)(struct probe *probe, enum io io);
};

/* One connect under way. */
struct dial_attempt {
    struct probe *probe;
    struct stream stream;
    struct addr addr;
    ev_io io;
};

struct dial {
    struct dial_target target;
    const struct probe_step *then;
    struct resolver_query *query;
    enum dns_status dns_status;
    struct addr addrs[RESOLVER_ADDRS_MAX];
    size_t count;
    size_t next;      /* of addrs, to be tried */
    unsigned dials;   /* of the family `all` in this run: a redirect dials again */
    bool has_session; /* of TLS, for this dial; one to a proxy may lie below it */
    struct dial_attempt attempts[DIAL_RACING_MAX];
    struct addr addr; /* connected to, or the last that failed */
    int error;        /* the most telling errno so far; 0: none */
    bool is_local;    /* … and it was this machine's own trouble */
};

void dial_init(struct probe *probe);

/* Leads a step to the target; `then` runs once the stream is ready. */
enum wait dial_start(struct probe *probe, const struct dial_target *target,
                     const struct probe_step *then);

/* Starts TLS on the stream that stands (STARTTLS, or behind a proxy); `then` runs after the
 * handshake. `names` have a server. */
enum wait dial_start_tls(struct probe *probe, struct tls_client *tls, struct tls_names names,
                         const struct probe_step *then);

/* Why nobody may be sent to that address, as a clause ("is a metadata address"); NULL when one
 * may. For addresses that a proxy is going to connect to. */
const char *dial_refusal(const struct addr *addr);

/* Lets go of query and attempts; harmless at any time. */
void dial_release(struct probe *probe);
